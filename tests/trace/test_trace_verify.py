"""``milbench verify``: a leaderboard holds when the runs give every number again."""

import json
import re

import pytest

from milbench.cli import main
from milbench.trace.differences import differences


def ask(folder, *options):
    return main(
        ["verify", f"{folder}/tables", "--results", f"{folder}/results",
         "--suite", f"{folder}/traced.toml", *options]
    )  # fmt: skip


def verdict(folder, capsys, expected):
    assert ask(folder, "--format", "json") == expected
    (found,) = json.loads(capsys.readouterr().out)
    rows = {
        name: [tuple(row.values()) for row in found[name]] for name in ("differences", "faults")
    }
    return found | rows


def runs_of(folder, method):
    return sorted((folder / "results" / "traced" / "runs" / "digits-bags" / method).iterdir())


def test_what_the_run_wrote_holds(made, capsys):
    """All files, from six runs of each of three methods, each with its hash."""
    found = verdict(made, capsys, 0)

    there = {path.name for path in (made / "tables" / "traced").iterdir()}
    assert set(found["files"]) == there >= {"leaderboard.json", "results.csv", "table.md"}
    assert (found["records"], found["sealed"]) == (18, 18)
    assert found["differences"] == found["faults"] == found["missing"] == []
    assert found["numbers"] > 200


@pytest.mark.parametrize("options", [["--repeats", "1"], ["--metric", "accuracy"]])
def test_options_of_the_leaderboard_are_found_in_it(copy, capsys, options):
    """A table of the first repeat, or of another metric, is compared with one made alike."""
    asked = ["leaderboard", f"{copy}/traced.toml", "--results", f"{copy}/results"]
    assert main([*asked, "--out", f"{copy}/tables", *options]) == 0
    capsys.readouterr()

    assert verdict(copy, capsys, 0)["differences"] == []


def test_a_changed_number_is_found_in_json_and_csv(copy, capsys):
    """The value of one method, changed in both files, is told by its place with both values."""
    tables = copy / "tables" / "traced"
    document = json.loads((tables / "leaderboard.json").read_text())
    score = document["sections"][0]["rows"][0]["scores"][0]
    row, value = document["sections"][0]["rows"][0]["method"], score["value"]
    for name in ("leaderboard.json", "results.csv"):
        path = tables / name
        path.write_text(path.read_text().replace(f"{value}", "0.987654321", 1))

    found = verdict(copy, capsys, 1)["differences"]

    place = f"sections[digits-bags].rows[{row}].scores[auroc].value"
    assert ("leaderboard.json", place, "0.987654321", f"{value}") in found
    assert {d[0] for d in found} == {"leaderboard.json", "results.csv"}
    assert all("0.987654321" in d[2] for d in found)


def test_a_changed_cell_of_the_printed_table_is_found(copy, capsys):
    """Markdown and LaTeX are compared line by line."""
    path = copy / "tables" / "traced" / "table.md"
    path.write_text(path.read_text().replace("0.500", "0.501", 1))

    ((file, place, stored, recomputed),) = verdict(copy, capsys, 1)["differences"]

    assert (file, place.split()[0]) == ("table.md", "line")
    assert "0.501" in stored
    assert "0.501" not in recomputed


def test_an_edited_prediction_is_found_twice(copy, capsys):
    """Its file no longer fits its hash, and the numbers no longer fit the leaderboard."""
    path = runs_of(copy, "mean")[0]
    record = json.loads(path.read_text())
    record["test"]["score"] = [[b, a] for a, b in record["test"]["score"]]
    path.write_text(json.dumps(record))

    found = verdict(copy, capsys, 1)

    assert [what.split(":")[0] for _, what in found["faults"]] == ["edited since it was written"]
    assert any("rows[mean].scores[auroc].value" in place for _, place, _, _ in found["differences"])


def test_a_damaged_file_is_named_and_the_rest_is_read(copy, capsys):
    """Half a file: its run is missing from the numbers, and the others are still compared."""
    path = runs_of(copy, "prior")[2]
    path.write_text(path.read_text()[:100])

    found = verdict(copy, capsys, 1)

    ((file, what),) = found["faults"]
    assert file.endswith(path.name)
    assert what.startswith("damaged at line 1")
    assert re.match(r"digits-bags, prior: repeat \d, fold \d, seed 0$", found["missing"][0])
    assert found["records"] == 17


def test_a_removed_run_is_missed(copy, capsys):
    """The count of runs differs and the run is named."""
    lost = json.loads(runs_of(copy, "mean")[0].read_text())
    runs_of(copy, "mean")[0].unlink()

    found = verdict(copy, capsys, 1)

    place = f"repeat {lost['repeat']}, fold {lost['fold']}, seed 0"
    assert found["missing"] == [f"digits-bags, mean: {place}"]
    place = "sections[digits-bags].rows[mean].runs.done"
    assert ("leaderboard.json", place, "6", "5") in found["differences"]


def test_a_run_in_the_wrong_place_or_of_other_splits_is_told(copy, capsys):
    """A renamed file is not where it belongs; a changed role breaks every run of the fold."""
    path = runs_of(copy, "mean")[0]
    path.rename(path.with_name("0000000000000000.json"))
    (splits,) = (copy / "results" / "traced" / "splits").iterdir()
    text = splits.read_text()
    splits.write_text(text.replace(",1,2,train", ",1,2,val", 1))

    whats = [what for _, what in verdict(copy, capsys, 1)["faults"]]

    assert sum(what.startswith("not where it belongs") for what in whats) == 1
    assert sum(what.startswith("made on other splits") for what in whats) == 3


def test_absent_splits_are_said(copy, capsys):
    """Without them nobody can look up which bags were tested."""
    (splits,) = (copy / "results" / "traced" / "splits").iterdir()
    splits.unlink()

    ((file, what),) = verdict(copy, capsys, 1)["faults"]

    assert file == f"splits/{splits.name}"
    assert what.startswith("not there")


def test_the_terminal_says_whether_it_holds(copy, capsys):
    """One line for a sound leaderboard; a table of differences else."""
    assert ask(copy) == 0
    assert capsys.readouterr().out.startswith("traced: holds. ")
    path = copy / "tables" / "traced" / "table.tex"
    path.write_text(path.read_text() + "% more\n")

    assert ask(copy) == 1
    out = capsys.readouterr().out
    assert out.startswith("traced: DOES NOT HOLD. ")
    assert "% more" in out


def test_a_folder_without_a_leaderboard_is_refused(tmp_path, capsys):
    """The message names the folder and the command that writes one."""
    assert main(["verify", str(tmp_path)]) == 2
    assert "no leaderboard.json here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "stored", "made", "expected"),
    [
        ("a.json", '{"x": [1, 2]}', '{"x": [1, 3]}', [("x[1]", "2", "3")]),
        ("a.json", '{"x": 1}', '{"x": 1, "y": null}', [("y", "nothing", "null")]),
        ("a.json", '{"x": 1}', '{"x":1}', [("the text", "another form", "the same values")]),
        ("a.json", '{"x": true}', '{"x": 1}', [("x", "true", "1")]),
        ("a.json", "{", "{}", [("the file", "no JSON: ", "a leaderboard")]),
        ("a.csv", "method,value\nm,1\n", "method,value\nm,2\n", [("m: value", "1", "2")]),
        ("a.csv", "method,x\nm,1\nm,1\n", "method,x\nm,1\n", [("m, again", "a row", "nothing")]),
        ("a.md", "a\nb\n", "a\n", [("line 2", "b", "nothing")]),
        ("a.md", "same", "same", []),
    ],
)  # fmt: skip
def test_differences_are_told_by_place(name, stored, made, expected):
    """By hand, for every kind of file."""
    found = [(d.place, d.stored, d.recomputed) for d in differences(name, stored, made)]

    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert (one[0], one[2]) == (other[0], other[2])
        assert one[1].startswith(other[1])
