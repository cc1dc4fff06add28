"""Show how far encoding and pretraining are: a bar on a terminal, few lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich import progress as bars

from milbench.cli.console import messages

if TYPE_CHECKING:
    from types import TracebackType

    from milbench.features import Step

LINE_S = 30.0  # in a log file, a line at most so often


class _Bar:
    """A bar that is shown while it is entered, and lines where nobody watches a bar."""

    def __init__(self, what: str, total: int | None, unit: str) -> None:
        self._what = what
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TextColumn(unit, markup=False),
            bars.TextColumn("{task.fields[more]}", markup=False),
            bars.TimeElapsedColumn(),
            bars.TextColumn("left"),
            bars.TimeRemainingColumn(),
            console=messages,
            transient=True,
            disable=not messages.is_terminal,
        )
        self._task = self._bar.add_task(what, total=total, more="")
        self._told = time.monotonic()

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

    def _show(self, done: int, total: int | None, more: str) -> None:
        self._bar.update(self._task, completed=done, total=total, more=more)
        if messages.is_terminal or time.monotonic() - self._told < LINE_S:
            return
        self._told = time.monotonic()
        of = f" of {total}" if total is not None else ""
        messages.print(f"{self._what}: {done}{of}, {more}", markup=False)


class Encoded(_Bar):
    """Progress of the encoding of a data set; counts the tiles that were encoded."""

    def __init__(self, what: str) -> None:
        super().__init__(what, None, "bags")
        self.tiles = 0
        self._bag, self._of_bag = "", 0
        self._started = time.monotonic()

    def advance(self, step: Step) -> None:
        """Take in how far the features are."""
        if step.bag != self._bag:
            self._bag, self._of_bag = step.bag, 0
        self.tiles += step.tiles - self._of_bag
        self._of_bag = step.tiles
        speed = self.tiles / max(time.monotonic() - self._started, 1e-9)
        more = f"{step.bag}: {step.tiles} of {step.of_tiles} tiles, {speed:.0f} a second"
        self._show(step.number, step.of, more)


class Trained(_Bar):
    """Progress of pretraining."""

    def __init__(self, what: str, epochs: int) -> None:
        super().__init__(f"{what}: training", epochs, "epochs")
        self._epochs = epochs

    def advance(self, epoch: int, loss: float) -> None:
        """Take in the mean loss of an epoch, counted from 0."""
        self._show(epoch + 1, self._epochs, f"loss {loss:.3f}")
