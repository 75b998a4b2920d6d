"""The measured figures: read from the file that `make bench` writes, and fitted to a frame size."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ops.preflight.command import read_size
from runtime.errors import ConfigurationError

Positive = Annotated[float, Meta(gt=0)]
Size = tuple[int, int]


class StageCpu(Struct, frozen=True):
    """CPU-milliseconds a frame of each process that a production has; cameras are not ours."""

    producer: Positive
    kafka: Positive
    consumer: Positive
    triton: Positive
    postproc: Positive
    seaweedfs: Annotated[float, Meta(ge=0)]

    @property
    def of_nodes(self) -> float:
        """Of the services and the model: what runs in the cluster, beside Kafka and S3."""
        return self.producer + self.consumer + self.triton + self.postproc

    @property
    def in_all(self) -> float:
        """Of everything, Kafka and the store of one machine included."""
        return self.of_nodes + self.kafka + self.seaweedfs


class SizeFigures(Struct, frozen=True):
    """What frames of one size take; a result is one record of a batch, its picture included."""

    jpeg_bytes: Positive
    record_bytes: Positive
    evidence_bytes: Positive
    result_bytes: Positive
    stage_cpu_ms: StageCpu


class ServiceMemory(Struct, frozen=True):
    """Resident MiB of the processes, as measured with few cameras."""

    producer: Positive
    consumer: Positive


class MeasuredOn(Struct, frozen=True):
    """The machine that measured."""

    cpu: str
    cores: Annotated[int, Meta(gt=0)]


class CameraFigures(Struct, frozen=True):
    """What so many cameras together took: CPU-milliseconds a frame."""

    cpu_ms: Positive


class Figures(Struct, frozen=True):
    """The part of the file that a plan is made of; all else in it is left alone."""

    measured_at: Annotated[str, Meta(min_length=10)]
    revision: str
    machine: MeasuredOn
    sizes: Annotated[dict[str, SizeFigures], Meta(min_length=1)]
    memory_mib: ServiceMemory
    cameras: Annotated[dict[str, CameraFigures], Meta(min_length=1)]
    is_quick: bool = False


class Fitted(Struct, frozen=True):
    """Figures of one size, and in words whether they were measured, between two, or beyond."""

    size_wh: Size
    load: SizeFigures
    origin: str
    is_extrapolated: bool


def read_figures(path: Path) -> Figures:
    """Read and check the file.

    Raises ConfigurationError naming the file, and the field that is missing or wrong.
    """
    try:
        figures = msgspec.json.decode(path.read_bytes(), type=Figures)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: no measured figures ({error.strerror}); `make bench` writes them"
        ) from error
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{path}: no figures of `make bench`: {error}") from error
    for size in figures.sizes:
        try:
            read_size(size)
        except ConfigurationError:
            raise ConfigurationError(f"{path}: sizes: {size}: expected WxH in pixels") from None
    return figures


def fitted(figures: Figures, size_wh: Size) -> Fitted:
    """Return the figures of a size: as measured, or on the line through the two nearest sizes.

    Every figure is taken to grow as a + b * pixels, between two measured sizes and, said so, beyond
    them. Noise does not make a larger frame cheaper, nor a smaller one free: no figure falls with
    the pixels, and below the smallest size none falls faster than they do. Raises
    ConfigurationError if only one other size was measured.
    """
    measured = {read_size(text): load for text, load in figures.sizes.items()}
    if size_wh in measured:
        return Fitted(size_wh, measured[size_wh], "measured at this size", is_extrapolated=False)
    if len(measured) == 1:
        raise ConfigurationError(
            f"--size {_named(size_wh)}: only {_named(*measured)} was measured, and a line needs two"
        )
    by_distance = sorted(measured, key=lambda size: abs(_pixels(size) - _pixels(size_wh)))
    sizes = sorted(measured, key=_pixels)
    inner = _pixels(sizes[0]) <= _pixels(size_wh) <= _pixels(sizes[-1])
    low, high = _around(sizes, size_wh) if inner else sorted(by_distance[:2], key=_pixels)
    words = "interpolated between" if inner else "EXTRAPOLATED, not measured, from"
    load = _on_line(size_wh, (low, measured[low]), (high, measured[high]))
    return Fitted(size_wh, load, f"{words} {_named(low)} and {_named(high)}", not inner)


def _around(sizes: list[Size], size_wh: Size) -> tuple[Size, Size]:
    at = next(at for at, size in enumerate(sizes) if at and _pixels(size) >= _pixels(size_wh))
    return sizes[at - 1], sizes[at]


def _on_line(
    size_wh: Size, low: tuple[Size, SizeFigures], high: tuple[Size, SizeFigures]
) -> SizeFigures:
    low_px, high_px, wanted_px = _pixels(low[0]), _pixels(high[0]), _pixels(size_wh)
    share = (wanted_px - low_px) / (high_px - low_px) if high_px != low_px else 0.0

    def of(first: float, second: float) -> float:
        return max(first + share * (second - first), min(wanted_px / low_px, 1.0) * first)

    def numbers(one: Struct, other: Struct, names: tuple[str, ...]) -> dict[str, float]:
        return {name: of(getattr(one, name), getattr(other, name)) for name in names}

    stages = numbers(low[1].stage_cpu_ms, high[1].stage_cpu_ms, StageCpu.__struct_fields__)
    names = tuple(name for name in SizeFigures.__struct_fields__ if name.endswith("_bytes"))
    return SizeFigures(stage_cpu_ms=StageCpu(**stages), **numbers(low[1], high[1], names))


def _pixels(size_wh: Size) -> int:
    return size_wh[0] * size_wh[1]


def _named(size_wh: Size) -> str:
    return f"{size_wh[0]}x{size_wh[1]}"
