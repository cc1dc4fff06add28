"""ccc: a user's labels and features, under the published classes."""

import numpy as np
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry

LABELS = "slide_id,label,patient_id,site\n007,NILM,p1,SYS\n008,ASC-H,p2,GD2\n"
RECORD = load_registry().find("dataset", "milbench/ccc").record


@pytest.fixture
def ccc(tmp_path):
    """Two slides, with 3 and 2 instances."""
    features = tmp_path / "ccc" / "features"
    features.mkdir(parents=True)
    np.save(features / "007.npy", np.arange(12, dtype=np.float32).reshape(3, 4))
    np.save(features / "008.npy", np.ones((2, 4), np.float16))
    features.parent.joinpath("labels.csv").write_text(LABELS, encoding="utf-8")
    return tmp_path


def test_features_and_labels_meet_by_id(ccc):
    """Six classes below two; ids keep their zeros."""
    first, second = RECORD.load()(ccc)

    assert (first.id, first.label, first.patient, first.site) == ("007", 0, "p1", "SYS")
    assert (second.id, second.label, second.x.dtype.name) == ("008", 3, "float16")
    np.testing.assert_array_equal(first.x[2], [8, 9, 10, 11])
    assert RECORD.levels.parents == (0, 1, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "008",
            "009",
            r"labels\.csv, line 3: no file of features for slide '009' in .* \(1 such\)",
        ),
        ("ASC-H", "ASCH", r"line 3: label is 'ASCH'; expected one of NILM, ASC-US"),
        ("008", "007", r"line 3: id '007' stands in line 2 already"),
    ],
)
def test_faults_name_the_line(ccc, old, new, fault):
    (ccc / "ccc" / "labels.csv").write_text(LABELS.replace(old, new), encoding="utf-8")

    with pytest.raises(DatasetError, match=fault):
        list(RECORD.load()(ccc))


def test_absent_files_are_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"labels\.csv and features/<slide_id>\.pt"):
        list(RECORD.load()(tmp_path))
