"""Write a leaderboard as one long CSV table: a row for each value.

One row for each data set, level (empty for the data set's own classes, else the name of the coarse
one), method, metric, class (``macro`` for the value over all classes), repeat and fold (``all`` for
the value over all runs). Interval, status, cost, hashes, versions and the
trials of a tuned row stand in the ``macro``, ``all`` row. A data set without results has one row
with its reason.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from milbench.report.format import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.leaderboard.table import Leaderboard, Row, Score, Section

COLUMNS = (
    "suite", "dataset", "encoder", "method", "control", "repeat", "fold", "metric", "class",
    "value", "low", "high", "sd", "n", "n_pos", "rank_low", "rank_high", "mark", "status", "info",
    "runs_done", "runs_planned", "fit_s", "predict_s", "peak_mem", "params", "feature_sha",
    "split_sha", "config_sha", "code_sha", "versions", "trials",
    "level", "coarse_from",
)  # fmt: skip

Line = dict[str, object]


def to_csv(leaderboard: Leaderboard) -> str:
    """Return ``leaderboard`` as long CSV with a header; numbers with ten figures."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for line in _lines(leaderboard):
        writer.writerow({"suite": leaderboard.suite} | line)
    return text.getvalue()


def _lines(leaderboard: Leaderboard) -> Iterator[Line]:
    versions = "; ".join(f"{name} {version}" for name, version in leaderboard.versions)
    for section in leaderboard.sections:
        for row in section.rows:
            origin = _circumstances(section, row) | {"versions": versions}
            for score in row.scores:
                yield from _score_lines(section, row, score, origin)
    for skipped in leaderboard.skipped:
        yield {
            "dataset": skipped.dataset,
            "encoder": skipped.encoder,
            "status": "skipped",
            "info": skipped.reason,
        }


def _score_lines(section: Section, row: Row, score: Score, origin: Line) -> Iterator[Line]:
    shared = _keys(section, row) | {"metric": score.metric}
    whole = shared | {"repeat": "all", "fold": "all"}
    macro = (
        whole
        | origin
        | {
            "class": "macro",
            "value": machine(score.value),
            "low": machine(score.low),
            "high": machine(score.high),
            "sd": machine(score.sd),
            "n": section.n_bags,
        }
    )
    yield macro | (_evidence(row) if score is row.primary else {})
    for name, value, bags in zip(section.classes, score.per_class, section.bags, strict=False):
        yield whole | {
            "class": name,
            "value": machine(value),
            "n": section.n_bags,
            "n_pos": bags,
        }
    for repeat, fold, value in score.folds:
        yield shared | {"repeat": repeat, "fold": fold, "class": "macro", "value": machine(value)}


def _keys(section: Section, row: Row) -> Line:
    return {
        "dataset": section.dataset,
        "encoder": section.encoder,
        "method": row.method,
        "control": int(row.control),
        "level": section.level,
        "coarse_from": row.coarse_from,
    }


def _circumstances(section: Section, row: Row) -> Line:
    return {
        "status": "done" if row.runs.is_complete else "incomplete",
        "info": "; ".join((*row.codes, *row.reasons)),
        "runs_done": row.runs.done,
        "runs_planned": row.runs.planned,
        "fit_s": machine(row.cost.fit_seconds),
        "predict_s": machine(row.cost.predict_seconds),
        "peak_mem": machine(row.cost.peak_memory),
        "params": machine(row.cost.parameters),
        "feature_sha": section.features,
        "split_sha": section.split,
        "config_sha": row.config,
        "code_sha": row.code,
        "trials": row.tuned.trials if row.tuned is not None else 0,
    }


def _evidence(row: Row) -> Line:
    low, high = row.rank if row.rank is not None else ("", "")
    return {"rank_low": low, "rank_high": high, "mark": row.versus.mark if row.versus else ""}
