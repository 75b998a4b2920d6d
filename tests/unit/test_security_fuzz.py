"""The targets of `make fuzz` with inputs that hypothesis makes, with its seeds, and with what once
failed: seconds, at every run of the tests."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import regressions, seeds
from tests.fuzz.targets import TARGETS

SEEDS = seeds()
EXAMPLES = 150


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_takes_its_seeds_and_what_once_failed(name: str) -> None:
    for known in [*SEEDS[name], *regressions(name)]:
        TARGETS[name](known)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused_and_nothing_else(name: str, content: bytes) -> None:
    TARGETS[name](content)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=EXAMPLES)
@given(st.randoms(use_true_random=False), st.binary(min_size=1, max_size=8))
def test_honest_bytes_with_others_among_them_are_read_or_refused_and_nothing_else(
    name: str, rng: random.Random, other: bytes
) -> None:
    mutated = bytearray(rng.choice(SEEDS[name]))
    # Most changes near the beginning, where a byte says most.
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(min(len(mutated), rng.choice((64, 700, len(mutated)))))
        end = at + rng.choice((0, 1, len(other)))
        mutated[at:end] = rng.choice((other, b"", bytes(mutated[at : at + 40])))
        mutated = mutated or bytearray(other)
    TARGETS[name](bytes(mutated))
