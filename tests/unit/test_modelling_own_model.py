"""A detector as others export it gets our names, and what it cannot do is told."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort  # type: ignore[import-untyped]
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from modelling.foreign import IMAGE, OUTPUTS, Answers, NotADetector, with_our_names
from modelling.own_model import main
from modelling.triton_files import model_config

SIZE_WH = (20, 10)
BOX = (0.1, 0.2, 0.6, 0.7)


def foreign(
    suffix: str = ":0",
    image: str = "image_tensor:0",
    image_type: int = TensorProto.UINT8,
    one_at_a_time: bool = False,
    inner: str = "nothing",
) -> ModelProto:
    """A detector that finds one box of class 3, 0.9 sure, in every picture."""
    rows = {
        "detection_boxes": np.array([[BOX, (0.0,) * 4]], np.float32),
        "detection_scores": np.array([[0.9, 0.0]], np.float32),
        "detection_classes": np.array([[3, 1]], np.float32),
        "num_detections": np.array([2], np.float32),
    }
    nodes = [
        helper.make_node("Cast", [image], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMin", ["real"], ["least"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["least", "zero"], [inner]),
    ]
    constants = [numpy_helper.from_array(np.array(0, np.float32), "zero")]
    outputs = []
    for name, value in rows.items():
        axes = np.arange(1, value.ndim)
        constants.append(numpy_helper.from_array(axes, f"{name}/axes"))
        constants.append(numpy_helper.from_array(value, f"{name}/value"))
        nodes.append(helper.make_node("Unsqueeze", [inner, f"{name}/axes"], [f"{name}/like"]))
        read = f"{name}/value" if one_at_a_time else f"{name}/like"
        pair = [read, f"{name}/value"] if not one_at_a_time else [read, "zero"]
        nodes.append(helper.make_node("Add", pair, [f"{name}{suffix}"]))
        open_shape = [f"unk__{name}_{axis}" for axis in range(value.ndim)]
        made = helper.make_tensor_value_info(f"{name}{suffix}", TensorProto.FLOAT, open_shape)
        outputs.append(made)
    shape: list[int | str] = ["unk__0", "unk__1", "unk__2", 3]
    inputs = [helper.make_tensor_value_info(image, image_type, shape)]
    graph = helper.make_graph(nodes, "foreign", inputs, outputs[::-1], constants)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def ask(model: ModelProto, pictures: int) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.zeros((pictures, SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), {IMAGE: images}), strict=True))


@pytest.mark.parametrize(
    ("suffix", "image"), [(":0", "image_tensor:0"), ("", "inputs"), ("", "images")]
)
def test_names_as_exporters_leave_them_become_ours(suffix: str, image: str) -> None:
    model = with_our_names(foreign(suffix, image), SIZE_WH)
    onnx.checker.check_model(model)
    assert [tensor.name for tensor in model.graph.input] == [IMAGE]
    assert [tensor.name for tensor in model.graph.output] == [*OUTPUTS]
    answers = ask(model, 3)
    assert answers["detection_boxes"].shape == (3, 2, 4)
    assert answers["detection_classes"][2].tolist() == [3, 1]


def test_an_output_of_any_name_can_be_named() -> None:
    model = with_our_names(
        foreign("_of_mine"), SIZE_WH, {name: f"{name}_of_mine" for name in OUTPUTS}
    )
    assert ask(model, 1)["num_detections"].tolist() == [2]


def test_what_is_no_such_detector_is_told_with_what_it_has() -> None:
    with pytest.raises(NotADetector, match=r"image_tensor:0 FLOAT \[unk__0"):
        with_our_names(foreign(image_type=TensorProto.FLOAT), SIZE_WH)
    with pytest.raises(NotADetector, match=r"no output detection_boxes or .*detection_boxes_x"):
        with_our_names(foreign("_x"), SIZE_WH)
    with pytest.raises(NotADetector, match="inner tensor images"):
        with_our_names(foreign(inner="images"), SIZE_WH)


def test_open_sizes_stay_open_for_triton_too() -> None:
    config = model_config(
        "mine", (320, 240), Answers(None, False), is_batched=False, has_openvino=False
    )
    assert "dims: [ 240, 320, 3 ]" in config
    assert '"detection_boxes" data_type: TYPE_FP32 dims: [ -1, 4 ]' in config
    assert "max_batch_size: 1\n" in config
    assert "dynamic_batching" not in config
    assert "reshape" not in config


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A short video and a file of labels."""
    frame_wh = (64, 48)
    video = cv2.VideoWriter(
        str(tmp_path / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, frame_wh
    )
    for level in range(61):
        video.write(np.full((48, 64, 3), level * 4, np.uint8))
    video.release()
    (tmp_path / "labels.txt").write_text("background\na\nb\nc\n")
    return tmp_path


def adopted(files: Path, model: ModelProto, *more: str) -> int:
    onnx.save(model, files / "theirs.onnx")
    arguments = ["adopt", str(files / "theirs.onnx"), "mine", "--size", "20x10"]
    places = ["--labels", str(files / "labels.txt"), "--repository", str(files / "repository")]
    return main([*arguments, *places, "--video", str(files / "clip.mp4"), *more])


def test_an_adopted_model_has_its_folder_whole(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopted(files, foreign()) == 0
    said = capsys.readouterr().out
    assert "3 boxes from confidence 0.4 on in 3 pictures, of the classes [3]" in said
    folder = files / "repository" / "mine"
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert written == {"config.pbtxt", "labels.txt", "1/model.onnx"}
    assert "max_batch_size: 50" in (folder / "config.pbtxt").read_text()
    assert adopted(files, foreign()) == 2, "a model is never overwritten"


def test_a_model_that_takes_one_picture_at_a_time_is_told_so(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopted(files, foreign(one_at_a_time=True)) == 0
    assert "FRAMERAIL_BATCH_SIZE=1" in capsys.readouterr().out
    assert "max_batch_size: 1\n" in (files / "repository" / "mine" / "config.pbtxt").read_text()


def test_nothing_is_left_of_a_model_that_cannot_be_adopted(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopted(files, foreign("_x")) == 2
    assert "no output detection_boxes" in capsys.readouterr().err
    assert not (files / "repository" / "mine").exists()
