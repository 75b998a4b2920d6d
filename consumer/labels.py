"""The names of a model's classes, one a line."""

from pathlib import Path

from runtime.errors import ConfigurationError


def read_labels(path: Path) -> list[str]:
    """Return the label of each class id, by line; raise ConfigurationError if there is no file."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"labels_file {path}: {error}; set FRAMERAIL_LABELS_FILE to a file with a label a line"
        ) from error
