"""Start NVIDIA's Triton from the nvidia-pytriton wheel, with our CPU `onnxruntime` backend.

The process becomes tritonserver (`execve`), so its pid, signals and exit code are Triton's own:
0 after SIGTERM, not zero when a model in the repository cannot be served. A mistake that is found
before Triton starts (no wheel, no libpython, no model repository) is told in one sentence, exit
code 2. Needs nothing but the standard library of the interpreter that has the wheel installed.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STUB = "triton_python_backend_stub"
PYTHON_BACKEND = ("libtriton_python.so", "triton_python_backend_utils.py")
HERE = Path(__file__).resolve().parent
# Shared memory of each instance of each version, taken at its start: two merged requests of
# 25 x 300 x 300 x 3 bytes are 13.5 MB. What is larger makes it grow.
SHM_DEFAULT_BYTES = 16 * 1024 * 1024
SHM_GROWTH_BYTES = 8 * 1024 * 1024


class CannotStart(Exception):
    """The server cannot be started here; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """Where the nvidia-pytriton wheel put its parts."""

    tritonserver: Path
    python_backend: Path
    stub: Path
    libraries: Path
    version: str


def find_wheel() -> Wheel:
    """Locate Triton in this interpreter's site-packages.

    Raises CannotStart if the wheel, or its stub for this Python, is missing.
    """
    spec = importlib.util.find_spec("pytriton")
    if spec is None or spec.origin is None:
        raise CannotStart(f"{sys.executable} lacks nvidia-pytriton: see requirements/serving.txt")
    root = Path(spec.origin).parent / "tritonserver"
    python = "{}.{}".format(*sys.version_info)
    wheel = Wheel(
        tritonserver=root / "bin" / "tritonserver",
        python_backend=root / "backends" / "python",
        stub=root / "python_backend_stubs" / python / STUB,
        libraries=root.parents[1] / "nvidia_pytriton.libs",
        version=importlib.metadata.version("nvidia-pytriton"),
    )
    for path in (wheel.tritonserver, wheel.python_backend, wheel.stub, wheel.libraries):
        if not path.exists():
            raise CannotStart(f"nvidia-pytriton {wheel.version} has no {path} (Python {python})")
    return wheel


def libpython_folders() -> tuple[Path, ...]:
    """Folders in which this Python's shared library may lie, this interpreter's own first."""
    multiarch = Path("/usr/lib") / (sysconfig.get_config_var("MULTIARCH") or "")
    own = Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib")
    return (own, Path(sys.base_prefix) / "lib", multiarch, Path("/usr/local/lib"))


def find_libpython(folders: Sequence[Path]) -> Path:
    """Return the first of `folders` that holds this Python's shared library.

    Triton's stub embeds Python through it, and an interpreter built without --enable-shared has
    none. Raises CannotStart, which names the package to install.
    """
    package = "libpython{}.{}".format(*sys.version_info)
    for folder in folders:
        if (folder / f"{package}.so.1.0").exists():
            return folder
    raise CannotStart(
        f"{package}.so.1.0 is missing (looked in {', '.join(map(str, folders))}): install it "
        f"(Debian, Ubuntu: apt-get install {package}), or a Python built with --enable-shared"
    )


def default_work_dir(environment: Mapping[str, str]) -> Path:
    """Return a folder of this user: a cache that no cleaner of temporary files empties."""
    home = environment.get("HOME", "")
    cache = environment.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    parent = Path(cache) if cache else Path(tempfile.gettempdir()) / f"uid-{os.getuid()}"
    return parent / "framerail" / "serving"


def installation_key(wheel: Wheel, sources: Path) -> str:
    """Return a name that changes with the wheel, its place, our backend and this layout."""
    digest = hashlib.sha256(f"{wheel.version} {wheel.stub} {sys.version}".encode())
    for module in (Path(__file__), *sorted(sources.glob("*.py"))):
        digest.update(module.name.encode() + module.read_bytes())
    return digest.hexdigest()[:16]


def lay_out(folder: Path, wheel: Wheel, sources: Path) -> None:
    """Fill `folder` with what Triton's --backend-directory wants.

    Copies, because Triton changes the stub's mode and so must own it, and refuses a backend whose
    real path lies elsewhere. The stub puts the folder of `model.py` on sys.path.
    """
    python = folder / "python"
    python.mkdir()
    for part in (wheel.stub, *(wheel.python_backend / name for name in PYTHON_BACKEND)):
        shutil.copy(part, python)
    (python / STUB).chmod(0o700)
    package = folder / "onnxruntime" / "serving" / "onnxruntime"
    package.mkdir(parents=True)
    for module in sources.glob("*.py"):
        shutil.copy(module, package)
    (package / "model.py").rename(folder / "onnxruntime" / "model.py")


def install_backends(work_dir: Path, wheel: Wheel, sources: Path) -> Path:
    """Return Triton's folder of backends in `work_dir`, made if it is not there.

    Several servers may start at once: the folder appears complete, by a rename, or not at all.
    Raises CannotStart if `work_dir` cannot be written.
    """
    installed = work_dir / installation_key(wheel, sources)
    if installed.is_dir():
        # In a folder that all may write, another user could have put programs there first.
        if installed.stat().st_uid != os.geteuid():
            raise CannotStart(f"{installed} belongs to another user: choose another --work-dir")
        return installed
    try:
        work_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        staging = Path(tempfile.mkdtemp(dir=work_dir, prefix="staging-"))
    except OSError as error:
        raise CannotStart(f"--work-dir {work_dir} cannot be written: {error.strerror}") from error
    lay_out(staging, wheel, sources)
    try:
        staging.rename(installed)
    except OSError:
        # Another server was first; the name says that its content is the same.
        shutil.rmtree(staging)
    return installed


def server_environment(
    environment: Mapping[str, str], wheel: Wheel, libpython: Path, guard_fd: int
) -> dict[str, str]:
    """Return the environment in which Triton's stubs find this interpreter.

    The embedded Python takes the first `python3` in PATH for its own, so the folder of this
    interpreter goes first and its virtual environment is honoured; PYTHON* variables are ignored.
    """
    child = {**environment}
    libraries = [str(wheel.libraries), str(libpython), environment.get("LD_LIBRARY_PATH", "")]
    child["LD_LIBRARY_PATH"] = ":".join(filter(None, libraries))
    child["PATH"] = f"{Path(sys.executable).parent}:{environment.get('PATH', os.defpath)}"
    child["FRAMERAIL_GUARD_FD"] = str(guard_fd)
    return child


def server_arguments(options: argparse.Namespace, backends: Path, shm_prefix: str) -> list[str]:
    """Return tritonserver's arguments; those after `--` come last and so win."""
    return [
        f"--model-repository={options.model_repository.resolve()}",
        f"--model-control-mode={options.model_control_mode}",
        f"--backend-directory={backends}",
        # Triton gives auto-completion no path to the ONNX file, so config.pbtxt is complete here,
        # and one Python process less is started for each version of a model.
        "--disable-auto-complete-config",
        "--exit-on-error=true",
        "--strict-readiness=true",
        f"--exit-timeout-secs={options.exit_timeout_s}",
        f"--http-address={options.host}",
        f"--http-port={options.http_port}",
        f"--grpc-address={options.host}",
        f"--grpc-port={options.grpc_port}",
        f"--metrics-address={options.host}",
        f"--metrics-port={options.metrics_port}",
        "--allow-gpu-metrics=false",
        "--pinned-memory-pool-byte-size=0",
        f"--log-verbose={options.log_verbose}",
        f"--backend-config=python,shm-region-prefix-name={shm_prefix}",
        f"--backend-config=python,shm-default-byte-size={SHM_DEFAULT_BYTES}",
        f"--backend-config=python,shm-growth-byte-size={SHM_GROWTH_BYTES}",
        *options.triton_arguments,
    ]


def start_guard(shm_prefix: str) -> int:
    """Start guard.py beside this process; return the descriptor that reports go to.

    In a session of its own, so that an interrupt from the terminal does not end it too early.
    """
    reports, report_to = os.pipe()
    os.set_inheritable(report_to, True)
    subprocess.Popen(  # noqa: S603 - our own file, by this interpreter
        [sys.executable, str(HERE / "guard.py"), str(os.getpid()), str(reports), shm_prefix],
        pass_fds=[reports],
        start_new_session=True,
    )
    return report_to


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; what follows `--` is kept for tritonserver as it is."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(epilog="Arguments after -- go to tritonserver.")
    add = parser.add_argument
    add("--model-repository", type=Path, required=True, help="folder with a folder per model")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--http-port", type=int, default=8000, help="KServe v2 over HTTP (default: %(default)s)")
    add("--grpc-port", type=int, default=8001, help="KServe v2 over gRPC (default: %(default)s)")
    add("--metrics-port", type=int, default=8002, help="Prometheus (default: %(default)s)")
    add("--model-control-mode", choices=("none", "explicit", "poll"), default="none")
    add("--exit-timeout-s", type=int, default=10, help="SIGTERM: seconds for requests in flight")
    add("--log-verbose", type=int, default=0, help="Triton's verbose log level")
    add("--work-dir", type=Path, default=default_work_dir(os.environ), help="writable folder")
    options = parser.parse_args(arguments[:at])
    options.triton_arguments = [*arguments[at + 1 :]]
    return options


def main(arguments: Sequence[str]) -> None:
    """Become tritonserver; never returns. Raises CannotStart."""
    options = parse(arguments)
    if not options.model_repository.is_dir():
        raise CannotStart(f"--model-repository {options.model_repository} is no folder")
    wheel = find_wheel()
    libpython = find_libpython(libpython_folders())
    backends = install_backends(options.work_dir.resolve(), wheel, HERE / "onnxruntime")
    # Of this process alone: two servers on one machine must never share a region.
    shm_prefix = f"framerail_{uuid.uuid4().hex[:12]}_"
    command = [str(wheel.tritonserver), *server_arguments(options, backends, shm_prefix)]
    environment = server_environment(os.environ, wheel, libpython, start_guard(shm_prefix))
    # The stub imports from its working directory first: no module of the caller's may be found.
    os.chdir(backends)
    os.execve(wheel.tritonserver, command, environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CannotStart as error:
        sys.stderr.write(f"launch.py: {error}\n")
        sys.exit(2)
