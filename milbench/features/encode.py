"""Encode the instances of one bag, block by block, into rows that can be stored."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import FeatureError
from milbench.features.check import stored_features
from milbench.features.stream import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from milbench.pictures import Pixels, Regions


def encoded(
    encode: Callable[..., Any], images: Pixels | Regions, place: str
) -> Generator[np.ndarray]:
    """Yield the features of ``images`` (N, C, H, W) as they come: (n, D), or images of a size.

    Parameters
    ----------
    place
        Encoder and bag, for messages.

    Raises
    ------
    FeatureError
        If the encoder gives another number of rows, or values that cannot be stored.
    SlideError
        If an instance cannot be read.
    """
    with closing(blocks(images)) as stream:
        for tiles in stream:
            features = np.asarray(encode(tiles))
            if len(features) != len(tiles):
                raise FeatureError(f"{place}: {len(features)} rows for {len(tiles)} tiles")
            yield _storable(features, place)


def _storable(features: np.ndarray, place: str) -> np.ndarray:
    if features.dtype == np.uint8 and features.ndim == 4:  # noqa: PLR2004  # (N, C, H, W)
        return np.ascontiguousarray(features)
    try:
        return stored_features(features)
    except ValueError as error:
        raise FeatureError(f"{place}: {error}") from error
