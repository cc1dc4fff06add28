"""What is installed: required packages, extras, the versions that go together, plugins."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from milbench.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.registry import Registry

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[2]  # of a checkout
# Extras that a user installs; the others are for work on milbench itself.
FOR_WORK = frozenset({"test", "dev"})
LINE = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*\(?(?P<limits>[^;)]*)\)?\s*"
    r"(?:;.*extra\s*==\s*['\"](?P<extra>[^'\"]+)['\"])?.*"
)


class Requirement(NamedTuple):
    """A package that a distribution asks for: ``torch``, ``>=2.4``, and the extra that wants it."""

    name: str
    limits: str
    extra: str = ""


def examine() -> Iterator[Finding]:
    """Yield Python, milbench, what it requires, each extra, and whether torchvision fits torch."""
    python = platform.python_version()
    if tuple(map(int, platform.python_version_tuple()[:2])) < OLDEST:
        yield Finding("package", "python", "broken", python, "install Python 3.11 or later")
    else:
        yield Finding("package", "python", "ok", python)
    wanted = requirements("milbench")
    if not wanted:
        step = "install it: python -m pip install -e . in the checkout"
        yield Finding("package", "milbench", "note", "runs without being installed", step)
    for requirement in wanted:
        if not requirement.extra:
            yield _required(requirement)
    yield from _extras(wanted)
    yield from _pins(ROOT / "constraints.txt")
    yield from _torchvision()


def plugins(registry: Registry) -> Iterator[Finding]:
    """Yield each plugin, and each that was left out."""
    for plugin in registry.plugins:
        text = f"{len(plugin.offers)} names, version {plugin.origin.version}"
        yield Finding("plugin", str(plugin.origin), "ok", text)
    for problem in registry.problems:
        step = "see: milbench plugins -v"
        yield Finding("plugin", str(problem.source), "broken", problem.message, step)


def requirements(distribution: str) -> list[Requirement]:
    """Return what a distribution asks for; nothing where it is not installed."""
    try:
        lines = requires(distribution) or []
    except PackageNotFoundError:
        return []
    found = (LINE.fullmatch(line) for line in lines)
    return [Requirement(m["name"], m["limits"].strip(), m["extra"] or "") for m in found if m]


def installed(name: str) -> str | None:
    """Return the version of a package, or None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def fits(found: str, limits: str) -> bool:
    """Return whether a version keeps to limits such as ``>=2.4,<3``.

    Only the numbers of a release are compared, which is all that milbench's own limits name: the
    build ``2.13.0+cpu`` is 2.13.0.
    """
    for limit in filter(None, (text.strip() for text in limits.split(","))):
        match = re.fullmatch(r"(>=|<=|==|!=|~=|>|<)\s*([\d.]+)(\.\*)?", limit)
        if match and not _keeps(_numbers(found), match[1], _numbers(match[2]), bool(match[3])):
            return False
    return True


def _keeps(found: tuple[int, ...], sign: str, limit: tuple[int, ...], is_open: bool) -> bool:
    width = len(limit) if is_open else max(len(found), len(limit))
    one, other = ((*numbers, *(0,) * (width - len(numbers)))[:width] for numbers in (found, limit))
    return {
        ">=": one >= other,
        "<=": one <= other,
        "==": one == other,
        "!=": one != other,
        "~=": one >= other and one[: len(limit) - 1] == limit[:-1],
        ">": one > other,
        "<": one < other,
    }[sign]


def _numbers(text: str) -> tuple[int, ...]:
    release = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, release.group().split("."))) if release else ()


def _required(requirement: Requirement) -> Finding:
    name, limits, _ = requirement
    found = installed(name)
    step = f"python -m pip install -c constraints.txt '{name}{limits}'"
    if found is None:
        return Finding("package", name, "broken", f"absent; {limits or 'any'} is required", step)
    if not fits(found, limits):
        return Finding("package", name, "broken", f"{found}, but {limits} is required", step)
    return Finding("package", name, "ok", found)


def _extras(wanted: list[Requirement]) -> Iterator[Finding]:
    for extra in sorted({one.extra for one in wanted} - FOR_WORK - {""}):
        members = [one for one in wanted if one.extra == extra and one.name != "milbench"]
        found = {one.name: installed(one.name) for one in members}
        absent = [name for name, known in found.items() if known is None]
        text = ", ".join(f"{name} {known}" for name, known in found.items() if known)
        if absent:
            step = f"if you need it: python -m pip install 'milbench[{extra}]'"
            text = "; ".join(filter(None, (f"absent: {', '.join(absent)}", text)))
            yield Finding("package", f"[{extra}]", "note", text, step)
        else:
            yield Finding("package", f"[{extra}]", "ok", text)


def _pins(path: Path) -> Iterator[Finding]:
    """Yield whether the versions are those that a checkout is tested with."""
    if not path.is_file():
        return
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    pins = dict(line.split("==", 1) for line in lines if "==" in line)
    found = {name: installed(name) for name in pins}
    others = [
        f"{name} {known}, tested with {pins[name]}"
        for name, known in found.items()
        if known is not None and not fits(known, f"=={pins[name]}")
    ]
    if others:
        step = f"if something fails: python -m pip install -c {path} torch"
        yield Finding("package", path.name, "note", "; ".join(others), step)
    else:
        yield Finding("package", path.name, "ok", "the versions that are tested")


def _torchvision() -> Iterator[Finding]:
    """Yield whether torchvision is the build for this torch: another one fails at import."""
    vision, torch = installed("torchvision"), installed("torch")
    if vision is None or torch is None:
        return
    limits = next((r.limits for r in requirements("torchvision") if r.name == "torch"), "")
    if fits(torch, limits):
        yield Finding("package", "torchvision", "ok", f"{vision}, for torch {limits}")
    else:
        step = "python -m pip install -c constraints.txt torch torchvision"
        text = f"{vision} wants torch{limits}, and {torch} is installed"
        yield Finding("package", "torchvision", "broken", text, step)
