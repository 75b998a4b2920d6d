#!/usr/bin/env bash
# What the services' user may do: make, write and read their topics, and read in their two groups. The
# viewer's may read results, and see how far the group of postproc is. All else is forbidden to all but
# `broker` (super.users). The same on EC2 and in tests/infra.
set -euo pipefail
umask 077
: "${JAVA:?}" "${KAFKA_LIBS:?}" "${KAFKA_RECORDS:?}" "${SECRETS:?}" "${SCRIPTS:?}"
: "${ADVERTISED_HOST:?}" "${CLIENTS_PORT:?}"

# Rights are kept with the records, in the same folder: given once, and again if this file changes.
readonly given="${KAFKA_RECORDS}/framerail.acls"
readonly client="${SECRETS}/broker-client.properties"

# allow USER RIGHTS...
allow() {
  # The broker has just been started; systemd's TimeoutStartSec bounds this.
  until "${JAVA}" -Xmx96m -XX:TieredStopAtLevel=1 -cp "${KAFKA_LIBS}/*" \
    "-Dlog4j2.configurationFile=${SCRIPTS}/kafka-log4j2.yaml" org.apache.kafka.tools.AclCommand \
    --bootstrap-server "${ADVERTISED_HOST}:${CLIENTS_PORT}" --command-config "${client}" \
    --add --allow-principal "User:$1" "${@:2}"; do
    sleep 2
  done
}

if [[ -f ${given} && $(<"${given}") == "$(<"$0")" ]]; then
  exit
fi
printf '%s\n' security.protocol=SASL_SSL sasl.mechanism=SCRAM-SHA-512 \
  ssl.truststore.type=PEM "ssl.truststore.location=${SECRETS}/truststore.pem" \
  "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
username=\"broker\" password=\"$(<"${SECRETS}/broker-password")\";" >"${client}"
# Read and Write include Describe; the limits of a topic are checked before it is used.
on_topics=(--operation Create --operation Write --operation Read --operation DescribeConfigs)
allow framerail "${on_topics[@]}" --topic results --topic deadletter
# results.<name> are those of `framerail replay`.
allow framerail "${on_topics[@]}" --topic frames. --topic results. --resource-pattern-type prefixed
allow framerail --operation Read --group consumer --group postproc
# ListOffsets asks for Describe of the topic, OffsetFetch for that of the group and the topic.
allow viewer --operation Read --topic results
allow viewer --operation Describe --group postproc
rm "${client}"
cp "$0" "${given}"
