"""milbench: compare multiple-instance-learning methods with a valid test.

These are the names a plugin imports; nothing here loads torch.
"""

from milbench.bags import Bag, Context, Example, LabelledBag, Output
from milbench.errors import (
    DatasetError,
    FeatureError,
    MilbenchError,
    MissingDataError,
    TrainingError,
)
from milbench.hookspecs import API_VERSION, hookimpl
from milbench.levels import Levels
from milbench.pictures import Box, MaskedPicture, Picture, Tiles
from milbench.recipe import Recipe
from milbench.records import Aggregator, Dataset, Download, Encoder, Tiler
from milbench.space import Choice, LogUniform, Uniform

__version__ = "0.1.0"

__all__ = [
    "API_VERSION",
    "Aggregator",
    "Bag",
    "Box",
    "Choice",
    "Context",
    "Dataset",
    "DatasetError",
    "Download",
    "Encoder",
    "Example",
    "FeatureError",
    "LabelledBag",
    "Levels",
    "LogUniform",
    "MaskedPicture",
    "MilbenchError",
    "MissingDataError",
    "Output",
    "Picture",
    "Recipe",
    "Tiler",
    "Tiles",
    "TrainingError",
    "Uniform",
    "__version__",
    "hookimpl",
]
