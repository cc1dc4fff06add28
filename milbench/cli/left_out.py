"""Tell which slides are not used, on the terminal and in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.cli.console import messages

if TYPE_CHECKING:
    from milbench.registry import Registry
    from milbench.run import Plan

MOST_LINES = 20  # on a terminal; all are in the file


def explain_left_out(plan: Plan, registry: Registry) -> None:
    """Tell which slides are not used, and keep the whole list beside the results."""
    from milbench.tables.left_out import write_left_out
    from milbench.tables.lines import LeftOut
    from milbench.tables.offer import left_out

    ready = tuple(dict.fromkeys(ground.dataset.name for ground in plan.prepared.grounds))
    for name in ready:
        unread = plan.prepared.left_out.get(name, {})
        found = [
            *(one for _, one in left_out(registry, (name,))),
            *(LeftOut(name, bag, "slide unreadable", why) for bag, why in unread.items()),
        ]
        if not found:
            continue
        path = plan.store.root / f"left-out-{name}.csv"
        write_left_out(path, found)
        for one in found[:MOST_LINES]:
            messages.print(f"left out of {name}: {one}", markup=False)
        more = f", {MOST_LINES} of them above" if len(found) > MOST_LINES else ""
        messages.print(f"left out of {name}: {len(found)} in all{more}; see {path}", markup=False)
