"""What watchers are told of the ledger, and how it is proven over and over."""

import io
import threading
from datetime import UTC, datetime

import pytest
from rich.console import Console

from contracts.wall import LedgerVerdict
from ops.failures import Interrupted
from ops.ledger.audit import SOON_S, Audit, keep_proving
from ops.ledger.publishing import NAMES_TOLD, PROBLEMS_TOLD, line_of, verdict_of
from ops.ledger.tables import print_ledger
from ops.ledger.verdict import Ledger, Named, PictureAccount, StreamLedger
from ops.moments import duration_s
from runtime.errors import ConfigurationError, DependencyError

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NOW_MS = 1_795_428_000_000


def stream(closed: bool = True, named: Named | None = None, **figures: int) -> StreamLedger:
    counted = {
        "first_offset": 0,
        "end_offset": 100,
        "captured": 110,
        "published": 100,
        "replayed": 0,
        "batches": 4,
        "inferred": 90,
        "dead_lettered": 2,
        "waiting": 8,
        "lost": 0,
        "doubled": 0,
        "expired": 0,
        "expired_unread": 0,
        "detections": 500,
        "dead_letters_missing": 0,
        "dead_letters_expired": 0,
        **figures,
    }
    return StreamLedger(
        **counted,
        dropped={"paced": 7, "backlog": 3},
        closed=closed,
        committed=92,
        pictures=PictureAccount(promised=5, stored=3, missing=1, waiting=1),
        named=named or Named(),
    )


def ledger(**streams: StreamLedger) -> Ledger:
    closed = all(one.closed for one in streams.values())
    return Ledger(closed=closed, since="2026-11-23T09:58:00.000+00:00", streams=streams)


def test_a_verdict_sums_all_streams_and_its_own_sums_close() -> None:
    told = verdict_of(ledger(cam1=stream(), cam2=stream(replayed=1, published=101)), NOW)
    assert (told.closed, told.at_ms, told.since_ms) == (True, NOW_MS, NOW_MS - 120_000)
    assert (told.streams, told.captured, told.published, told.dropped) == (2, 220, 201, 20)
    assert told.captured + told.replayed == told.published + told.dropped
    assert (told.inferred, told.waiting, told.dead_lettered) == (180, 16, 4)
    assert (told.pictures, told.missing_pictures) == (6, 2)
    assert told.problems == ()


def test_a_ledger_of_everything_begins_nowhere() -> None:
    assert verdict_of(Ledger(closed=True, since=None, streams={}), NOW).since_ms is None


def test_a_problem_names_its_stream_its_kind_and_the_first_of_what_is_missing() -> None:
    lost = tuple(f"frames.cam1-0@{offset}" for offset in range(NAMES_TOLD + 2))
    open_books = stream(closed=False, named=Named(lost=lost, missing_pictures=("evidence/a",)))
    told = verdict_of(ledger(cam1=open_books, cam2=stream()), NOW)
    assert not told.closed
    assert told.problems == (
        "cam1: published frames without a result (5): frames.cam1-0@0; frames.cam1-0@1; "
        "frames.cam1-0@2 ...",
        "cam1: pictures that are not in S3 (1): evidence/a",
    )


def test_sums_that_do_not_add_up_are_a_problem_even_where_nothing_can_be_named() -> None:
    told = verdict_of(ledger(cam1=stream(closed=False, captured=111)), NOW)
    assert told.problems == ("cam1: the sums do not add up",)


def test_results_that_expired_unread_are_a_problem_of_no_stream() -> None:
    found = Ledger(
        closed=False, since=None, streams={}, results_expired_unread=("results-0@0 to results-0@9",)
    )
    assert "results that expired" in verdict_of(found, NOW).problems[0]


def test_however_much_is_wrong_a_verdict_stays_small() -> None:
    bad = {
        f"cam{n}": stream(closed=False, named=Named(lost=(f"frames.cam{n}-0@1",)))
        for n in range(50)
    }
    assert len(verdict_of(ledger(**bad), NOW).problems) == PROBLEMS_TOLD


def test_a_log_has_one_line_a_verdict() -> None:
    line = line_of(verdict_of(ledger(cam1=stream()), NOW))
    assert line.startswith("the books close: captured 110, published 100, dropped 10, inferred 90")
    assert line.endswith("3 pictures in S3, 1 missing")
    assert "do not close" in line_of(verdict_of(ledger(cam1=stream(closed=False)), NOW))


class Clock(threading.Event):
    """A stop signal whose waits take no time; it is set at the end of the last of them."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.waited_s: list[float | None] = []
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s.append(timeout)
        if len(self.waited_s) == self._waits:
            self.set()
        return self.is_set()


def verdict(inferred: int = 25) -> LedgerVerdict:
    return LedgerVerdict(closed=True, at_ms=NOW_MS, streams=1, inferred=inferred)


def test_proofs_follow_each_other_until_the_stop_and_a_failure_ends_nothing() -> None:
    answers: list[LedgerVerdict | DependencyError]
    answers = [verdict(), DependencyError("Kafka is away"), verdict()]
    told, complaints, stop = list[LedgerVerdict](), list[str](), Clock(waits=3)

    def prove_once() -> LedgerVerdict:
        answer = answers.pop(0)
        if isinstance(answer, DependencyError):
            raise answer
        return answer

    keep_proving(prove_once, 30, stop, told.append, complaints.append)
    assert told == [verdict(), verdict()]
    assert complaints == ["Kafka is away; tried again in 30 s"]
    assert stop.waited_s == [30, 30, 30]


def test_until_a_frame_has_been_inferred_the_next_proof_comes_soon_and_never_again() -> None:
    verdicts = [verdict(inferred=0), verdict(inferred=25), verdict(inferred=0)]
    stop = Clock(waits=3)
    keep_proving(lambda: verdicts.pop(0), 30, stop, lambda _: None, pytest.fail)
    assert stop.waited_s == [SOON_S, 30, 30]


def test_a_stop_in_the_middle_of_a_proof_ends_it_without_a_word() -> None:
    def prove_once() -> LedgerVerdict:
        raise Interrupted("interrupted")

    stop = Clock(waits=1)
    keep_proving(prove_once, 30, stop, lambda _: pytest.fail("told"), pytest.fail)
    assert stop.waited_s == []


@pytest.mark.parametrize(
    ("stream_id", "since", "said"),
    [
        ("Front Door", None, "--stream: "),
        (None, "yesterday", "--since: time 'yesterday'"),
        (None, "2999-01-01T00:00Z", "lies in the future"),
    ],
)
def test_books_that_nobody_can_mean_are_refused(
    stream_id: str | None, since: str | None, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Audit(stream_id, since).scope(NOW)


def test_a_time_ago_moves_on_with_every_proof() -> None:
    audit = Audit("cam1", "2m")
    assert audit.scope(NOW).since_ms == NOW_MS - 120_000
    assert Audit(None, None).scope(NOW).since_ms is None


def test_durations_are_those_of_times_ago() -> None:
    assert [duration_s(text) for text in ("30s", "1.5m", "2h", "1d")] == [30, 90, 7200, 86400]
    for wrong in ("30", "-1s", "now", "", "1w"):
        with pytest.raises(ConfigurationError, match="expected how long, as 30s"):
            duration_s(wrong)


def test_the_table_of_many_streams_fits_the_terminal_in_parts() -> None:
    written = io.StringIO()
    found = ledger(**{f"entrance-{n:02}": stream() for n in range(12)})
    print_ledger(Console(file=written, width=80), found)
    lines = written.getvalue().splitlines()
    tables = [line for line in lines if line.startswith("┏")]
    assert len(tables) > 1
    assert max(len(line) for line in lines if line[:1] in ("┏", "┃", "┡", "│", "└")) <= 80
    assert all(any(f"entrance-{n:02}" in line for line in lines) for n in range(12))
