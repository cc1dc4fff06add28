"""A label hierarchy of two levels: which coarse class each class of a data set belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from milbench.errors import PluginError

LEAST = 2  # classes of a level, else there is nothing to tell apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The tree over the classes of a data set.

    The data set's own classes are the fine level: a bag's label is a position among them. Every
    one of them has exactly one coarse class above it.

    Parameters
    ----------
    name
        Of this tree, since one set of classes may be grouped in several ways; it is printed with
        every result.
    coarse
        Names of the coarse classes. Where there are two, the second is the positive one.
    parents
        ``parents[fine] == coarse``: for each class of the data set a position in ``coarse``.
    names
        What the coarse and the fine level are called, in this order.
    source
        Where the tree is taken from.

    Raises
    ------
    PluginError
        If there are fewer than two coarse classes, one of them has no fine class, or none has two.
    """

    name: str
    coarse: tuple[str, ...]
    parents: tuple[int, ...]
    names: tuple[str, str] = ("coarse", "fine")
    source: str = "-"

    def __post_init__(self) -> None:
        fault = self._fault()
        if fault:
            raise PluginError(f"levels {self.name!r}: {fault}")

    def _fault(self) -> str:
        found = (self.name, *self.names)
        if len(self.names) != LEAST or len(set(self.names)) != LEAST or not all(found):
            return f"names {self.names!r}: name the tree, its coarse and its fine level"
        if len(set(self.coarse)) != len(self.coarse) or len(self.coarse) < LEAST:
            return f"coarse classes {self.coarse!r}: expected two or more different names"
        if set(self.parents) != set(range(len(self.coarse))):
            return (
                f"parents {self.parents!r}: expected positions from 0 to {len(self.coarse) - 1}, "
                "each of them the parent of some class"
            )
        if len(self.parents) <= len(self.coarse):
            return f"{len(self.parents)} classes below {len(self.coarse)}: no class is divided"
        return ""

    def check(self, classes: tuple[str, ...]) -> None:
        """Refuse classes that the tree does not fit.

        Raises
        ------
        PluginError
            If there is not one parent for each of ``classes``.
        """
        if len(self.parents) != len(classes):
            raise PluginError(
                f"levels {self.name!r}: {len(self.parents)} parents for {len(classes)} classes; "
                f"give each of {', '.join(classes)} one parent"
            )

    def in_words(self, classes: tuple[str, ...]) -> str:
        """Return which of ``classes`` are below each coarse class, in one sentence."""
        groups = (
            f"{name} ({', '.join(self._below(number, classes))})"
            for number, name in enumerate(self.coarse)
        )
        return f"Levels {self.name}, {self.names[0]} ({self.names[1]}): {', '.join(groups)}."

    def _below(self, coarse: int, classes: tuple[str, ...]) -> list[str]:
        return [name for name, p in zip(classes, self.parents, strict=True) if p == coarse]
