"""The reference values of the statistical protocol, where they lie beside the data."""

import json

import pytest


@pytest.fixture(scope="session")
def values(data_dir):
    """Return the whole document: cases, tables, examples of papers; or skip with the reason."""
    file = data_dir.parent / "statistics" / "reference_values.json"
    if not file.is_file():
        pytest.skip(f"no reference values: {file} is not there")
    return json.loads(file.read_text())


@pytest.fixture(scope="session")
def reference(values):
    """Return a function from a case's name to the case."""
    cases = {case["id"]: case for case in values["cases"]}

    def find(name):
        case = cases[name]
        same_as = case["input"].get("same_as")
        return (cases[same_as]["input"] if same_as else case["input"]), case["expected"]

    return find
