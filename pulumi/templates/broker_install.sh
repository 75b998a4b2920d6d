#!/usr/bin/env bash
# EC2 only, by boot.sh: the broker's user, Kafka's jars and the volume of records; it may be repeated.
set -euo pipefail
: "${KAFKA_LIBS:?}" "${KAFKA_MOUNT:?}" "${RECORDS_VOLUME:?}" "${SCRIPTS:?}" "${STATE_DIRECTORY:?}"
: "${DEVICES:=/dev/disk/by-id}" "${FSTAB:=/etc/fstab}"
readonly CACHE="${STATE_DIRECTORY}/maven"

fetch_jars() {
  local maven=(mvn --batch-mode --no-transfer-progress --file "${SCRIPTS}/kafka-pom.xml"
    "-Dmaven.repo.local=${CACHE}" "-DoutputDirectory=${KAFKA_LIBS}")
  "${maven[@]}" dependency:copy-dependencies -DincludeScope=runtime
  # Its own command for access rights, which no broker needs to run.
  "${maven[@]}" dependency:copy -Dartifact=org.apache.kafka:kafka-tools:4.3.1
}

install_jars() {
  # The very files that the embedded stack runs, by their checksums, and the command for rights.
  local list="${STATE_DIRECTORY}/jars.sha256"
  mkdir -p "${KAFKA_LIBS}"
  sed "s#  .*/#  ${KAFKA_LIBS}/#" "${SCRIPTS}/kafka-jars.sha256" >"${list}"
  if ! sha256sum --check --status "${list}" 2>/dev/null; then
    fetch_jars
  fi
  if ! sha256sum --check --quiet "${list}"; then
    # Nothing of it is kept, Maven's cache neither: all of it anew at the next try.
    rm -rf "${KAFKA_LIBS}" "${CACHE}"
    exit 1
  fi
  rm -rf "${CACHE}"
}

mount_records_volume() {
  # Attached while the instance boots, and named after its id (vol-1 is vol1 there).
  local device="${DEVICES}/nvme-Amazon_Elastic_Block_Store_${RECORDS_VOLUME/-/}"
  if [[ ! -e ${device} ]]; then
    echo "${device} is not attached yet" >&2
    exit 1
  fi
  # mkfs.xfs, too, leaves a disk alone on which it finds something.
  blkid "${device}" >/dev/null || mkfs.xfs -q "${device}"
  mkdir -p "${KAFKA_MOUNT}"
  grep -qsF "${device} " "${FSTAB}" ||
    echo "${device} ${KAFKA_MOUNT} xfs defaults,noatime,nofail,x-systemd.growfs 0 2" >>"${FSTAB}"
  systemctl daemon-reload
  mountpoint -q "${KAFKA_MOUNT}" || mount "${KAFKA_MOUNT}"
  chown kafka:kafka "${KAFKA_MOUNT}"
}

id kafka >/dev/null 2>&1 || useradd --system --no-create-home --shell /sbin/nologin kafka
install_jars
mount_records_volume
