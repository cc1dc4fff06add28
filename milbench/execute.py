"""Executors by name: where tasks run.

An executor has the interface of :class:`concurrent.futures.Executor`. ``inline`` runs a task where
it is submitted. ``processes`` keeps one process for each slot; a process that is killed is
replaced and its task tried again, so that one crash costs one run and not the whole batch.

On Linux processes are forked from one that has imported what tasks need and has done nothing else:
to import torch takes seconds of a core, which each process, and each that replaces it, would spend.
The main process is never forked, as its threads hold locks that a copy would wait for.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from milbench.cores import usable_cores
from milbench.errors import MilbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

T = TypeVar("T")
R = TypeVar("R")

RETRIES = 2
# By the process that others are forked from: what trains, and what torch and the controls import
# at their first step.
IMPORTED = ["milbench.train.work", "torch._dynamo", "sklearn.linear_model"]
GRACE = 5.0  # seconds that a worker has to remove what it was writing


class WorkerDied(MilbenchError):  # noqa: N818  # says what happened, as ProcessLookupError does
    """A worker process ended while it worked on a task, more often than it is tried again."""


class InlineExecutor(Executor):
    """Run each task in the calling thread, when it is submitted."""

    slots = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn`` now and return its finished future; an interrupt passes through."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # the future carries it to the caller
            future.set_exception(error)
        return future


class ProcessExecutor(Executor):
    """Supervised worker processes, one a slot.

    Parameters
    ----------
    slots
        How many processes work side by side.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._tasks: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._workers = [_Slot(self._tasks) for _ in range(slots)]

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queue a call; ``fn`` and its arguments are sent to a process, so they must pickle."""
        if kwargs:
            raise TypeError("ProcessExecutor.submit takes positional arguments only")
        future: Future[Any] = Future()
        self._tasks.put((future, fn, args))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all processes: after their queued tasks, or at once with ``cancel_futures``."""
        for _ in self._workers:
            self._tasks.put(None)
        if cancel_futures:
            self._cancel()
        if wait:
            for worker in self._workers:
                worker.join()

    def _cancel(self) -> None:
        for worker in self._workers:
            worker.end(hard=False)
        for worker in self._workers:
            worker.join(GRACE)
            if worker.is_alive():
                worker.end(hard=True)


_Item = tuple[Future[Any], "Callable[..., Any]", tuple[Any, ...]]


class _Slot(threading.Thread):
    """A thread that owns one process, feeds it tasks and replaces it when it dies."""

    def __init__(self, tasks: queue.SimpleQueue[_Item | None]) -> None:
        super().__init__(daemon=True)
        self._tasks = tasks
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._is_killed = False
        self._lock = threading.Lock()
        self.start()

    def run(self) -> None:
        while (item := self._tasks.get()) is not None:
            future, fn, args = item
            if self._is_killed or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            self._serve(future, fn, args)
        self._end()

    def end(self, *, hard: bool) -> None:
        """End the process, with time to clean up or without; its task is cancelled or fails."""
        with self._lock:
            self._is_killed = True
            if self._process is not None:
                self._process.kill() if hard else self._process.terminate()

    def _serve(self, future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        for attempt in range(RETRIES + 1):
            try:
                is_good, answer = self._call(fn, args)
            except (EOFError, OSError):
                code = self._bury()
                if self._is_killed or attempt == RETRIES:
                    future.set_exception(WorkerDied(_obituary(code, attempt + 1)))
                    return
                continue
            except Exception as error:  # noqa: BLE001  # such as a task that cannot be pickled
                future.set_exception(error)
                return
            future.set_result(answer) if is_good else future.set_exception(answer)
            return

    def _call(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[bool, Any]:
        pipe = self._connect()
        pipe.send((fn, args))
        answer: tuple[bool, Any] = pipe.recv()
        return answer

    def _connect(self) -> Connection:
        with self._lock:
            if self._is_killed:
                raise EOFError
            if self._pipe is None:
                context = process_context()
                self._pipe, theirs = context.Pipe()
                given = (theirs, dict(os.environ))
                self._process = context.Process(target=_work, args=given, daemon=True)
                self._process.start()
                theirs.close()
            return self._pipe

    def _bury(self) -> int | None:
        with self._lock:
            process, self._process = self._process, None
            pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()
        if process is None:
            return None
        process.join()
        return process.exitcode

    def _end(self) -> None:
        if self._pipe is not None and not self._is_killed:
            self._pipe.send(None)
        self._bury()


def _work(pipe: Connection, environment: dict[str, str]) -> None:
    """Answer calls until told to stop; runs in the worker process."""
    # As the main process has it now; the process that this one was forked from is older.
    os.environ.clear()
    os.environ.update(environment)
    # Ctrl-C reaches the whole terminal group; the main process decides when workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Ends by an exception, so that a file that is being written is removed; not by SystemExit,
    # which the loading of plugins takes for a fault of the plugin: the run would lack its method.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _end_with(multiprocessing.parent_process())
    # What is wrong with a plugin was told once, by the main process.
    logging.getLogger("milbench").addHandler(logging.NullHandler())
    with suppress(EOFError, KeyboardInterrupt):  # the main process is gone, or has ended this one
        while (call := pipe.recv()) is not None:
            pipe.send(_answer(*call))


def _end_with(parent: BaseProcess | None) -> None:
    """End this process as soon as the main one is gone: nobody waits for what it is at.

    A run may take hours, and the pipe is only looked at between two of them.
    """

    def watch(sentinel: int) -> None:
        connection.wait([sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    if parent is not None:
        threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()


def _answer(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, fn(*args)
    except Exception as error:  # noqa: BLE001  # sent back and raised by the future
        return False, error


def _obituary(code: int | None, attempts: int) -> str:
    how = f"status {code}"
    if code is not None and code < 0:
        how = f"signal {signal.Signals(-code).name}"
    return f"the worker process died ({how}) in {attempts} attempts; it may be out of memory"


def executor_by_name(name: str, slots: int | None = None) -> InlineExecutor | ProcessExecutor:
    """Return the executor called ``name``: ``inline`` or ``processes``.

    Parameters
    ----------
    slots
        Processes to keep; the count of usable cores when None.

    Raises
    ------
    MilbenchError
        If there is no such executor.
    """
    if name == "inline":
        return InlineExecutor()
    if name == "processes":
        return ProcessExecutor(slots or usable_cores())
    raise MilbenchError(f"executor {name!r}: no such executor; use inline or processes")


def process_context() -> Any:
    """Return what starts worker processes on this system, a context of :mod:`multiprocessing`."""
    if sys.platform != "linux":  # macOS: its libraries do not bear a fork; Windows has none
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


class Answer(Generic[T, R]):
    """A task with its result, or with the error that ended it."""

    def __init__(self, task: T, future: Future[R]) -> None:
        self.task = task
        self.error = future.exception()
        self.result = None if self.error is not None else future.result()


def drain(
    executor: InlineExecutor | ProcessExecutor, fn: Callable[[T], R], tasks: Iterable[T]
) -> Iterator[Answer[T, R]]:
    """Yield the answer to each task as it comes, with few tasks submitted ahead.

    When the caller stops, by an interrupt or an error, queued tasks are cancelled and workers end.
    """
    todo = iter(tasks)
    pending: dict[Future[R], T] = {}
    is_finished = False
    try:
        while True:
            for task in todo:
                pending[executor.submit(fn, task)] = task
                if len(pending) >= 2 * executor.slots - 1:
                    break
            if not pending:
                break
            ready, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in ready:
                yield Answer(pending.pop(future), future)
        is_finished = True
    finally:
        executor.shutdown(wait=True, cancel_futures=not is_finished)
