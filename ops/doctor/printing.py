"""What a person is shown of one camera: a table, what is wrong, and the entry to paste."""

from textwrap import indent

import msgspec
import yaml
from msgspec import UNSET
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from producer.camera import Transport
from producer.diagnosis.report import Diagnosis, Finding, Measurements, StreamEntry, Video


def print_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """Print what was measured, then what is wrong with what to do next, then the entry."""
    console.print(escape(diagnosis.url), highlight=False, soft_wrap=True)
    if diagnosis.video is not None and diagnosis.measured is not None:
        table = Table("", "", show_header=False)
        rows = _rows(diagnosis.video, diagnosis.measured, diagnosis.transport)
        for name, value in rows.items():
            table.add_row(name, escape(value))
        console.print(table)
    if diagnosis.problem is not None:
        _print_finding(console, "[red]problem[/]", diagnosis.problem)
    for warning in diagnosis.warnings:
        _print_finding(console, "[yellow]warning[/]", warning)
    if diagnosis.verdict == "healthy":
        console.print("[green]healthy[/]: nothing to be done")
    if diagnosis.advised_entry is not None:
        entry = entry_yaml(diagnosis.advised_entry)
        said = f"\nfor streams.yaml:\n{entry}"
        console.print(said, markup=False, highlight=False, soft_wrap=True)


def entry_yaml(entry: StreamEntry) -> str:
    """Return the entry as it goes into streams.yaml."""
    fields = msgspec.structs.asdict(entry)
    given = {name: value for name, value in fields.items() if value is not UNSET}
    listed = yaml.safe_dump([given], sort_keys=False, width=10_000)
    return "streams:\n" + indent(listed, "  ").rstrip()


def _print_finding(console: Console, kind: str, finding: Finding) -> None:
    is_whole = not console.is_terminal  # a line each for whoever reads them from a pipe
    console.print(f"{kind}: {escape(finding.said)}", highlight=False, soft_wrap=is_whole)
    console.print(f"  next: {escape(finding.next_step)}", highlight=False, soft_wrap=is_whole)


def _rows(video: Video, figures: Measurements, transport: Transport) -> dict[str, str]:
    width_px, height_px = video.size_wh
    load = figures.decode_load
    return {
        "video": f"{video.codec} {video.profile or ''}, {width_px}x{height_px}",
        "pixels": f"{video.pixel_format}, {video.colour_range} range",
        "frame rate": f"{_shown(figures.fps, '/s')}, declared {_shown(video.declared_fps, '/s')}",
        "jitter": f"{_shown(figures.jitter_ms, ' ms')}, "
        f"longest gap {_shown(figures.longest_gap_ms, ' ms')}",
        "key frames": _keyframes(figures),
        "bit rate": _bit_rate(figures.bit_rate_bps),
        "clock": _clock(figures),
        "frames": f"{figures.frames} in {figures.watched_s:.3g} s, "
        f"the first after {_shown(figures.first_frame_s, ' s')}",
        "of these": f"{figures.corrupt} corrupt, {figures.frozen} frozen, "
        f"{figures.repeated} repeat the one before; {figures.skipped} more skipped",
        "decoding": _shown(None if load is None else 100 * load, " % of the camera's thread"),
        "transport": transport.upper(),
    }


def _keyframes(figures: Measurements) -> str:
    if figures.keyframe_interval_frames is None:
        return "-"
    bound = "at least " if figures.is_keyframe_interval_open else ""
    b_frames = "with" if figures.has_b_frames else "no"
    interval = f"{figures.keyframe_interval_frames} frames"
    return f"{bound}{interval} ({_shown(figures.keyframe_interval_s, ' s')}), {b_frames} B-frames"


def _bit_rate(bit_rate_bps: int | None) -> str:
    if bit_rate_bps is None:
        return "-"
    if bit_rate_bps < 1_000_000:
        return f"{bit_rate_bps / 1000:.0f} kbit/s"
    return f"{bit_rate_bps / 1e6:.1f} Mbit/s"


def _clock(figures: Measurements) -> str:
    skew_ms = figures.clock_skew_ms
    if skew_ms is None:
        return f"arrival: no RTCP wall time within {figures.watched_s:.3g} s"
    source = "RTCP wall time" if figures.clock == "rtcp" else "arrival: RTCP is too far off"
    return f"{source}, {skew_ms:+d} ms against this machine, delay included"


def _shown(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.3g}{unit}"
