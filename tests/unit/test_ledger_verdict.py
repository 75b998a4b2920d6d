import io
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from rich.console import Console

from contracts.deadletters import DeadLetter, Stage
from contracts.evidence import evidence_metadata
from contracts.results import BatchResult
from ops.ledger.lifecycle import kept_days, may_have_expired
from ops.ledger.outcomes import Promise
from ops.ledger.refusals import Refusals
from ops.ledger.tables import print_ledger
from ops.ledger.tally import StreamTally
from ops.ledger.verdict import Evidence, Ledger, PictureVerdicts, StreamLedger, stream_ledger
from postproc.pictures import PictureLimits
from postproc.worker import RecordWorker
from runtime.logs import get_logger
from tests.postproc_results import batch_result, jpeg_of
from tests.unit.ledger_records import headers, result, tally_of
from tests.unit.postproc_fakes import FakeDeadLetters, FakeStore, record

NOW = datetime(1970, 1, 3, tzinfo=UTC)
NOTHING_EXPIRED = float("-inf")


def evidence(
    results_committed: int | None = 100,
    letters_gone_until_ms: float = NOTHING_EXPIRED,
    days: int | None = None,
    refusals: Refusals | None = None,
) -> Evidence:
    return Evidence(results_committed, refusals or Refusals(), letters_gone_until_ms, days, NOW)


def tally_with(one: BatchResult, result_offset: int) -> StreamTally:
    tally = tally_of([headers(seq) for seq in range(25)])
    tally.committed = 25
    tally.add_result(one, result_offset)
    return tally


def ledger_of(
    one: BatchResult,
    facts: Evidence,
    metadata: Mapping[str, str] | None = None,
    result_offset: int = 7,
) -> StreamLedger:
    tally, verdicts = tally_with(one, result_offset), PictureVerdicts(facts)
    for promise in tally.promises():
        verdicts.judge(promise, metadata)
    return stream_ledger(tally, verdicts)


def right_metadata(one: BatchResult) -> dict[str, str]:
    return evidence_metadata(one, one.frames[-1])


def letter(stage: Stage, reason: str, offset: int = 7) -> DeadLetter:
    return DeadLetter("results", 0, offset, stage, reason)


def test_a_picture_that_leads_back_to_its_frame_closes_the_books() -> None:
    stream = ledger_of(result(0, 24), evidence(), right_metadata(result(0, 24)))
    assert (stream.pictures.promised, stream.pictures.stored) == (1, 1)
    assert stream.closed


@pytest.mark.parametrize("name", ["topic", "partition", "offset", "batch-id"])
@pytest.mark.parametrize("value", ["other", None])
def test_a_picture_that_leads_elsewhere_is_named_with_what_it_says(
    name: str, value: str | None
) -> None:
    one = result(0, 24)
    said = {key: text for key, text in right_metadata(one).items() if key != name}
    if value is not None:
        said[name] = value
    stream = ledger_of(one, evidence(), said)
    assert (stream.pictures.mismatched, stream.pictures.stored) == (1, 0)
    assert not stream.closed
    (named,) = stream.named.mismatched_pictures
    assert named.startswith(f"{one.evidence[0].key}: {name} is {value!r}, not ")


def test_a_picture_that_is_not_there_and_should_be_is_missing_by_its_key() -> None:
    stream = ledger_of(result(0, 24), evidence())
    assert stream.named.missing_pictures == (result(0, 24).evidence[0].key,)
    assert stream.pictures.missing == 1
    assert not stream.closed


@pytest.mark.parametrize("committed", [7, None])
def test_a_picture_waits_until_the_post_processors_have_committed_its_result(
    committed: int | None,
) -> None:
    stream = ledger_of(result(0, 24), evidence(results_committed=committed))
    assert (stream.pictures.waiting, stream.closed) == (1, True)


def test_a_picture_that_a_dead_letter_tells_of_is_refused() -> None:
    refusals = Refusals()
    refusals.add(letter("postproc.read", "evidence key is wrong"))
    stream = ledger_of(result(0, 24), evidence(refusals=refusals))
    assert (stream.pictures.refused, stream.closed) == (1, True)
    later = ledger_of(result(0, 24), evidence(refusals=refusals), result_offset=8)
    assert (later.pictures.missing, later.closed) == (1, False)


def test_a_dead_letter_tells_of_no_other_picture_of_its_result() -> None:
    refusals = Refusals()
    refusals.add(letter("postproc.draw", "frame 3: no JPEG; frame 12: damaged"))
    assert [at for at in range(25) if refusals.tells_of(7, at)] == [3, 12]
    assert not refusals.tells_of(8, 3)


def test_a_reason_that_was_cut_short_may_tell_of_any_picture_of_its_result() -> None:
    refusals = Refusals()
    refusals.add(letter("postproc.draw", "frame 3: no JPEG; " + "x" * 1000))
    refusals.add(letter("postproc.draw", "out of memory", offset=8))
    assert refusals.tells_of(7, 24)
    assert refusals.tells_of(8, 24)


def test_the_post_processor_names_the_pictures_it_refuses_as_the_ledger_reads_them() -> None:
    letters = FakeDeadLetters()
    worker = RecordWorker(PictureLimits(10_000, 90), FakeStore(), letters, get_logger())
    one = batch_result(first_offset=25, evidence_jpegs=[jpeg_of(), b"no picture", b"frame 9: "])
    assert worker(record(one, 7))
    ((_, stage, reason),) = letters.sent
    refusals = Refusals()
    refusals.add(letter(stage, reason))
    assert [at for at in range(60) if refusals.tells_of(7, at)] == [26, 27]


def test_a_picture_whose_refusal_may_have_expired_is_no_alarm() -> None:
    one = replace(result(0, 24), inferred_ns=5_000_000_000)
    assert ledger_of(one, evidence(letters_gone_until_ms=4999)).pictures.missing == 1
    stream = ledger_of(one, evidence(letters_gone_until_ms=5000))
    assert (stream.pictures.expired, stream.closed) == (1, True)


def test_a_picture_older_than_s3_keeps_them_has_expired() -> None:
    stream = ledger_of(result(0, 24), evidence(days=2))
    assert (stream.pictures.expired, stream.closed) == (1, True)
    assert ledger_of(result(0, 24), evidence(days=3)).pictures.missing == 1


def test_a_refused_frame_without_its_dead_letter_is_named_unless_retention_took_it() -> None:
    one = replace(result(0, 24, refused=1), inferred_ns=5_000_000_000)
    said = right_metadata(one)
    missing = ledger_of(one, evidence(letters_gone_until_ms=4999), said)
    assert missing.named.without_dead_letter == ("frames.cam1-0@0",)
    assert (missing.dead_letters_missing, missing.closed) == (1, False)
    expired = ledger_of(one, evidence(letters_gone_until_ms=5000), said)
    assert (expired.dead_letters_expired, expired.closed) == (1, True)


def test_every_frame_that_keeps_the_books_open_is_named() -> None:
    tally = tally_of([*(headers(seq) for seq in range(59)), headers(64, paced=3)])
    for one in (result(0, 24), result(30, 54), result(50, 58)):
        tally.add_result(one)
    tally.committed = 60
    stream = stream_ledger(tally, PictureVerdicts(evidence()))
    assert stream.named.lost == tuple(f"frames.cam1-0@{at}" for at in (*range(25, 30), 59))
    assert stream.named.doubled == tuple(f"frames.cam1-0@{at}" for at in range(50, 55))
    assert stream.named.untold == ("frames.cam1-0@59: nothing is told of 2 captured before it",)
    assert not stream.closed


def test_a_terminal_is_shown_the_sums_and_a_bounded_list_of_names() -> None:
    tally = tally_of([headers(seq) for seq in range(60)])
    tally.committed = 60
    stream = stream_ledger(tally, PictureVerdicts(evidence()))
    written = io.StringIO()
    ledger = Ledger(closed=False, since=None, streams={"cam1": stream}, notes=("[b]mind[/b]",))
    print_ledger(Console(file=written, width=200), ledger)
    said = written.getvalue()
    assert "captured 60 + replayed 0 = published 60 + dropped 0" in said
    assert "published 60 does not equal inferred 0 + dead-lettered 0 + waiting 0" in said
    assert "cam1: published frames without a result (60):" in said
    assert "frames.cam1-0@19\n" in said
    assert "frames.cam1-0@20\n" not in said
    assert "and 40 more" in said
    assert "note: [b]mind[/b]" in said
    assert "the books do not close" in said


def test_a_pipeline_without_streams_has_nothing_to_prove() -> None:
    written = io.StringIO()
    print_ledger(Console(file=written), Ledger(closed=True, since=None, streams={}))
    assert written.getvalue() == "no stream has a topic yet\n"


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ({"Filter": {"Prefix": "evidence/"}}, 7),
        ({"Filter": {}}, 7),
        ({"Prefix": "evidence/cam1/"}, 7),
        ({"Filter": {"And": {"Prefix": "evidence", "Tags": []}}}, 7),
        ({"Filter": {"Prefix": "evidence/cam2/"}}, None),
        ({"Filter": {"Prefix": "models/"}}, None),
        ({"Status": "Disabled"}, None),
        ({"Expiration": {"ExpiredObjectDeleteMarker": True}}, None),
    ],
)
def test_the_days_that_pictures_are_kept_are_those_of_the_buckets_own_rules(
    rule: dict[str, object], days: int | None
) -> None:
    found = {"Status": "Enabled", "Expiration": {"Days": 7}, **rule}
    assert kept_days([found], "cam1") == days


def test_of_two_rules_the_shorter_holds_and_without_any_pictures_are_kept() -> None:
    rules = [{"Status": "Enabled", "Expiration": {"Days": days}} for days in (9, 3)]
    assert kept_days(rules, "cam1") == 3
    assert kept_days([], "cam1") is None
    assert not may_have_expired(0, None, NOW)


def test_a_promise_names_its_frame_and_the_place_of_its_result() -> None:
    (promise,) = tally_with(result(0, 24), 7).promises()
    assert isinstance(promise, Promise)
    assert (promise.offset, promise.result_offset) == (24, 7)
    assert str(promise.batch_id) == result(0, 24).batch_id
