"""Read annotations drawn with ASAP, and label tiles by them.

ASAP (https://github.com/computationalpathologygroup/ASAP) writes polygons as XML:
``Annotation`` nodes with a ``PartOfGroup`` and the corners in level-0 pixels. In Camelyon16 the
groups ``_0``, ``_1`` and ``Tumor`` are tumour, and ``_2`` and ``Exclusion`` is what was cut out of
them (README.md of the data set). What lies in a group of another name is unknown.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import DatasetError
from milbench_datasets.layouts.markup import parse_xml

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray

    Points = NDArray[np.float64]

logger = logging.getLogger(__name__)

TUMOUR = ("_0", "_1", "Tumor")
CUT_OUT = ("_2", "Exclusion")
NODE = "Annotation"
CORNERS = 3  # of the smallest polygon; fewer enclose nothing
BLOCK = 1 << 20  # pairs of a point and an edge that are compared at once


@dataclass(frozen=True, slots=True)
class Annotations:
    """The tumours that are drawn on one slide.

    Parameters
    ----------
    tumour, cut_out, unclear
        Polygons, each of shape (V, 2): corners in level-0 pixels. What is cut out is no tumour,
        what is unclear may be.
    elsewhere
        Label of what no polygon holds: 0, or -1 where not every tumour of the slide is drawn.
    """

    tumour: tuple[Points, ...] = ()
    cut_out: tuple[Points, ...] = ()
    unclear: tuple[Points, ...] = ()
    elsewhere: int = 0

    def labels(self, boxes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Label each tile by its middle: 1 where that lies in a tumour and in nothing cut out.

        A lesion smaller than a tile may so have no positive tile; a tile that a tumour merely
        touches is not positive. What is cut out of a tumour was looked at and is 0.

        Parameters
        ----------
        boxes : (N, 4)
            Left, top, width and height in level-0 pixels.

        Returns
        -------
        (N,)
            1, 0, or -1 where unknown.
        """
        middles = boxes[:, :2] + boxes[:, 2:] / 2  # (N, 2)
        labels = np.full(len(boxes), self.elsewhere, dtype=np.int64)
        labels[_in_any(middles, self.unclear)] = -1
        labels[_in_any(middles, self.tumour)] = 1
        labels[_in_any(middles, self.cut_out)] = 0
        return labels


def read_annotations(content: bytes, place: Path | str, elsewhere: int = 0) -> Annotations:
    """Return the annotations of one file.

    Parameters
    ----------
    content
        Of the file.
    place
        Of the file, for messages.
    elsewhere
        As of :class:`Annotations`.

    Raises
    ------
    DatasetError
        If it is no file of ASAP, or a corner is no pair of numbers.
    """
    root = parse_xml(content, place)
    if root.tag != "ASAP_Annotations":
        raise DatasetError(f"{place}: expected annotations of ASAP, found <{root.tag}>")
    drawn = [(node.get("PartOfGroup", ""), _corners(node, place)) for node in root.iter(NODE)]
    drawn = [(group, corners) for group, corners in drawn if len(corners) >= CORNERS]
    if others := {group for group, _ in drawn} - {*TUMOUR, *CUT_OUT}:
        logger.warning("%s: unknown groups, labels unknown: %s", place, ", ".join(sorted(others)))
    return Annotations(
        tumour=tuple(corners for group, corners in drawn if group in TUMOUR),
        cut_out=tuple(corners for group, corners in drawn if group in CUT_OUT),
        unclear=tuple(corners for group, corners in drawn if group in others),
        elsewhere=elsewhere,
    )


def _corners(node: Element, place: Path | str) -> Points:
    try:
        named = [
            (int(one.get("Order", "")), float(one.get("X", "")), float(one.get("Y", "")))
            for one in node.iter("Coordinate")
        ]
    except ValueError as error:
        raise DatasetError(
            f"{place}, annotation {node.get('Name', '?')!r}: a corner is no pair of numbers "
            f"({error})"
        ) from error
    return np.array(sorted(named)).reshape(-1, 3)[:, 1:]  # (V, 2)


def _in_any(points: Points, polygons: tuple[Points, ...]) -> NDArray[np.bool_]:
    """Tell which of the points (N, 2) lie in one of the polygons: (N,)."""
    found = np.zeros(len(points), dtype=np.bool_)
    for corners in polygons:
        low, high = corners.min(axis=0), corners.max(axis=0)
        near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1) & ~found)
        for block in np.array_split(near, len(near) * len(corners) // BLOCK + 1):
            found[block] = inside(points[block], corners)
    return found


def inside(points: Points, corners: Points) -> NDArray[np.bool_]:
    """Tell which points lie in a polygon: a ray to the right crosses its edges an odd time.

    A point on a left or upper edge lies inside, one on a right or lower edge outside, so that of
    two polygons with a common edge one holds it.

    Parameters
    ----------
    points : (N, 2)
        x and y.
    corners : (V, 2)
        In order; the last is joined with the first.

    Returns
    -------
    (N,)
    """
    x, y = points[:, :1], points[:, 1:]  # (N, 1) each
    (x1, y1), (x2, y2) = corners.T, np.roll(corners, -1, axis=0).T  # (V,) each
    spans = (y1 <= y) != (y2 <= y)  # (N, V)
    rise = np.where(y1 == y2, 1.0, y2 - y1)  # level edges are spanned by no point
    crossing = x1 + (y - y1) * (x2 - x1) / rise  # (N, V), where the edge is at the point's height
    crossed: NDArray[np.bool_] = (spans & (x < crossing)).sum(axis=1) % 2 == 1
    return crossed
