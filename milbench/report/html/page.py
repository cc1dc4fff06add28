"""Write a leaderboard as one HTML page that needs nothing else: no network, and no script to read.

The script sorts, filters and opens pairs. A policy in the page allows this script and this style
by their hashes and forbids every request. All names are escaped by the template engine.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from milbench.report import footnotes
from milbench.report.format import printable
from milbench.report.html.runs import status_table, warnings
from milbench.report.html.section import overall_part, section_part
from milbench.stats.codes import MEANINGS

if TYPE_CHECKING:
    from milbench.leaderboard.table import Leaderboard

TEMPLATES = "templates"


def to_html(leaderboard: Leaderboard) -> str:
    """Return ``leaderboard`` as one HTML document."""
    style, script = _asset("page.css"), _asset("page.js")
    sections = [
        section_part(section, number, leaderboard)
        for number, section in enumerate(leaderboard.sections, 1)
    ]
    overall = leaderboard.overall
    parts = sections if overall is None else [overall_part(overall, leaderboard), *sections]
    places = [f"{s.dataset} ({s.encoder})" for s in leaderboard.sections if not s.level]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            suite=leaderboard.suite,
            methods=len({row.method for s in leaderboard.sections for row in s.rows}),
            parts=parts,
            status=status_table(leaderboard, places),
            warnings=tuple(warnings(leaderboard)),
            legend=tuple(footnotes.protocol(leaderboard)),
            codes=[(code, MEANINGS[code]) for code in MEANINGS if code in leaderboard.codes],
            meanings=MEANINGS,
            versions=leaderboard.versions,
            splits=leaderboard.splits,
            style=Markup(style),  # noqa: S704  # our own file
            script=Markup(script),  # noqa: S704  # our own file
            policy=_policy(style, script),
        )
    )


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("milbench.report.html", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _shown(value: object) -> object:
    """Return text on one line, control characters as escapes; it is made safe for HTML later."""
    return printable(value) if type(value) is str else value  # markup, a str of its own, is ready


def _asset(name: str) -> str:
    return (files("milbench.report.html") / TEMPLATES / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return what the page may do: run its own script, show its own style, and nothing else."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
