"""`python -m tests.fuzz TARGET FOLDER [libFuzzer's options]`: fuzz one target with atheris.

FOLDER keeps what was found interesting, and begins with the seeds. Atheris follows what Python
executes; libjpeg is no Python, so there it is the variety of the inputs that counts.
"""

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped]

FOLLOWED = ["consumer", "contracts", "postproc", "runtime", "yaml", "kafka.record"]


def main(target: str, folder: Path, options: list[str]) -> None:
    with atheris.instrument_imports(include=FOLLOWED):
        from tests.fuzz.seeds import regressions, seeds
        from tests.fuzz.targets import TARGETS
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate([*seeds()[target], *regressions(target)]):
        (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options, str(folder)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
