#!/usr/bin/env bash
# EC2 only: copy this machine's parameters from SSM into its memory-backed secrets folder.
# Runs at every start of the service, so nothing secret is kept on a disk or in the user data.
set -euo pipefail
umask 077
: "${REGION:?}" "${PARAMETERS:?}" "${SECRET_NAMES:?}" "${SECRETS:?}"

for name in ${SECRET_NAMES}; do
  aws ssm get-parameter --region "${REGION}" --name "${PARAMETERS}/${name}" --with-decryption \
    --query Parameter.Value --output text >"${SECRETS}/${name}"
done
