"""Which source files a method is made of, as a hash, so that edited code is trained again."""

from __future__ import annotations

import ast
import inspect
from functools import cache, partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.records import Aggregator, Dataset, Encoder, Tiler


def code_hash(record: Aggregator | Dataset | Encoder | Tiler) -> str:
    """Return 16 digits of the hash of a record's code, or ``unknown`` where it has no source.

    That is the file of its target and, of the same top-level package, every module that this
    file imports, and what these import. milbench itself, torch and the like are named by version.
    """
    files = _files(*_place(record))
    digests = [sha256(path.read_bytes()).hexdigest() for _, path in sorted(files.items())]
    if not digests:
        return "unknown"
    # A method of one file has the hash of that file.
    whole = digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()
    return whole[:16]


def _place(record: Aggregator | Dataset | Encoder | Tiler) -> tuple[str, Path | None]:
    """Return the module of a method's target, and its file."""
    target: Any = record.target
    if isinstance(target, str):
        module = target.partition(":")[0]
        return module, _source(module)
    while isinstance(target, partial):
        target = target.func
    named = target if hasattr(target, "__qualname__") else type(target)  # an object that is called
    try:
        source = inspect.getsourcefile(named)
    except TypeError:  # written in C
        source = None
    return named.__module__, Path(source) if source else None


def _source(module: str) -> Path | None:
    spec = find_spec(module)
    return Path(spec.origin) if spec is not None and spec.origin and spec.has_location else None


def _files(module: str, path: Path | None) -> dict[str, Path]:
    """Return the file of each module that the code in ``path`` is made of."""
    found: dict[str, Path] = {}
    waiting = {} if path is None else {module: path}
    while waiting:
        name, file = waiting.popitem()
        found[name] = file
        beside = _siblings(name, file)
        waiting.update({other: place for other, place in beside if other not in found})
    return found


@cache
def _siblings(module: str, path: Path) -> tuple[tuple[str, Path], ...]:
    """Return the modules of its own top-level package that ``module`` imports, with their files."""
    root = module.partition(".")[0]
    spec = None if root == "__main__" else find_spec(root)  # a script has none
    if spec is None or not spec.submodule_search_locations:
        return ()
    folder = Path(spec.submodule_search_locations[0])
    tree = ast.parse(path.read_bytes())
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names = {name for node in ast.walk(tree) for name in _imported(node, package)}
    own = (_module(name, folder) for name in sorted(names) if name.startswith(f"{root}."))
    return tuple(found for found in own if found is not None)


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """Yield what an import statement names, modules and what is taken from them alike."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parents = package.split(".")
        above = parents[: len(parents) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _module(name: str, folder: Path) -> tuple[str, Path] | None:
    """Return ``name`` if it is a module of the package in ``folder``, else where it is from.

    Found by its path: the import system would run the modules above it.
    """
    for taken in (name, name.rpartition(".")[0]):
        place = folder.joinpath(*taken.split(".")[1:])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if place != folder and file.is_file():
                return taken, file
    return None
