"""The edge to Triton: one model over gRPC, its signature checked before the first frame."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from consumer.detections import Answer, FrameOutput, split_outputs
from contracts.results import Model
from runtime.errors import ConfigurationError, FramerailError, TransientError

INPUT = "images"
OUTPUTS = {
    "detection_boxes": (3,),
    "detection_scores": (2,),
    "detection_classes": (2,),
    "num_detections": (1, 2),
}
"""Outputs in the order of `split_outputs`, each with the numbers of axes it may have. The graph's
num_detections is [N]; Triton shows [N, 1], as its configuration cannot say "no axis"."""

_PASSING = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED", "NOT_FOUND"}
"""Statuses of a server that is away, restarting, overloaded or loading its model again."""

_WRONG_SERVER = {"UNIMPLEMENTED", "UNAUTHENTICATED", "PERMISSION_DENIED"}
"""Statuses of a server that is no Triton, or none that we may ask."""

_CHANNEL = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Where the name has several addresses - a headless Service with a replica behind each - batches
    # go to all of them in turn; gRPC's own choice is the first that answers, for ever.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    # A replica that came is found when a connection ends, which servers see to by an age limit:
    # the default would answer from what was resolved up to 30 s before.
    ("grpc.dns_min_time_between_resolutions_ms", 2000),
    # A replica that restarts is tried again this soon; by itself gRPC goes up to two minutes.
    ("grpc.max_reconnect_backoff_ms", 2000),
)
_SERVER_MESSAGE_BYTES = 2**31 - 1
"""What Triton's server takes in one message (MAX_GRPC_MESSAGE_SIZE in tritonclient/grpc/_client.py,
"kept consistent" with the server's), and protobuf itself; a proxy between may take less."""
_CHANNEL_KEPT_S = 5.0
"""An unreachable server's channel is replaced when it is older. One whose name did not resolve, as
that of a headless Service without a ready replica, asks again after waits that grow to two minutes,
and no option bounds them (gRPC core 1.85, resolver/dns)."""


class InferenceRefused(FramerailError):
    """Triton answered these images with an error of its own; others may succeed."""


class ModelNotServed(ConfigurationError):
    """The server does not have the model, or not in this version."""


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """What was learnt of the model: its input size in pixels and its largest batch."""

    name: str
    version: str
    input_wh: tuple[int, int]
    max_batch_size: int


def message_limit_bytes() -> int:
    """Return the largest request that our channel sends and Triton's server takes."""
    ours = dict[str, Any](_CHANNEL)["grpc.max_send_message_length"]
    return _SERVER_MESSAGE_BYTES if ours < 0 else min(int(ours), _SERVER_MESSAGE_BYTES)


class TritonModel:
    """One model of one Triton server; safe to call from several threads."""

    def __init__(self, address: str, name: str, version: str, timeout_s: float) -> None:
        """Prepare the channel; nothing is sent before the first call."""
        self._address = address
        self._lock = threading.Lock()
        self._open_channel()
        self._name = name
        self._version = version
        self._timeout_s = timeout_s
        self._outputs = [InferRequestedOutput(output) for output in OUTPUTS]

    def close(self) -> None:
        """Close the channel."""
        self._client.close()

    def _open_channel(self) -> None:
        self._client = InferenceServerClient(self._address, channel_args=list(_CHANNEL))
        self._opened_s = time.monotonic()

    def _replace_old_channel(self) -> None:
        """Other threads' calls go on in the channel before: it closes after the last of them."""
        with self._lock:
            if time.monotonic() - self._opened_s > _CHANNEL_KEPT_S:
                self._open_channel()

    def signature(self) -> ModelSignature:
        """Ask for the model's signature and check it.

        Raises TransientError while the server is away or not ready, ModelNotServed if the model is
        not there, ConfigurationError if it is no Triton or the signature is another than SSD's.
        """
        try:
            if not self._client.is_server_ready(client_timeout=self._timeout_s):
                raise TransientError(f"Triton at {self._address} is not ready")
            metadata = self._client.get_model_metadata(
                self._name, self._version, client_timeout=self._timeout_s
            )
            config = self._client.get_model_config(
                self._name, self._version, client_timeout=self._timeout_s
            ).config
        except InferenceServerException as error:
            raise self._not_served(error) from error
        version = self._version or max(metadata.versions, key=int)
        input_wh = checked_signature(self._name, metadata)
        return ModelSignature(self._name, version, input_wh, config.max_batch_size)

    def ready_models(self) -> list[Model]:
        """Return every model and version that can be asked now; raise as `signature` does."""
        try:
            index = self._client.get_model_repository_index(client_timeout=self._timeout_s)
        except InferenceServerException as error:
            raise self._not_served(error) from error
        return [Model(at.name, at.version) for at in index.models if at.state == "READY"]

    def infer(self, images: NDArray[np.uint8]) -> Answer[FrameOutput]:
        """Detect objects in `images`: RGB, shape (N, height, width, 3), uint8.

        Returns one output per image, and the version that answered. Raises TransientError if the
        same call may succeed later, InferenceRefused if Triton answered with an error.
        """
        tensor = InferInput(INPUT, list(images.shape), "UINT8")
        tensor.set_data_from_numpy(images)
        with self._mapped():
            answer = self._client.infer(
                self._name,
                [tensor],
                self._version,
                self._outputs,
                client_timeout=self._timeout_s,
            )
        try:
            outputs = split_outputs(*(answer.as_numpy(name) for name in OUTPUTS))
        except (ValueError, AttributeError) as error:  # as_numpy returns None for an absent output
            raise InferenceRefused(f"model {self._name}: unusable answer: {error}") from error
        response = answer.get_response()
        return Answer(Model(response.model_name, response.model_version), outputs)

    def _not_served(self, error: InferenceServerException) -> FramerailError:
        status = self._status_of(error)
        if status in _WRONG_SERVER:
            return ConfigurationError(
                f"{self._address} does not answer as Triton does: {status}: {error.message()}; "
                "check FRAMERAIL_TRITON_ADDRESS"
            )
        if status not in {"NOT_FOUND", "INVALID_ARGUMENT"}:
            return TransientError(f"Triton at {self._address}: {status}: {error.message()}")
        wanted = f"{self._name!r} version {self._version or 'any'}"
        return ModelNotServed(
            f"Triton at {self._address} serves no model {wanted}: {error.message()}; check "
            "FRAMERAIL_MODEL_NAME, FRAMERAIL_MODEL_VERSION and the server's model repository"
        )

    def _status_of(self, error: InferenceServerException) -> str:
        status = str(error.status() or "").removeprefix("StatusCode.")
        if status == "UNAVAILABLE":
            self._replace_old_channel()
        return status

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            status, message = self._status_of(error), error.message()
            if status in _PASSING:
                raise TransientError(f"Triton at {self._address}: {status}: {message}") from error
            raise InferenceRefused(f"model {self._name}: {status}: {message}") from error


def checked_signature(name: str, metadata: Any) -> tuple[int, int]:
    """Return the (width, height) in pixels that the model takes.

    `metadata` is Triton's ModelMetadataResponse. Raises ConfigurationError with what was found
    where an input or output is missing or has another type or shape.
    """
    inputs = {tensor.name: tensor for tensor in metadata.inputs}
    found = ", ".join(f"{t.name} {t.datatype} {list(t.shape)}" for t in metadata.inputs)
    image = inputs.get(INPUT)
    is_image = (
        image is not None
        and len(inputs) == 1
        and image.datatype == "UINT8"
        and len(image.shape) == 4
        and image.shape[3] == 3
    )
    if not is_image or image is None:
        raise ConfigurationError(
            f"model {name}: its input is {found}; expected {INPUT} UINT8 [N, height, width, 3]"
        )
    height, width = image.shape[1:3]
    if height < 1 or width < 1:
        raise ConfigurationError(f"model {name}: input {found} has no fixed height and width")
    _check_outputs(name, metadata)
    return int(width), int(height)


def _check_outputs(name: str, metadata: Any) -> None:
    outputs = {tensor.name: tensor for tensor in metadata.outputs}
    for output, axes in OUTPUTS.items():
        tensor = outputs.get(output)
        if tensor is None or tensor.datatype != "FP32" or len(tensor.shape) not in axes:
            found = ", ".join(f"{t.name} {t.datatype} {list(t.shape)}" for t in metadata.outputs)
            raise ConfigurationError(
                f"model {name}: output {output} is not FP32 with {axes[0]} axes; it has: {found}"
            )
