"""Numbers become text by one set of rules."""

import math

import pytest

from milbench.leaderboard.table import Runs
from milbench.report import format as write

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(0.12345, 3, "0.123"), (0.9999, 3, "1.000"), (NAN, 3, "-"), (-0.0001, 3, "0.000"),
     (-0.12, 1, "-0.1"), (92.06, 1, "92.1")],
)  # fmt: skip
def test_number_has_fixed_decimals(value, decimals, text):
    """Fixed decimals, a dash for NaN, and no minus zero."""
    assert write.number(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.02, "+0.020"), (-0.02, "-0.020"), (0.0, "0.000"), (1e-9, "0.000")]
)
def test_difference_carries_its_sign(value, text):
    """A difference that rounds to zero has no sign."""
    assert write.signed(value) == text


def test_interval_is_absent_where_a_bound_is():
    """Half an interval is none."""
    assert write.interval(0.1, 0.25) == "[0.100, 0.250]"
    assert write.interval(NAN, 0.25) == ""


@pytest.mark.parametrize(("bounds", "text"), [((1, 3), "1-3"), ((2, 2), "2"), (None, "-")])
def test_rank_interval(bounds, text):
    """One rank is one number; an untested method has a dash."""
    assert write.rank(bounds) == text


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (Runs(planned=25, done=25), "25/25"),
        (Runs(planned=25, done=23, failed=2), "23/25, 2 failed"),
        (Runs(planned=25, done=0, failed=5, skipped=20), "0/25, 5 failed, 20 skipped"),
    ],
)
def test_runs_say_what_is_missing(counts, text):
    """Failures and skips are never hidden."""
    assert write.runs(counts) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.034, "0.03"), (3.456, "3.46"), (34.56, "34.6"), (345.6, "346"), (NAN, "-")],
)
def test_seconds_have_two_or_three_figures(value, text):
    """Long times need no decimals."""
    assert write.seconds(value) == text


@pytest.mark.parametrize(
    ("error", "decimals"),
    [(1.8, 1), (0.3, 2), (0.018, 3), (0.12, 2), (12.0, 1), (0.0004, 3), (0.0, 3), (NAN, 3)],
)
def test_decimals_follow_the_standard_error(error, decimals):
    """One decimal beyond the first digit of the error, 1 to 3 (STATISTICS 5.4)."""
    assert write.decimals(error) == decimals


def test_machine_numbers_hold_ten_figures():
    """The last digits of a double, which differ between machines, are left out."""
    assert write.machine(1 / 3) == "0.3333333333"
    assert write.machine(25.0) == "25"
    assert write.machine(NAN) == write.machine(None) == ""


def test_control_characters_are_written_out():
    """A name cannot move the cursor or break a row."""
    assert write.printable("a\x1b[31m\nb") == r"a\x1b[31m\nb"
    assert write.printable("Fünf µm †") == "Fünf µm †"
