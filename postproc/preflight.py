"""What has to hold before the post-processor starts: its topics and group in Kafka."""

from postproc.settings import PostprocSettings
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, admin_client
from runtime.preflight.facts import KafkaFacts
from runtime.preflight.findings import Finding
from runtime.preflight.kafka_facts import read_kafka
from runtime.preflight.sizes import produce_request
from runtime.preflight.topics import Use, fit_for_use, group_rights, replication_factor
from runtime.topics import deadletter_limit_bytes, deadletter_spec, prepare_topics, results_spec


def prepared(settings: PostprocSettings) -> list[Finding]:
    """Make the topics that are missing; return what is found of all that lies in Kafka.

    Raises DependencyError if no broker answers.
    """
    with admin_client(settings) as admin:
        own = [results_spec(settings), deadletter_spec(settings)]
        topics = prepare_topics(admin, settings, own)
        facts = read_kafka(admin, topics.topics, (), [settings.postproc_group])
    return [*topics.findings, *own_part(settings, facts)]


def own_part(settings: PostprocSettings, facts: KafkaFacts) -> list[Finding]:
    """Judge what settings and systems decide."""
    results, letters = results_spec(settings), deadletter_spec(settings)
    uses = [
        Use(results.name, ("DESCRIBE", "READ"), results.max_message_bytes),
        Use(letters.name, ("DESCRIBE", "WRITE"), letters.max_message_bytes),
    ]
    user, factor = settings.kafka_username, settings.topic_replication_factor
    request_bytes = deadletter_limit_bytes(settings) + RECORD_OVERHEAD_BYTES
    return [
        *fit_for_use(uses, facts.topics, factor, user),
        replication_factor(facts.brokers.alive, factor),
        produce_request("post-processor", request_bytes, facts.brokers),
        group_rights(settings.postproc_group, facts.groups, user),
    ]
