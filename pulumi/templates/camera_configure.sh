#!/usr/bin/env bash
# Write MediaMTX's configuration into the secrets folder. The same on EC2 and in tests/infra.
set -euo pipefail
umask 077
: "${SECRETS:?}" "${SCRIPTS:?}" "${RTSP_ADDRESS:?}" "${CLIP:?}"

text=$(<"${SCRIPTS}/mediamtx.yml")
text=${text//"@RTSP_ADDRESS@"/"${RTSP_ADDRESS}"}
text=${text//"@CLIP@"/"${CLIP}"}
text=${text//"@READER_PASSWORD@"/"$(<"${SECRETS}/reader-password")"}
printf '%s\n' "${text}" >"${SECRETS}/mediamtx.yml"
