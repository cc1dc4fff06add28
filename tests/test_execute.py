"""Executors: every task is answered, whatever happens to the process that works on it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from milbench.errors import MilbenchError
from milbench.execute import InlineExecutor, ProcessExecutor, WorkerDied, drain, executor_by_name


def double(number: int) -> int:
    return 2 * number


def fail_on_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def die_once(task: tuple[Path, int]) -> int:
    """Kill this process at the first try of task 2, and work at the second."""
    folder, number = task
    mark = folder / "died"
    if number == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_always(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def two_processes() -> ProcessExecutor:
    return ProcessExecutor(2)


@pytest.fixture(autouse=True)
def _tasks_are_importable(monkeypatch):
    """Let workers import this file; last on the path, so that milbench is the installed one."""
    root = str(Path(__file__).resolve().parent.parent)
    monkeypatch.setattr(sys, "path", [*sys.path, root])


EXECUTORS = [InlineExecutor, two_processes]


@pytest.mark.parametrize("make", EXECUTORS, ids=["inline", "processes"])
def test_every_task_is_answered_once(make):
    """Twenty tasks give twenty answers, each its own."""
    answers = list(drain(make(), double, range(20)))

    assert sorted((a.task, a.result) for a in answers) == [(n, 2 * n) for n in range(20)]


@pytest.mark.parametrize("make", EXECUTORS, ids=["inline", "processes"])
def test_an_error_in_one_task_leaves_the_others(make):
    """A task that raises is answered by its error; the rest are answered by their results."""
    answers = {a.task: a for a in drain(make(), fail_on_three, range(6))}

    assert isinstance(answers[3].error, ValueError)
    assert [answers[n].result for n in (0, 1, 2, 4, 5)] == [0, 1, 2, 4, 5]


def test_a_killed_worker_is_replaced_and_its_task_tried_again(tmp_path):
    """SIGKILL in the middle of a task loses nothing."""
    answers = list(drain(ProcessExecutor(2), die_once, [(tmp_path, n) for n in range(6)]))

    assert sorted(a.result for a in answers) == list(range(6))
    assert (tmp_path / "died").exists()


def test_a_task_that_always_kills_its_worker_is_given_up():
    """After three dead workers the task fails, names the signal, and the rest goes on."""
    answers = {a.task: a for a in drain(ProcessExecutor(1), die_always, range(3))}

    assert isinstance(answers[1].error, WorkerDied)
    assert "SIGKILL" in str(answers[1].error)
    assert [answers[n].result for n in (0, 2)] == [0, 2]


def test_a_worker_serves_many_tasks():
    """Processes are kept: importing torch once is enough."""
    pids = {a.result for a in drain(ProcessExecutor(2), pid_of, range(12))}

    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids


def pid_of(_: int) -> int:
    return os.getpid()


def parent_and_modules(_: int) -> tuple[int, bool]:
    return os.getppid(), "torch" in sys.modules


def work_on(place: Path) -> None:
    """Say which process works, and work for hours, in small steps as a training does."""
    place.with_suffix(".part").write_text(str(os.getpid()), encoding="utf-8")
    place.with_suffix(".part").replace(place)
    for _ in range(1_000_000):
        time.sleep(0.01)


def is_alive(process: int) -> bool:
    """Return whether a process is there, and no dead one that nobody has asked for yet."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state[0] != "Z"


def wait_until(condition) -> None:
    """Return when ``condition`` holds; the time limit of tests ends the waiting."""
    while not condition():
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_a_worker_ends_in_the_middle_of_its_task_when_the_main_process_is_killed(tmp_path):
    """A run may take hours, which nobody waits for any more."""
    place = tmp_path / "worker"
    command = (
        f"import sys; sys.path += {sys.path!r}\n"
        "from pathlib import Path\n"
        "from milbench.execute import ProcessExecutor, drain\n"
        "from tests.test_execute import work_on\n"
        f"place = Path({str(place)!r})\n"
        "if __name__ == '__main__': list(drain(ProcessExecutor(1), work_on, [place]))"
    )
    main = subprocess.Popen([sys.executable, "-c", command])
    wait_until(lambda: place.exists() or main.poll() is not None)
    worker = int(place.read_text(encoding="utf-8"))

    assert is_alive(worker)
    main.kill()
    main.wait()
    wait_until(lambda: not is_alive(worker))


def variable(name: str) -> str | None:
    return os.environ.get(name)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are fresh interpreters")
def test_a_worker_has_torch_before_its_first_task_and_is_no_copy_of_the_caller():
    """It is forked from a process of its own kind, which no thread of the caller runs in."""
    answers = [a.result for a in drain(ProcessExecutor(1), parent_and_modules, [0])]

    assert all(has_torch for _, has_torch in answers)
    assert os.getpid() not in {parent for parent, _ in answers}


def test_workers_have_the_environment_of_the_caller_as_it_is_now(monkeypatch):
    """What was set, and what was removed, after another worker was there."""
    monkeypatch.setenv("MILBENCH_OLD", "1")
    assert [a.result for a in drain(ProcessExecutor(1), variable, ["MILBENCH_OLD"])] == ["1"]
    monkeypatch.delenv("MILBENCH_OLD")
    monkeypatch.setenv("MILBENCH_NEW", "2")
    found = {
        a.task: a.result
        for a in drain(ProcessExecutor(1), variable, ["MILBENCH_OLD", "MILBENCH_NEW"])
    }

    assert found == {"MILBENCH_OLD": None, "MILBENCH_NEW": "2"}


def test_leaving_early_ends_the_workers():
    """When the caller stops listening, no process is left behind and nothing hangs."""
    executor = ProcessExecutor(2)
    answers = drain(executor, pid_of, range(50))
    pid = next(answers).result
    answers.close()

    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def outlive(folder: Path) -> None:
    """Take an end for a fault of what runs here, as the loading of plugins does."""
    try:
        (folder / "begun").touch()
        time.sleep(60)
    except (Exception, SystemExit):  # noqa: BLE001
        (folder / "outlived").touch()


def test_a_worker_that_is_ended_cannot_take_it_for_a_fault_of_its_task(tmp_path):
    """An interrupt while plugins were loaded left a run that failed for want of its method."""
    executor = ProcessExecutor(1)
    executor.submit(outlive, tmp_path)
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    executor.shutdown(cancel_futures=True)

    assert not (tmp_path / "outlived").exists()


def test_an_unknown_executor_is_told():
    """A misspelt name names the right ones."""
    with pytest.raises(MilbenchError, match="use inline or processes"):
        executor_by_name("threads")
