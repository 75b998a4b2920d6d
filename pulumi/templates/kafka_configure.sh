#!/usr/bin/env bash
# Write the broker's configuration into its secrets folder; format the records folder if it is empty.
# The same on EC2 and in tests/infra, which runs it: all that differs is in the environment.
set -euo pipefail
umask 077
: "${JAVA:?}" "${KAFKA_LIBS:?}" "${KAFKA_RECORDS:?}" "${SECRETS:?}" "${SCRIPTS:?}"
: "${CLUSTER_ID:?}" "${NODE_ID:?}" "${ADVERTISED_HOST:?}" "${BIND_HOST:?}" "${CLIENTS_PORT:?}"
: "${CONTROLLER_HOST:?}" "${CONTROLLER_PORT:?}" "${CONTROLLER_VOTERS:?}" "${REPLICATION:?}"

render_properties() {
  local text name
  text=$(<"${SCRIPTS}/kafka.properties")
  for name in NODE_ID ADVERTISED_HOST BIND_HOST CLIENTS_PORT CONTROLLER_HOST CONTROLLER_PORT \
    CONTROLLER_VOTERS REPLICATION KAFKA_RECORDS SECRETS; do
    text=${text//"@${name}@"/"${!name}"}
  done
  text=${text//"@BROKER_PASSWORD@"/"$(<"${SECRETS}/broker-password")"}
  printf '%s\n' "${text}" >"${SECRETS}/kafka.properties"
}

format_records_folder() {
  # In an argument file, because what stands on a command line is there for every user to see.
  printf '%s\n' "-cp \"${KAFKA_LIBS}/*\"" kafka.tools.StorageTool format \
    "--cluster-id=${CLUSTER_ID}" "--config \"${SECRETS}/kafka.properties\"" \
    "--add-scram SCRAM-SHA-512=[name=broker,password=$(<"${SECRETS}/broker-password")]" \
    "--add-scram SCRAM-SHA-512=[name=framerail,password=$(<"${SECRETS}/framerail-password")]" \
    "--add-scram SCRAM-SHA-512=[name=viewer,password=$(<"${SECRETS}/viewer-password")]" \
    >"${SECRETS}/format.args"
  "${JAVA}" -XX:TieredStopAtLevel=1 @"${SECRETS}/format.args"
  rm "${SECRETS}/format.args"
}

# Kafka reads PEM as it is: no keytool, no passwords of stores.
cat "${SECRETS}/key" "${SECRETS}/certificate" >"${SECRETS}/keystore.pem"
cp "${SECRETS}/ca" "${SECRETS}/truststore.pem"
render_properties
[[ -f ${KAFKA_RECORDS}/meta.properties ]] || format_records_folder
