"""Brings a detector of one's own into the model repository: `python -m modelling.own_model --help`.

`adopt` takes an SSD in the signature of TensorFlow's Object Detection API, as the ONNX model zoo
has them; `quantise` makes the next version of it in int8. docs/own-model.md tells both.
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
from av.error import FFmpegError
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import ModelProto

from modelling import layout
from modelling.clip import frames_rgb
from modelling.detections import Detections
from modelling.evaluate import agreement_at
from modelling.foreign import Answers, NotADetector, with_declared_rows, with_our_names
from modelling.onnx_detector import BATCH, OnnxDetector, Provider
from modelling.triton_files import model_config
from serving.onnxruntime.session import ORT_ERRORS

REPOSITORY = layout.ROOT / "model_repository"
PROBED = range(0, 750, 30)
"""Frames that a model is tried on: 25, which is what the consumer asks at once."""
CALIBRATED = range(0, 250, 2)
SURE = 0.4
AS_GOOD = 0.95
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def adopt(chosen: argparse.Namespace) -> list[str]:
    """Write the model's folder; return what is worth telling. Raises NotADetector."""
    folder: Path = chosen.repository / chosen.name
    if folder.exists():
        raise NotADetector(f"{folder} is there already: choose another name, or delete it")
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / chosen.name
        said = _write_folder(chosen, made)
        chosen.repository.mkdir(parents=True, exist_ok=True)
        shutil.move(made, folder)
    return [f"{folder}: written", *said]


def _write_folder(chosen: argparse.Namespace, folder: Path) -> list[str]:
    onnx_file = folder / "1" / "model.onnx"
    onnx_file.parent.mkdir(parents=True)
    renamed = with_our_names(onnx.load(chosen.model), chosen.size, dict(chosen.rename))
    images = pictures(chosen.video, PROBED, chosen.size)
    answers, is_batched = _write_tried(renamed, onnx_file, images)
    found = _found(onnx_file, images, "CPUExecutionProvider", is_batched)
    has_openvino = chosen.openvino and _agrees_with_openvino(onnx_file, images, found, is_batched)
    config = model_config(
        chosen.name, chosen.size, answers, is_batched=is_batched, has_openvino=has_openvino
    )
    (folder / "config.pbtxt").write_text(config)
    (folder / "labels.txt").write_text(chosen.labels.read_text())
    return _told(found, is_batched, chosen.openvino and not has_openvino)


def quantise(chosen: argparse.Namespace) -> list[str]:
    """Write the next version of a model, in int8; return what is worth telling."""
    # Its imports take seconds, and only this command needs them.
    from modelling.quantise import write_quantised

    folder: Path = chosen.repository / chosen.name
    versions = sorted(int(one.name) for one in folder.glob("[0-9]*") if one.name.isdigit())
    if not versions:
        raise NotADetector(f"{folder} has no version: `adopt` makes the first")
    source = folder / str(versions[0]) / "model.onnx"
    made = folder / str(versions[-1] + 1) / "model.onnx"
    tensor = onnx.load(source).graph.input[0].type.tensor_type.shape.dim
    size_wh = (tensor[2].dim_value, tensor[1].dim_value)
    write_quantised(source, made, pictures(chosen.video, CALIBRATED, size_wh))
    return [f"{made}: version {versions[0]} in int8; compare before you rely on it"]


def pictures(video: Path, wanted: range, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Return frames of a video as one batch for a model: uint8 [N,height,width,3] RGB."""
    resized = [cv2.resize(frame, size_wh) for frame in frames_rgb(video, wanted)]
    if not resized:
        raise NotADetector(f"{video}: no frame could be decoded")
    return np.stack(resized).astype(np.uint8, copy=False)


def _write_tried(
    model: ModelProto, onnx_file: Path, images: NDArray[np.uint8]
) -> tuple[Answers, bool]:
    """Write the file; return what its answers look like, and whether it takes several pictures."""
    onnx.save(model, onnx_file)
    detector = OnnxDetector(onnx_file, "CPUExecutionProvider")
    alone = [detector.outputs(image[None]) for image in images[:3]]
    rows = {outputs[1].shape[1] for outputs in alone}
    answers = Answers(rows.pop() if len(rows) == 1 else None, alone[0][3].ndim == 1)
    onnx.save(with_declared_rows(model, answers), onnx_file)
    try:
        together = detector.outputs(images)
    except ORT_ERRORS:
        return answers, False
    # Scores alone: two boxes that are equally sure may change places.
    is_batched = len(together[1]) == len(images) and all(
        np.allclose(together[1][at], one[1][0], atol=1e-3) for at, one in enumerate(alone)
    )
    return answers, is_batched


def _found(
    onnx_file: Path, images: NDArray[np.uint8], provider: Provider, is_batched: bool
) -> list[Detections]:
    detector = OnnxDetector(onnx_file, provider)
    step = BATCH if is_batched else 1
    found: list[Detections] = []
    for start in range(0, len(images), step):
        boxes, scores, classes, counts = detector.outputs(images[start : start + step])
        found += Detections.from_model(boxes, scores, classes, counts.reshape(-1))
    return found


def _agrees_with_openvino(
    onnx_file: Path, images: NDArray[np.uint8], found: list[Detections], is_batched: bool
) -> bool:
    try:
        other = _found(onnx_file, images, "OpenVINOExecutionProvider", is_batched)
    except ORT_ERRORS:
        return False
    counts = agreement_at(found, other, SURE)
    return bool(counts.references) and min(counts.precision, counts.recall) >= AS_GOOD


def _told(found: Sequence[Detections], is_batched: bool, is_refused: bool) -> list[str]:
    sure = [one.above(SURE) for one in found]
    classes = sorted({int(class_id) for one in sure for class_id in one.class_id})
    said = [
        f"{sum(map(len, sure))} boxes from confidence {SURE} on in {len(found)} pictures, "
        f"of the classes {classes}",
    ]
    if not is_batched:
        said.append(
            "it takes one picture at a time, so max_batch_size is 1: set FRAMERAIL_BATCH_SIZE=1"
        )
    if is_refused:
        said.append(
            "OpenVINO refused it, answered otherwise, or nothing was found to compare by: it runs "
            "without; --video takes frames that show what it detects"
        )
    return said


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text}: expected WIDTHxHEIGHT, as 300x300")
    return int(match[1]), int(match[2])


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text}: expected letters, digits, '_' and '-'")
    return text


def _pair(text: str) -> tuple[str, str]:
    wanted, _, found = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"{text}: expected OUR_NAME=ITS_NAME")
    return wanted, found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m modelling.own_model", description=__doc__)
    commands = parser.add_subparsers(required=True)
    add = commands.add_parser("adopt", help="write model_repository/<name> from an ONNX file")
    add.set_defaults(run=adopt)
    add.add_argument("model", type=Path, help="the ONNX file")
    add.add_argument("name", type=_name, help="how it will be called")
    add.add_argument("--labels", type=Path, required=True, help="line N, from 0, names class N")
    add.add_argument("--size", type=_size, default=(300, 300), help="WxH that it was trained with")
    add.add_argument(
        "--rename", type=_pair, action="append", default=[], help="OUR_OUTPUT=ITS_NAME"
    )
    add.add_argument("--openvino", action="store_true", help="run by OpenVINO, if that agrees")
    smaller = commands.add_parser("quantise", help="write the next version, in int8")
    smaller.set_defaults(run=quantise)
    smaller.add_argument("name", type=_name, help="its folder in the model repository")
    for command in (add, smaller):
        command.add_argument("--video", type=Path, default=layout.CLIP, help="frames to look at")
        command.add_argument("--repository", type=Path, default=REPOSITORY)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 2 for a model that cannot be brought in."""
    chosen = _parser().parse_args(arguments)
    try:
        said = chosen.run(chosen)
    except (NotADetector, OSError, DecodeError, FFmpegError, *ORT_ERRORS) as error:
        sys.stderr.write(f"own_model: {error}\n")
        return 2
    sys.stdout.write("\n".join(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
