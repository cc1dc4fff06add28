"""The reference values of the statistical protocol, where they lie beside the data."""

import json

import pytest


@pytest.fixture(scope="session")
def reference(data_dir):
    """Return a function from a case's name to the case, or skip with the reason."""
    file = data_dir.parent / "statistics" / "reference_values.json"
    if not file.is_file():
        pytest.skip(f"no reference values: {file} is not there")
    cases = {case["id"]: case for case in json.loads(file.read_text())["cases"]}

    def find(name):
        case = cases[name]
        same_as = case["input"].get("same_as")
        return (cases[same_as]["input"] if same_as else case["input"]), case["expected"]

    return find
