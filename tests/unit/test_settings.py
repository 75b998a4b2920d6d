"""One variable, one meaning: the settings of the services beside each other."""

from itertools import combinations

import pytest

from consumer.settings import ConsumerSettings, ModelSettings
from postproc.settings import PostprocSettings
from producer.settings import ProducerSettings
from runtime.errors import ConfigurationError
from runtime.s3 import SLOWEST_ANSWER_S
from runtime.settings import KafkaSettings, S3Settings, ServiceSettings, load_settings
from viewer.settings import ViewerSettings

SERVICES: list[type[ServiceSettings]] = [
    ProducerSettings,
    ConsumerSettings,
    PostprocSettings,
    ViewerSettings,
]


def test_no_variable_means_something_else_to_another_service() -> None:
    shared = {*KafkaSettings.model_fields, *S3Settings.model_fields}
    own = [set(service.model_fields) - shared for service in SERVICES]
    assert [one & other for one, other in combinations(own, 2)] == [set()] * 6


def test_no_service_gives_a_shared_setting_another_default() -> None:
    for service in SERVICES:
        for name, shared in KafkaSettings.model_fields.items():
            own = service.model_fields[name]
            assert (own.default, own.description) == (shared.default, shared.description)


def test_the_model_is_asked_without_kafka_whatever_its_settings_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS", "nowhere")
    assert load_settings(ModelSettings).model_name == "ssd_mobilenet"
    with pytest.raises(ConfigurationError, match="KAFKA_BOOTSTRAP_SERVERS"):
        load_settings(ConsumerSettings)


@pytest.mark.parametrize("service", [PostprocSettings, ViewerSettings])
def test_an_answer_of_s3_that_takes_its_time_is_not_taken_for_a_stuck_thread(
    service: type[S3Settings],
) -> None:
    given = {"s3_bucket": "evidence", "stuck_after_s": SLOWEST_ANSWER_S}
    with pytest.raises(ConfigurationError, match="stuck_after_s 52 must be above 52"):
        load_settings(service, **given)
    assert load_settings(service, **(given | {"stuck_after_s": SLOWEST_ANSWER_S + 1}))


def test_a_result_must_have_room_for_the_detections_of_a_full_batch() -> None:
    with pytest.raises(ConfigurationError, match="max_result_bytes 300000 is below 614400"):
        load_settings(ConsumerSettings, max_result_bytes=300_000, batch_size=25)
