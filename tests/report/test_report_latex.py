"""The leaderboard as LaTeX."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from milbench.leaderboard.table import Across
from milbench.report.escape import escape
from milbench.report.latex import to_latex
from milbench.report.latex_style import Style

ALL = ("plain", "two", "hostile", "empty")


def body(text: str) -> str:
    """Return ``text`` without comments and without escaped signs."""
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    return re.sub(r"\\[\\{}_%&#$]", "", "\n".join(lines))


def table_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if " & " in line]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("wide", [False, True])
def test_braces_dollars_and_environments_balance(name, wide, request):
    """What opens closes, in the right order."""
    text = body(to_latex(request.getfixturevalue(name), Style(wide=wide)))
    depth = 0
    for sign in text:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    assert text.count("$") % 2 == 0
    open_environments = []
    for kind, environment in re.findall(r"\\(begin|end)\{([^}]*)\}", text):
        if kind == "begin":
            open_environments.append(environment)
        else:
            assert open_environments.pop() == environment
    assert not open_environments


@pytest.mark.parametrize("name", ALL)
def test_no_special_sign_is_left_unescaped(name, request):
    """Outside formulas there is no bare underscore, circumflex, hash or per cent sign."""
    text = re.sub(r"\$[^$]*\$", "", body(to_latex(request.getfixturevalue(name))))
    assert not re.findall(r"[_^#%~]", text)


@pytest.mark.parametrize("name", ["plain", "two", "hostile"])
def test_every_row_has_the_columns_of_the_layout(name, request):
    """The count of ampersands is the count of columns less one, multicolumns counted in full."""
    for part in to_latex(request.getfixturevalue(name)).split(r"\begin{tabular}")[1:]:
        layout = re.match(r"\{([lc ]+)\}", part)[1].replace(" ", "")
        rows = table_lines(part.split(r"\end{tabular}")[0])
        assert rows
        for row in rows:
            spanned = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", row))
            assert len(re.findall(r"(?<!\\)&", row)) + 1 + spanned == len(layout)


def test_escaping_of_each_special_sign():
    """Expected text by the rules of LaTeX; a bracket after a row's end would be a length."""
    assert escape(r"a_b%c#d&e\f{}") == r"a\_b\%c\#d\&e\textbackslash{}f\{\}"
    assert escape("$^~<>|") == (
        r"\$\textasciicircum{}\textasciitilde{}\textless{}\textgreater{}\textbar{}"
    )
    assert escape("[1cm]*a-b--c") == "{[}1cm{]}{*}a-b-{}-c"


def test_value_spread_bold_and_mark(plain):
    """The shape of STATISTICS 5.4: percent, one decimal at a standard error of 1.8."""
    line = next(li for li in table_lines(to_latex(plain)) if li.startswith("dsmil"))
    assert r"$\mathbf{94.0\pm1.8}^{\ddagger}$" in line
    assert r"$86.0\pm2.9$" in line
    assert r"$0.200\pm0.004$" in line


def test_worse_method_has_an_arrow(plain):
    """A dagger on a worse method points down."""
    line = next(li for li in table_lines(to_latex(plain)) if li.startswith("prior"))
    assert r"$50.0\pm1.8^{\dagger\downarrow}$" in line


def test_incomplete_method_shows_its_runs(plain):
    """The count of runs stands beside the value, and the caption explains it."""
    text = to_latex(plain)
    line = next(li for li in table_lines(text) if li.startswith("max"))
    assert r"{\scriptsize(23/25)} " in line
    assert line.endswith(r" & -- \\")
    assert "finished of the planned runs, not tested" in text


def test_rank_interval_has_an_en_dash(plain):
    """2--3, as a range is set."""
    assert next(li for li in table_lines(to_latex(plain)) if li.startswith("abmil")).endswith(
        r" & 2--3 \\"
    )


def test_data_sets_share_a_table_until_it_is_full(two):
    """Two side by side in a column; five need three floats, or two across the page."""
    five = replace(two, sections=(*two.sections, *two.sections, two.sections[0]))
    overall = 1
    assert to_latex(two).count(r"\begin{table}") == 1 + overall
    assert to_latex(five).count(r"\begin{table}") == 3 + overall
    assert to_latex(five, Style(wide=True)).count(r"\begin{table*}") == 2 + overall
    assert r"\cmidrule(lr){2-3}\cmidrule(lr){4-5}" in to_latex(two)


def test_rank_intervals_stand_where_there_is_no_mean_rank(two):
    """Side by side they take the room of the mean rank; without an overall table they are there."""
    assert " Mean rank " in to_latex(two)
    assert " Rank " not in to_latex(two)
    apart = to_latex(replace(two, overall=None))
    assert apart.count("& Rank ") == 2
    assert r"\cmidrule(lr){2-4}\cmidrule(lr){5-7}" in apart


def test_caption_names_protocol_and_detectable_difference(plain):
    """The caption is complete without the text around it."""
    text = to_latex(plain)
    assert "5 x 5 folds, by patient" in text
    assert r"$\alpha=0.05$" in text
    assert "Smallest detectable difference on musk1: 2.5." in text
    assert "milbench 0.1.0" in text


def test_code_of_every_row_is_said_in_the_caption(plain):
    """What limits all claims on a data set stands where the table is read."""
    first = plain.sections[0]
    rows = tuple(replace(r, codes=(*r.codes, "SINGLE_RUN")) for r in first.rows)
    text = to_latex(replace(plain, sections=(replace(first, rows=rows),)))
    assert "On musk1: fewer than 3 repeats and fewer than 3 seeds" in text


def test_best_alone_is_bold_and_the_second_underlined(plain):
    """By value among complete methods, whatever the tests say; the caption says so."""
    text = to_latex(plain, Style(bold="best"))
    lines = {line.split(" & ")[0]: line for line in table_lines(text)}
    assert r"$\mathbf{94.0\pm1.8}^{\ddagger}$" in lines["dsmil"]
    assert r"$\underline{92.0\pm1.8}$" in lines["abmil"]
    assert not re.search("mathbf|underline", lines["max"] + lines["prior"])
    assert "Bold: best; underlined: second best, whether or not they differ." in text


def test_of_a_loss_the_smallest_is_best(two):
    """The second data set is ranked by log loss: all have 0.2, the first by name order is bold."""
    line = next(li for li in table_lines(to_latex(two, Style(bold="best"))) if "dsmil" in li)
    assert r"\mathbf{0.200\pm0.004}" in line


def test_fractions_are_rounded_to_the_standard_error(plain):
    """A standard error of 0.018 bears three decimals; nothing is in percent."""
    text = to_latex(plain, Style(fraction=True))
    assert r"$\mathbf{0.940\pm0.018}^{\ddagger}$" in text
    assert "Smallest detectable difference on musk1: 0.025." in text
    assert r"in \%" not in text


def test_siunitx_aligns_value_spread_and_mark_apart(plain):
    """Two number columns and one for the mark; what is no number spans the three."""
    text = to_latex(plain, Style(siunitx=True))
    lines = {line.split(" & ")[0]: line for line in table_lines(text)}
    assert r"S[table-format=2.1]@{${}\pm{}$}S[table-format=2.1]@{}l" in text
    assert lines["dsmil"].startswith(r"dsmil & \bfseries 94.0 & \bfseries 1.8 & $^{\ddagger}$ & ")
    assert r" & {\scriptsize(23/25)} & " in lines["max"]
    assert text.count(r"\multicolumn{3}{c}{AUROC}") == 1
    for row in lines.values():
        spanned = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", row))
        assert row.count(" & ") + spanned == 3 * 3 + 1  # three metrics, the rank


def test_table_over_all_data_sets(two):
    """Each method's values, mean rank and tally, as the leaderboard has them."""
    text = to_latex(two).split(r"\label{tab:classic-overall}")[1]
    assert r"Method & musk1 & tiger & Mean rank & Win/tie/loss \\ \midrule" in text
    assert r"dsmil & 94.0 & 0.200 & 1.50 & 1/1/0 \\" in text
    assert r"abmil & 92.0 & 0.200 & 2.00 & reference \\" in text
    assert r"max & -- & -- & -- & -- \\" in text


def test_ranks_over_cohorts_have_interval_and_letters(two):
    """Tests over cohorts add the rank that they leave open, and who was not told apart."""
    across = Across(
        cohorts=tuple("abcdef"),
        pairs=(),
        ranks={"dsmil": (1, 2), "abmil": (1, 2), "prior": (3, 3)},
        letters={"dsmil": "a", "abmil": "a", "prior": "b"},
        mean_ranks={"dsmil": (1.5, 1.0, 2.0), "abmil": (2.0, 1.0, 3.0)},
        points={},
        win_rates={},
        friedman={},
    )
    text = to_latex(replace(two, overall=replace(two.overall, across=across)))
    assert r"dsmil & 94.0 & 0.200 & 1.50 (1.0--2.0) & 1--2 & a & 1/1/0 \\" in text
    assert r"max & -- & -- & -- & -- & -- & -- \\" in text


def has_package(name):
    """Return whether the LaTeX of this machine has a package."""
    kpsewhich = shutil.which("kpsewhich")
    if kpsewhich is None:
        return False
    return subprocess.run([kpsewhich, f"{name}.sty"], capture_output=True, check=False).stdout


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "style",
    [Style(wide=True), Style(bold="best", fraction=True), Style(siunitx=True)],
    ids=["wide", "best", "siunitx"],
)
def test_pdflatex_compiles_it(name, style, request, tmp_path):
    """A paper with booktabs and nothing else takes the table; siunitx where it is asked for."""
    if style.siunitx and not has_package("siunitx"):
        pytest.skip("the LaTeX package siunitx is not installed")
    table = to_latex(request.getfixturevalue(name), style)
    more = r"\usepackage{siunitx}\sisetup{detect-weight=true,mode=text}" if style.siunitx else ""
    (tmp_path / "paper.tex").write_text(
        f"\\documentclass{{article}}\\usepackage{{booktabs}}{more}\n\\begin{{document}}x\n"
        f"{table}\\end{{document}}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
