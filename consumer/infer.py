"""`python -m consumer.infer IMAGE_OR_DIR...`: sends pictures to a Triton, prints what it finds.

Works with any model of the signature in `consumer.triton`, on any server, without Kafka.
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import cv2
import msgspec
import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from consumer.detections import detections_of
from consumer.labels import read_labels
from consumer.settings import ModelSettings
from consumer.start import model_of
from contracts.results import Detection
from runtime.cli import run_command
from runtime.errors import ConfigurationError
from runtime.settings import load_settings

PICTURE_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".webp"}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Picture(msgspec.Struct, frozen=True):
    """What was found in one picture; boxes are in its own pixels."""

    path: str
    size_wh: tuple[int, int]
    detections: tuple[Detection, ...]


@app.command()
def infer(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    address: Annotated[str | None, typer.Option(help="Triton's gRPC endpoint, host:port.")] = None,
    model: Annotated[str | None, typer.Option(help="Name of the model.")] = None,
    version: Annotated[str | None, typer.Option(help="Version; empty lets Triton choose.")] = None,
    labels: Annotated[Path | None, typer.Option(help="File with a label a line.")] = None,
    min_confidence: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures in one request.")] = 25,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a picture.")] = False,
) -> None:
    """Detect objects in pictures with a model that Triton serves.

    What is not given is taken from the consumer's own FRAMERAIL_* settings.
    """
    given = {
        "triton_address": address,
        "model_name": model,
        "model_version": version,
        "labels_file": labels,
        "min_confidence": min_confidence,
    }
    settings = load_settings(
        ModelSettings, **{name: value for name, value in given.items() if value is not None}
    )
    print_pictures = _print_json if as_json else _print_table
    unreadable: list[str] = []
    pictures = read_pictures(pictures_in(paths), unreadable)
    print_pictures(_inferred(settings, pictures, batch_size))
    if unreadable:
        raise ConfigurationError("not pictures that OpenCV can read: " + ", ".join(unreadable))


def pictures_in(paths: Sequence[Path]) -> list[Path]:
    """Return the pictures named, and those in the folders named, in order of name.

    Raises ConfigurationError for a path that is not there or a folder without pictures.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
            if not inside:
                raise ConfigurationError(f"{path}: no picture in this folder")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise ConfigurationError(f"{path}: no such file or folder")
    return found


def read_pictures(
    paths: Sequence[Path], unreadable: list[str]
) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    """Yield pictures as RGB, shape (height, width, 3), uint8; name others in `unreadable`."""
    for path in paths:
        encoded = np.frombuffer(path.read_bytes(), np.uint8)
        try:
            bgr = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        except cv2.error:  # an empty file, or more pixels than OpenCV takes
            bgr = None
        if bgr is None:
            unreadable.append(str(path))
        else:
            yield path, np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _inferred(
    settings: ModelSettings,
    pictures: Iterator[tuple[Path, NDArray[np.uint8]]],
    batch_size: int,
) -> Iterator[Picture]:
    labels = read_labels(settings.labels_file)
    model = model_of(settings)
    signature = model.signature()
    step = min(batch_size, max(signature.max_batch_size, 1))
    while chunk := list(islice(pictures, step)):
        resized = [cv2.resize(picture, signature.input_wh) for _, picture in chunk]
        images = np.stack(resized).astype(np.uint8, copy=False)
        for (path, picture), output in zip(chunk, model.infer(images).images, strict=True):
            size_wh = (picture.shape[1], picture.shape[0])
            found = detections_of(output, size_wh, settings.min_confidence, labels)
            yield Picture(str(path), size_wh, found)
    model.close()


def _print_json(pictures: Iterator[Picture]) -> None:
    for picture in pictures:
        sys.stdout.write(msgspec.json.encode(picture).decode() + "\n")


def _print_table(pictures: Iterator[Picture]) -> None:
    table = Table("picture", "label", "confidence", "x1", "y1", "x2", "y2")
    table.columns[0].overflow = "fold"
    for column in table.columns[2:]:
        column.justify = "right"
    for picture in pictures:
        if not picture.detections:
            table.add_row(picture.path, "nothing found")
        for at, found in enumerate(picture.detections):
            box = (f"{value:.1f}" for value in found.box_xyxy)
            path = "" if at else picture.path
            table.add_row(path, found.label, f"{found.confidence:.2f}", *box)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(run_command("infer", app))
