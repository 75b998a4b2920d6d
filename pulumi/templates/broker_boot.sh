#!/usr/bin/env bash
# EC2 only, once at the first boot: Java, Kafka's jars, the data volume, and then the service.
set -euo pipefail
set -a
# shellcheck source=/dev/null
source /etc/framerail/machine.env
set +a
: "${KAFKA_LIBS:?}" "${KAFKA_MOUNT:?}" "${DATA_VOLUME:?}" "${SCRIPTS:?}"

retried() {
  # The network of a machine that has just been born, and mirrors, fail now and then.
  for _ in {1..8}; do
    "$@" && return
    sleep 5
  done
  return 1
}

install_jars() {
  # The very files that the embedded stack runs: the same list, and checked by their checksums.
  mkdir -p "${KAFKA_LIBS}"
  retried mvn --batch-mode --no-transfer-progress --file "${SCRIPTS}/kafka-pom.xml" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="${KAFKA_LIBS}"
  while read -r sum path; do
    echo "${sum}  ${KAFKA_LIBS}/${path##*/}"
  done <"${SCRIPTS}/kafka-jars.sha256" | sha256sum --check --quiet
}

mount_data_volume() {
  # Attached while the instance boots, and named after its id (vol-1 is vol1 there).
  local device="/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${DATA_VOLUME/-/}"
  for _ in {1..120}; do
    [[ -e ${device} ]] && break
    sleep 2
  done
  blkid "${device}" >/dev/null || mkfs.xfs -q "${device}"
  mkdir -p "${KAFKA_MOUNT}"
  echo "${device} ${KAFKA_MOUNT} xfs defaults,noatime,nofail 0 2" >>/etc/fstab
  systemctl daemon-reload
  mount "${KAFKA_MOUNT}"
  chown kafka:kafka "${KAFKA_MOUNT}"
}

retried dnf install --assumeyes --quiet java-17-amazon-corretto-headless maven-amazon-corretto17
useradd --system --no-create-home --shell /sbin/nologin kafka
install_jars
mount_data_volume
systemctl enable --now kafka.service
