#!/usr/bin/env bash
# EC2 only: become the container of MediaMTX, which has nothing to write and no privilege.
set -euo pipefail
: "${SECRETS:?}" "${IMAGE:?}" "${CLIP:?}"

exec docker run --rm --name camera --network host --read-only --cap-drop ALL \
  --security-opt no-new-privileges --pull never \
  --volume "${SECRETS}/mediamtx.yml:/mediamtx.yml:ro" --volume "${CLIP}:${CLIP}:ro" "${IMAGE}"
