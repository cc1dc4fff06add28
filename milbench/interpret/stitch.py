"""Lay the attention of a bag back on the picture that its instances were cut from.

Source: the maps of A-MIL (A. Patil et al., WIECON-ECE 2019, https://arxiv.org/abs/2003.00823;
Dipeshtamboli/Image-Classification-and-Localization-using-Multiple-Instance-Learning, commit
d057145).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import ShapeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def attention_map(
    attention: ArrayLike, corners: ArrayLike, side: int, shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return how much each pixel was attended to, from 0 to 1.

    Attention is divided by the largest of the bag, so that the map is 1 where it was highest. The
    range is fixed; the code of A-MIL stretches each map from its own lowest value to its highest.

    Parameters
    ----------
    attention : (N,)
        Weights of the instances, 0 or more, such as ``Output.scores`` of abmil.
    corners : (N, 2)
        x and y of the upper left pixel of each instance; cut off where it leaves the picture.
    side
        Pixels of an instance in either direction.
    shape
        Rows and columns of the picture.

    Returns
    -------
    (rows, columns)
        0 where there is no instance; the larger value where instances overlap.

    Raises
    ------
    ShapeError
        If there is not one corner for each weight, or a weight is negative or not finite.
    """
    weights = np.asarray(attention, dtype=np.float64)
    places = np.asarray(corners)
    if weights.ndim != 1 or len(weights) == 0 or places.shape != (len(weights), 2):
        raise ShapeError(
            f"attention of shape {weights.shape} and corners of shape {places.shape}; expected "
            "(N,) and (N, 2) with N >= 1"
        )
    if not np.isfinite(weights).all() or weights.min() < 0:
        raise ShapeError(
            "attention holds values that are negative or not finite; expected weights after "
            "softmax: take the softmax of logits first"
        )
    found = np.zeros(shape)
    whole = np.floor(places).astype(np.int64)
    for (left, top), weight in zip(whole, weights / (weights.max() or 1.0), strict=True):
        rows = slice(max(top, 0), max(top + side, 0))
        columns = slice(max(left, 0), max(left + side, 0))
        found[rows, columns] = np.maximum(found[rows, columns], weight)
    return found


def stitched(picture: NDArray[np.uint8], attended: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) that is as bright as it was attended to.

    Parameters
    ----------
    picture : (H, W, 3)
        Colours.
    attended : (H, W)
        From 0 to 1, as :func:`attention_map` returns it.

    Raises
    ------
    ShapeError
        If the sizes differ.
    """
    if picture.shape[:2] != attended.shape:
        raise ShapeError(
            f"a picture of shape {picture.shape} and a map of shape {attended.shape}; expected "
            "the same rows and columns"
        )
    return np.rint(picture * attended[..., None]).astype(np.uint8)
