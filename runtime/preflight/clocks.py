"""Rules on clocks: how far ours may be from those that judge or keep our records."""

from runtime.preflight.findings import Finding, judged
from runtime.preflight.units import duration

KAFKA_TOLERATES_S = 3600
"""The default of log.message.timestamp.after.max.ms (Kafka 4.3, broker configuration)."""
LATENCIES_WRONG_S = 2.0
"""Above it latencies, which are told in tenths of a second, say more of clocks than of work."""
S3_TOLERATES_S = 15 * 60
"""S3 refuses a signature that is older or newer: RequestTimeTooSkewed. Source: "Error responses",
Amazon S3 API Reference."""


def clock(
    subject: str, ahead_s: float, tolerated_s: float, *, precision_s: float, why: str
) -> Finding:
    """Judge by how many seconds our clock is ahead (negative: behind) of another's.

    It is known to `precision_s`; `why` tells what stands no more than `tolerated_s`.
    """
    certain_s = max(abs(ahead_s) - precision_s, 0.0)
    side = "ahead of" if ahead_s > 0 else "behind"
    return judged(
        f"clock of {subject}",
        subject,
        f"our clock is {duration(round(abs(ahead_s), 1))} {side} that of {subject}, known to "
        f"{duration(precision_s)}; {duration(tolerated_s)} are tolerated by {why}",
        "set this machine's clock, by NTP",
        refused=certain_s > tolerated_s,
        warned=certain_s > LATENCIES_WRONG_S,
        ahead_s=round(ahead_s, 3),
        tolerated_s=tolerated_s,
    )


def kafka_clock(ahead_s: float, tolerated_s: float) -> Finding:
    """Judge our clock against the brokers', which refuse frames stamped too far ahead."""
    why = "the frames topics' message.timestamp.after.max.ms"
    return clock("Kafka", ahead_s, tolerated_s, precision_s=0.1, why=why)


def s3_clock(ahead_s: float) -> Finding:
    """Judge our clock against S3's, known from the Date of an answer, which has whole seconds."""
    return clock("S3", ahead_s, S3_TOLERATES_S, precision_s=1.0, why="S3's signatures")
