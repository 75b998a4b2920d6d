"""From a camera to S3, every part a pod, the model from S3 through KServe."""

import urllib.request

import cv2
import numpy as np
import pytest

from consumer.triton import TritonModel
from tests.cluster.accounts import STREAMS, Accounts
from tests.cluster.kubectl import PREDICTORS, eventually, kubectl, metric, pods, read, ready_pods

pytestmark = [pytest.mark.usefixtures("system"), pytest.mark.timeout(400)]

PRODUCERS = "app.kubernetes.io/name=producer"


def test_the_model_server_is_fed_by_the_storage_initializer() -> None:
    (pod,) = [pod for pod in pods(PREDICTORS) if pod["metadata"]["name"] in ready_pods(PREDICTORS)][
        :1
    ]
    initializers = {container["name"] for container in pod["spec"]["initContainers"]}
    assert "storage-initializer" in initializers
    status = read("inferenceservice", "ssd")["status"]
    assert status["servingRuntimeName"] == "triton"
    assert status["modelStatus"]["transitionStatus"] == "UpToDate"


@pytest.mark.parametrize("service", ["ssd-predictor", "ssd-replicas"])
def test_our_client_dials_the_ports_of_both_services(service: str) -> None:
    model = TritonModel(f"{service}.framerail.svc:9000", "ssd_mobilenet", "2", 10)
    assert model.signature().max_batch_size == 50
    assert len(model.infer(np.zeros((25, 300, 300, 3), np.uint8)).images) == 25
    model.close()


def test_the_service_of_kserve_carries_http_on_80_and_grpc_as_h2c() -> None:
    ports = {port["port"]: port for port in read("service", "ssd-predictor")["spec"]["ports"]}
    assert set(ports) == {80, 9000, 8002}
    assert ports[9000]["appProtocol"] == "kubernetes.io/h2c"
    ready = "http://ssd-predictor.framerail.svc/v2/health/ready"
    with urllib.request.urlopen(ready, timeout=10) as answer:
        assert answer.status == 200


def test_each_camera_is_read_by_exactly_one_producer(accounts: Accounts) -> None:
    accounts.wait_for_more_evidence(60)
    names = ready_pods(PRODUCERS)
    assert len(names) == 2
    for stream_id in STREAMS:
        captured = [
            metric(name, 8080, "framerail_frames_captured_total", stream=stream_id)
            for name in names
        ]
        assert sorted(count > 0 for count in captured) == [False, True]


def test_annotated_pictures_arrive_in_s3(accounts: Accounts) -> None:
    accounts.wait_for_more_evidence(60)
    with accounts.opened() as books:
        books.refresh()
        for stream_id in STREAMS:
            key, jpeg = next(books.pictures(stream_id))
            assert key.startswith(f"evidence/{stream_id}/")
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert picture is not None
            # The frame of the clip, 768x576, and what is written below it.
            assert picture.shape[1] == 768
            assert 576 <= picture.shape[0] < 700


def test_the_autoscaler_reads_its_metric() -> None:
    target = read("hpa", "ssd-predictor")["spec"]
    assert (target["minReplicas"], target["maxReplicas"]) == (1, 2)

    def measured() -> bool:
        metrics = read("hpa", "ssd-predictor")["status"].get("currentMetrics") or [{}]
        return isinstance(
            metrics[0].get("resource", {}).get("current", {}).get("averageUtilization"), int
        )

    eventually(measured, "the HPA knows the CPU of the predictor", 90)


def test_every_pod_runs_under_the_restricted_standard() -> None:
    labels = read("namespace", "framerail")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    running = read("pods")["items"]
    kinds = {pod["metadata"]["name"].split("-")[0] for pod in running}
    ours = {"producer", "consumer", "postproc", "viewer", "ssd"}
    assert kinds >= ours | {"kafka", "s3", "rtsp", "cameras"}
    # The gate is shut: what asks for more does not come in.
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        kubectl("run", "root", "--image=framerail/producer:dev", "--dry-run=server")


def test_the_books_close(accounts: Accounts) -> None:
    with accounts.closed() as reports:
        assert set(reports) == set(STREAMS)
        for report in reports.values():
            assert report.adds_up
            assert report.first_offset == 0
            assert report.captured == report.published + sum(report.dropped.values())
            assert report.published == report.inferred + report.dead_lettered + report.waiting > 0
            assert (report.waiting, report.dead_lettered, report.lost, report.doubled) == (0,) * 4
            assert report.evidence == report.evidence_promised == report.batches
            assert report.detections > 0
            # Batches are full but for those that the end of a camera's session cut short.
            assert report.batches < report.published / 25 + 10


def test_what_the_producers_counted_is_what_the_log_tells(accounts: Accounts) -> None:
    with accounts.closed() as reports:
        names = ready_pods(PRODUCERS)
        for stream_id, report in reports.items():
            counted = {
                kind: sum(
                    metric(name, 8080, f"framerail_frames_{kind}_total", stream=stream_id)
                    for name in names
                )
                for kind in ("captured", "published", "dropped")
            }
            assert counted["published"] == report.published
            assert counted["captured"] == counted["published"] + counted["dropped"]
