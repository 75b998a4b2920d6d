"""Rules on sizes: the frames as they are against every limit on their way, one and a batch."""

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.preflight.facts import Brokers, FrameLoad, Topic
from runtime.preflight.findings import Finding, judged, skipped
from runtime.preflight.units import size

FRAME, REQUEST, FETCH, REPLICATION, RESULT, MODEL, MESSAGE = (
    "frame size",
    "produce request",
    "fetch",
    "replication fetch",
    "result size",
    "model batch size",
    "gRPC message",
)
NEARLY = 0.8
"""Of a limit may be used before a person is warned: a busier picture takes more."""


def frame_size(load: FrameLoad, max_frame_bytes: int) -> Finding:
    """Judge one frame: above the limit it is encoded at lower qualities, or dropped at last."""
    is_dropped = load.least_bytes is not None and load.least_bytes > max_frame_bytes
    is_lowered = load.largest_bytes > max_frame_bytes
    outcome = ""
    if is_dropped:
        outcome = f"; even the lowest quality takes {size(load.least_bytes or 0)}: all are dropped"
    elif is_lowered:
        outcome = "; the producer will lower their quality"
    return judged(
        FRAME,
        load.stream,
        f"frames of {load.stream} take {size(load.mean_bytes)}, the largest "
        f"{size(load.largest_bytes)} ({load.origin}); {size(max_frame_bytes)} may be "
        f"published{outcome}",
        "raise FRAMERAIL_MAX_FRAME_BYTES and its topic's max.message.bytes, or lower the stream's "
        "max_width or jpeg_quality",
        refused=is_dropped,
        warned=load.largest_bytes > NEARLY * max_frame_bytes,
        mean_bytes=round(load.mean_bytes),
        largest_bytes=load.largest_bytes,
        limit_bytes=max_frame_bytes,
    )


def produce_request(who: str, request_bytes: int, brokers: Brokers) -> Finding:
    """Judge the largest request of a producer.

    A broker closes the connection at a larger one without a word, and the client tries for ever.
    """
    limit_bytes = brokers.socket_request_max_bytes
    if limit_bytes is None:
        return skipped(REQUEST, who, "DescribeConfigs on the cluster is not given")
    return judged(
        REQUEST,
        who,
        f"a request of the {who} takes up to {size(request_bytes)}, a broker's "
        f"socket.request.max.bytes is {size(limit_bytes)}",
        "raise the brokers' socket.request.max.bytes, or lower FRAMERAIL_MAX_FRAME_BYTES or "
        "FRAMERAIL_MAX_RESULT_BYTES",
        refused=request_bytes > limit_bytes,
        request_bytes=request_bytes,
        limit_bytes=limit_bytes,
    )


@dataclass(frozen=True, slots=True)
class Fetching:
    """How the consumer fetches, in bytes for one partition and for one answer, and its batch."""

    partition_bytes: int
    answer_bytes: int
    batch_size: int


def fetch(load: FrameLoad, fetching: Fetching) -> Finding:
    """Judge a record, and a batch, against what one fetch brings.

    A record above the limit still comes, alone, so that readers make progress (KIP-74).
    """
    batch_bytes = load.mean_bytes * fetching.batch_size
    fetches = -(-batch_bytes // fetching.partition_bytes)
    together = fetching.answer_bytes // fetching.partition_bytes
    return judged(
        FETCH,
        load.stream,
        f"a fetch brings up to {size(fetching.partition_bytes)} of {load.stream}, of {together} "
        f"such streams at once; its largest frame takes {size(load.largest_bytes)}, a batch of "
        f"{fetching.batch_size} {size(batch_bytes)} in {fetches:.0f} fetch(es)",
        "raise FRAMERAIL_MAX_FRAME_BYTES to that of the producer that wrote these frames",
        warned=load.largest_bytes > fetching.partition_bytes,
        batch_bytes=round(batch_bytes),
        fetch_bytes=fetching.partition_bytes,
        fetches=int(fetches),
    )


def replication_fetch(load: FrameLoad, topic: Topic, brokers: Brokers) -> Finding | None:
    """Judge a frame against what one fetch of a follower brings; None where nothing is copied.

    As for readers, a larger record comes alone: nothing stops, but followers may fall behind.
    """
    if topic.replicas < 2:
        return None
    limit_bytes = brokers.replica_fetch_max_bytes
    if limit_bytes is None:
        return skipped(REPLICATION, load.stream, "DescribeConfigs on the cluster is not given")
    return judged(
        REPLICATION,
        load.stream,
        f"the largest frame of {load.stream} takes {size(load.largest_bytes)}, a broker's "
        f"replica.fetch.max.bytes is {size(limit_bytes)}",
        "raise the brokers' replica.fetch.max.bytes",
        warned=load.largest_bytes > limit_bytes,
        largest_bytes=load.largest_bytes,
        limit_bytes=limit_bytes,
    )


def result_size(load: FrameLoad, pictures: int, bare_bytes: int, max_result_bytes: int) -> Finding:
    """Judge the pictures that a result carries in base64; what has no room is left out of it.

    `pictures` are chosen of a batch, whose document takes up to `bare_bytes` without them.
    """
    picture_bytes = 4 * -(-load.largest_bytes // 3)
    room = max(max_result_bytes - bare_bytes, 0) // max(picture_bytes, 1)
    return judged(
        RESULT,
        load.stream,
        f"{pictures} picture(s) of {load.stream} take {size(pictures * picture_bytes)} in a "
        f"result of at most {size(max_result_bytes)}, which has room for {room}",
        "raise FRAMERAIL_MAX_RESULT_BYTES and the results topic's max.message.bytes, or choose "
        "fewer in FRAMERAIL_EVIDENCE",
        refused=not room,
        warned=room < pictures,
        pictures=pictures,
        room=room,
        picture_bytes=picture_bytes,
    )


@dataclass(frozen=True, slots=True)
class Memory:
    """What a service is about to hold: `fixed_bytes`, and `parts` by name, all in bytes."""

    who: str
    fixed_bytes: int
    parts: Sequence[tuple[str, float]]
    remedy: str

    @property
    def needed_bytes(self) -> int:
        """All of it."""
        return round(self.fixed_bytes + sum(taken for _, taken in self.parts))


def memory(need: Memory, limit_bytes: int) -> Finding:
    """Judge what a service holds at most against what it may take: above it, it is killed."""
    named = [("the process itself", need.fixed_bytes), *need.parts]
    parts = ", ".join(f"{name} {size(taken)}" for name, taken in named)
    return judged(
        f"{need.who} memory",
        need.who,
        f"the {need.who} holds up to {size(need.needed_bytes)} ({parts}) of the "
        f"{size(limit_bytes)} here",
        f"give it more memory, or lower {need.remedy}",
        refused=need.needed_bytes > limit_bytes,
        warned=need.needed_bytes > NEARLY * limit_bytes,
        needed_bytes=need.needed_bytes,
        limit_bytes=limit_bytes,
    )


def model_batch(model: str, max_batch_size: int, batch_size: int) -> Finding:
    """Judge whether the model takes a full batch."""
    return judged(
        MODEL,
        model,
        f"model {model} takes at most {max_batch_size} images at once, FRAMERAIL_BATCH_SIZE is "
        f"{batch_size}",
        "lower it, or raise max_batch_size in the model's config.pbtxt",
        refused=batch_size > max_batch_size,
        max_batch_size=max_batch_size,
        batch_size=batch_size,
    )


def grpc_message(
    model: str, input_wh: tuple[int, int], batch_size: int, limit_bytes: int
) -> Finding:
    """Judge a batch of images, shape (batch_size, height, width, 3), uint8, as one message.

    What is above a limit is refused with RESOURCE_EXHAUSTED, which also means an overload, so it
    would be tried for ever.
    """
    width, height = input_wh
    message_bytes = batch_size * width * height * 3
    return judged(
        MESSAGE,
        model,
        f"{batch_size} images of {width}x{height} take {size(message_bytes)}, a message "
        f"{size(limit_bytes)} at most",
        "lower FRAMERAIL_BATCH_SIZE",
        refused=message_bytes > limit_bytes,
        message_bytes=message_bytes,
        limit_bytes=limit_bytes,
    )
