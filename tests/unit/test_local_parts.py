"""How parts are started, restarted and ended, shown with small shells as parts."""

import signal
from pathlib import Path

import msgspec
import pytest

from local.down import end_leftovers_of
from local.errors import PartFailed, StartInterrupted
from local.part import Part, Restart
from local.processes import ProcessMark, end_processes, mark_of
from local.state import StackState, end_leftovers, read_state, write_state
from local.supervisor import Supervisor
from local.workspace import Workspace

FOR_EVER = ("sh", "-c", "sleep 600")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_the_waits_between_restarts_double_up_to_the_longest() -> None:
    policy = Restart(first_wait_s=0.5, longest_wait_s=3.0)
    assert [policy.wait_s(deaths) for deaths in (1, 2, 3, 4, 5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_a_part_starts_only_when_those_it_comes_after_are_ready(workspace: Workspace) -> None:
    seen: list[str] = []
    answers = iter([False, False, True])
    first = Part("first", FOR_EVER, ready=lambda: next(answers, True))
    second = Part("second", FOR_EVER, after=("first",))
    with Supervisor(workspace, lambda name, detail: seen.append(f"{name} {detail}")) as supervisor:
        supervisor.start([first, second])
    assert [line.split(" in ")[0] for line in seen] == [
        "first starting",
        "first ready",
        "second starting",
        "second ready",
    ]


def test_a_part_ends_before_those_it_comes_after(workspace: Workspace) -> None:
    ended: list[str] = []
    first = Part("first", FOR_EVER, after_end=lambda: ended.append("first"))
    second = Part("second", FOR_EVER, after=("first",), after_end=lambda: ended.append("second"))
    with Supervisor(workspace) as supervisor:
        supervisor.start([first])
        supervisor.start([second])
    assert ended == ["second", "first"]


def test_a_part_that_comes_after_an_unknown_one_is_refused(workspace: Workspace) -> None:
    with Supervisor(workspace) as supervisor, pytest.raises(ValueError, match="nobody"):
        supervisor.start([Part("second", FOR_EVER, after=("nobody",))])


def test_a_part_that_dies_at_its_start_shows_its_last_words(workspace: Workspace) -> None:
    dies = Part("dies", ("sh", "-c", "echo no such disk; exit 3"), ready=lambda: False)
    expected = r"(?s)dies ended by itself \(exit code 3\).*no such disk"
    with Supervisor(workspace) as supervisor, pytest.raises(PartFailed, match=expected):
        supervisor.start([dies])


def test_a_part_that_is_dead_at_once_is_told_from_one_that_cannot_be_started(
    workspace: Workspace,
) -> None:
    for _ in range(20):  # it took luck to look at the process after its death
        with Supervisor(workspace) as supervisor, pytest.raises(PartFailed, match="exit code 1"):
            supervisor.start([Part("false", ("false",), ready=lambda: False)])


def test_a_program_that_is_not_there_is_named(workspace: Workspace) -> None:
    absent = Part("absent", ("/no/such/program",))
    with Supervisor(workspace) as supervisor, pytest.raises(PartFailed, match="/no/such/program"):
        supervisor.start([absent])


def test_a_part_that_is_late_is_ended_and_named(workspace: Workspace) -> None:
    late = Part("late", FOR_EVER, ready=lambda: False, ready_within_s=0.2)
    with Supervisor(workspace) as supervisor:
        with pytest.raises(PartFailed, match="late was not ready within"):
            supervisor.start([late])
        assert _parts_alive(workspace) == []


def test_the_death_of_a_part_without_restart_ends_the_watch(workspace: Workspace) -> None:
    with Supervisor(workspace) as supervisor:
        supervisor.start([Part("brief", ("sh", "-c", "sleep 0.3; exit 4"))])
        with pytest.raises(PartFailed, match="exit code 4"):
            supervisor.watch()


def test_a_part_that_dies_is_started_again(workspace: Workspace, tmp_path: Path) -> None:
    starts: list[int] = []
    once = tmp_path / "died-once"
    dies_once = f"sleep 0.1; test -e {once} || {{ touch {once}; exit 1; }}; sleep 600"
    with Supervisor(workspace) as supervisor:

        def count_start() -> None:
            starts.append(len(starts))
            if len(starts) == 2:
                supervisor.stop_requested.set()

        restart = Restart(first_wait_s=0.01)
        part = Part("again", ("sh", "-c", dies_once), before_start=count_start, restart=restart)
        supervisor.start([part])
        supervisor.watch()
    assert len(starts) == 2


def test_what_a_part_started_ends_with_it(workspace: Workspace) -> None:
    deaf = Part("deaf", ("sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"), grace_s=0.2)
    with Supervisor(workspace) as supervisor:
        supervisor.start([deaf])
    state = read_state(workspace)
    assert state is not None
    assert state.phase == "stopped"
    assert end_leftovers(state) == 0


def test_a_stop_signal_while_parts_start_ends_them(workspace: Workspace) -> None:
    def ask_to_stop() -> bool:
        signal.raise_signal(signal.SIGTERM)
        return False

    never_ready = Part("never", FOR_EVER, ready=ask_to_stop)
    with (
        Supervisor(workspace, catches_signals=True) as supervisor,
        pytest.raises(StartInterrupted),
    ):
        supervisor.start([never_ready])
    assert _parts_alive(workspace) == []


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_second_stop_signal_does_not_break_off_the_orderly_end(
    workspace: Workspace, which: signal.Signals
) -> None:
    before = signal.getsignal(which)
    first = Part("first", FOR_EVER)
    second = Part(
        "second", FOR_EVER, after=("first",), after_end=lambda: signal.raise_signal(which)
    )
    with Supervisor(workspace, catches_signals=True) as supervisor:
        supervisor.start([first, second])
        signal.raise_signal(which)
        supervisor.watch()
    state = read_state(workspace)
    assert state is not None
    assert (state.phase, _parts_alive(workspace)) == ("stopped", [])
    assert signal.getsignal(which) == before


def test_without_being_asked_a_supervisor_leaves_signals_alone(workspace: Workspace) -> None:
    before = signal.getsignal(signal.SIGINT)
    with Supervisor(workspace):
        assert signal.getsignal(signal.SIGINT) == before


def test_a_part_that_dies_just_before_the_end_does_not_disturb_it(workspace: Workspace) -> None:
    with Supervisor(workspace) as supervisor:
        supervisor.start([Part("dies", FOR_EVER)])
        end_processes(_parts_alive(workspace), grace_s=1.0)
    state = read_state(workspace)
    assert state is not None
    assert state.phase == "stopped"


def test_what_a_living_supervisor_runs_is_no_leftover(workspace: Workspace) -> None:
    with Supervisor(workspace) as supervisor:
        supervisor.start([Part("living", FOR_EVER)])
        assert end_leftovers_of(workspace) == 0
        assert len(_parts_alive(workspace)) == 1


def test_what_a_killed_supervisor_left_is_ended(workspace: Workspace) -> None:
    with Supervisor(workspace) as supervisor:
        supervisor.start([Part("left", ("sleep", "600"))])
        state = read_state(workspace)
        assert state is not None
        gone = ProcessMark(state.supervisor.pid, state.supervisor.started_ticks - 1)
        write_state(workspace.state_file, msgspec.structs.replace(state, supervisor=gone))
        assert end_leftovers_of(workspace) == 1
        assert _parts_alive(workspace) == []


def test_a_workspace_in_which_nothing_ever_ran_has_no_leftovers(workspace: Workspace) -> None:
    assert end_leftovers_of(workspace) == 0


def test_the_log_of_the_run_before_is_kept(workspace: Workspace) -> None:
    for words in ("first run", "second run"):
        with Supervisor(workspace) as supervisor:
            supervisor.start([Part("says", ("sh", "-c", f"echo {words}; sleep 600"))])
            while words not in (workspace.logs / "says.log").read_text(encoding="utf-8"):
                supervisor.stop_requested.wait(0.01)
    assert (workspace.logs / "says.log.1").read_text(encoding="utf-8") == "first run\n"
    assert (workspace.logs / "says.log").read_text(encoding="utf-8") == "second run\n"


def test_a_process_with_the_same_pid_but_another_start_is_left_alone(workspace: Workspace) -> None:
    with Supervisor(workspace) as supervisor:
        supervisor.start([Part("bystander", FOR_EVER)])
        state = read_state(workspace)
        assert state is not None
        process = state.parts[0].process
        assert process is not None
        someone_else = ProcessMark(process.pid, process.started_ticks - 1)
        forged = StackState(
            run_id="another run",
            boot=state.boot,
            phase="running",
            supervisor=someone_else,
            parts=(type(state.parts[0])(name="bystander", log="", process=someone_else),),
        )
        assert end_leftovers(forged) == 0
        assert process.is_alive()


def test_a_state_of_another_boot_means_no_process(workspace: Workspace) -> None:
    workspace.create()
    own = mark_of(1)
    state = StackState(run_id="run", boot="another boot", phase="running", supervisor=own)
    write_state(workspace.state_file, state)
    assert read_state(workspace) == state
    assert not state.is_supervised()
    assert end_leftovers(state) == 0


def test_a_state_file_that_cannot_be_read_counts_as_none(workspace: Workspace) -> None:
    workspace.create()
    workspace.state_file.write_text('{"run_id": "cut sho', encoding="utf-8")
    assert read_state(workspace) is None


def _parts_alive(workspace: Workspace) -> list[ProcessMark]:
    state = read_state(workspace)
    assert state is not None
    marks = [part.process for part in state.parts if part.process is not None]
    return [mark for mark in marks if mark.is_alive()]
