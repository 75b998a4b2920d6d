"""The account of the system in the cluster, read through the Services of Kafka and S3."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.ledger.accounts import StreamReport
from ops.ledger.books import Books
from ops.target import Target, local_target
from tests.cluster.kubectl import eventually, kubectl, pods

KAFKA = "kafka.framerail.svc:9092"
S3 = "http://s3.framerail.svc:8333"
BUCKET = "framerail-evidence"
STREAMS = ("cam1", "cam2")


@dataclass(frozen=True)
class Accounts:
    """Reads what became of every frame."""

    credentials_file: Path

    @property
    def target(self) -> Target:
        """Where Kafka and S3 of the cluster are reached."""
        addresses = {
            "kafka": KAFKA,
            "s3": S3,
            "bucket": BUCKET,
            "postproc_metrics": "http://postproc.framerail.svc:8080/metrics",
        }
        return local_target(addresses, self.credentials_file)

    def framerail(self, *arguments: str) -> str:
        """Return what the command prints, told of this system as kserve/README.md tells it."""
        told = {
            "AWS_SHARED_CREDENTIALS_FILE": str(self.credentials_file),
            "AWS_PROFILE": "framerail",
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": KAFKA,
            "FRAMERAIL_S3_ENDPOINT_URL": S3,
            "FRAMERAIL_S3_REGION": "us-east-1",
            "FRAMERAIL_S3_BUCKET": BUCKET,
        }
        run = subprocess.run(
            [Path(sys.executable).with_name("framerail"), *arguments],
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert run.returncode == 0, f"framerail {' '.join(arguments)}: {run.stdout}{run.stderr}"
        return run.stdout

    @contextmanager
    def opened(self) -> Iterator[Books]:
        """Connect for the length of a block."""
        books = Books(self.target)
        try:
            yield books
        finally:
            books.close()

    def now(self) -> dict[str, StreamReport]:
        """Return the account of every stream at this moment."""
        with self.opened() as books:
            return books.refresh()

    def wait_for_more_evidence(self, within_s: float) -> None:
        """Wait until each stream has more pictures than now."""
        with self.opened() as books:
            before = books.refresh()

            def has_more() -> bool:
                after = books.refresh()
                return all(after[name].evidence > before[name].evidence for name in STREAMS)

            eventually(has_more, "each stream gets another picture", within_s)

    @contextmanager
    def closed(self, within_s: float = 120) -> Iterator[dict[str, StreamReport]]:
        """Stop the cameras, wait until nothing is on its way, and start them again afterwards."""
        kubectl("scale", "deployment/cameras", "--replicas=0")
        try:
            eventually(lambda: not pods("app.kubernetes.io/name=cameras"), "no camera", 60)
            with self.opened() as books:

                def is_closed() -> bool:
                    before, after = books.refresh(), books.refresh()
                    is_still = all(after[n].published == before[n].published for n in STREAMS)
                    return is_still and all(report.is_settled for report in after.values())

                eventually(is_closed, "nothing is on its way any more", within_s)
                yield books.refresh()
        finally:
            kubectl("scale", "deployment/cameras", "--replicas=1")
