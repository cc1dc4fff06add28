"""Show a run's progress: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Self

from rich import progress as bars

from milbench.cli.console import messages

if TYPE_CHECKING:
    from types import TracebackType

    from milbench.train.work import Finished

LINES = 10  # in a log file, one line for each tenth of the work


class Progress:
    """Progress of ``total`` runs of ``suite``; a context manager.

    The first failure of each method on each data set is shown when it happens, the rest counted.
    """

    def __init__(self, suite: str, total: int) -> None:
        self._suite = suite
        self._total = total
        self._counts: Counter[str] = Counter()
        self._shown: set[tuple[str, str]] = set()
        self._started = time.monotonic()
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            bars.TextColumn("left"),
            bars.TimeRemainingColumn(),
            bars.TextColumn("{task.fields[trouble]}", markup=False),
            console=messages,
            transient=True,
            disable=not messages.is_terminal,
        )
        self._task = self._bar.add_task(suite, total=total, trouble="")

    def __enter__(self) -> Self:
        """Start the bar."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def advance(self, finished: Finished) -> None:
        """Count one finished run, and say what went wrong with it."""
        self._counts[finished.status] += 1
        failed = self._counts["failed"]
        trouble = f"{failed} failed" if failed else ""
        description = f"{self._suite}: {finished.dataset} {finished.method}"
        self._bar.update(self._task, advance=1, description=description, trouble=trouble)
        self._explain(finished)
        if not messages.is_terminal:
            self._print_line()

    def _explain(self, finished: Finished) -> None:
        cell = (finished.dataset, finished.method)
        if finished.status == "done" or cell in self._shown:
            return
        self._shown.add(cell)
        messages.print(
            f"{finished.status} {finished.dataset} {finished.method}: {finished.reason}"
            + (f"\n  traceback in {finished.path}" if finished.status == "failed" else ""),
            markup=False,
        )

    def _print_line(self) -> None:
        count = sum(self._counts.values())
        if count * LINES // self._total == (count - 1) * LINES // self._total:
            return
        spent = time.monotonic() - self._started
        left = spent / count * (self._total - count)
        messages.print(
            f"{self._suite}: {count} of {self._total} runs, {self._counts['failed']} failed, "
            f"{spent:.0f} s spent, about {left:.0f} s left",
            markup=False,
        )
