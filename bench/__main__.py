"""`python -m bench`: measures everything in one run, for the docs and for `framerail plan`."""

import argparse
import signal
import sys
import time
from pathlib import Path

import msgspec

from bench.measures import FULL, QUICK, measure
from bench.report import write_report
from ops.options import lasting_workspace
from ops.plan.answering import FIGURES
from ops.plan.page import GUIDE, guide_with_plans


def main() -> int:
    """Measure, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="prove that it runs, in two minutes")
    parser.add_argument("--out", type=Path, help="write the figures there, and nothing else")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun_s = time.monotonic()

    def report(name: str, detail: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begun_s:6.0f} s  {name:<24} {detail}\n")

    figures = measure(QUICK if chosen.quick else FULL, lasting_workspace().cache, report)
    document = msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n"
    if chosen.out is not None:
        chosen.out.write_bytes(document)
    elif chosen.quick:
        sys.stdout.buffer.write(document)
    else:
        FIGURES.write_bytes(document)
        write_report(figures)
        GUIDE.write_text(guide_with_plans(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
