"""Annotations of ASAP: tiles are labelled by what holds their middle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milbench.errors import DatasetError
from milbench_datasets.layouts.asap import Annotations, inside, read_annotations

SQUARE = np.array([(0.0, 0), (10, 0), (10, 10), (0, 10)])
NOTCHED = np.array([(0.0, 0), (9, 0), (9, 9), (6, 9), (6, 3), (3, 3), (3, 9), (0, 9)])  # a U
TURNED = np.array([(5.0, 0), (10, 5), (5, 10), (0, 5)])


def polygon(group, corners, name="a"):
    """Return a polygon as ASAP writes it, with corners out of order in the file."""
    rows = [f'<Coordinate Order="{n}" X="{x}" Y="{y}" />' for n, (x, y) in enumerate(corners)]
    return (
        f'<Annotation Name="{name}" Type="Polygon" PartOfGroup="{group}" Color="#F4FA58">'
        f"<Coordinates>{''.join(reversed(rows))}</Coordinates></Annotation>"
    )


def document(*polygons):
    body = "".join(polygons)
    start, end = "<ASAP_Annotations><Annotations>", "</Annotations></ASAP_Annotations>"
    return f'<?xml version="1.0"?>{start}{body}{end}'.encode()


@pytest.mark.parametrize(
    ("corners", "points", "expected"),
    [
        (SQUARE, [(5, 5), (-1, 5), (11, 5), (5, -1), (5, 11)], [1, 0, 0, 0, 0]),
        (NOTCHED, [(1, 8), (4.5, 8), (8, 8), (4.5, 2)], [1, 0, 1, 1]),
        (TURNED, [(5, 5), (1, 1), (2, 4), (8, 8), (7, 7)], [1, 0, 1, 0, 1]),
    ],
)
def test_points_in_polygons(corners, points, expected):
    """Drawn on paper: a square, a U whose notch is outside, and a square on its corner."""
    found = inside(np.array(points, float), corners)

    assert found.astype(int).tolist() == expected
    assert inside(np.array(points, float), corners[::-1]).tolist() == found.tolist()


@given(
    *[st.lists(st.integers(-20, 20), min_size=2, max_size=2, unique=True)] * 2,
    st.tuples(st.integers(-25, 25), st.integers(-25, 25)),
)
def test_rectangles_hold_their_left_and_upper_edges(across, down, point):
    """A half-open rectangle, so that of two that touch one holds the edge."""
    (left, right), (top, bottom) = sorted(across), sorted(down)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)

    found = inside(np.array([point], float), corners)[0]

    assert found == (left <= point[0] < right and top <= point[1] < bottom)


def test_tiles_are_labelled_by_their_middle():
    """A tile that a tumour only touches is none; what is cut out of a tumour is none."""
    hole = np.array([(4.0, 4), (6, 4), (6, 6), (4, 6)])
    boxes = np.array([(0, 0, 4, 4), (9, 0, 4, 4), (8, 0, 2, 4), (4, 4, 2, 2), (20, 20, 4, 4)])

    assert Annotations((SQUARE,), (hole,)).labels(boxes).tolist() == [1, 0, 1, 0, 0]
    partly = Annotations((SQUARE,), (hole,), elsewhere=-1)
    assert partly.labels(boxes).tolist() == [1, -1, 1, 0, -1]


def test_without_polygons_all_tiles_are_alike():
    """0 on a normal slide, -1 where nothing is known."""
    boxes = np.zeros((2, 4), np.int64)

    assert Annotations().labels(boxes).tolist() == [0, 0]
    assert Annotations(elsewhere=-1).labels(boxes).tolist() == [-1, -1]


def test_groups_of_a_file_are_tumour_or_cut_out():
    """_0, _1 and Tumor are tumour; _2 and Exclusion are not. Corners are put in their order."""
    far = SQUARE + 100
    read = read_annotations(
        document(
            polygon("_0", SQUARE),
            polygon("Tumor", far),
            polygon("_1", NOTCHED),
            polygon("_2", TURNED),
            polygon("Exclusion", far),
        ),
        "a.xml",
        elsewhere=-1,
    )

    assert [p.tolist() for p in read.tumour] == [x.tolist() for x in (SQUARE, far, NOTCHED)]
    assert [p.tolist() for p in read.cut_out] == [TURNED.tolist(), far.tolist()]
    assert read.elsewhere == -1


def test_what_cannot_be_judged_is_unknown(caplog):
    """A group of another name may be tumour or not; fewer than three corners enclose nothing."""
    read = read_annotations(
        document(polygon("_3", SQUARE), polygon("_0", SQUARE[:2]), polygon("_0", SQUARE + 100)), "a"
    )

    boxes = np.array([(4, 4, 2, 2), (104, 104, 2, 2), (50, 50, 2, 2)])
    assert read.labels(boxes).tolist() == [-1, 1, 0]
    assert "a: unknown groups, labels unknown: _3" in caplog.text


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (document(polygon("_0", [("x", 1)] * 3)), r"a corner is no pair of numbers"),
        (b"<Annotations/>", r"expected annotations of ASAP, found <Annotations>"),
        (b"no xml", r"a\.xml: expected XML"),
    ],
)
def test_other_files_are_refused(content, fault):
    with pytest.raises(DatasetError, match=fault):
        read_annotations(content, "a.xml")
