"""`python -m tests.faults.run_system ORDERS.json`: the pipeline of `framerail up`, breakable.

Between the services and S3 and Triton are the ports of proxies; the services carry
`injected/sitecustomize.py`; Triton takes orders to load and unload; a dead part starts again soon,
however often it has died.
"""

import sys
from dataclasses import replace
from pathlib import Path

import msgspec

from local.part import Part, Restart
from local.supervisor import Supervisor
from local.workspace import Workspace
from ops.options import SERVICES, StackOptions
from ops.pipeline import Pipeline

SOON = Restart(steady_after_s=3.0)
QUICK = {
    "FRAMERAIL_KAFKA_SESSION_TIMEOUT_S": "6",
    "FRAMERAIL_INFER_TIMEOUT_S": "4",
    "FRAMERAIL_RECONNECT_LONGEST_S": "3",
    "FRAMERAIL_STALL_TIMEOUT_S": "2",
    "FRAMERAIL_FRAMES_RETENTION_BYTES": str(4 * 1024**3),
    "FRAMERAIL_LOG_FORMAT": "json",
}
"""Time-outs short enough that a fault of seconds is longer than they are."""


EXPLICIT = ("--model-control-mode", "explicit", "--", "--load-model=ssd_mobilenet")


class Orders(msgspec.Struct, frozen=True):
    """What to run: `faults` is the folder of orders to the services, addresses are proxies'."""

    root: str
    cache: str
    faults: str
    options: StackOptions
    s3_proxy_port: int
    triton_proxy_port: int
    changes: dict[str, str] = {}


def breakable(part: Part, orders: Orders) -> Part:
    """Return the part as the tests of faults need it."""
    environment = dict(part.environment)
    argv = part.argv
    if part.name in SERVICES:
        environment |= (
            QUICK
            | orders.changes
            | {
                "PYTHONPATH": str(Path(__file__).parent / "injected"),
                "FRAMERAIL_FAULTS": orders.faults,
                "FRAMERAIL_FAULTS_SERVICE": part.name,
                "FRAMERAIL_S3_ENDPOINT_URL": f"http://127.0.0.1:{orders.s3_proxy_port}",
                "FRAMERAIL_TRITON_ADDRESS": f"127.0.0.1:{orders.triton_proxy_port}",
            }
        )
    if part.name == "triton":
        argv = (*argv, *EXPLICIT)
    return replace(part, argv=argv, environment=environment, restart=SOON)


def main() -> None:
    """Run until SIGTERM."""
    orders = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)
    workspace = Workspace(Path(orders.root), Path(orders.cache))

    def say(name: str, detail: str) -> None:
        sys.stderr.write(f"{name}: {detail}\n")

    with Supervisor(workspace, say, catches_signals=True) as supervisor:
        # What watches would take its share of two cores from what is broken on purpose.
        options = msgspec.structs.replace(orders.options, is_watched=False)
        pipeline = Pipeline.choose(workspace, options)
        parts = [breakable(part, orders) for part in supervisor.prepare(pipeline.prepare)]
        supervisor.start(parts, pipeline.addresses)
        supervisor.watch()


if __name__ == "__main__":
    main()
