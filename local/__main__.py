"""Run the embedded servers in the foreground until Ctrl-C: `python -m local`."""

import argparse
import os
import sys
import time
from pathlib import Path

from local.errors import LocalError, StartInterrupted
from local.stack import CHECKOUT, SERVERS, EmbeddedStack, StackPorts
from local.supervisor import Supervisor
from local.workspace import Workspace


def main() -> int:
    """Run what the command line asks for; return 0 after a stop signal, 1 after a failure."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    home = os.environ.get("FRAMERAIL_HOME", str(CHECKOUT / ".framerail"))
    parser.add_argument("--home", type=Path, default=Path(home), help="workspace folder")
    parser.add_argument("--cache", type=Path, help="prepared servers, if not HOME/cache")
    parser.add_argument("--only", nargs="+", choices=SERVERS, default=SERVERS)
    chosen = parser.parse_args()
    workspace = Workspace(chosen.home.resolve(), chosen.cache and chosen.cache.resolve())
    try:
        _run(EmbeddedStack(workspace, StackPorts.choose(), chosen.only))
    except (StartInterrupted, KeyboardInterrupt):
        return 0
    except LocalError as error:
        _say("error", str(error))
        return 1
    return 0


def _run(stack: EmbeddedStack) -> None:
    with Supervisor(stack.workspace, _say, catches_signals=True) as supervisor:
        parts = supervisor.prepare(stack.prepare)
        begun_s = time.monotonic()
        supervisor.start(parts, stack.addresses_by_name())
        _say("stack", f"all ready in {time.monotonic() - begun_s:.1f} s; Ctrl-C ends it")
        for name, address in stack.addresses_by_name().items():
            _say(name, address)
        supervisor.watch()


def _say(name: str, detail: str) -> None:
    sys.stdout.write(f"{name:16} {detail}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
