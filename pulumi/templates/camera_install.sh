#!/usr/bin/env bash
# EC2 only, by boot.sh: MediaMTX's image and the clip; it may be repeated.
set -euo pipefail
: "${REGION:?}" "${IMAGE:?}" "${CLIP:?}" "${CLIP_SOURCE:?}"

systemctl enable --now docker.service
docker pull --quiet "${IMAGE}"
mkdir -p "${CLIP%/*}"
aws s3 cp --region "${REGION}" --only-show-errors "${CLIP_SOURCE}" "${CLIP}"
chmod 0644 "${CLIP}"
