"""What each service asks of Kafka, and what the command makes of it all."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import consumer.preflight as consumer_part
import postproc.preflight as postproc_part
import producer.preflight as producer_part
from consumer.settings import ConsumerSettings
from consumer.triton import ModelSignature, message_limit_bytes
from ops.preflight.command import read_size
from ops.preflight.estimates import estimated
from ops.preflight.printing import arranged, document, folded, print_table, summary
from ops.preflight.settings import PreflightSettings
from ops.preflight.survey import conclude
from postproc.settings import PostprocSettings
from producer.settings import ProducerSettings
from runtime.errors import ConfigurationError, DependencyError
from runtime.preflight.facts import Brokers, Group, KafkaFacts, Logs, Stored, Topic, Topics
from runtime.preflight.findings import Finding, Verdict, judged, skipped
from runtime.preflight.machine import memory_limit_bytes
from runtime.streams_file import StreamSpec
from runtime.topics import TopicSpec, deadletter_spec, frames_spec, results_spec
from tests.unit.preflight_facts import LOAD, UHD, with_limits

EVERYTHING = frozenset({"DESCRIBE", "READ", "WRITE"})
CONSUMER = ConsumerSettings()
PRODUCER = ProducerSettings()
MEMORY = 10**9


def as_made(spec: TopicSpec) -> Topic:
    limits = replace(spec.limits, timestamp_after_max_s=3600)
    return Topic(spec.name, 1, 1, 1, EVERYTHING, limits)


def kafka(*changed: Topic, alive: int = 1, **more: object) -> KafkaFacts:
    """Kafka as the services make it, but for what was changed."""
    specs = [frames_spec(CONSUMER, "cam1"), results_spec(CONSUMER), deadletter_spec(CONSUMER)]
    topics = {spec.name: as_made(spec) for spec in specs} | {one.name: one for one in changed}
    facts = KafkaFacts(
        Topics(topics),
        Brokers(alive, 104_857_600, 1_048_576),
        Logs({"frames.cam1": Stored(0, 100, 8_700_000, 25.0)}, 10**12),
        (Group("consumer", EVERYTHING, {"frames.cam1": 90}), Group("postproc", EVERYTHING)),
        0.01,
    )
    return replace(facts, **more)  # type: ignore[arg-type]


def wrong(found: list[Finding]) -> dict[str, Verdict]:
    return {one.name: one.verdict for one in found if one.verdict is not Verdict.OK}


def of_consumer(facts: KafkaFacts, settings: ConsumerSettings = CONSUMER) -> list[Finding]:
    return [
        *consumer_part.own_part(settings, facts),
        *consumer_part.of_frames_topics(settings, facts, ["frames.cam1"]),
        *consumer_part.of_traffic(settings, facts, [LOAD], MEMORY),
    ]


def of_producer(facts: KafkaFacts, settings: ProducerSettings = PRODUCER) -> list[Finding]:
    specs = [frames_spec(settings, "cam1")]
    return [
        *producer_part.own_part(settings, specs, facts),
        *producer_part.of_traffic(settings, facts, [LOAD], MEMORY),
    ]


def of_postproc(facts: KafkaFacts) -> list[Finding]:
    return postproc_part.own_part(PostprocSettings(s3_bucket="evidence"), facts)


def test_topics_as_the_services_make_them_pass_every_part() -> None:
    assert wrong([*of_producer(kafka()), *of_consumer(kafka()), *of_postproc(kafka())]) == {}


def test_a_frames_topic_of_two_partitions_is_refused() -> None:
    two = replace(as_made(frames_spec(CONSUMER, "cam1")), partitions=2)
    assert wrong(of_producer(kafka(two))) == {"topic partitions": Verdict.REFUSED}


def test_each_part_wants_its_own_rights_only() -> None:
    frames, results, letters = (
        replace(as_made(spec), operations=frozenset({"DESCRIBE", operation}))
        for spec, operation in (
            (frames_spec(CONSUMER, "cam1"), "WRITE"),
            (results_spec(CONSUMER), "READ"),
            (deadletter_spec(CONSUMER), "WRITE"),
        )
    )
    facts = kafka(frames, results, letters)
    assert wrong(of_producer(facts)) == {}
    assert wrong(of_postproc(facts)) == {}
    refused = [one.said for one in of_consumer(facts) if one.verdict is Verdict.REFUSED]
    assert refused == [
        "Write on topic results is not given to everybody",
        "Read on topic frames.cam1 is not given to everybody",
    ]


def test_each_service_looks_at_its_own_group() -> None:
    groups = (Group("consumer", frozenset()), Group("postproc", EVERYTHING))
    assert wrong(of_consumer(kafka(groups=groups)))["Kafka rights"] is Verdict.REFUSED
    assert wrong(of_postproc(kafka(groups=groups))) == {}


def test_limits_that_may_not_be_seen_are_skipped_by_every_part() -> None:
    hidden = [replace(one, limits=None) for one in kafka().topics.present.values()]
    facts = kafka(*hidden, brokers=Brokers(1), clock_ahead_s=None, logs=Logs())
    found = wrong([*of_producer(facts), *of_consumer(facts), *of_postproc(facts)])
    assert found == {
        "topic message size": Verdict.SKIPPED,
        "produce request": Verdict.SKIPPED,
        "retention": Verdict.SKIPPED,
    }


def test_the_outage_that_frames_must_survive_is_a_setting() -> None:
    short = replace(as_made(frames_spec(CONSUMER, "cam1")), limits=with_limits(retention_s=100))
    assert wrong(of_consumer(kafka(short))) == {"retention": Verdict.WARNING}
    patient = CONSUMER.model_copy(update={"preflight_outage_s": 101})
    assert wrong(of_consumer(kafka(short), patient)) == {"retention": Verdict.REFUSED}


def test_frames_of_4k_are_judged_by_the_topic_that_would_be_made() -> None:
    found = consumer_part.of_traffic(CONSUMER, kafka(), [UHD], MEMORY)
    assert wrong(found) == {"retention": Verdict.REFUSED}
    assert "FRAMERAIL_FRAMES_RETENTION_BYTES" in found[0].change
    four = [replace(UHD, stream=f"camera {number}") for number in range(4)]
    (memory,) = [
        one
        for one in producer_part.of_traffic(PRODUCER, kafka(), four, MEMORY)
        if one.name == "producer memory"
    ]
    assert memory.verdict is Verdict.REFUSED


def test_streams_without_frames_ask_for_no_memory() -> None:
    assert consumer_part.of_traffic(CONSUMER, kafka(), [], MEMORY) == []
    assert wrong(producer_part.of_traffic(PRODUCER, kafka(logs=Logs()), [], MEMORY)) == {}


def test_a_disk_that_retention_would_fill_is_told() -> None:
    full = Logs({"frames.cam1": Stored(0, 100, 8_700_000, 25.0)}, free_bytes=10**9)
    assert wrong(of_producer(kafka(logs=full))) == {"broker disk": Verdict.WARNING}


def test_copies_that_followers_fetch_one_by_one_are_told() -> None:
    copied = replace(as_made(frames_spec(CONSUMER, "cam1")), replicas=3, in_sync=3)
    uhd = replace(UHD, stream="frames.cam1", frames_per_s=2)
    found = consumer_part.of_traffic(CONSUMER, kafka(copied, alive=3), [uhd], MEMORY)
    assert wrong(found) == {"replication fetch": Verdict.WARNING}


@pytest.mark.parametrize(
    ("evidence", "pictures"),
    [("best", 1), ("first", 1), ("all", 25), ("spread:4", 4), ("spread:100", 25)],
)
def test_pictures_are_as_many_as_evidence_chooses(evidence: str, pictures: int) -> None:
    assert consumer_part.pictures_chosen(evidence, 25) == pictures


def test_a_model_is_judged_by_its_batch_and_by_the_message_that_a_batch_makes() -> None:
    small = ModelSignature("ssd", "1", (300, 300), 8)
    assert wrong(consumer_part.of_model(CONSUMER, small)) == {"model batch size": Verdict.REFUSED}
    large = ModelSignature("ssd", "1", (6000, 6000), 50)
    assert wrong(consumer_part.of_model(CONSUMER, large)) == {"gRPC message": Verdict.REFUSED}
    assert message_limit_bytes() == 2**31 - 1


def test_a_containers_limit_counts_where_it_is_below_the_machines_memory(tmp_path: Path) -> None:
    of_machine = memory_limit_bytes(tmp_path)
    assert of_machine > 2**20
    limit = tmp_path / "memory.max"
    limit.write_text("max\n")
    assert memory_limit_bytes(tmp_path) == of_machine
    limit.write_text("1048576\n")
    assert memory_limit_bytes(tmp_path) == 2**20


def stream(name: str, **changes: object) -> StreamSpec:
    return StreamSpec.model_validate({"id": name, "url": "rtsp://192.0.2.1/a", **changes})


def test_streams_are_estimated_where_kafka_holds_none_of_their_frames() -> None:
    streams = [
        stream("cam1"),
        stream("gate", max_width=1920, max_fps=5, jpeg_quality=50),
        stream("yard"),
    ]
    found = list(estimated(streams, (3840, 2160), 85, [LOAD]))
    assert [(one.stream, one.frames_per_s, one.origin) for one in found] == [
        ("frames.gate", 5, "estimated for 1920x1080 at quality 50"),
        ("frames.yard", 25, "estimated for 3840x2160 at quality 85"),
    ]


def test_without_a_size_only_streams_of_a_greatest_width_are_estimated() -> None:
    streams = [stream("gate", max_width=1280), stream("yard")]
    assert [one.origin for one in estimated(streams, None, 85, [])] == [
        "estimated for 1280x720 at quality 85"
    ]
    assert list(estimated([], None, 85, [])) == []


def test_a_size_without_streams_is_one_camera_more() -> None:
    assert [one.stream for one in estimated([], (640, 480), 85, [LOAD])] == ["a camera of 640x480"]


@pytest.mark.parametrize("text", ["4k", "1920", "0x10", "1920x", "70000x10", "-1x5", "1920X1080"])
def test_a_size_is_two_numbers_of_pixels(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--size {text}"):
        read_size(text)
    assert read_size("3840x2160") == (3840, 2160)


OK, REFUSED, AWAY = (
    Finding(name, name, verdict, f"{name} said", f"change {name}" if name != "fine" else "")
    for name, verdict in (
        ("fine", Verdict.OK),
        ("bad", Verdict.REFUSED),
        ("gone", Verdict.AWAY),
    )
)


def test_a_finding_of_two_services_is_told_once_and_those_of_a_check_stay_together() -> None:
    more = replace(OK, subject="other")
    assert arranged([OK, REFUSED, OK, more]) == [OK, more, REFUSED]


def test_findings_that_are_ok_fold_behind_the_others_of_their_check() -> None:
    worse = replace(OK, verdict=Verdict.WARNING)
    found = [OK, replace(OK, subject="second"), worse, REFUSED]
    assert folded(found) == [(worse, 0), (OK, 1), (REFUSED, 0)]


def test_the_table_shows_every_verdict_what_was_found_and_what_to_change() -> None:
    console = Console(file=StringIO(), width=100)
    print_table(console, [OK, replace(OK, subject="second"), REFUSED, skipped("[x]", "y", "why")])
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for text in ("fine said (and 1 more)", "bad said", "change bad", "[x]", "why"):
        assert text in shown
    assert "2 ok, 1 refused, 1 skipped" in shown


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([OK], "ok"),
        ([OK, AWAY], "away"),
        ([AWAY, REFUSED], "refused"),
        ([judged("x", "x", "", "", warned=True)], "warning"),
    ],
)
def test_the_document_begins_with_the_worst_verdict(found: list[Finding], verdict: str) -> None:
    told = document(found)
    assert (told["verdict"], len(told["findings"])) == (verdict, len(found))
    assert summary([]) == ""


def test_a_refusal_ends_the_command_with_2_and_an_absence_alone_with_3() -> None:
    conclude([OK, skipped("a", "b", "c"), judged("x", "x", "", "", warned=True)])
    with pytest.raises(ConfigurationError, match="1 check"):
        conclude([AWAY, REFUSED])
    with pytest.raises(DependencyError, match="away: gone"):
        conclude([AWAY, OK])


def test_the_settings_of_all_services_go_together() -> None:
    settings = PreflightSettings(s3_bucket="evidence", batch_size=10, upload_threads=2)
    assert (settings.batch_size, settings.upload_threads, settings.jpeg_quality) == (10, 2, 85)
