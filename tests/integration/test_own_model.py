"""docs/own-model.md by its own steps: a detector with the ONNX zoo's names, until it finds people.

The zoo's weights are not at hand where this runs, so the project's own are given the names and open
sizes that ssd_mobilenet_v1_10.onnx has by the zoo's list (ONNX_HUB_MANIFEST.json).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import onnx
import pytest

from local.prepare.serving_venv import prepare_serving_venv
from modelling import layout
from modelling.clip import frames_rgb
from tests.integration.serving_process import ROOT, Server, started

ZOO_NAMES = {
    "images": "image_tensor:0",
    "detection_boxes": "detection_boxes:0",
    "detection_classes": "detection_classes:0",
    "detection_scores": "detection_scores:0",
    "num_detections": "num_detections:0",
}
LABELS = ROOT / "modelling" / "coco.txt"
# The scene at 31 s: five people stand apart from each other.
FRAMES = (310, 315, 320)


def as_the_zoo_has_it(onnx_file: Path) -> None:
    """Write version 1 with the zoo's names, its order of outputs and its open sizes."""
    model = onnx.load(layout.FP32_MODEL)
    graph = model.graph
    for node in graph.node:
        node.input[:] = [ZOO_NAMES.get(name, name) for name in node.input]
        node.output[:] = [ZOO_NAMES.get(name, name) for name in node.output]
    for tensor in [*graph.input, *graph.output]:
        tensor.name = ZOO_NAMES[tensor.name]
        for axis, dim in enumerate(tensor.type.tensor_type.shape.dim):
            if dim.dim_value not in (3, 4):
                dim.dim_param = f"unk__{tensor.name}_{axis}"
    ordered = sorted(graph.output, key=lambda tensor: [*ZOO_NAMES.values()].index(tensor.name))
    outputs = [onnx.ValueInfoProto.FromString(one.SerializeToString()) for one in ordered]
    del graph.output[:]
    graph.output.extend(outputs)
    onnx.save(model, onnx_file)


def own_model(*arguments: str) -> str:
    argv = [sys.executable, "-m", "modelling.own_model", *arguments]
    run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model repository with one model, adopted and quantised as the page says."""
    folder = tmp_path_factory.mktemp("own")
    as_the_zoo_has_it(folder / "ssd_mobilenet_v1_10.onnx")
    here = ("--repository", str(folder / "repository"))
    zoo = (str(folder / "ssd_mobilenet_v1_10.onnx"), "zoo_ssd", "--labels", str(LABELS))
    said = own_model("adopt", *zoo, "--openvino", *here)
    assert "of the classes [1]" in said
    assert "OpenVINO" not in said
    own_model("quantise", "zoo_ssd", *here)
    return folder / "repository"


@pytest.fixture(scope="module")
def server(
    repository: Path, server_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    requirements = ROOT / "requirements" / "serving.txt"
    python = prepare_serving_venv(server_cache, requirements, lambda name, detail: None)
    with started(python, repository, tmp_path_factory.mktemp("log") / "triton.log") as running:
        yield running


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_adopted_model_is_served_and_finds_people(
    server: Server, repository: Path, tmp_path: Path, version: str
) -> None:
    for at, frame in zip(FRAMES, frames_rgb(layout.CLIP, FRAMES), strict=True):
        cv2.imwrite(str(tmp_path / f"{at}.png"), frame[:, :, ::-1])
    chosen = {
        "FRAMERAIL_TRITON_ADDRESS": server.grpc,
        "FRAMERAIL_MODEL_NAME": "zoo_ssd",
        "FRAMERAIL_MODEL_VERSION": version,
        "FRAMERAIL_LABELS_FILE": str(repository / "zoo_ssd" / "labels.txt"),
    }
    run = subprocess.run(
        [sys.executable, "-m", "consumer.infer", str(tmp_path), "--json"],
        cwd=ROOT,
        env=os.environ | chosen,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    pictures = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(pictures) == len(FRAMES)
    found = [box["label"] for picture in pictures for box in picture["detections"]]
    assert set(found) == {"person"}
    assert len(found) >= 3 * len(FRAMES), "five people, of whom it misses those close together"
