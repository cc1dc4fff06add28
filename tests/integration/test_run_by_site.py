"""Tested on other hospitals: from a table with sites to a leaderboard that says so."""

import csv
import json

import numpy as np
import pytest


@pytest.fixture
def clinic(tmp_path):
    """Write 36 slides of 36 patients from three sites; every third of a site is malignant."""
    folder = tmp_path / "clinic"
    (folder / "uni").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = [["slide_id", "patient_id", "label", "hospital"]]
    for slide in range(36):
        label = int(slide % 3 == 0)
        rows.append(
            [f"{slide:03d}", f"p{slide}", ["benign", "malignant"][label], "ABC"[slide // 12]]
        )
        np.save(folder / "uni" / f"{slide:03d}.npy", rng.normal(label, size=(4, 3)))
    write(folder, rows)
    return folder


def write(folder, rows):
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def own(milbench, folders, tmp_path):
    """Return a function that runs the table of a folder by site."""

    def command(folder, *arguments):
        tables = ["--leaderboards", str(tmp_path / "leaderboards"), "--device", "cpu"]
        given = ["--bags", str(folder / "labels.csv"), "--features", str(folder / "uni")]
        methods = ["--methods", "prior,pooled-logistic", "--group", "site"]
        return milbench("run", *given, *methods, *folders, *tables, *arguments)

    return command


def test_each_site_is_left_out_once(own, clinic, tmp_path):
    """In the stored splits, in the note, and in the sentence on the protocol."""
    done = own(clinic, "--repeats", "2")

    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "results" / "clinic" / "splits").glob("*.csv")
    with path.open(encoding="utf-8") as file:
        tested = {
            (row["fold"], int(row["bag_id"]) // 12)
            for row in csv.DictReader(file)
            if row["role"] == "test"
        }
    assert tested == {("0", 0), ("1", 1), ("2", 2)}
    board = json.loads(
        (tmp_path / "leaderboards" / "clinic" / "leaderboard.json").read_text(encoding="utf-8")
    )
    (section,) = board["sections"]
    assert "By site: folds test A | B | C." in section["notes"]
    assert board["splits"] == (
        "1 x 3 folds (kfold), by site, 20% of training bags for validation (by patient, of the "
        "training sites), 2 seeds a fold"
    )
    assert [row["runs"]["planned"] for row in section["rows"]] == [6, 6]
    assert "speak of new patients of these sites" in done.stdout.replace("\n", " ")


def test_sites_that_cannot_be_divided_are_named(own, clinic):
    """The data set has failed, and the line says what to change."""
    done = own(clinic, "--folds", "4")

    assert done.returncode == 1
    assert "4 folds by site need 4 sites, and there are 3 (A, B, C)" in done.stderr


def test_a_table_without_sites_is_refused(own, clinic):
    """Before anything is read."""
    done = own(clinic, "--site-column", "")

    assert done.returncode == 2
    assert "--group site needs a column of sites" in done.stderr


def test_a_method_that_knows_the_site_alone_is_found_out(milbench, folders, tmp_path):
    """Every instance says the site and nothing else; sites differ in how many are malignant.

    By patient that ranks bags. On a site left out all bags look the same: AUROC is exactly 0.5.
    """
    folder = tmp_path / "sites"
    (folder / "uni").mkdir(parents=True)
    rows = [["slide_id", "patient_id", "label", "site"]]
    for slide in range(60):
        site, number = divmod(slide, 20)
        is_malignant = number < (2, 10, 18)[site]
        rows.append(
            [f"{slide:03d}", f"p{slide}", ["benign", "malignant"][is_malignant], "ABC"[site]]
        )
        np.save(folder / "uni" / f"{slide:03d}.npy", np.full((2, 1), float(site)))
    write(folder, rows)
    tables = ["--leaderboards", str(tmp_path / "leaderboards"), "--device", "cpu"]
    given = ["--bags", str(folder / "labels.csv"), "--features", str(folder / "uni")]
    wanted = ["--methods", "pooled-logistic", "--repeats", "1", "--folds", "3"]

    values = {}
    for group in ("patient", "site"):
        name = ["--name", f"by-{group}", "--group", group]
        done = milbench("run", *given, *wanted, *name, *folders, *tables)
        assert done.returncode == 0, done.stderr
        path = tmp_path / "leaderboards" / f"by-{group}" / "leaderboard.json"
        (section,) = json.loads(path.read_text(encoding="utf-8"))["sections"]
        values[group] = section["rows"][0]["scores"][0]["value"]

    assert values["site"] == 0.5
    assert values["patient"] > 0.8
