"""From stored test rows to numbers: which metrics there are, and their values.

``Predictions`` holds the rows of one method; ``evaluate`` scores one set of rows. How the folds
and repeats are put together is said in :mod:`milbench.stats.estimate`. Rows of other kinds, such
as instances, lesions and survival times, have modules of their own.
"""

from milbench.metrics.catalogue import Value, evaluate
from milbench.metrics.definitions import LABEL_METRICS, LEVEL_METRICS, METRICS, Metric
from milbench.metrics.predictions import Predictions

__all__ = [
    "LABEL_METRICS",
    "LEVEL_METRICS",
    "METRICS",
    "Metric",
    "Predictions",
    "Value",
    "evaluate",
]
