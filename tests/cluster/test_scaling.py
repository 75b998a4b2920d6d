"""More replicas of the model server share the batches."""

from collections.abc import Iterator

import pytest

from tests.cluster.accounts import Accounts
from tests.cluster.kubectl import PREDICTORS, eventually, kubectl, metric, ready_pods

pytestmark = [pytest.mark.usefixtures("system"), pytest.mark.timeout(400)]


@pytest.fixture
def two_replicas() -> Iterator[list[str]]:
    """The names of two model servers that are ready; one again afterwards."""
    _at_least(2)
    eventually(lambda: len(ready_pods(PREDICTORS)) == 2, "two model servers are ready", 120)
    yield ready_pods(PREDICTORS)
    _at_least(1)


def _at_least(count: int) -> None:
    patch = f'{{"spec":{{"predictor":{{"minReplicas":{count}}}}}}}'
    kubectl("patch", "inferenceservice", "ssd", "--type=merge", f"--patch={patch}")


def test_both_of_two_model_servers_receive_batches(
    two_replicas: list[str], accounts: Accounts
) -> None:
    """The consumer is not restarted: it finds the second one by itself."""
    before = [_executions(name) for name in two_replicas]

    def both_went_on() -> bool:
        now = [_executions(name) for name in two_replicas]
        return all(after >= first + 3 for first, after in zip(before, now, strict=True))

    eventually(both_went_on, "each of the two has inferred three batches more", 90)
    accounts.wait_for_more_evidence(60)


def _executions(name: str) -> float:
    return metric(name, 8002, "nv_inference_exec_count", model="ssd_mobilenet", version="2")
