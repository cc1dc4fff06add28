"""A rank diagram in plain characters."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from milbench.leaderboard.diagram import overall_diagram, section_diagram
from milbench.report import print_terminal, render
from milbench.report.rank_text import rank_lines


def test_groups_need_not_be_neighbours(compared):
    """Dsmil and max are joined over abmil, which differs from dsmil; max is in all groups."""
    diagram = section_diagram(compared.sections[0])

    assert [place.method for place in diagram.places] == ["dsmil", "abmil", "max", "prior"]
    assert diagram.cliques == ((0, 2), (1, 2), (2, 3))


def test_text_by_hand(compared):
    """Places, intervals, dots of members, and a line where a group passes by."""
    assert list(rank_lines(section_diagram(compared.sections[0]))) == [
        "rank   1     4",
        "dsmil  ●─┤ · ·  ●",
        "abmil  · ●─┤ ·  │  ●",
        "max    ├───●─┤  ●  ●  ●",
        "prior  · · ├─●        ●",
    ]


def test_equal_values_share_a_place(compared):
    """Two methods with the best value stand at 1.5 each."""
    section = compared.sections[0]
    first = section.rows[0]
    equal = replace(section.rows[1], scores=first.scores)
    diagram = section_diagram(replace(section, rows=(first, equal, *section.rows[2:])))

    assert [place.position for place in diagram.places] == [1.5, 1.5, 3.0, 4.0]


def test_lower_is_better_for_a_loss(compared):
    """Ranked by log loss the method with the smallest one is first."""
    section = compared.sections[0]
    rows = tuple(
        replace(row, scores=(replace(row.scores[2], value=value), *row.scores[:2]))
        for row, value in zip(section.rows, (0.1, 0.2, 0.3, 0.4), strict=True)
    )
    diagram = section_diagram(replace(section, metric="log-loss", rows=rows))

    assert [place.method for place in diagram.places] == ["dsmil", "abmil", "max", "prior"]


def test_nothing_tested_no_diagram(plain, two):
    """A single tested method has nobody to be compared with."""
    section = plain.sections[0]
    untested = tuple(replace(row, rank=None) for row in section.rows)
    assert section_diagram(replace(section, rows=untested)) is None


def test_mean_ranks_without_a_test_join_nobody(two):
    """With two cohorts there are places and no groups, and the note says why."""
    diagram = overall_diagram(two.overall)

    assert [place.position for place in diagram.places] == [1.5, 2.0, 2.5]
    assert diagram.cliques == ()
    assert diagram.note == "Not tested: needs at least 6 cohorts, here 2."


def test_mean_ranks_with_a_test_join_who_was_not_told_apart(tested):
    """Only dsmil and prior differ, so abmil is joined with either."""
    diagram = overall_diagram(tested.overall)

    assert diagram.cliques == ((0, 1), (1, 2))
    assert (diagram.places[0].low, diagram.places[0].high) == (1.0, 1.75)


@pytest.mark.parametrize("ranks", [True, False])
def test_terminal_and_markdown_draw_it_where_asked(compared, ranks):
    """The diagram is in both where it is asked for, and in neither where it is not."""
    line = "abmil  · ●─┤ ·  │  ●"
    text = io.StringIO()
    print_terminal(compared, Console(file=text, width=100), ranks=ranks)

    assert (line in text.getvalue()) is ranks
    assert (line in render(compared, "markdown", ranks=ranks)) is ranks


def test_a_name_cannot_end_the_block_of_markdown(compared):
    """A name of backticks is inside a longer fence."""
    section = compared.sections[0]
    first = replace(section.rows[0], method="```")
    text = render(
        replace(compared, sections=(replace(section, rows=(first, *section.rows[1:])),)),
        "markdown",
        ranks=True,
    )

    assert "````text\nrank " in text
