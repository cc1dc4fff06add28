"""milbench: compare multiple-instance-learning methods with a valid test.

These are the names a plugin imports; nothing here loads torch.
"""

from typing import TYPE_CHECKING, Any

from milbench.bags import Bag, Context, Example, LabelledBag, Output
from milbench.errors import (
    DatasetError,
    FeatureError,
    MilbenchError,
    MissingDataError,
    MissingEncoderError,
    SlideError,
    TrainingError,
)
from milbench.hookspecs import API_VERSION, hookimpl
from milbench.levels import Levels
from milbench.pictures import Box, MaskedPicture, Picture, Regions, Tiles
from milbench.recipe import Recipe
from milbench.records import Aggregator, Dataset, Download, Encoder, Tiler
from milbench.slides import Slide
from milbench.space import Choice, LogUniform, Uniform
from milbench.weights import Weights

if TYPE_CHECKING:
    from milbench.interchange.feature_files import read_features
    from milbench.sheets.sheet import read_sheet

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
    "MissingEncoderError",
    "Output",
    "Picture",
    "Recipe",
    "Regions",
    "Slide",
    "SlideError",
    "Tiler",
    "Tiles",
    "TrainingError",
    "Uniform",
    "Weights",
    "__version__",
    "hookimpl",
    "read_features",
    "read_sheet",
]


def __getattr__(name: str) -> Any:
    """Import on first use what listing plugins does not need."""
    if name == "read_features":
        from milbench.interchange.feature_files import read_features

        return read_features
    if name == "read_sheet":
        from milbench.sheets.sheet import read_sheet

        return read_sheet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
