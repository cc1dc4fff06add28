"""Show how far encoding and pretraining are, and count what was encoded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich import progress as bars

from milbench.cli.console import messages
from milbench.cli.preparing import Preparing

if TYPE_CHECKING:
    from types import TracebackType

    from milbench.features import Step

LINE_S = 30.0  # in a log file, a line at most so often


class Encoded(Preparing):
    """Progress of the encoding of a data set, which counts what is encoded and what is taken.

    ``taken`` counts bags whose rows were encoded before, for another data set or version.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.tiles, self.taken = 0, 0
        self._bag, self._of_bag = "", 0

    def __call__(self, step: Step) -> None:
        """Show one step, and count its tiles."""
        super().__call__(step)
        if step.is_taken:
            self.taken += 1
            return
        if step.bag != self._bag:
            self._bag, self._of_bag = step.bag, 0
        self.tiles += step.tiles - self._of_bag
        self._of_bag = step.tiles


class Trained:
    """Progress of pretraining: a bar on a terminal, few lines elsewhere."""

    def __init__(self, what: str, epochs: int) -> None:
        self._what, self._epochs = what, epochs
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TextColumn("{task.fields[loss]}", markup=False),
            bars.TimeElapsedColumn(),
            bars.TextColumn("left"),
            bars.TimeRemainingColumn(),
            console=messages,
            transient=True,
            disable=not messages.is_terminal,
        )
        self._task = self._bar.add_task(f"{what}: training", total=epochs, loss="")
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

    def begin(self, epoch: int) -> None:
        """Take in the first epoch, counted from 0: those before it were trained by another run."""
        if epoch:
            self._bar.reset(self._task, completed=epoch, loss="")
            messages.print(
                f"{self._what}: goes on with epoch {epoch + 1} of {self._epochs}", markup=False
            )

    def advance(self, epoch: int, loss: float) -> None:
        """Take in the mean loss of an epoch, counted from 0."""
        self._bar.update(self._task, completed=epoch + 1, loss=f"loss {loss:.3f}")
        if messages.is_terminal or time.monotonic() - self._told < LINE_S:
            return
        self._told = time.monotonic()
        messages.print(
            f"{self._what}: epoch {epoch + 1} of {self._epochs}, loss {loss:.3f}", markup=False
        )
