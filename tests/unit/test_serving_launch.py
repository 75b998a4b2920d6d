import stat
import subprocess
import sys
from pathlib import Path

import pytest

from serving import launch

LAUNCHER = Path(launch.__file__)
SOURCES = LAUNCHER.parent / "onnxruntime"
SONAME = f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0"


@pytest.fixture
def wheel(tmp_path: Path) -> launch.Wheel:
    """The files that an installed nvidia-pytriton has, empty."""
    backend = tmp_path / "wheel" / "python"
    backend.mkdir(parents=True)
    for name in ("libtriton_python.so", "triton_python_backend_utils.py", launch.STUB):
        (backend / name).touch()
    return launch.Wheel(
        tritonserver=backend / "tritonserver",
        python_backend=backend,
        stub=backend / launch.STUB,
        libraries=tmp_path / "libs",
        version="0.7.0",
    )


def test_arguments_after_the_dashes_reach_triton_last_so_that_they_win() -> None:
    options = launch.parse(
        ["--model-repository", "models", "--http-port", "18000", "--", "--http-thread-count=2"]
    )

    arguments = launch.server_arguments(options, Path("backends"), "prefix_")

    assert arguments[-1] == "--http-thread-count=2"
    assert "--http-port=18000" in arguments
    assert "--http-address=127.0.0.1" in arguments
    assert "--backend-config=python,shm-region-prefix-name=prefix_" in arguments


def test_the_layout_is_what_triton_looks_for(tmp_path: Path, wheel: launch.Wheel) -> None:
    backends = launch.install_backends(tmp_path / "work", wheel, SOURCES)

    assert stat.S_IMODE((backends / "python" / launch.STUB).stat().st_mode) == 0o700
    assert (backends / "python" / "libtriton_python.so").is_file()
    assert (backends / "onnxruntime" / "model.py").is_file()
    assert (backends / "onnxruntime" / "serving" / "onnxruntime" / "batching.py").is_file()


def test_a_second_server_uses_the_same_installation(tmp_path: Path, wheel: launch.Wheel) -> None:
    first = launch.install_backends(tmp_path, wheel, SOURCES)
    second = launch.install_backends(tmp_path, wheel, SOURCES)

    assert first == second
    assert [entry for entry in tmp_path.iterdir() if entry.name != "wheel"] == [first]


def test_a_changed_backend_is_installed_anew(tmp_path: Path, wheel: launch.Wheel) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "model.py").write_text("first = True")
    first = launch.install_backends(tmp_path / "work", wheel, sources)
    (sources / "model.py").write_text("first = False")

    assert launch.install_backends(tmp_path / "work", wheel, sources) != first


def test_a_work_dir_that_cannot_be_written_is_named(tmp_path: Path, wheel: launch.Wheel) -> None:
    occupied = tmp_path / "file"
    occupied.touch()

    with pytest.raises(launch.CannotStart, match=f"--work-dir {occupied}/work cannot be written"):
        launch.install_backends(occupied / "work", wheel, SOURCES)


def test_the_first_folder_with_libpython_is_taken(tmp_path: Path) -> None:
    (tmp_path / SONAME).touch()

    assert launch.find_libpython([tmp_path / "absent", tmp_path]) == tmp_path


def test_a_missing_libpython_says_what_to_install(tmp_path: Path) -> None:
    package = SONAME.removesuffix(".so.1.0")
    with pytest.raises(launch.CannotStart, match=f"apt-get install {package}"):
        launch.find_libpython([tmp_path])


def test_the_stubs_find_this_interpreter_and_its_libraries(wheel: launch.Wheel) -> None:
    caller = {"PATH": "/bin", "LD_LIBRARY_PATH": "/other", "LANG": "C"}

    child = launch.server_environment(caller, wheel, Path("/python"), 7)

    assert child == {
        "LANG": "C",
        "PATH": f"{Path(sys.executable).parent}:/bin",
        "LD_LIBRARY_PATH": f"{wheel.libraries}:/python:/other",
        "FRAMERAIL_GUARD_FD": "7",
    }


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_CACHE_HOME": "/cache", "HOME": "/home/me"}, "/cache/framerail/serving"),
        ({"HOME": "/home/me"}, "/home/me/.cache/framerail/serving"),
    ],
)
def test_the_default_work_dir_is_the_users_cache(environment: dict[str, str], folder: str) -> None:
    assert launch.default_work_dir(environment) == Path(folder)


@pytest.mark.parametrize(
    ("repository", "complaint"),
    [("absent", "--model-repository absent is no folder"), (".", "lacks nvidia-pytriton")],
)
def test_a_start_that_cannot_be_says_why_in_one_line(repository: str, complaint: str) -> None:
    # The interpreter of the tests has no Triton, which makes it a good one to refuse.
    ended = subprocess.run(
        [sys.executable, str(LAUNCHER), "--model-repository", repository],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
