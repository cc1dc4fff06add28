"""Splits: drawn once, the same for every method, kept as a CSV file that anyone can read."""

from milbench.splits.csv_file import load_splits
from milbench.splits.draw import draw_splits
from milbench.splits.plan import Part, Scheme, SplitPlan, Splits

__all__ = ["Part", "Scheme", "SplitPlan", "Splits", "draw_splits", "load_splits"]
