#!/bin/sh
# Makes a CA and a certificate for each service in /certificates, unless they are there. They are valid for ten years.
set -eu
cd /certificates
if [ -e made ]; then
  exit 0
fi
days=3650
umask 077

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days $days -subj "/CN=ollama-detect CA" \
  -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca.key -out ca.pem
for name in opensearch dashboards elasticsearch kibana; do
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=$name" -keyout "$name.key" -out "$name.csr" \
    -addext "subjectAltName=DNS:$name,DNS:localhost,IP:127.0.0.1" -addext "extendedKeyUsage=serverAuth,clientAuth"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -days $days -copy_extensions copy -out "$name.pem"
done
rm ca.key ./*.csr

# All four servers run as user 1000.
chown 1000 ./*.key
chmod 400 ./*.key
chmod 444 ./*.pem
chmod 755 .
touch made
