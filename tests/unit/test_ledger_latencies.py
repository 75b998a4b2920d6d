import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ops.ledger.accounts import Quantiles
from ops.ledger.latencies import histogram_quantiles


@given(st.lists(st.floats(0.01, 9.9), min_size=1, max_size=200))
def test_quantiles_of_a_histogram_lie_within_a_bucket_of_the_true_ones(
    values_s: list[float],
) -> None:
    bounds_s = [0.5 * at for at in range(1, 21)]
    buckets = [(b, float(sum(v <= b for v in values_s))) for b in bounds_s]
    found = histogram_quantiles([*buckets, (float("inf"), float(len(values_s)))])
    assert found is not None
    for share, quantile in ((0.5, found.p50), (0.95, found.p95)):
        true = sorted(values_s)[max(int(np.ceil(share * len(values_s))) - 1, 0)]
        assert abs(quantile - true) <= 0.5


def test_a_histogram_that_has_seen_nothing_has_no_quantiles() -> None:
    assert histogram_quantiles([]) is None
    assert histogram_quantiles([(1.0, 0.0), (float("inf"), 0.0)]) is None
    assert histogram_quantiles([(1.0, 0.0), (float("inf"), 3.0)]) == Quantiles(1.0, 1.0)
