"""What a setting may be tuned over: one of some values, or a number from a range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from milbench.errors import PluginError


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values, each as likely as another.

    Parameters
    ----------
    values
        One or more plain values: numbers, texts, booleans, or tuples of them.

    Raises
    ------
    PluginError
        If there is no value, or ``values`` is no tuple.
    """

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.values, tuple) or not self.values:
            raise PluginError(f"Choice({self.values!r}): expected a tuple of one or more values")

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.values))}"

    def at(self, share: float) -> Any:
        """Return the value that ``share``, from 0 to below 1, of the values lie before."""
        return self.values[int(share * len(self.values))]


@dataclass(frozen=True, slots=True)
class Uniform:
    """A number from ``low`` to ``high``, all as likely.

    Raises
    ------
    PluginError
        If the bounds are not finite or do not ascend.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise PluginError(f"{self!r}: expected finite bounds, low below high")

    def __str__(self) -> str:
        return f"uniform from {self.low:g} to {self.high:g}"

    def at(self, share: float) -> float:
        """Return the number at ``share``, from 0 to below 1, of the way; four figures of it."""
        return _figures(self.low + share * (self.high - self.low), self.low, self.high)


@dataclass(frozen=True, slots=True)
class LogUniform:
    """A positive number from ``low`` to ``high`` whose logarithms are all as likely.

    Raises
    ------
    PluginError
        If the bounds are not positive and finite, or do not ascend.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0.0 < self.low < self.high < math.inf:
            raise PluginError(f"{self!r}: expected positive finite bounds, low below high")

    def __str__(self) -> str:
        return f"log-uniform from {self.low:g} to {self.high:g}"

    def at(self, share: float) -> float:
        """Return the number at ``share``, from 0 to below 1, of the way; four figures of it."""
        return _figures(self.low * (self.high / self.low) ** share, self.low, self.high)


Space = Choice | Uniform | LogUniform


def _figures(value: float, low: float, high: float) -> float:
    # Powers differ in the last digits between machines; the settings of a trial must not.
    return min(max(float(f"{value:.3e}"), low), high)
