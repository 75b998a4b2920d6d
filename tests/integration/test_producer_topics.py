"""`python -m producer.topics` on a real broker."""

import os
import subprocess
import sys
from pathlib import Path

from kafka import KafkaAdminClient

from local.stack import CHECKOUT, EmbeddedStack

STREAMS = """
streams:
  - {id: topics-gate, url: "rtsp://${GATE_USER}@192.0.2.1/a"}
  - {id: topics-yard, url: "rtsp://192.0.2.2/a"}
"""


def make_topics(
    kafka: EmbeddedStack, folder: Path, **changes: str
) -> subprocess.CompletedProcess[str]:
    streams = folder / "streams.yaml"
    streams.write_text(STREAMS)
    return subprocess.run(
        [sys.executable, "-m", "producer.topics"],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": kafka.addresses.kafka_bootstrap,
            "FRAMERAIL_STREAMS_FILE": str(streams),
            "GATE_USER": "reader",
            **changes,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_topic_of_the_streams_file_is_made_once(kafka: EmbeddedStack, tmp_path: Path) -> None:
    for _ in range(2):
        run = make_topics(kafka, tmp_path)
        assert run.returncode == 0, run.stderr
    admin = KafkaAdminClient(bootstrap_servers=kafka.addresses.kafka_bootstrap)
    topics = set(admin.list_topics())
    admin.close()
    assert topics >= {"frames.topics-gate", "frames.topics-yard", "results", "deadletter"}


def test_a_topic_that_takes_less_than_the_settings_ask_for_is_told(
    kafka: EmbeddedStack, tmp_path: Path
) -> None:
    assert make_topics(kafka, tmp_path).returncode == 0
    run = make_topics(kafka, tmp_path, FRAMERAIL_MAX_FRAME_BYTES=str(8 * 1024 * 1024))
    assert run.returncode == 2
    assert "frames.topics-gate takes messages of" in run.stderr
