"""Runs the peer (`bench/peer.py`) on the very servers of the pipeline, fed the same clip."""

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import av
from av.error import FFmpegError

from bench.model import Speed
from bench.peer import make_topics
from bench.system import System
from local.stack import CHECKOUT

BUCKET = "peer-evidence"
PROCESSES_WITHIN_S = 300
PUBLISHED_WITHIN_S = 30.0


def peer_at_full_speed(
    system: System, video: Path, frames: int, frames_a_picture: int = 25
) -> Speed:
    """Send so many frames as fast as the peer takes them; it stores a picture of every 25."""
    run = uuid.uuid4().hex[:8]
    frames_topic, results_topic = f"peer-{run}", f"peer-results-{run}"
    addresses = system.pipeline.addresses
    make_topics(addresses["kafka"], [frames_topic, results_topic])
    shared = (
        *("--bootstrap", addresses["kafka"], "--frames", str(frames)),
        *("--topic", frames_topic, "--results-topic", results_topic),
    )
    detect = (
        *("--triton", addresses["triton_grpc"], "--endpoint", addresses["s3"]),
        *("--bucket", BUCKET, "--frames-a-picture", str(frames_a_picture)),
    )
    _ensure_bucket(system)
    roles = [_start(system, "detect", *shared, *detect)]
    try:
        with system.feed(video, [run], *system.full_speed_options(frames, frames_topic)) as feed:
            _wait_until_published(system, run)
            before = system.cpu_s({"camera": feed})
            roles.append(_start(system, "capture", *shared, "--url", system.camera_url(run)))
            told = [_account(role) for role in roles]
            after = system.cpu_s({"camera": feed})
    finally:
        for role in roles:
            role.kill()
            role.wait()
    used_s = sum(account["cpu_s"] for account in told)
    used_s += sum(after.values()) - sum(before.values())
    return Speed(frames / told[0]["seconds"], used_s * 1000 / frames)


def _start(system: System, role: str, *arguments: str) -> "subprocess.Popen[bytes]":
    keys = {
        "AWS_SHARED_CREDENTIALS_FILE": str(system.pipeline.workspace.credentials_file),
        "AWS_PROFILE": "framerail",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "bench.peer", role, *arguments],
        cwd=CHECKOUT,
        env=os.environ | keys,
        stdout=subprocess.PIPE,
    )


def can_read(url: str) -> bool:
    """Return whether a camera is published; VideoCapture does not wait for one that is not."""
    # Without a bound, FFmpeg looks at a live stream for 5 s before it says what it is.
    options = {"rtsp_transport": "tcp", "analyzeduration": "100000"}
    try:
        with av.open(url, options=options, timeout=5):
            return True
    except FFmpegError:
        return False


def _wait_until_published(system: System, stream_id: str) -> None:
    deadline_s = time.monotonic() + PUBLISHED_WITHIN_S
    while not can_read(system.camera_url(stream_id)):
        if time.monotonic() > deadline_s:
            raise TimeoutError("the camera of the peer is not published")
        system.wait(0.2)


def _account(process: "subprocess.Popen[bytes]") -> dict[str, float]:
    output, _ = process.communicate(timeout=PROCESSES_WITHIN_S)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    account: dict[str, float] = json.loads(output.splitlines()[-1])
    return account


def _ensure_bucket(system: System) -> None:
    client = system.target.s3()
    if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
