"""Adds up the differences of any number of frames. Pure; its memory does not grow with them."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from contracts.results import FrameResult, Model
from ops.replay.biggest import Biggest
from ops.replay.comparison import FrameDifference, difference
from ops.replay.moments import iso_utc_of_ns
from ops.replay.pairing import Pair, Seen
from ops.replay.report import ClassReport, DiffReport, ModelShare, SideReport
from ops.replay.shifts import Shifts
from runtime.matching import Agreement


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What is known of a results topic beside its frames."""

    topic: str
    min_confidence: float | None
    unreadable: int


@dataclass(slots=True)
class _Side:
    """What one topic has of the frames compared."""

    models: Counter[tuple[str, str]] = field(default_factory=Counter)
    lowest: float | None = None
    only_here: int = 0
    not_inferred: int = 0

    def add(self, frame: FrameResult, model: Model) -> None:
        self.not_inferred += frame.not_inferred is not None
        self.models[(model.name, model.version)] += 1
        seen = [found.confidence for found in frame.detections]
        if self.lowest is not None:
            seen.append(self.lowest)
        self.lowest = min(seen, default=None)

    def report(self, facts: TopicFacts) -> SideReport:
        return SideReport(
            topic=facts.topic,
            models=[ModelShare(*model, frames) for model, frames in sorted(self.models.items())],
            min_confidence=facts.min_confidence,
            lowest_confidence=self.lowest,
            frames_only_here=self.only_here,
            not_inferred=self.not_inferred,
            unreadable=facts.unreadable,
        )


class Account:
    """Takes the frames of one stream, pair by pair, and keeps sums and the biggest changes."""

    def __init__(self, iou: float, wanted_pictures: int) -> None:
        self.frames = 0
        self.biggest = Biggest(wanted_pictures)
        self._iou = iou
        self._differ = 0
        self._first: FrameResult | None = None
        self._last: FrameResult | None = None
        self._a, self._b = _Side(), _Side()
        self._labels: dict[int, str] = {}
        self._classes: defaultdict[int, Agreement] = defaultdict(Agreement)
        self._shifts = Shifts()

    def add(self, pair: Pair) -> None:
        """Count one frame that one topic has, or compare one that both have."""
        if pair.a is not None and pair.b is not None:
            self._compare(pair.a, pair.b)
        else:
            self._a.only_here += pair.a is not None
            self._b.only_here += pair.b is not None

    def report(self, stream_id: str, a: TopicFacts, b: TopicFacts) -> DiffReport:
        """Return the sums; raise ValueError where no frame was compared."""
        if self._first is None or self._last is None:
            raise ValueError("no frame was compared")
        return DiffReport(
            stream_id=stream_id,
            a=self._a.report(a),
            b=self._b.report(b),
            iou=self._iou,
            first_offset=self._first.offset,
            last_offset=self._last.offset,
            captured_first=iso_utc_of_ns(self._first.captured_ns),
            captured_last=iso_utc_of_ns(self._last.captured_ns),
            frames=self.frames,
            frames_differ=self._differ,
            share=round(self._differ / self.frames, 5),
            together=_class_report(None, "all", sum(self._classes.values(), Agreement())),
            classes=[
                _class_report(class_id, self._labels[class_id], counts)
                for class_id, counts in sorted(self._classes.items())
            ],
            confidence_shift=self._shifts.report(),
        )

    def _compare(self, a: Seen, b: Seen) -> None:
        self.frames += 1
        self._first = a.frame if self._first is None else self._first
        self._last = a.frame
        self._a.add(a.frame, a.model)
        self._b.add(b.frame, b.model)
        shown = difference(a.frame, b.frame, self._iou)
        self._differ += shown.differs
        self.biggest.add(shown)
        self._count_boxes(shown)

    def _count_boxes(self, shown: FrameDifference) -> None:
        for ours, theirs, iou in shown.both:
            self._classes[ours.class_id] += Agreement(1, 1, 1, iou)
            self._shifts.add(theirs.confidence - ours.confidence)
            self._labels.setdefault(ours.class_id, ours.label)
        for found in shown.lost:
            self._classes[found.class_id] += Agreement(references=1)
            self._labels.setdefault(found.class_id, found.label)
        for found in shown.new:
            self._classes[found.class_id] += Agreement(candidates=1)
            self._labels.setdefault(found.class_id, found.label)


def _class_report(class_id: int | None, label: str, counts: Agreement) -> ClassReport:
    return ClassReport(
        class_id=class_id,
        label=label,
        boxes_a=counts.references,
        boxes_b=counts.candidates,
        matched=counts.matches,
        new=counts.candidates - counts.matches,
        lost=counts.references - counts.matches,
        precision=round(counts.precision, 5),
        recall=round(counts.recall, 5),
        mean_iou=round(counts.mean_iou, 5),
    )
