#!/usr/bin/env bash
# EC2 only, once at the first boot: Java, Kafka's jars, the data volume, and then the service.
set -euo pipefail
set -a
# shellcheck source=/dev/null
source /etc/framerail/machine.env
set +a
: "${KAFKA_LIBS:?}" "${KAFKA_MOUNT:?}" "${DATA_VOLUME:?}" "${SCRIPTS:?}"
readonly MAVEN=https://repo1.maven.org/maven2

install_jars() {
  # The very files that the embedded stack runs, by their checksums.
  local sum path
  mkdir -p "${KAFKA_LIBS}"
  while read -r sum path; do
    curl --fail --silent --show-error --location --retry 8 --retry-all-errors \
      --output "${KAFKA_LIBS}/${path##*/}" "${MAVEN}/${path}"
    echo "${sum}  ${KAFKA_LIBS}/${path##*/}" | sha256sum --check --quiet
  done <"${SCRIPTS}/kafka-jars.sha256"
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

dnf install --assumeyes --quiet java-17-amazon-corretto-headless
useradd --system --no-create-home --shell /sbin/nologin kafka
install_jars
mount_data_volume
systemctl enable --now kafka.service
