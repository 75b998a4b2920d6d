"""What `framerail diff` found: the words of its JSON document."""

from msgspec import Struct

from ops.replay.shifts import ShiftReport


class ModelShare(Struct, frozen=True):
    """A model that answered, and for how many of the frames compared."""

    name: str
    version: str
    frames: int


class SideReport(Struct, frozen=True, kw_only=True):
    """One of the two topics, over the frames that were compared.

    `min_confidence` is the threshold it was written with: a replay tells, live does not. No box
    lies below `lowest_confidence`; None where there is no box. `frames_only_here` lie between
    frames that both have. `unreadable` records of the topic are no results.
    """

    topic: str
    models: list[ModelShare]
    min_confidence: float | None
    lowest_confidence: float | None
    frames_only_here: int
    not_inferred: int
    unreadable: int = 0


class ClassReport(Struct, frozen=True, kw_only=True):
    """The boxes of one class, or of all. Precision and recall are those of B against A."""

    class_id: int | None
    label: str
    boxes_a: int
    boxes_b: int
    matched: int
    new: int
    lost: int
    precision: float
    recall: float
    mean_iou: float


class PictureReport(Struct, frozen=True, kw_only=True):
    """One of the frames that changed most; without a `path`, `missing` says why."""

    offset: int
    captured: str
    lost: int
    new: int
    path: str | None = None
    missing: str | None = None


class DiffReport(Struct, frozen=True, kw_only=True):
    """B against A on the frames that both hold; offsets are inclusive, times ISO 8601 in UTC.

    A frame differs if a box is in one only, or if only one model had an answer for it. `share` is
    the part of `frames` that differ.
    """

    stream_id: str
    a: SideReport
    b: SideReport
    iou: float
    first_offset: int
    last_offset: int
    captured_first: str
    captured_last: str
    frames: int
    frames_differ: int
    share: float
    together: ClassReport
    classes: list[ClassReport]
    confidence_shift: ShiftReport | None
    pictures: list[PictureReport] = []
