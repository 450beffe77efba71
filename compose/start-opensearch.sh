#!/usr/bin/env bash
# Starts OpenSearch with two users: `admin`, and the one that Dashboards signs in as. The image's own users, whose passwords
# everyone knows, are gone. The security plugin reads this file once, when its index is new.
set -euo pipefail

hash_of() { # the name of a variable that holds a password
  bash plugins/opensearch-security/tools/hash.sh -env "$1" | grep '^[$]2'
}

admin=$(hash_of ADMIN_PASSWORD)
dashboards=$(hash_of DASHBOARDS_PASSWORD)
cat >config/opensearch-security/internal_users.yml <<EOF
_meta: {type: internalusers, config_version: 2}
admin: {hash: "$admin", reserved: true, backend_roles: [admin]}
kibanaserver: {hash: "$dashboards", reserved: true}
EOF
unset ADMIN_PASSWORD DASHBOARDS_PASSWORD
exec ./opensearch-docker-entrypoint.sh opensearch
