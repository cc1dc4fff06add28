"""Let one process build a feature store while the others that want it wait."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from milbench.features.journal import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two processes that build one store there do the work twice
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the right to build ``path``; a process that dies lets go of it.

    Network file systems that know no locks give the right to everybody.
    """
    lock = path.with_name(f".{path.name}.lock")
    if fcntl is None:
        yield
        return
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    file = _locked(lock, path)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)  # while it is held: who waits sees that it is another's
        file.close()


def _locked(lock: Path, path: Path) -> IO[bytes]:
    """Return the open lock file when it is ours and still has its name."""
    while True:
        with disk(path):
            file = lock.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning("%s: another process builds it; waiting", path)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            log.info("%s: cannot be locked (%s)", lock, error)
            return file
        if lock.exists() and os.fstat(file.fileno()).st_ino == lock.stat().st_ino:
            return file
        file.close()
