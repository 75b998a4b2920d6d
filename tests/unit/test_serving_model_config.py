import json
from typing import Any

import pytest

from serving.onnxruntime.model_config import (
    CPU,
    OPENVINO,
    BadModel,
    SessionSettings,
    TensorSpec,
    parse_model_config,
)

IMAGES = {"name": "images", "data_type": "TYPE_UINT8", "dims": ["300", "300", "3"]}
COUNT = {
    "name": "num_detections",
    "data_type": "TYPE_FP32",
    "dims": [1],
    "reshape": {"shape": []},
}


def config(**changes: Any) -> str:
    return json.dumps({"name": "ssd", "max_batch_size": 50, "input": [IMAGES]} | changes)


def parameters(**values: str) -> dict[str, Any]:
    return {key: {"string_value": value} for key, value in values.items()}


def openvino(**options: str) -> dict[str, Any]:
    accelerator = {"name": "openvino", "parameters": options}
    return {"execution_accelerators": {"cpu_execution_accelerator": [accelerator]}}


def test_tensors_have_the_shape_that_the_graph_sees_after_reshape() -> None:
    settings = parse_model_config(config(output=[COUNT]))

    assert settings.inputs == (TensorSpec("images", "TYPE_UINT8", (300, 300, 3)),)
    assert settings.outputs == (TensorSpec("num_detections", "TYPE_FP32", ()),)


@pytest.mark.parametrize("filename", ["", None])
def test_a_model_without_a_file_name_is_model_onnx(filename: str | None) -> None:
    assert parse_model_config(config(default_model_filename=filename)).filename == "model.onnx"


def test_a_configured_file_name_is_used() -> None:
    assert parse_model_config(config(default_model_filename="ssd.onnx")).filename == "ssd.onnx"


def test_nothing_configured_means_the_cpu_with_onnx_runtimes_own_defaults() -> None:
    assert parse_model_config(config()).session == SessionSettings(provider=CPU)


def test_the_session_follows_the_parameters() -> None:
    text = config(
        parameters=parameters(
            intra_op_thread_count="2",
            inter_op_thread_count="3",
            execution_mode="1",
            enable_mem_arena="0",
            enable_mem_pattern="0",
        )
        | {"session.intra_op.allow_spinning": {"string_value": "0"}},
        optimization={"graph": {"level": 1}},
    )

    assert parse_model_config(text).session == SessionSettings(
        intra_op_threads=2,
        inter_op_threads=3,
        is_parallel=True,
        has_memory_arena=False,
        has_memory_pattern=False,
        graph_level=1,
        entries=(("session.intra_op.allow_spinning", "0"),),
    )


def test_the_openvino_accelerator_keeps_its_options() -> None:
    options = {"num_of_threads": "1", "load_config": "{}"}
    session = parse_model_config(config(optimization=openvino(**options))).session

    assert session.provider == OPENVINO
    assert dict(session.provider_options) == {"device_type": "CPU", **options}


def test_openvino_binds_its_threads_to_no_core_as_each_instance_would_take_the_same() -> None:
    options = dict(parse_model_config(config(optimization=openvino())).session.provider_options)

    assert json.loads(options["load_config"]) == {"CPU": {"ENABLE_CPU_PINNING": "NO"}}


@pytest.mark.parametrize(("options", "threads"), [({}, "2"), ({"num_of_threads": "1"}, "1")])
def test_openvino_takes_no_more_threads_than_the_model_may_have(
    options: dict[str, str], threads: str
) -> None:
    text = config(
        parameters=parameters(intra_op_thread_count="2"), optimization=openvino(**options)
    )

    assert dict(parse_model_config(text).session.provider_options)["num_of_threads"] == threads


def test_accelerators_of_gpus_do_not_concern_the_cpu() -> None:
    accelerators = {"gpu_execution_accelerator": [{"name": "tensorrt"}]}
    text = config(optimization={"execution_accelerators": accelerators})

    assert parse_model_config(text).session.provider == CPU


def test_an_unknown_accelerator_is_named() -> None:
    accelerators = {"cpu_execution_accelerator": [{"name": "opnvino"}]}
    with pytest.raises(BadModel, match=r"'opnvino'.*only one is known, named 'openvino'"):
        parse_model_config(config(optimization={"execution_accelerators": accelerators}))


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("intra_op_thread_count", "two", "is 'two', expected a whole number"),
        ("intra_op_thread_count", "-1", "is -1, expected zero or more"),
        ("execution_mode", "2", r"is 2, expected one of \(0, 1\)"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_allowed(
    key: str, value: str, complaint: str
) -> None:
    with pytest.raises(BadModel, match=f"parameter '{key}' {complaint}"):
        parse_model_config(config(parameters=parameters(**{key: value})))


def test_a_type_that_the_backend_cannot_carry_is_named() -> None:
    with pytest.raises(BadModel, match="tensor 'images': data_type TYPE_STRING is not supported"):
        parse_model_config(config(input=[IMAGES | {"data_type": "TYPE_STRING"}]))
