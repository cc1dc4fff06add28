"""Every error that milbench raises on purpose.

::

    MilbenchError
    |-- SuiteError          a suite file says something that cannot be run
    |-- PluginError         a plugin is unknown, ambiguous, broken or outdated
    |-- DatasetError        the files of a data set say something impossible
    |   |-- MissingDataError    the files are not there: the data set is skipped with this reason
    |   |   `-- MissingEncoderError     the weights of an encoder, or a package it needs, are not
    |   `-- SlideError          one slide cannot be read: it is left out, and the others go on
    |-- FeatureError        a feature store is damaged, stale or does not fit
    |   `-- FeatureFileError    a file of features from another tool cannot be used
    |-- SplitError          the asked split cannot be drawn, or does not fit the bags
    |-- StoreError          a result file is damaged or does not fit
    |   `-- MergeError          results of several machines that do not belong together
    |-- TraceError          a number that is not there, or cannot be traced to its runs
    |-- ShapeError          a tensor has another shape than its docstring says
    |-- TrainingError       a method diverged or broke its contract; recorded as a failure
    |-- ScoreError          predictions that no metric can be computed from
    `-- StatisticsError     a comparison that would be invalid, such as unpaired splits

Each message names the place, what was found, what was expected and the next step. The command
line prints it without a traceback and ends with status 2.
"""


class MilbenchError(Exception):
    """Base of all errors that milbench raises on purpose."""


class SuiteError(MilbenchError):
    """A suite file says something that cannot be run."""


class PluginError(MilbenchError):
    """A plugin is unknown, ambiguous, broken or outdated."""


class DatasetError(MilbenchError):
    """The files of a data set say something impossible."""


class MissingDataError(DatasetError):
    """The files of a data set are not there; the message says how to get them."""


class MissingEncoderError(MissingDataError):
    """Weights of an encoder, or a package it needs, are not there; says how to get them."""


class SlideError(DatasetError):
    """One slide cannot be read, or holds nothing: it is left out, and the others go on."""


class FeatureError(MilbenchError):
    """A feature store is damaged, stale or does not fit."""


class FeatureFileError(FeatureError):
    """A file of features from another tool cannot be used."""


class SplitError(MilbenchError):
    """The asked split cannot be drawn, or does not fit the bags."""


class StoreError(MilbenchError):
    """A result file is damaged or does not fit."""


class MergeError(StoreError):
    """Results of several machines that do not belong together."""


class TraceError(MilbenchError):
    """A number that is not there, or cannot be traced to its runs."""


class ShapeError(MilbenchError):
    """A tensor has another shape than its docstring says."""


class TrainingError(MilbenchError):
    """A method diverged or broke its contract."""


class ScoreError(MilbenchError):
    """Predictions that no metric can be computed from."""


class StatisticsError(MilbenchError):
    """A comparison that would be invalid."""
