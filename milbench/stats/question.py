"""What is asked of a comparison, fixed in the suite file before the run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """How large a difference matters, which error is accepted, and how chance is drawn.

    Parameters
    ----------
    rope
        Differences up to this size are practically none, in units of the metric.
    alpha
        Of a family of tests.
    draws, seed
        Of the bootstrap.
    """

    rope: float = 0.01
    alpha: float = 0.05
    draws: int = 10_000
    seed: int = 0
