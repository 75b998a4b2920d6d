"""`python -m producer.topics` makes every topic that the streams of `streams.yaml` need, and ends.

For places where topics are made before the services start, and perhaps with other rights.
"""

import os
import sys

from producer.settings import ProducerSettings
from runtime.cli import run_command
from runtime.logs import configure_logs, get_logger
from runtime.settings import load_settings
from runtime.streams_file import read_streams
from runtime.topics import deadletter_spec, ensure_topics, frames_spec, results_spec


def make_topics() -> None:
    """Make what is missing and check the rest. Raises as `read_streams` and `ensure_topics` do."""
    settings = load_settings(ProducerSettings)
    configure_logs(settings, "topics")
    streams = read_streams(settings.streams_file, os.environ)
    frames = [frames_spec(settings, spec.id) for spec in streams]
    specs = [*frames, results_spec(settings), deadletter_spec(settings)]
    made = ensure_topics(settings, specs)
    get_logger().info("topics.made", made=made, present=len(specs) - len(made))


if __name__ == "__main__":
    sys.exit(run_command("topics", make_topics))
