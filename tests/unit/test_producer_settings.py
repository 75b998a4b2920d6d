"""The settings of the producer are checked whole before anything starts."""

import pytest

from producer.settings import ProducerSettings
from runtime.errors import ConfigurationError
from runtime.settings import load_settings


def test_the_defaults_are_valid() -> None:
    assert str(ProducerSettings.model_validate({}).streams_file) == "streams.yaml"


def test_every_field_says_what_it_means() -> None:
    assert all(field.description for field in ProducerSettings.model_fields.values())


def test_wrong_values_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMERAIL_JPEG_QUALITY", "101")
    monkeypatch.setenv("FRAMERAIL_BUFFER_FRAMES", "0")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(ProducerSettings)
    assert "FRAMERAIL_JPEG_QUALITY" in str(refused.value)
    assert "FRAMERAIL_BUFFER_FRAMES" in str(refused.value)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"reconnect_first_s": 9, "reconnect_longest_s": 3}, "reconnect_first_s 9 is above"),
        ({"shard_index": 2, "shard_count": 2}, "shard_index 2 is not below shard_count 2"),
        ({"stuck_after_s": 20, "stall_timeout_s": 12}, "stuck_after_s 20 must be above 24"),
    ],
)
def test_values_that_contradict_each_other_are_refused(
    values: dict[str, float], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        ProducerSettings.model_validate(values)
