"""Clients that hold none of our code use a running pipeline."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from pathlib import Path

import av
import boto3
import httpx
import msgspec
import numpy as np
import pytest
import tritonclient.grpc as triton

from local.prepare import toolchains
from local.prepare.cache import build_once
from local.prepare.commands import run_tool
from tests.e2e.conftest import PEOPLE, Pipeline
from tests.e2e.framerail_command import CACHE

POM = Path(__file__).with_name("kafka-tools-pom.xml")


def say_nothing(_step: str, _detail: str) -> None:
    pass


@pytest.fixture(scope="session")
def console_consumer() -> list[str]:
    """The command line of Kafka's own console consumer, fetched by Maven the first time."""

    def fetch(folder: Path) -> None:
        shutil.copyfile(POM, folder / "pom.xml")
        goal = ("dependency:copy-dependencies", "-DoutputDirectory=libs")
        run_tool("kafka-tools", ("mvn", "-B", "-ntp", *goal), say_nothing, working_directory=folder)

    java = toolchains.find(toolchains.JAVA, CACHE, say_nothing)
    home = build_once(CACHE, "kafka-tools-4.3.1", fetch, say_nothing)
    return [
        *(str(java), "-cp", f"{home / 'libs'}/*"),
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
    ]


def test_kafkas_console_consumer_reads_results_and_the_headers_of_frames(
    pipeline: Pipeline, console_consumer: list[str]
) -> None:
    read = [*console_consumer, "--bootstrap-server", pipeline.addresses["kafka"]]
    one = ["--from-beginning", "--max-messages", "1", "--timeout-ms", "30000", "--topic"]
    results = subprocess.run([*read, *one, "results"], capture_output=True, text=True, check=True)
    assert '"batch_id":"frames.' in results.stdout
    headers = ["--formatter-property", "print.headers=true", "--formatter-property"]
    frames = subprocess.run(
        [*read, *headers, "print.value=false", *one, f"frames.{PEOPLE}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "size:768x576" in frames.stdout


def test_an_s3_client_lists_and_reads_the_pictures_with_the_credentials_file(
    pipeline: Pipeline,
) -> None:
    keys = ConfigParser()
    keys.read(pipeline.report["credentials_file"])
    profile = keys["framerail"]
    session = boto3.Session(
        profile["aws_access_key_id"], profile["aws_secret_access_key"], region_name="us-east-1"
    )
    s3 = session.client("s3", endpoint_url=pipeline.addresses["s3"])
    bucket = pipeline.report["bucket"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"evidence/{PEOPLE}/")["Contents"]
    assert all(stored["Size"] > 10_000 for stored in listed)


@pytest.mark.skipif(shutil.which("aws") is None, reason="the aws command is not installed here")
def test_aws_s3_ls_lists_the_pictures(pipeline: Pipeline) -> None:
    run = subprocess.run(
        [
            "aws",
            "--endpoint-url",
            pipeline.addresses["s3"],
            "s3",
            "ls",
            "--recursive",
            f"s3://{pipeline.report['bucket']}/evidence/{PEOPLE}/",
        ],
        env=os.environ
        | {
            "AWS_SHARED_CREDENTIALS_FILE": pipeline.report["credentials_file"],
            "AWS_PROFILE": "framerail",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(run.stdout.splitlines()) == pipeline.report["streams"][PEOPLE]["evidence"]


@pytest.fixture
def live_camera(pipeline: Pipeline, clips: dict[str, list[Path]]) -> Iterator[str]:
    """The URL of a camera that plays now."""
    url = f"{pipeline.addresses['rtsp']}/foreign"
    play = [sys.executable, "-m", "local.camera", "--video", str(clips[PEOPLE][0]), "--url", url]
    camera = subprocess.Popen(play)
    yield url
    camera.terminate()
    camera.wait()


def test_an_rtsp_client_plays_a_camera(
    live_camera: str, eventually: Callable[[Callable[[], bool], str, float], None]
) -> None:
    def plays() -> bool:
        try:
            with av.open(live_camera, options={"rtsp_transport": "tcp"}, timeout=5) as opened:
                picture = next(opened.decode(video=0))
        except (av.error.FFmpegError, StopIteration):
            return False
        return (picture.width, picture.height) == (768, 576)

    eventually(plays, "the camera can be played", 20)


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed here")
def test_ffprobe_names_the_codec_of_a_camera(
    live_camera: str, eventually: Callable[[Callable[[], bool], str, float], None]
) -> None:
    probe = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_streams", live_camera]

    def is_h264() -> bool:
        run = subprocess.run(probe, capture_output=True, text=True, check=False)
        return "codec_name=h264" in run.stdout

    eventually(is_h264, "ffprobe names H.264", 20)


def test_tritonclient_asks_the_model_over_grpc(pipeline: Pipeline) -> None:
    client = triton.InferenceServerClient(pipeline.addresses["triton_grpc"])
    tensor = triton.InferInput("images", [1, 300, 300, 3], "UINT8")
    tensor.set_data_from_numpy(np.zeros((1, 300, 300, 3), np.uint8))
    answer = client.infer("ssd_mobilenet", [tensor], model_version="1")
    assert answer.as_numpy("detection_boxes").shape == (1, 100, 4)
    client.close()


def test_the_model_answers_over_http(pipeline: Pipeline) -> None:
    picture = np.zeros((1, 300, 300, 3), np.uint8)
    request = {
        "inputs": [
            {
                "name": "images",
                "shape": list(picture.shape),
                "datatype": "UINT8",
                "data": picture.ravel().tolist(),
            }
        ]
    }
    url = f"{pipeline.addresses['triton_http']}/v2/models/ssd_mobilenet/infer"
    answer = httpx.post(url, content=msgspec.json.encode(request), timeout=30)
    outputs = {output["name"]: output for output in answer.json()["outputs"]}
    assert outputs["detection_boxes"]["shape"] == [1, 100, 4]
