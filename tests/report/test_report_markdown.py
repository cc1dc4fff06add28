"""The leaderboard as Markdown."""

import re
from dataclasses import replace

from milbench.report.markdown import escape, to_markdown


def tables(text: str) -> list[list[str]]:
    """Return the lines of each table."""
    return [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]


def columns(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def test_best_method_is_bold(plain):
    """Bold is the declared rule, on the name and on the value."""
    line = next(line for line in to_markdown(plain).splitlines() if "dsmil" in line)
    assert "**dsmil**" in line
    assert "**0.940 [0.905, 0.975]**" in line


def test_every_line_of_a_table_has_the_same_columns(hostile, two):
    """A pipe or a line break in a name does not break the table."""
    for leaderboard in (hostile, two):
        for table in tables(to_markdown(leaderboard, per_class=True)):
            assert len({columns(line) for line in table}) == 1


def test_hostile_names_mean_nothing_to_markdown():
    """What Markdown would read as emphasis, a tag, a link or a formula is escaped."""
    assert escape("*a* <b> `c` $d$ x|y") == r"\*a\* \<b\> \`c\` \$d\$ x\|y"
    assert escape("[a](b)") == r"[a\](b)"
    assert escape("_a_ but b_c [0.1, 0.2]") == r"\_a\_ but b_c [0.1, 0.2]"


def test_metric_where_smaller_is_better_has_an_arrow(two):
    """The header tells the direction."""
    assert "Log loss ↓ [95% CI]" in to_markdown(two)


def test_skipped_data_sets_are_listed(plain, empty):
    """They have their own heading."""
    for leaderboard in (plain, empty):
        assert "## Skipped" in to_markdown(leaderboard)


def test_stale_records_are_counted(plain):
    """Records that were not used are mentioned."""
    first = replace(plain.sections[0], stale=3, unplanned=1)
    text = to_markdown(replace(plain, sections=(first,)))
    assert "3 records of older features, splits, settings or code not used" in text
    assert "1 record outside the plan of the suite not used" in text


def test_rare_class_is_not_printed_as_a_firm_value(plain):
    """STATISTICS 1.4: below 10 patients greyed, below 5 not given."""
    first = replace(plain.sections[0], patients=(9, 4))
    text = to_markdown(replace(plain, sections=(first,)), per_class=True)
    line = next(li for li in text.split("AUROC per class")[1].splitlines() if "dsmil" in li)
    assert [cell.strip() for cell in line.strip("|").split("|")] == ["dsmil", "(0.940)", "n/a"]


def test_unknown_patients_are_said(plain):
    """A data set that knows no patients says so under its table."""
    first = replace(plain.sections[0], group_known=False)
    assert "The patients are not known" in to_markdown(replace(plain, sections=(first,)))


def test_table_over_all_data_sets_has_a_value_for_each(two):
    """Data sets side by side, each by its own metric; an incomplete method has no value."""
    lines = to_markdown(two).split("## All data sets")[1].splitlines()
    cells = {line.split("|")[1].strip(): line.split("|")[2:5] for line in lines if "|" in line}

    assert [c.strip() for c in cells["Method"]] == [
        "AUROC on musk1",
        "Log loss ↓ on tiger",
        "Mean rank",
    ]
    assert [c.strip() for c in cells["abmil"]] == ["0.920", "0.200", "2.00"]
    assert [c.strip() for c in cells["max"]] == ["-", "-", "-"]
