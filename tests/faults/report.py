"""The results of the suite, as a table in `docs/reliability.md` and as `docs/reliability.json`."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, DOCUMENT = DOCS / "reliability.md", DOCS / "reliability.json"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"


class Outcome(msgspec.Struct, frozen=True):
    """What came of one fault.

    `lost` and `doubled` are frames, `pictures_missing` pictures that a result promised.
    `recovery_s` are the seconds from the end of the fault until a frame of each camera that was
    captured after it is a picture in S3.
    """

    fault: str
    broken: str
    lost: int
    doubled: int
    pictures_missing: int
    recovery_s: float


def write_report(found: list[Outcome], order: Sequence[str]) -> None:
    """Write both files, in the order of the suite; faults that were not tried keep their line."""
    known = {each.fault: each for each in _written() + found}
    outcomes = [known[name] for name in order if name in known]
    DOCUMENT.write_bytes(msgspec.json.format(msgspec.json.encode(outcomes), indent=2) + b"\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table(outcomes)}\n{END}{after}")


def _written() -> list[Outcome]:
    return msgspec.json.decode(DOCUMENT.read_bytes(), type=list[Outcome])


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes as a Markdown table."""
    rows = [
        f"| {o.fault} | {o.lost} | {o.doubled} | {o.pictures_missing} | {o.recovery_s:.1f} |"
        for o in outcomes
    ]
    head = [
        "| fault | lost | doubled | pictures missing | s to recover |",
        "| --- |" + " --: |" * 4,
    ]
    return "\n".join([*head, *rows])
