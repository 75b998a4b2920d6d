#!/bin/bash
# Runs a class of Kafka with the variables that its own script of this name reads.
set -euo pipefail
read -ra flags <<<"${KAFKA_HEAP_OPTS:-} ${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_LOG4J_OPTS:-} ${KAFKA_OPTS:-}"
exec java "${flags[@]}" -cp '/opt/kafka/libs/*' "$@"
