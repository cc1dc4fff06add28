"""Features that come with the data set, so that nothing is left to encode."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from milbench.errors import FeatureError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Precomputed:
    """Stand for the features of a data set that gives ``x``; refuse images."""

    def __call__(self, tiles: NDArray[np.uint8]) -> NoReturn:
        """Refuse a batch of tiles of shape (B, C, H, W).

        Raises
        ------
        FeatureError
            Always: images have no precomputed features.
        """
        raise FeatureError(
            f"encoder 'precomputed' got images of shape {tiles.shape}, expected a data set that "
            "gives features (x); choose an encoder for images, see: milbench list encoders"
        )
