#!/usr/bin/env bash
# Become the broker. The same on EC2 and in tests/infra.
set -euo pipefail
: "${JAVA:?}" "${KAFKA_LIBS:?}" "${SECRETS:?}" "${SCRIPTS:?}" "${KAFKA_HEAP:?}"

exec "${JAVA}" "-Xms${KAFKA_HEAP}" "-Xmx${KAFKA_HEAP}" -XX:+UseG1GC -XX:+ExitOnOutOfMemoryError \
  "-Dlog4j2.configurationFile=${SCRIPTS}/kafka-log4j2.yaml" \
  -cp "${KAFKA_LIBS}/*" kafka.Kafka "${SECRETS}/kafka.properties"
