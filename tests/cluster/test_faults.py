"""Any pod may be killed: the rest waits for it, and nothing is lost."""

from collections.abc import Iterator
from typing import Any

import pytest

from consumer.triton import TritonModel
from local.stack import CHECKOUT
from tests.cluster.accounts import Accounts
from tests.cluster.kubectl import PREDICTORS, eventually, is_ready, kubectl, pods, read, ready_pods

pytestmark = [pytest.mark.usefixtures("system"), pytest.mark.timeout(400)]

MODELS = "framerail-models"
KINDS = {
    "producer": "app.kubernetes.io/name=producer",
    "consumer": "app.kubernetes.io/name=consumer",
    "postproc": "app.kubernetes.io/name=postproc",
    "viewer": "app.kubernetes.io/name=viewer",
    "predictor": PREDICTORS,
    "kafka": "app.kubernetes.io/name=kafka",
    "s3": "app.kubernetes.io/name=s3",
    "rtsp": "app.kubernetes.io/name=rtsp",
}
OURS = ("producer", "consumer", "postproc", "viewer", "predictor")


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_pod_is_replaced_and_pictures_go_on(kind: str, accounts: Accounts) -> None:
    accounts.wait_for_more_evidence(90)
    before = {pod["metadata"]["uid"] for pod in pods(KINDS[kind])}
    restarts = _restarts(kind)
    # One second to end: in effect SIGKILL for whatever was under way.
    kubectl("delete", "pods", f"--selector={KINDS[kind]}", "--grace-period=1", "--wait=false")

    def is_replaced() -> bool:
        now = pods(KINDS[kind])
        new = [pod for pod in now if pod["metadata"]["uid"] not in before]
        return len(new) >= len(before) and all(is_ready(pod) for pod in new)

    eventually(is_replaced, f"new pods of {kind} are ready", 120)
    accounts.wait_for_more_evidence(90)
    assert _restarts(kind) == restarts, "another service ended because of it"


def _restarts(but_of: str) -> int:
    """How often our services, but for one, have been started again in their pods."""
    return sum(
        status["restartCount"]
        for kind in OURS
        if kind != but_of
        for pod in pods(KINDS[kind])
        for status in pod["status"]["containerStatuses"]
    )


def test_after_all_of_that_no_published_frame_is_lost_or_doubled(accounts: Accounts) -> None:
    with accounts.closed() as reports:
        for report in reports.values():
            assert report.adds_up
            assert report.first_offset == 0
            assert (report.waiting, report.dead_lettered, report.lost, report.doubled) == (0,) * 4
            assert report.inferred == report.published
            assert report.evidence == report.evidence_promised


@pytest.fixture
def broken_version(accounts: Accounts) -> Iterator[str]:
    """The model repository with a third version that is no model, in S3; undone afterwards."""
    s3 = accounts.target.s3()
    folder = CHECKOUT / "model_repository"
    for path in folder.rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), MODELS, f"broken/{path.relative_to(folder).as_posix()}")
    s3.put_object(Bucket=MODELS, Key="broken/ssd_mobilenet/3/model.onnx", Body=b"no model")
    yield f"s3://{MODELS}/broken"
    _serve(f"s3://{MODELS}/model_repository")
    eventually(
        lambda: len(pods(PREDICTORS)) == len(ready_pods(PREDICTORS)) > 0, "all is well again", 120
    )


def _serve(uri: str) -> None:
    patch = f'{{"spec":{{"predictor":{{"model":{{"storageUri":"{uri}"}}}}}}}}'
    kubectl("patch", "inferenceservice", "ssd", "--type=merge", f"--patch={patch}")


def test_a_broken_version_is_never_ready_while_the_old_one_serves(broken_version: str) -> None:
    (old,) = {_template(pod) for pod in pods(PREDICTORS)}
    _serve(broken_version)

    def has_failed_twice() -> bool:
        # The autoscaler may add pods of the old version and take them away meanwhile.
        assert {_template(pod) for pod in pods(PREDICTORS) if is_ready(pod)} == {old}
        return any(
            status["restartCount"] > 1
            for pod in pods(PREDICTORS)
            if _template(pod) != old
            for status in pod["status"].get("containerStatuses", [])
        )

    eventually(has_failed_twice, "the broken version has failed twice", 180)
    model = TritonModel("ssd-predictor.framerail.svc:9000", "ssd_mobilenet", "2", 10)
    assert model.signature().version == "2"
    model.close()
    # KServe goes on to say that all is well; Kubernetes says what is wrong.
    assert read("deployment", "ssd-predictor")["status"]["unavailableReplicas"] > 0


def _template(pod: dict[str, Any]) -> str:
    """Return what pods of one version of the Deployment have in common."""
    name: str = pod["metadata"]["labels"]["pod-template-hash"]
    return name
