"""The page in the cluster: every stream live with its picture, and rights that change nothing."""

import base64
import re
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import cv2
import httpx
import msgspec
import numpy as np
import pytest
from botocore.exceptions import ClientError

from contracts.names import LEDGER_KEY
from contracts.wall import LedgerVerdict, StreamDetail, Wall
from local.stack import CHECKOUT
from tests.cluster.accounts import BUCKET, S3, STREAMS, Accounts
from tests.cluster.kubectl import NAMESPACE, eventually, kubectl, pods, read

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.usefixtures("system"), pytest.mark.timeout(400)]

VIEWERS = "app.kubernetes.io/name=viewer"
PAGE = "http://viewer.framerail.svc"
ALLOWED = {"Host": "localhost"}


def get(path: str) -> httpx.Response:
    """Return what the Service answers to a browser that was sent to localhost."""
    return httpx.get(f"{PAGE}{path}", headers=ALLOWED, timeout=20)


def wall() -> Wall:
    return msgspec.json.decode(get("/api/wall").content, type=Wall)


def is_all_well(now: Wall) -> bool:
    is_live = all(tile.state == "live" and tile.picture for tile in now.streams)
    return is_live and len(now.streams) == len(STREAMS) and not now.problems


@pytest.fixture
def live(accounts: Accounts) -> Wall:
    """The wall when every stream is live, and has a picture."""
    accounts.wait_for_more_evidence(90)
    eventually(lambda: is_all_well(wall()), "the wall shows every stream live", 60)
    return wall()


def test_every_stream_of_the_cluster_is_live_with_a_picture(live: Wall) -> None:
    assert {tile.stream_id for tile in live.streams} == set(STREAMS)
    for tile in live.streams:
        assert tile.inferred_fps
        assert tile.behind_s is not None
        assert tile.picture is not None
        answer = get(f"/pictures/{tile.picture.key}")
        picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape[1] == 768
        detail = msgspec.json.decode(
            get(f"/api/streams/{tile.stream_id}").content, type=StreamDetail
        )
        assert detail.batches


def test_every_pod_of_every_service_is_asked(live: Wall) -> None:
    asked = {each.name: (each.answering, each.known, each.problem) for each in live.services}
    assert asked == {"producer": (2, 2, None), "consumer": (1, 1, None), "postproc": (1, 1, None)}


def test_a_picture_is_linked_where_it_lies_in_s3(live: Wall) -> None:
    picture = live.streams[0].picture
    assert picture is not None
    answer = get(f"/s3/{picture.key}")
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith(f"{S3}/{BUCKET}/{picture.key}?")
    assert httpx.get(answer.headers["Location"]).content.startswith(b"\xff\xd8")


def test_the_verdict_of_the_ledger_is_shown_once_it_is_published(
    live: Wall, accounts: Accounts
) -> None:
    said = accounts.framerail("ledger", "--since", "1m", "--publish")
    assert "the books close" in said
    published = accounts.target.s3().get_object(Bucket=BUCKET, Key=LEDGER_KEY)["Body"].read()
    verdict = msgspec.json.decode(published, type=LedgerVerdict)
    assert verdict.closed
    assert verdict.at_ms >= live.at_ms
    eventually(lambda: wall().ledger == verdict, "the page tells the verdict", 40)


def test_the_page_comes_through_a_port_forward_as_the_readme_says(live: Wall) -> None:
    with forwarded("service/viewer", 80) as address:
        answer = httpx.get(address, timeout=20)
        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (
            200,
            "text/html",
        )
        script = re.search(r'src="(/?page/[^"]+)"', answer.text)
        assert script is not None
        assert httpx.get(f"{address}/{script[1].lstrip('/')}").status_code == 200


@contextmanager
def forwarded(target: str, port: int) -> Iterator[str]:
    """Yield an address on this machine that leads to a port of the cluster."""
    command = ("kubectl", "--namespace", NAMESPACE, "port-forward", target, f":{port}")
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            assert forwarding.stdout is not None
            said = forwarding.stdout.readline()
            found = re.search(r"127\.0\.0\.1:\d+", said)
            assert found is not None, said
            yield f"http://{found[0]}"
        finally:
            forwarding.terminate()


def test_a_name_that_nobody_allowed_is_refused(live: Wall) -> None:
    assert httpx.get(f"{PAGE}/api/wall").status_code == 400


@pytest.fixture
def with_its_keys() -> "S3Client":
    """S3 as the viewer has it."""
    given = read("secret", "s3-viewer")["data"]["credentials"]
    keys = ConfigParser(interpolation=None)
    keys.read_string(base64.b64decode(given).decode())
    return boto3.client(
        "s3",
        endpoint_url=S3,
        region_name="us-east-1",
        aws_access_key_id=keys["default"]["aws_access_key_id"],
        aws_secret_access_key=keys["default"]["aws_secret_access_key"],
    )


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    code: str = raised.value.response["Error"]["Code"]
    return code


def test_its_keys_change_nothing_and_read_the_evidence_alone(
    live: Wall, with_its_keys: "S3Client"
) -> None:
    s3, picture = with_its_keys, live.streams[0].picture
    assert picture is not None
    assert s3.head_object(Bucket=BUCKET, Key=picture.key)["ContentLength"] > 0
    assert refusal(s3.put_object, Bucket=BUCKET, Key=picture.key, Body=b"") == "AccessDenied"
    assert refusal(s3.delete_object, Bucket=BUCKET, Key=picture.key) == "AccessDenied"
    model = "model_repository/ssd_mobilenet/config.pbtxt"
    assert refusal(s3.get_object, Bucket="framerail-models", Key=model) == "AccessDenied"
    # What is not there is told from what is forbidden.
    assert refusal(s3.get_object, Bucket=BUCKET, Key="ledger/none.json") == "NoSuchKey"


@pytest.fixture
def no_kafka(live: Wall, accounts: Accounts) -> Iterator[None]:
    """A cluster whose broker is away; it is back afterwards."""
    brokers = "app.kubernetes.io/name=kafka"
    kubectl("scale", "statefulset/kafka", "--replicas=0")
    try:
        eventually(lambda: not read("pods", f"--selector={brokers}")["items"], "no broker", 90)
        yield
    finally:
        kubectl("scale", "statefulset/kafka", "--replicas=1")
        kubectl("rollout", "status", "statefulset/kafka", "--timeout=120s")
        accounts.wait_for_more_evidence(120)


def test_a_viewer_that_starts_without_kafka_stays_up_and_says_so(no_kafka: None) -> None:
    (before,) = pods(VIEWERS)
    kubectl("delete", "pods", f"--selector={VIEWERS}", "--grace-period=1")

    def says_so() -> bool:
        try:
            return any("Kafka" in problem for problem in wall().problems)
        except httpx.TransportError:
            return False

    eventually(says_so, "the new page tells that Kafka is away", 60)
    # What it is told by the services is there all the same.
    assert {each.name: each.answering for each in wall().services}["producer"] == 2
    (now,) = pods(VIEWERS)
    assert now["metadata"]["uid"] != before["metadata"]["uid"]
    (status,) = now["status"]["containerStatuses"]
    assert status["restartCount"] == 0


def test_when_kafka_is_back_the_page_is_whole_again(accounts: Accounts) -> None:
    eventually(lambda: is_all_well(wall()), "the wall shows every stream live again", 90)
    (pod,) = pods(VIEWERS)
    assert [each["restartCount"] for each in pod["status"]["containerStatuses"]] == [0]
