#!/usr/bin/env bash
# EC2 only: what a new machine lacks. framerail-boot.service runs it until it succeeds, and then never
# again, so whatever it does may be repeated: a mirror, a registry, a new role or a volume may be late.
set -euo pipefail
: "${PACKAGES:?}" "${INSTALL:?}" "${SERVICE:?}" "${SCRIPTS:?}" "${STATE_DIRECTORY:?}"

read -ra packages <<<"${PACKAGES}"
dnf install --assumeyes --quiet "${packages[@]}"
"${SCRIPTS}/${INSTALL}"
# Not waited for: what does not start at once is started again by its own unit.
systemctl enable --now --no-block "${SERVICE}"
touch "${STATE_DIRECTORY}/ready"
