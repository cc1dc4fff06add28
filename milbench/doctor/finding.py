"""One thing that was looked at: how it is, and what to do where it is not well."""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["ok", "note", "broken"]


class Finding(NamedTuple):
    """What was found of one thing.

    Parameters
    ----------
    area
        ``package``, ``plugin``, ``device``, ``data set``, ``cache``, ``results`` or ``disk``.
    name
        Of the thing.
    level
        ``broken`` needs doing; a ``note`` may be left as it is.
    text
        What was found, in one line.
    next_step
        What to do; empty where there is nothing.
    """

    area: str
    name: str
    level: Level
    text: str
    next_step: str = ""


def in_bytes(size: int) -> str:
    """Return a size as people write it: ``1.5 GB``, in powers of ten."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004  # powers of ten, as disks are sold
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"
