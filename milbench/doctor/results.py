"""Whether stored results can be read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from milbench.doctor.finding import Finding, in_bytes
from milbench.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

END = b"}\n"  # of every record


def examine(results: Path, *, verify: bool) -> Iterator[Finding]:
    """Yield each suite below ``results``.

    Parameters
    ----------
    verify
        Read every record; without it only their last bytes, which a truncated one lacks.
    """
    for folder in sorted(path for path in results.glob("*") if path.is_dir()):
        yield _examine(folder, verify=verify)


def _examine(folder: Path, *, verify: bool) -> Finding:
    records = sorted(folder.glob("runs/**/*.json"))
    damaged = [path for path in records if not _ends(path)]
    size = sum(path.stat().st_size for path in records)
    text = f"{len(records)} runs, {in_bytes(size)}"
    if verify:
        statuses, wrong = _read([path for path in records if path not in damaged])
        damaged += wrong
        text += "".join(f", {count} {status}" for status, count in sorted(statuses.items()))
    if damaged:
        text += f"; {len(damaged)} damaged, such as {damaged[0].relative_to(folder)}"
        step = f"rm {damaged[0]}; then run the suite again: only what is missing is trained"
        return Finding("results", folder.name, "broken", text, step)
    return Finding("results", folder.name, "ok", text)


def _ends(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(END)))
        return file.read() == END


def _read(paths: list[Path]) -> tuple[Counter[str], list[Path]]:
    from milbench.store import read_record  # noqa: PLC0415  # only where everything is read

    statuses: Counter[str] = Counter()
    wrong = []
    for path in paths:
        try:
            statuses[str(read_record(path)["status"])] += 1
        except StoreError:
            wrong.append(path)
    return statuses, wrong
