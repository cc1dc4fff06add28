"""The HTML page as a reader without script has it: read with an HTML parser."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import combinations

import pytest

from milbench.leaderboard.table import Runs
from milbench.report import render
from milbench.report.html import to_html

VOID = {"meta", "link", "input", "br", "img", "wbr"}


class Page(HTMLParser):
    """Elements in order, each with its attributes and text; elements must nest."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.doctype = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_decl(self, decl):
        self.doctype = decl

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", "path": [e["tag"] for e in self.open], **dict(attrs)}
        element["up"] = list(self.open)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag, **attributes):
        return [
            e
            for e in self.elements
            if e["tag"] == tag and all(e.get(k) == v for k, v in attributes.items())
        ]

    def tables(self):
        """Return each table by its caption: a list of rows of texts, the heads first."""
        found = {}
        for table in self.all("table"):
            rows = [e for e in self.all("tr") if any(up is table for up in e["up"])]
            (caption,) = [e for e in self.all("caption") if any(up is table for up in e["up"])]
            found[caption["text"]] = [
                [
                    " ".join(e["text"].split())
                    for e in self.elements
                    if e["tag"] in ("td", "th") and any(up is row for up in e["up"])
                ]
                for row in rows
            ]
        return found


@pytest.fixture
def page(compared):
    return Page(to_html(compared))


# The document


def test_document_is_whole_and_in_standards_mode(page):
    """A doctype, a language, a title, one first heading, room for phones and for both schemes."""
    metas = {e.get("name"): e.get("content") for e in page.all("meta")}

    assert page.doctype == "doctype html"
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("title")[0]["text"] == "Leaderboard: classic"
    assert [e["text"] for e in page.all("h1")] == ["classic"]
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert metas["color-scheme"] == "light dark"


def test_render_knows_the_format(compared):
    """``--format html`` gives the page."""
    assert render(compared, "html") == to_html(compared)


def test_page_asks_for_nothing(compared, page):
    """No address anywhere, and no element that loads one; only anchors within the page."""
    text = to_html(compared)
    addresses = [e[k] for e in page.elements for k in ("href", "src", "action") if e.get(k)]

    assert "://" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert set(addresses) - {a for a in addresses if a.startswith("#")} == {"data:,"}


def test_policy_allows_this_style_and_this_script_and_no_request(page):
    """The hashes in the policy are those of the two elements, and all else is forbidden."""
    (policy,) = [e["content"] for e in page.all("meta") if "http-equiv" in e]
    (style,), (script,) = page.all("style"), page.all("script")

    def digest(element):
        return b64encode(sha256(element["text"].encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; "
        f"script-src 'sha256-{digest(script)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not [e for e in page.elements if any(key.startswith("on") for key in e)]
    assert not [e for e in page.elements if "style" in e]


def test_links_lead_to_places_that_there_are_once(page):
    """Every anchor exists, and no two elements share one."""
    ids = [e["id"] for e in page.elements if "id" in e]

    assert len(ids) == len(set(ids))
    assert {e["href"][1:] for e in page.all("a")} <= set(ids)


def test_tables_have_heads_for_those_who_cannot_see_them(page):
    """Each table has a caption, each column and each row a head, each scroll box a name."""
    for row in page.all("tr"):
        is_head = "thead" in row["path"]
        heads = [e for e in page.all("th") if any(up is row for up in e["up"])]
        assert heads
        assert {e["scope"] for e in heads} == {"col" if is_head else "row"}
    assert len(page.all("caption")) == len(page.all("table"))
    for box in [e for e in page.elements if e.get("class") == "scroll"]:
        assert (box["role"], box["tabindex"]) == ("region", "0")
        assert box["aria-label"]
    for drawing in page.all("svg"):
        assert drawing.get("aria-label") or "aria-hidden" in drawing or drawing["class"] == "at"


# What it says


def test_ranked_table_has_the_values_of_the_board(page):
    """Rank, method, value, interval, mark against the reference, in the board's order."""
    heads, *rows = page.tables()["musk1 (precomputed)"]

    assert heads[:2] == ["Rank", "Method"]
    assert heads[2] == "AUROC [95% CI]"
    assert [row[:3] for row in rows] == [
        ["1-2", "dsmil", "0.940 [0.905, 0.975]"],
        ["2-3", "abmil", "0.920 [0.885, 0.955]"],
        ["1-4", "max", "0.910 [0.875, 0.945]"],
        ["3-4", "prior (control)", "0.500 [0.465, 0.535]"],
    ]
    assert [row[heads.index("vs abmil")] for row in rows] == [
        "+0.020 ‡", "reference", "-0.010", "-0.420 †↓",
    ]  # fmt: skip


def test_matrix_says_who_differs_from_whom(page):
    """Row against column; the two halves are each other's mirror; no cell on the diagonal."""
    _, *rows = page.tables()["Who differs from whom"]

    assert [row[1:] for row in rows] == [
        ["", "‡", "·", "†"],
        ["‡↓", "", "·", "†"],
        ["·", "·", "", "·"],
        ["†↓", "†↓", "·", ""],
    ]


def test_each_pair_is_the_better_placed_minus_the_other(page):
    """Abmil - dsmil is stored with -0.02 and shown as dsmil - abmil with +0.02, both tests."""
    heads, *rows = page.tables()["Both tests of every pair"]
    shown = dict(zip(heads, rows[0], strict=True))

    assert [row[0].split(" \N{MINUS SIGN} ") for row in rows] == [
        list(pair) for pair in combinations(("dsmil", "abmil", "max", "prior"), 2)
    ]
    assert shown["Difference [95% CI]"] == "+0.020 [-0.010, 0.050]"
    assert shown["T interval"] == "[-0.030, 0.070]"
    assert (shown["p, patients"], shown["p, folds"]) == ("0.004", "<0.001")
    assert (shown["Mark"], shown["Detectable"], shown["Codes"]) == ("‡", "0.062", "FEW_PATIENTS")


def test_a_cell_of_the_matrix_leads_to_its_pair(page):
    """The link of row abmil, column max goes to the row abmil - max."""
    (link,) = page.all("a", title="abmil and max: not told apart")
    (row,) = page.all("tr", id=link["href"][1:])

    assert row["text"].strip().startswith("abmil \N{MINUS SIGN} max")


def test_forest_has_the_reference_at_zero(page):
    """Differences from the reference, without the reference itself, each with a drawing."""
    _, *rows = page.tables()["Difference from abmil"]
    drawn = [e["aria-label"] for e in page.all("svg") if e.get("class") == "bar"]

    assert [row[0] for row in rows] == ["dsmil", "max", "prior"]
    assert "-0.420 [-0.440, -0.400]" in drawn


def test_rank_diagram_tells_groups_in_words(page):
    """Who cannot see the lines reads who was not told apart."""
    told = [e["aria-label"] for e in page.all("svg") if e.get("class") == "groups"]

    assert told == [
        "not told apart from max",
        "not told apart from max",
        "not told apart from dsmil, abmil, prior",
        "not told apart from max",
    ]


def test_front_is_listed_below_the_drawing(compared):
    """Abmil costs less than dsmil and is worse; max costs more than abmil and is worse."""
    section = compared.sections[0]
    seconds = {"dsmil": 20.0, "abmil": 2.0, "max": 3.0, "prior": 0.5}
    rows = tuple(
        replace(r, cost=replace(r.cost, fit_seconds=seconds[r.method])) for r in section.rows
    )
    page = Page(to_html(replace(compared, sections=(replace(section, rows=rows),))))
    lists = [e for e in page.all("ol") if e.get("class") == "front"]
    items = [e["text"] for e in page.all("li") if any(up is lists[0] for up in e["up"])]

    assert items == ["prior 0.50, 0.500", "abmil 2.00, 0.920", "dsmil 20.0, 0.940"]


def test_classes_have_their_tables(page):
    """The values per class are there, in brackets or left out as in every other format."""
    rows = page.tables()["musk1 (precomputed): AUROC per class"]

    assert rows[0] == ["Method", "negative (45 patients)", "positive (47 patients)"]
    assert rows[1] == ["dsmil", "0.940", "0.440"]


# What is missing


def test_an_unfinished_grid_is_told_at_the_top(plain):
    """Incomplete methods with their counts and data sets without results, before any table."""
    text = to_html(plain)
    told = [e["text"] for e in Page(text).all("li") if "section" in e["path"]][:2]

    assert told == [
        "musk1 (precomputed) is incomplete and not tested for: max 23/25, 2 failed.",
        "musk2 (precomputed) has no results: no file clean2.data",
    ]
    assert text.index("Not complete") < text.index("<table")


def test_status_of_every_cell_is_shown(two):
    """A column a data set, also for one without results; failed runs are counted."""
    heads, *rows = Page(to_html(two)).tables()["Runs of every cell"]

    assert heads == ["Method", "musk1 (precomputed)", "tiger (precomputed)", "musk2 (precomputed)"]
    assert ["max", "23/25, 2 failed", "23/25, 2 failed", "skipped"] in rows


def test_why_runs_failed_stands_beside_them(plain):
    """Counts, cost, hashes and reasons of a row."""
    heads, *rows = Page(to_html(plain)).tables()["Every cell: runs, cost and origin"]
    (failing,) = [dict(zip(heads, row, strict=True)) for row in rows if row[0] == "max"]

    assert (failing["Done"], failing["Planned"], failing["Failed"]) == ("23", "25", "2")
    assert failing["What happened"] == "2 failed: TrainingError: loss is NaN"


def test_methods_without_any_run_are_shown(plain):
    """A section in which nothing was finished has its rows, and no drawing."""
    section = plain.sections[0]
    nan = float("nan")
    rows = tuple(
        replace(
            row,
            rank=None,
            versus=None,
            runs=Runs(planned=5, done=0),
            cost=replace(row.cost, fit_seconds=nan, parameters=nan),
            scores=tuple(replace(s, value=nan, sd=nan, low=nan, high=nan) for s in row.scores),
        )
        for row in section.rows
    )
    page = Page(to_html(replace(plain, sections=(replace(section, rows=rows),))))

    assert [row[1] for row in page.tables()["musk1 (precomputed)"][1:]] == [
        "dsmil", "abmil", "max", "prior (control)",
    ]  # fmt: skip
    assert not [e for e in page.all("svg") if e.get("class") == "bar"]


def test_no_results_at_all_is_a_page(empty):
    """The reason is there, and how to read a table."""
    page = Page(to_html(empty))

    assert "musk1 (precomputed) has no results: no files" in page.all("main")[0]["text"] + "".join(
        e["text"] for e in page.all("section")
    )
    assert page.all("h2", id="reading-title")


# Over all data sets


def test_mean_over_data_sets_is_a_diamond(tested):
    """The row has the mean of random effects, the drawing a diamond."""
    page = Page(to_html(tested))
    mean = tested.overall.forests["dsmil"].mean
    (row,) = page.tables()["Mean difference from abmil over these data sets"][1:]

    assert row[0] == "dsmil"
    assert row[2].startswith(f"+{mean:.3f} [")
    assert len([e for e in page.all("path") if e["class"] == "dot mean"]) == 1


def test_difference_on_each_data_set_needs_no_mean(two):
    """Where data sets share patients there is no diamond, and each difference is still shown."""
    same = replace(two.overall, metrics=("auroc", "auroc"))
    tables = Page(to_html(replace(two, overall=same))).tables()
    rows = tables["Difference from abmil on each data set"][1:]

    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("dsmil", "musk1", "‡"), ("dsmil", "tiger", "‡"),
        ("prior", "musk1", "†↓"), ("prior", "tiger", "†↓"),
    ]  # fmt: skip
    assert (
        "Difference from abmil on each data set" not in Page(to_html(two)).tables()
    )  # two metrics


def test_overall_table_comes_first(two):
    """All data sets, then each."""
    titles = [e["text"] for e in Page(to_html(two)).all("h2")]

    assert titles[1:4] == ["All data sets", "musk1", "tiger"]  # the first says what is missing


def test_levels_and_views_of_a_data_set_have_titles_of_their_own(compared):
    """The encoder where there are two, the level where it is coarse, which ranks nothing."""
    section = compared.sections[0]
    bare = tuple(replace(row, rank=None, versus=None) for row in section.rows)
    coarse = replace(section, level="branch", tree="a of b", rows=bare, comparisons=())
    other = replace(section, encoder="pixels")
    page = Page(to_html(replace(compared, sections=(section, coarse, other))))

    assert [e["text"] for e in page.all("h2")][:3] == [
        "musk1 (precomputed)", "musk1 (precomputed), branch", "musk1 (pixels)",
    ]  # fmt: skip
    heads = page.tables()["musk1 (precomputed), coarse level: branch"][0]
    assert heads[0] == "Method"
    captions = [e["text"] for e in page.all("caption")]
    assert (captions.count("Rank diagram"), captions.count("Who differs from whom")) == (2, 2)


# Hostile names


def test_hostile_names_are_text(hostile):
    """No name becomes an element or an attribute; control characters are written as escapes."""
    evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}'
    section = hostile.sections[0]
    rows = (replace(section.rows[0], method=evil), *section.rows[1:])
    board = replace(hostile, suite=evil, sections=(replace(section, dataset=evil, rows=rows),))
    page = Page(to_html(board))

    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert page.all("title")[0]["text"] == f"Leaderboard: {evil}"
    names = [e["text"] for e in page.all("th") if e["scope"] == "row"]
    assert evil in names
    assert r"<b>$^~\x1b[31m (control)" in names


def test_same_board_same_bytes(compared):
    """Nothing in the page depends on when or where it was made."""
    assert to_html(compared) == to_html(compared)
    assert not re.search(r"\d{2}:\d{2}", to_html(compared))
