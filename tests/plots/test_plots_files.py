"""Figures of a small suite: what is drawn, under which names, as files that other programs read."""

import io
import re
from dataclasses import replace
from itertools import islice

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from milbench.leaderboard import Board, Cell, DatasetInfo, MethodInfo, build
from milbench.leaderboard.diagram import section_diagram
from milbench.leaderboard.forest import on_each
from milbench.plots.canvas import BETTER, rendered, style
from milbench.plots.files import figures, files, slug
from milbench.plots.forest import overall_forest, section_forest
from milbench.plots.paired import paired_figure, paired_folds
from milbench.plots.ranks import rank_figure
from milbench.plots.series import series_figure, series_of
from milbench.report.document import Document

METHODS = {"good": 2.0, "fair": 1.0, "prior": 0.0}
RUNS = tuple((repeat, fold, 0) for repeat in range(2) for fold in range(3))


def record(dataset, method, run):
    """Return a finished run on 48 bags: scores are the label times a skill, and noise."""
    repeat, fold, _ = run
    bags = np.random.default_rng(repeat).permutation(48)[fold::3]
    noise = np.random.default_rng([repeat, fold, len(method)]).normal(size=len(bags))
    logit = METHODS[method] * (2 * (bags % 2) - 1) + (noise if METHODS[method] else 0)
    score = 1 / (1 + np.exp(-logit))
    return {
        "dataset": dataset, "encoder": "e", "method": method, "key": f"{dataset}{method}{run}",
        "repeat": repeat, "fold": fold, "seed": 0, "status": "done", "finished": "1",
        "test": {
            "bag": [f"b{bag}" for bag in bags],
            "patient": [f"p{bag}" for bag in bags],
            "label": (bags % 2).tolist(),
            "score": np.stack([1 - score, score], axis=1).tolist(),
        },
    }  # fmt: skip


def document(*datasets):
    """Return a suite of three methods on data sets that share nothing."""
    board = Board(
        suite="small",
        datasets=tuple(
            DatasetInfo(name=d, encoder="e", primary_metric="auroc", classes=("no", "yes"))
            for d in datasets
        ),
        methods=tuple(MethodInfo(label=m, control=m == "prior") for m in METHODS),
        cells=tuple(
            Cell(dataset=d, encoder="e", method=m, planned=RUNS) for d in datasets for m in METHODS
        ),
        reference="fair",
        draws=200,
    )
    records = tuple(record(d, m, run) for d in datasets for m in METHODS for run in RUNS)
    return Document(build(board, records), board, records)


@pytest.fixture(scope="module")
def one():
    return document("alpha")


@pytest.fixture(scope="module")
def drawn(one):
    """Return the files of one data set by name."""
    return {file.name: file for file in files(one)}


def test_every_figure_is_a_pdf_and_a_png(drawn):
    """Six figures; in the PDF letters stay letters, and the PNG is not blank."""
    kinds = ("calibration", "forest", "paired", "pr", "ranks", "roc")
    assert sorted(drawn) == [
        f"plots/alpha-{k}.{ending}" for k in kinds for ending in ("pdf", "png")
    ]
    for name, file in drawn.items():
        if name.endswith("pdf"):
            assert file.content.startswith(b"%PDF-")
            assert b"/Type3" not in file.content
            assert b"CreationDate" not in file.content
        else:
            image = np.asarray(Image.open(io.BytesIO(file.content)).convert("L"))
            assert image.shape[1] > 500
            assert 0.7 < (image == 255).mean() < 0.999


def test_drawing_again_gives_the_same_bytes(one, drawn):
    """A figure depends on the records and on nothing else."""
    again = {file.name: file.content for file in islice(files(one), 4)}

    assert again == {name: drawn[name].content for name in again}


def test_the_user_s_own_style_is_not_touched(one):
    """Settings of matplotlib are neither read nor left changed."""
    with mpl.rc_context({"font.size": 31.0, "text.usetex": True}):
        with style():
            assert not mpl.rcParams["text.usetex"]
        assert mpl.rcParams["font.size"] == 31.0


def lines_of(figure, color):
    """Return the x values of each line of that colour."""
    return [
        line.get_xdata() for ax in figure.axes for line in ax.lines if line.get_color() == color
    ]


def texts_of(figure):
    return [text.get_text().strip() for ax in figure.axes for text in ax.texts]


def test_rank_diagram_has_a_line_and_dots_for_each_group(one):
    """Places of members are dots on the line that joins them."""
    diagram = section_diagram(one.leaderboard.sections[0])
    with style():
        figure = rank_figure(diagram)
    dots = [sorted(xs) for xs in lines_of(figure, BETTER)[1::2]]

    assert set(METHODS) <= set(texts_of(figure))
    assert dots == [[diagram.places[i].position for i in group] for group in diagram.cliques]


def test_forest_leaves_out_the_reference(one):
    """Rows in the order of the table; the interval is that of the board."""
    section = one.leaderboard.sections[0]
    with style():
        figure = section_forest(section, "AUROC", 0.01)
    ax = figure.axes[0]

    assert [label.get_text() for label in ax.get_yticklabels()] == ["good", "prior"]
    good = section.rows[0].versus
    assert [good.low, good.high] in [list(line.get_xdata()) for line in ax.lines]


def test_nothing_tested_nothing_drawn(one):
    """Without comparisons there is neither a forest nor a cloud."""
    section = one.leaderboard.sections[0]
    rows = tuple(replace(row, versus=None) for row in section.rows)
    bare = replace(section, comparisons=(), rows=rows)

    assert section_forest(bare, "AUROC", 0.01) is None
    assert paired_figure(bare, "AUROC") is None


def test_paired_folds_are_the_method_minus_the_reference(one):
    """Six folds; their mean is T's difference, and T's interval is turned to the same side."""
    section = one.leaderboard.sections[0]
    rows = {row.method: row for row in section.rows}
    folds = {row.method: row for row in paired_folds(section)}
    base = {(r, f): v for r, f, v in rows["fair"].primary.folds}
    expected = [v - base[r, f] for r, f, v in sorted(rows["prior"].primary.folds)]

    assert sorted(folds) == ["good", "prior"]
    assert folds["prior"].differences.tolist() == pytest.approx(expected)
    for row in folds.values():
        assert (row.low + row.high) / 2 == pytest.approx(row.differences.mean())


def test_overall_forest_has_a_panel_a_method():
    """Three data sets and the mean over them; with shared patients there is no mean."""
    made = document("a", "b", "c").leaderboard
    apart = made.overall.forests
    with style():
        with_mean = overall_forest(on_each(made), apart, "fair", 0.01)
        without = overall_forest(on_each(made), {}, "fair", 0.01)
    first, _ = with_mean.axes

    assert [ax.get_title() for ax in with_mean.axes] == ["good", "prior"]
    assert [t.get_text() for t in first.get_yticklabels()] == ["a", "b", "c", "mean over these"]
    assert first.patches[-1].get_xy()[:, 0].max() == pytest.approx(apart["good"].high)
    assert [t.get_text() for t in without.axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_one_data_set_has_no_forest_over_several(one):
    """Its own forest says it."""
    assert overall_forest(on_each(one.leaderboard), {}, "fair", 0.01) is None


# Series


def test_numbers_at_the_end_make_a_series():
    """Three of a kind; two, and another encoder or metric, are none."""
    sections = document("w-20", "w-5", "w-1", "z-40x", "z-100x", "alpha").leaderboard.sections
    (series,) = series_of(sections)

    assert series.stem == "w"
    assert [number for number, _ in series.points] == [1, 5, 20]
    other = tuple(replace(s, encoder="f") if s.dataset == "w-5" else s for s in sections)
    assert list(series_of(other)) == []


def test_series_shows_complete_methods(one):
    """One panel a method with its value at each number."""
    made = document("w-20", "w-5", "w-1").leaderboard
    (series,) = series_of(made.sections)
    with style():
        figure = series_figure(series)
    (line,) = [li for li in figure.axes[0].lines if li.get_color() == BETTER]

    assert sorted(ax.get_title() for ax in figure.axes) == sorted(METHODS)
    assert line.get_xdata().tolist() == [1, 5, 20]


@pytest.mark.parametrize(
    ("name", "expected"), [("../../etc", "etc"), ("Musk 1/β", "musk-1"), ("***", "unnamed")]
)
def test_names_of_files_stay_inside_the_folder(name, expected):
    """Whatever a data set is called."""
    assert slug(name) == expected
    assert re.fullmatch("[a-z0-9-]+", slug(name))


def test_two_views_of_a_data_set_have_files_of_their_own(one):
    """The second has the encoder in its name, and no name is there twice."""
    board = replace(
        one.board,
        datasets=(*one.board.datasets, replace(one.board.datasets[0], encoder="other")),
        cells=(*one.board.cells, *(replace(c, encoder="other") for c in one.board.cells)),
    )
    records = (*one.records, *({**r, "encoder": "other"} for r in one.records))
    made = Document(build(board, records), board, records)
    with style():
        names = [one.name for one in figures(made)]

    assert {"alpha-roc", "alpha-e-roc"} & set(names) == {"alpha-roc"}
    assert "alpha-other-roc" in names
    assert len(set(names)) == len(names)


def test_a_name_is_text_and_no_formula(one):
    """Dollar signs and markup in the name of a method are drawn as they are."""
    section = one.leaderboard.sections[0]
    evil = r"$\frac{x}$ <b>"
    rows = (replace(section.rows[0], method=evil), *section.rows[1:])
    with style():
        figure = section_forest(replace(section, rows=rows), "AUROC", 0.01)
        content = dict(rendered(figure))["png"]

    assert figure.axes[0].get_yticklabels()[0].get_text() == evil
    assert content.startswith(b"\x89PNG")
