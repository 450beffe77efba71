#!/usr/bin/env bash
# Starts OpenSearch as the official image's script does, as far as the tests go: an environment variable whose name is a setting
# (`discovery.type`) is one, OPENSEARCH_JAVA_OPTS are the JVM's options, DISABLE_SECURITY_PLUGIN=true turns security off.
# There is no demo configuration: without DISABLE_SECURITY_PLUGIN the settings must name certificates.
set -euo pipefail

home=/usr/share/opensearch
settings=()
while IFS= read -r -d '' pair; do
  name=${pair%%=*}
  if [[ $name =~ ^[a-z0-9_]+(\.[a-z0-9_]+)+$ ]]; then
    settings+=("-E$pair")
  fi
done < <(env -0)
if [[ ${DISABLE_SECURITY_PLUGIN:-false} == true ]]; then
  settings+=(-Eplugins.security.disabled=true)
fi

read -ra options <<<"${OPENSEARCH_JAVA_OPTS:-}"
scratch=$(mktemp -d)
exec "$JAVA_HOME/bin/java" -Xms512m -Xmx512m "${options[@]}" \
  -XX:+UseG1GC -XX:G1ReservePercent=25 -XX:InitiatingHeapOccupancyPercent=30 -XX:-AlwaysPreTouch -XX:+ExitOnOutOfMemoryError \
  "-Djava.io.tmpdir=$scratch" -Djna.nosys=true "-Djna.tmpdir=$scratch" -Dlog4j2.disable.jmx=true -Dio.netty.noUnsafe=true \
  "-Dopensearch.path.home=$home" "-Dopensearch.path.conf=$home/config" -Dopensearch.distribution.type=docker \
  -cp "$home/lib/*" org.opensearch.bootstrap.OpenSearch "${settings[@]}"
