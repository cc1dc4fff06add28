"""Result files: whole or absent, readable, and honest about damage."""

import gc
import json
import os
import signal
import subprocess
import sys
from hashlib import sha256

import pytest

from milbench.atomic import write_atomic
from milbench.errors import StoreError
from milbench.store import SCHEMA, SEAL, Store, content_hash, done_keys, is_intact, read_record

RECORD = {
    "schema": SCHEMA,
    "key": "0123456789abcdef",
    "status": "done",
    "dataset": "musk1",
    "method": "other/abmil",
    "repeat": 0,
    "fold": 1,
    "seed": 0,
    "test": {"score": [[0.1, 0.9], [1 / 3, 2 / 3]]},
}
SEALED = RECORD | {SEAL: content_hash(RECORD)}


def test_a_record_comes_back_bit_for_bit(tmp_path):
    """Scores survive the file exactly, thirds included."""
    store = Store(tmp_path)
    path = store.add(RECORD)

    assert read_record(path) == SEALED
    assert list(store.records()) == [SEALED]
    assert path.parent == tmp_path / "runs" / "musk1" / "other--abmil"


def test_an_edited_record_is_told_from_one_as_it_was_written(tmp_path):
    """One changed digit of a score breaks the seal; older records, without one, are not judged."""
    path = Store(tmp_path).add(RECORD)
    assert is_intact(read_record(path)) is True

    path.write_text(path.read_text().replace("0.9", "0.8"))

    assert is_intact(read_record(path)) is False
    assert is_intact(RECORD) is None


def test_the_seal_is_the_hash_of_the_sorted_content():
    """The SHA-256 of the text {"a":1,"b":[0.5]}, whatever the order of the fields."""
    expected = sha256(b'{"a":1,"b":[0.5]}').hexdigest()

    assert content_hash({"b": [0.5], "a": 1}) == expected
    assert content_hash({"a": 1, "b": [0.5], SEAL: "anything"}) == expected


@pytest.mark.parametrize("is_enabled", [True, False])
def test_reading_leaves_the_collector_as_it_was(tmp_path, is_enabled):
    """Also where a file is damaged."""
    store = Store(tmp_path)
    path = store.add(RECORD)
    (gc.enable if is_enabled else gc.disable)()
    try:
        assert store.read_all() == (SEALED,)
        path.write_text("{")
        with pytest.raises(StoreError):
            store.read_all()
        assert gc.isenabled() == is_enabled
    finally:
        gc.enable()


def test_only_finished_runs_count_as_done(tmp_path):
    """A failed or skipped run is tried again."""
    store = Store(tmp_path)
    for key, status in (("a", "done"), ("b", "failed"), ("c", "skipped")):
        store.add(RECORD | {"key": key, "status": status})

    assert done_keys(store.records()) == {"a"}


def test_a_truncated_file_is_named_with_the_place(tmp_path):
    """Half a file is an error that names it, and no result is lost silently."""
    path = Store(tmp_path).add(RECORD)
    text = path.read_text()
    path.write_text(text[: len(text) // 2])

    with pytest.raises(StoreError, match=rf"{path.name}: damaged at line 1, column \d+.*delete"):
        list(Store(tmp_path).records())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[1, 2]", "holds a list"),
        ('{"schema": 1}', "no field 'key'"),
        (json.dumps(RECORD | {"schema": 99}), "schema 99, expected 1"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, content, says):
    """JSON that is no record of this version is told as such."""
    path = tmp_path / "runs" / "x.json"
    write_atomic(path, content)

    with pytest.raises(StoreError, match=says):
        list(Store(tmp_path).records())


def test_not_a_number_never_enters_a_file(tmp_path):
    """A score that is not finite is an error, not the text NaN that other readers refuse."""
    with pytest.raises(ValueError, match="JSON compliant"):
        Store(tmp_path).add(RECORD | {"test": {"score": [[float("nan"), 1.0]]}})

    assert list(tmp_path.rglob("*.json")) == []


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    """An error while writing keeps what was there."""
    path = tmp_path / "kept.txt"
    write_atomic(path, "old")

    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="the mask of new files is POSIX")
def test_a_file_is_as_open_as_the_user_s_mask_says(tmp_path):
    """A table that was written for others can be read by them."""
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "table.md", b"text")
    finally:
        os.umask(before)

    assert (tmp_path / "table.md").stat().st_mode & 0o777 == 0o640


def test_a_kill_while_writing_leaves_a_whole_file(tmp_path):
    """A process killed in the middle of endless writes leaves one of its texts, whole."""
    path = tmp_path / "file.txt"
    code = (
        "from pathlib import Path; import sys, itertools\n"
        "from milbench.atomic import write_atomic\n"
        "for i in itertools.count(): write_atomic(Path(sys.argv[1]), str(i % 10) * 200_000)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)])
    while not path.exists():
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()

    text = path.read_text()
    assert len(text) == 200_000
    assert len(set(text)) == 1


def test_what_became_of_data_sets_is_kept(tmp_path):
    """A leaderboard made later still says why a data set is missing."""
    states = {"musk1": {"status": "skipped", "reason": "no files", "notes": []}}
    Store(tmp_path).note_datasets(states)

    assert Store(tmp_path).datasets() == states
    assert Store(tmp_path / "other").datasets() == {}
