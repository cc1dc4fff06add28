"""The feature store: the instances of a data set as one packed array, on disk and on a device."""

from milbench.features.build import Build, Step
from milbench.features.cache import (
    VERIFIED,
    Making,
    cached_features,
    default_cache,
    trained_path,
)
from milbench.features.cut import Cutter, cutter_of
from milbench.features.encode import Encoding
from milbench.features.store import SCHEMA, Features, on_device, open_features
from milbench.features.write import About, write_features

__all__ = [
    "SCHEMA",
    "VERIFIED",
    "About",
    "Build",
    "Cutter",
    "Encoding",
    "Features",
    "Making",
    "Step",
    "cached_features",
    "cutter_of",
    "default_cache",
    "on_device",
    "open_features",
    "trained_path",
    "write_features",
]
