"""The launcher and the onnxruntime backend in a real Triton, with models that fail on purpose."""

import concurrent.futures
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from local.prepare.serving_venv import prepare_serving_venv
from tests.integration.serving_models import OPENVINO, TABLE_SIZE, lookup_onnx, write_model
from tests.integration.serving_process import (
    ROOT,
    Server,
    connected,
    started,
    wait_until,
)
from tests.unit.promql import TRITON

# Requests wait up to ten seconds for a batch of four: two requests of two surely run together.
FOUR_TOGETHER = """dynamic_batching { preferred_batch_size: [4]
  max_queue_delay_microseconds: 10000000 }"""


@pytest.fixture(scope="session")
def serving_python(server_cache: Path) -> Path:
    """The interpreter of the serving environment, installed from its lock the first time."""
    return prepare_serving_venv(
        server_cache, ROOT / "requirements" / "serving.txt", lambda name, detail: None
    )


@pytest.fixture(scope="module")
def serving_server(
    serving_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with well-made models, shared by the tests that leave it as it was."""
    repository = tmp_path_factory.mktemp("models")
    write_model(repository, "lookup", {1: lookup_onnx(), 2: lookup_onnx(scale=2)})
    write_model(repository, "merging", {1: lookup_onnx()}, more=FOUR_TOGETHER)
    write_model(repository, "openvino", {1: lookup_onnx()}, more=OPENVINO)
    log = tmp_path_factory.mktemp("log") / "triton.log"
    with started(serving_python, repository, log) as server:
        yield server


@pytest.fixture
def serving_client(serving_server: Server) -> Iterator[triton.InferenceServerClient]:
    """A gRPC client of the shared server."""
    with connected(serving_server) as client:
        yield client


def tensor(values: NDArray[Any], name: str = "index") -> list[triton.InferInput]:
    """Return the one input of a request."""
    tensor = triton.InferInput(name, values.shape, np_to_triton_dtype(values.dtype))
    tensor.set_data_from_numpy(values)
    return [tensor]


def rows(*values: int) -> NDArray[np.int32]:
    """Return a batch with a row [value, 0] for each value."""
    return np.array([[value, 0] for value in values], np.int32)


def first_column(result: triton.InferResult) -> list[int]:
    """Return the first value of each row of the answer."""
    values = result.as_numpy("value")
    assert values is not None
    assert values.dtype == np.float32
    return [int(value) for value in values[:, 0]]


@pytest.mark.parametrize(("version", "answer"), [("1", [3, 4]), ("2", [6, 8]), ("", [6, 8])])
def test_both_versions_answer_and_the_newest_is_the_default(
    serving_client: triton.InferenceServerClient, version: str, answer: list[int]
) -> None:
    result = serving_client.infer("lookup", tensor(rows(3, 4)), model_version=version)

    assert first_column(result) == answer


def test_http_answers_as_grpc_does(serving_server: Server) -> None:
    body = {
        "inputs": [{"name": "index", "shape": [1, 2], "datatype": "INT32", "data": [[7, 8]]}],
    }
    answer = httpx.post(f"{serving_server.http}/v2/models/lookup/versions/1/infer", json=body)

    assert answer.json()["outputs"] == [
        {"name": "value", "datatype": "FP32", "shape": [1, 2], "data": [7.0, 8.0]}
    ]


def test_the_metadata_reports_the_signature(
    serving_client: triton.InferenceServerClient,
) -> None:
    metadata = serving_client.get_model_metadata("lookup", as_json=True)

    assert sorted(metadata["versions"]) == ["1", "2"]
    assert metadata["inputs"] == [{"name": "index", "datatype": "INT32", "shape": ["-1", "2"]}]
    assert metadata["outputs"] == [{"name": "value", "datatype": "FP32", "shape": ["-1", "2"]}]


def test_the_metrics_are_those_that_the_dashboard_and_the_alarms_ask_for(
    serving_server: Server,
) -> None:
    text = httpx.get(f"{serving_server.metrics}/metrics").text
    shown = {
        sample.name.removesuffix("_total"): set(sample.labels)  # which the parser adds
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert {name: shown.get(name) for name in TRITON} == TRITON


def test_the_openvino_provider_is_the_one_in_use(
    serving_server: Server, serving_client: triton.InferenceServerClient
) -> None:
    assert first_column(serving_client.infer("openvino", tensor(rows(5)))) == [5]
    assert "OpenVINOExecutionProvider {'device_type': 'CPU'" in serving_server.log.read_text()


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        (tensor(np.zeros((1, 2), np.float32)), "data-type is 'FP32', but .* expects 'INT32'"),
        (tensor(np.zeros((1, 3), np.int32)), r"unexpected shape.*\[-1,2\], got \[1,3\]"),
        (tensor(rows(1), name="images"), "unexpected inference input 'images'"),
        (tensor(np.zeros((51, 2), np.int32)), "batch-size must be <= 50"),
    ],
    ids=["dtype", "shape", "name", "batch too large"],
)
def test_a_wrong_request_is_an_invalid_argument_and_the_server_lives_on(
    serving_client: triton.InferenceServerClient,
    inputs: list[triton.InferInput],
    complaint: str,
) -> None:
    with pytest.raises(InferenceServerException, match=complaint) as caught:
        serving_client.infer("lookup", inputs)

    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
    assert first_column(serving_client.infer("lookup", tensor(rows(9)), model_version="1")) == [9]


def test_a_run_that_fails_is_an_internal_error_with_the_runtimes_words(
    serving_client: triton.InferenceServerClient,
) -> None:
    with pytest.raises(InferenceServerException, match="indices element out of data") as caught:
        serving_client.infer("lookup", tensor(rows(TABLE_SIZE)))

    assert caught.value.status() == "StatusCode.INTERNAL"


def test_a_bad_request_does_not_spoil_the_one_it_was_merged_with(
    serving_client: triton.InferenceServerClient,
) -> None:
    good = infer_later(serving_client, tensor(rows(11, 12)))
    bad = infer_later(serving_client, tensor(rows(TABLE_SIZE, 1)))

    assert first_column(good.get(timeout=30)[0]) == [11, 12]
    _, error = bad.get(timeout=30)
    assert "indices element out of data" in error.message()
    # One call for both requests, or this test would have shown nothing. Counted after the answers.
    wait_until(lambda: batch_sizes(serving_client) == ["4"], 10, "one call of four rows is counted")


def batch_sizes(client: triton.InferenceServerClient) -> list[str]:
    """Return the sizes of the batches that the model `merging` was called with so far."""
    (statistics,) = client.get_inference_statistics("merging", as_json=True)["model_stats"]
    return [batch["batch_size"] for batch in statistics.get("batch_stats", [])]


def infer_later(
    client: triton.InferenceServerClient, inputs: list[triton.InferInput]
) -> "queue.SimpleQueue[tuple[Any, Any]]":
    """Send a request to the model `merging`; its (result, error) comes into the queue."""
    answer: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
    client.async_infer("merging", inputs, lambda result, error: answer.put((result, error)))
    return answer


def test_many_clients_at_once_get_their_own_rows(serving_server: Server) -> None:
    def ask(client_index: int) -> None:
        with connected(serving_server) as client:
            for round_index in range(25):
                wanted = [client_index * 50 + round_index + row for row in range(5)]
                answer = client.infer("lookup", tensor(rows(*wanted)), model_version="1")
                assert first_column(answer) == wanted

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(16)))


def test_models_are_loaded_and_unloaded_on_demand(serving_python: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "models", "lookup", {1: lookup_onnx()})
    explicit = "--model-control-mode=explicit"
    with (
        started(serving_python, tmp_path / "models", tmp_path / "log", explicit) as server,
        connected(server) as client,
    ):
        assert not client.is_model_ready("lookup")
        client.load_model("lookup")
        assert first_column(client.infer("lookup", tensor(rows(1)))) == [1]
        client.unload_model("lookup")
        wait_until(lambda: not server.stubs(), 20, "the unloaded model's process is gone")
        wait_until(client.is_server_ready, 20, "the server without models is ready")
