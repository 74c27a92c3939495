#!/bin/sh
# Makes the lab's DKIM keys next to this file, with openssl. Run once; the results are in the repository.
set -eu
cd "$(dirname "$0")"
rsa() { openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1.pem"; }
rsa rsa 2048
rsa rsa-next 2048
rsa rsa-1024 1024
rsa rsa-512 512
openssl genpkey -algorithm ED25519 -out ed25519.pem
