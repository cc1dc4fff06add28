"""Show how far the features of data sets are: two bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich import progress as bars

from milbench.cli.console import messages

if TYPE_CHECKING:
    from types import TracebackType

    from milbench.features import Step

LINES = 10  # in a log file, one line for each tenth of the slides


class Preparing:
    """Progress of the building of features; a context manager, and called with each step.

    The first bar counts the slides of a data set, the second the tiles of a slide. Data sets whose
    number of bags only their reader knows have no line in a log file.

    Parameters
    ----------
    what
        Shown before there is a step, and while nothing is built.
    """

    def __init__(self, what: str) -> None:
        self._bars = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            console=messages,
            transient=True,
            disable=not messages.is_terminal,
        )
        self._overall = self._bars.add_task(what, total=None)
        self._slide = self._bars.add_task("", total=None, visible=False)
        self._dataset, self._started, self._first = "", time.monotonic(), 0
        self._printed = 0

    def __enter__(self) -> Self:
        """Start the bars."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bars away."""
        self._bars.stop()

    def __call__(self, step: Step) -> None:
        """Show one step."""
        if step.dataset != self._dataset:
            self._dataset, self._started, self._first = step.dataset, time.monotonic(), step.number
            self._printed = 0
        self._bars.update(
            self._overall,
            description=f"{step.dataset}: features",
            completed=step.number,
            total=step.of,
        )
        self._bars.update(
            self._slide,
            description=step.bag,
            completed=step.tiles,
            total=step.of_tiles or None,
            visible=True,
        )
        if not messages.is_terminal and step.of:
            self._print_line(step.number, step.of)

    def _print_line(self, number: int, of: int) -> None:
        tenth = number * LINES // of
        if tenth == self._printed:
            return
        self._printed = tenth
        spent = time.monotonic() - self._started
        left = spent / (number - self._first) * (of - number) if number > self._first else 0.0
        messages.print(
            f"{self._dataset}: features of {number} of {of} slides, {spent:.0f} s spent, about "
            f"{left:.0f} s left",
            markup=False,
        )
