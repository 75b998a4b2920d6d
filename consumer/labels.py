"""The names of a model's classes, one a line."""

from pathlib import Path

from contracts.results import MAX_LABEL_CHARS
from runtime.errors import ConfigurationError


def read_labels(path: Path) -> list[str]:
    """Return the label of each class id, by line.

    Raises ConfigurationError if there is no such file, or a label is longer than a result takes.
    """
    try:
        labels = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"labels_file {path}: {error}; set FRAMERAIL_LABELS_FILE to a file with a label a line"
        ) from error
    if any(len(label) > MAX_LABEL_CHARS for label in labels):
        raise ConfigurationError(
            f"labels_file {path}: a label is longer than {MAX_LABEL_CHARS} letters"
        )
    return labels
