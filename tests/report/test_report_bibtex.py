"""The bibliography of a leaderboard: exactly what was used, each work once."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from milbench.cli import main
from milbench.leaderboard.board import Board, Work
from milbench.leaderboard.table import Across
from milbench.records import Aggregator
from milbench.registry import load_registry
from milbench.report import render
from milbench.report.bibliography import entries_of
from milbench.report.bibtex import to_bibtex
from milbench.report.document import Document
from milbench.report.paper_files import files

ILSE = "Ilse, Tomczak and Welling, Attention MIL, ICML 2018, https://arxiv.org/abs/1802.04712"
WORKS = (
    Work(kind="method", name="abmil", used_by=("abmil",), paper=ILSE),
    Work(kind="method", name="gated-abmil", used_by=("gated",), paper=ILSE),
    Work(kind="method", name="prior", used_by=("prior",), paper="-"),
    Work(
        kind="dataset",
        name="musk1",
        used_by=("musk1 (precomputed)",),
        paper="Dietterich et al. 1997, https://doi.org/10.1016/S0004-3702(96)00034-3",
    ),
)


def keys(text):
    return re.findall(r"^@\w+\{(.+),$", text, re.MULTILINE)


def test_each_work_that_was_used_stands_once(plain):
    """Two methods of one paper, a data set found by its DOI, the bootstrap; a control has none."""
    text = to_bibtex(replace(plain, works=WORKS))

    assert keys(text) == [
        "ilse2018attention",
        "dietterich1997solving",
        "forman2010apples",
        "efron1993introduction",
        "milbench",
    ]
    assert r"abmil: \cite{ilse2018attention}" in text
    assert r"gated-abmil (gated): \cite{ilse2018attention}" in text
    assert "prior: no paper" in text


def test_tests_are_cited_where_they_were_made(plain, two):
    """Without a comparison neither Holm nor the t-test is cited; signed ranks only over cohorts."""
    assert not {"holm1979simple", "nadeau2003inference"} & set(keys(to_bibtex(plain)))
    first = replace(plain.sections[0], comparisons=("a pair",))
    assert {"holm1979simple", "nadeau2003inference"} <= set(
        keys(to_bibtex(replace(plain, sections=(first,))))
    )
    across = Across(
        cohorts=tuple("abcdef"), pairs=(), ranks={}, letters={}, mean_ranks={}, points={},
        win_rates={}, friedman={"p": 0.5},
    )  # fmt: skip
    assert "wilcoxon1945individual" not in keys(to_bibtex(two))
    with_ranks = keys(to_bibtex(replace(two, overall=replace(two.overall, across=across))))
    assert {"wilcoxon1945individual", "friedman1937use"} <= set(with_ranks)


@pytest.mark.parametrize(
    "link",
    [
        "https://arxiv.org/abs/1802.04712",
        "http://arxiv.org/pdf/1802.04712v4.pdf",
        "https://www.arxiv.org/abs/1802.04712.",
    ],
)
def test_a_work_is_found_however_its_link_is_written(link):
    """Version, form and a full stop after the link mean nothing."""
    (entry,) = entries_of("x", f"Somebody 2018, {link}")
    assert entry.key == "ilse2018attention"


def test_an_unknown_work_says_what_the_record_says():
    """A third party's record becomes a @misc with its text, year and link, signs escaped."""
    paper = "Doe & Roe, 100 % of_bags, MIDL 2031, https://example.org/a_b"
    (entry,) = entries_of("my-mil", paper)

    assert entry.text == (
        "@misc{my-mil-doe-2031,\n"
        "  title = {{Doe \\& Roe, 100 \\% of\\_bags, MIDL 2031}},\n"
        "  year = {2031},\n"
        "  url = {https://example.org/a_b}\n"
        "}"
    )


def test_several_works_of_one_record_are_told_apart():
    """Divided at the semicolons; words that cite nothing are left out."""
    found = entries_of("x", f"no paper; https://example.org/code (2025); layers of {ILSE}")
    assert [entry.key for entry in found] == ["x-2025", "ilse2018attention"]
    assert "  title = {{https://example.org/code}},\n  year = {2025}" in found[0].text
    (other,) = entries_of("x", "https://example.org/code, 2024")
    assert "  title = {{https://example.org/code}},\n  year = {2024}" in other.text
    assert entries_of("x", "-") == []


def test_every_method_of_milbench_has_an_entry_of_its_own():
    """No built-in method falls back on @misc, but those whose only source is a repository."""
    offers = load_registry().offers("aggregator")
    papers = {o.record.name: o.record.paper for o in offers if isinstance(o.record, Aggregator)}
    found = {name: entries_of(name, paper) for name, paper in papers.items() if paper != "-"}

    assert all(found.values())
    for name, entries in found.items():
        for entry in entries:
            assert not entry.key.startswith(name), f"{name}: {entry.text}"


def test_a_report_has_it_beside_the_paragraph(plain):
    """Files of ``milbench report``: the bibliography, the paragraph as text and for LaTeX."""
    made = replace(plain, works=WORKS)
    document = Document(made, Board(suite="s", datasets=(), methods=(), cells=()), ())
    found = {file.name: file.content for file in files(document)}

    assert found["works.bib"] == to_bibtex(made)
    assert found["statistical-analysis.txt"] == render(made, "paragraph")
    assert found["statistical-analysis.tex"] == render(made, "paragraph-latex")


def test_info_shows_the_entry(capsys):
    """``milbench info`` ends with what to paste into a bibliography."""
    assert main(["info", "musk1"]) == 0
    assert "@article{dietterich1997solving," in capsys.readouterr().out


@pytest.mark.skipif(
    shutil.which("pdflatex") is None or shutil.which("bibtex") is None,
    reason="pdflatex or bibtex is not installed",
)
def test_bibtex_takes_it_and_latex_the_paragraph(plain, tmp_path):
    """Every citation of the paragraph is resolved; hostile names stop neither program."""
    section = replace(plain.sections[0], comparisons=())
    hostile = Work(kind="method", name="x", used_by=("x",), paper=r"A_b & {c\d} %, 2030")
    made = replace(plain, works=(*WORKS, hostile), sections=(section,))
    (tmp_path / "works.bib").write_text(to_bibtex(made), encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{url}\n\\begin{document}\\nocite{*}\n"
        f"{render(made, 'paragraph-latex')}\n"
        "\\bibliographystyle{plain}\\bibliography{works}\\end{document}\n",
        encoding="utf-8",
    )
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    for command in (latex, ["bibtex", "paper"], latex, latex):
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout[-2000:]
    assert "undefined" not in done.stdout
