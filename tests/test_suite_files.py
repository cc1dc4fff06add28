"""Where suite files are found, by name."""

import tomllib

from milbench.suite_files import suite_files, suite_summary


def test_name_of_a_suite_is_the_stem_of_its_file(tmp_path):
    """A plugin's file is found by its stem."""
    path = tmp_path / "wild.toml"
    path.write_text("")

    assert suite_files([path])["wild"] == path


def test_taken_name_leaves_the_path_as_name(tmp_path):
    """A second suite of one name replaces nothing: it is listed under its path."""
    first, second = tmp_path / "a" / "wild.toml", tmp_path / "b" / "wild.toml"

    found = suite_files([second, first])

    assert found["wild"] == first
    assert found[str(second)] == second


def test_built_in_suites_carry_their_own_name():
    """Each built-in suite is found under the name that it gives itself."""
    for name, path in suite_files().items():
        assert tomllib.loads(path.read_text())["name"] == name


def test_built_in_suites_are_found():
    """The smoke suite is there without any plugin."""
    assert suite_files()["smoke"].is_file()


def test_summary_of_a_suite_is_read(tmp_path):
    """The summary is the key of that name."""
    path = tmp_path / "wild.toml"
    path.write_text('summary = "all animals"\n[splits]\nfolds = 3\n')

    assert suite_summary(path) == "all animals"


def test_summary_of_an_unreadable_file_says_why(tmp_path):
    """A listing must not fail because one file is absent, torn or not text."""
    torn, binary = tmp_path / "torn.toml", tmp_path / "binary.toml"
    torn.write_text("summary = ")
    binary.write_bytes(b"\xff\xfe")

    for path in (torn, binary, tmp_path / "absent.toml"):
        assert suite_summary(path).startswith("not readable:")
