#!/usr/bin/env bash
# Gives `kibana_system` its password. The passwords reach curl by its standard input: a command line is for all to read.
set -euo pipefail

quoted() { # a text inside double quotes, as JSON and curl's configuration both want it
  local text=${1//\\/\\\\}
  printf '%s' "${text//\"/\\\"}"
}

body="{\"password\": \"$(quoted "${KIBANA_PASSWORD:?set KIBANA_PASSWORD in .env}")\"}"
curl --silent --show-error --fail --cacert /certificates/ca.pem --config - <<EOF
url = "https://elasticsearch:9200/_security/user/kibana_system/_password"
user = "elastic:$(quoted "${ELASTIC_PASSWORD:?set ELASTICSEARCH_PASSWORD in .env}")"
header = "Content-Type: application/json"
data = "$(quoted "$body")"
EOF
