"""Run ``milbench`` with its parts timed; ``rerun.py`` starts this in a fresh process.

    python benchmarks/speed/timed_command.py STARTED ARGUMENTS

``STARTED`` is the time of the start, in seconds since 1970. The last line of stderr is a JSON
object of wall and CPU seconds by part.
"""

from __future__ import annotations

import json
import sys
import time
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from milbench.cli import main as milbench

if TYPE_CHECKING:
    from collections.abc import Callable

# A part does not count again in the one that calls it.
PARTS = {
    "keys and splits": ["milbench.run:plan"],
    "reading records": ["milbench.store:read_record"],
    "scoring": ["milbench.leaderboard.build:build"],
    "tables": ["milbench.report:write_all", "milbench.report:print_terminal"],
}
REST = "start-up and rest"


def main() -> None:
    """Run the command and print the times of its parts."""
    clock = Clock()
    for part, targets in PARTS.items():
        for target in targets:
            clock.watch(part, target)
    if milbench(sys.argv[2:]):
        raise SystemExit("milbench failed")
    wall, cpu = sum(clock.wall.values()), sum(clock.cpu.values())
    times = {REST: (time.time() - float(sys.argv[1]) - wall, time.process_time() - cpu)}
    times |= {part: (clock.wall[part], clock.cpu[part]) for part in PARTS}
    print(json.dumps(times), file=sys.stderr)


class Clock:
    """Wall and CPU seconds by part."""

    def __init__(self) -> None:
        self.wall = dict.fromkeys(PARTS, 0.0)
        self.cpu = dict.fromkeys(PARTS, 0.0)
        self._open: list[str] = []

    def watch(self, part: str, target: str) -> None:
        """Replace the function ``module:name`` by one that is timed as ``part``."""
        name = target.partition(":")[2]
        module = import_module(target.partition(":")[0])
        setattr(module, name, self._timed(part, getattr(module, name)))

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            self._open.append(part)
            try:
                return function(*args, **kwargs)
            finally:
                self._open.pop()
                self._add(part, time.perf_counter() - wall, time.process_time() - cpu)

        return timed

    def _add(self, part: str, wall: float, cpu: float) -> None:
        self.wall[part] += wall
        self.cpu[part] += cpu
        if self._open:
            self.wall[self._open[-1]] -= wall
            self.cpu[self._open[-1]] -= cpu


if __name__ == "__main__":
    main()
