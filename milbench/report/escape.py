"""Names and sentences as LaTeX prints them: nothing in them is taken for a command."""

from __future__ import annotations

import re

from milbench.report.format import printable

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after the end of a row a bracket would be read as a length
    "]": "{]}",
    "*": "{*}",  # and a star as the starred form
} | {sign: f"\\{sign}" for sign in "{}_%&#$"}


def escape(text: str) -> str:
    """Return ``text`` so that LaTeX prints it as it is, at the start of a table row too."""
    escaped = "".join(_SPECIAL.get(sign, sign) for sign in printable(text))
    return re.sub("-(?=-)", "-{}", escaped)  # two hyphens would become a dash
