"""Growing, jittered waits between attempts at something that may come back."""

import random
from collections.abc import Iterator


def growing_waits(
    first_s: float, longest_s: float, rng: random.Random, factor: float = 2.0
) -> Iterator[float]:
    """Yield seconds to wait, for ever: each between half of a growing bound and the bound itself.

    "Equal jitter": a minimum wait is kept, and clients that failed together do not return together.
    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    bound_s = first_s
    while True:
        yield rng.uniform(bound_s / 2, bound_s)
        bound_s = min(bound_s * factor, longest_s)
