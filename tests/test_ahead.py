"""Files are asked for ahead of their use, and nothing else changes."""

from milbench.ahead import read_ahead


def test_all_paths_come_in_order_whether_or_not_they_are_there(tmp_path):
    """A file that is missing is for its reader to tell."""
    there, missing = tmp_path / "a", tmp_path / "b"
    there.write_bytes(b"1")

    assert list(read_ahead([there, missing, there])) == [there, missing, there]
    assert list(read_ahead([there])) == [there]
    assert list(read_ahead([])) == []
