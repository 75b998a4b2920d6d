#!/usr/bin/env bash
# EC2 only, once at the first boot: Docker, MediaMTX's image, the clip, and then the service.
set -euo pipefail
set -a
# shellcheck source=/dev/null
source /etc/framerail/machine.env
set +a
: "${REGION:?}" "${IMAGE:?}" "${CLIP:?}" "${CLIP_SOURCE:?}"

retried() {
  # A new role takes seconds until all of AWS knows it, and a registry may be busy.
  for _ in {1..20}; do
    "$@" && return
    sleep 15
  done
  return 1
}

dnf install --assumeyes --quiet docker
systemctl enable --now docker.service
mkdir -p "${CLIP%/*}"
retried docker pull --quiet "${IMAGE}"
retried aws s3 cp --region "${REGION}" --only-show-errors "${CLIP_SOURCE}" "${CLIP}"
chmod 0644 "${CLIP}"
systemctl enable --now camera.service
