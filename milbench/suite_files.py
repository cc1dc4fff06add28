"""Where suite files are found, and what each is for, without reading them in full."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGE = Path(__file__).resolve().parent
PUBLISHED = "published.toml"  # lies beside the suites and is none


def suite_files(extra: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the suite files by name: the file's stem, sorted; the built-in ones first.

    Parameters
    ----------
    extra
        Files that plugins bring (``Registry.suites()``). Where the name is taken already, the
        path is the name, which ``milbench run --suite`` takes as well.
    """
    built_in = sorted(built_in_folder().glob("*.toml"))
    found = {path.stem: path for path in built_in if path.name != PUBLISHED}
    for path in sorted(extra):
        found[str(path) if path.stem in found else path.stem] = path
    return found


def suite_summary(path: Path) -> str:
    """Return the ``summary`` of a suite file, or why it has none, so that a listing never fails."""
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8")).get("summary", ""))
    except (OSError, ValueError) as error:
        return f"not readable: {error}; milbench validate {path.stem}"


def has_data_sets(path: Path) -> bool:
    """Return whether a suite file names data sets, or is none; others are for own data."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True  # whoever reads it in full says what is wrong
    return not data.keys().isdisjoint({"datasets", "dataset"})


def built_in_folder() -> Path:
    """Return the suites of the wheel, or of the repository for an editable install."""
    inside = PACKAGE / "_suites"
    return inside if inside.is_dir() else PACKAGE.parent / "benchmarks"
