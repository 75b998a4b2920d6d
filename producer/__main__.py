"""`python -m producer` reads the cameras of `streams.yaml` until it is told to stop."""

import sys

from producer.service import serve
from producer.settings import ProducerSettings
from runtime.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("producer", ProducerSettings, serve))
