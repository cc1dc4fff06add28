"""A public file of a data set, and how to tell that it is the right one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file that ``milbench fetch`` gets for a data set.

    Parameters
    ----------
    path
        Where the file goes, relative to the data folder: ``musk1/uci_c45/musk1.data``.
    url
        A stable public address.
    checksum
        ``sha256:...`` or ``md5:...`` of the file.
    """

    path: str
    url: str
    checksum: str
