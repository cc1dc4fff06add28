"""The plugin guide says everything about the plugin API, and its example works."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from milbench import Aggregator, Dataset, Encoder, Tiler, hookspecs
from milbench.plugin_loading import hook_names
from milbench.registry import Registry

TESTS = Path(__file__).resolve().parent
GUIDE = (TESTS.parent / "docs" / "plugins.md").read_text(encoding="utf-8")


def arguments(hook):
    return list(inspect.signature(getattr(hookspecs, hook)).parameters)


def test_hooks_are_those_of_the_architecture():
    """The seven hooks of plugin API 1."""
    assert sorted(hook_names()) == [
        "milbench_aggregators",
        "milbench_datasets",
        "milbench_encoders",
        "milbench_run_finished",
        "milbench_suite_finished",
        "milbench_suites",
        "milbench_tilers",
    ]


@pytest.mark.parametrize("hook", hook_names())
def test_hook_is_in_the_guide_with_its_arguments(hook):
    """The guide's table shows each hook as it is called, and explains each argument in a row."""
    assert f"| `{hook}({', '.join(arguments(hook))})` |" in GUIDE
    for argument in arguments(hook):
        assert re.search(rf"^\| `{argument}` \| \w", GUIDE, re.MULTILINE)


def test_guide_names_no_hook_that_does_not_exist():
    """A hook that is gone is gone from the guide."""
    shown = re.findall(r"^\| `(milbench_\w+)\(", GUIDE, re.MULTILINE)

    assert sorted(shown) == sorted(hook_names())


@pytest.mark.parametrize("hook", hook_names())
def test_hook_has_a_test(hook):
    """Some test carries each hook's name."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.glob("test_*.py"))

    assert re.search(rf"^def test_{hook}_", code, re.MULTILINE)


@pytest.mark.parametrize("record", [Dataset, Tiler, Encoder, Aggregator])
def test_every_field_of_a_record_is_in_the_guide(record):
    """A field without a line in the guide is a field nobody finds."""
    section = GUIDE.partition(f"### {record.__name__}\n")[2].partition("\n#")[0]
    common = GUIDE.partition("## Records")[2].partition("\n###")[0]
    rows = [line for line in (common + section).splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}

    assert {field.name for field in fields(record)} <= named


def test_shortest_plugin_of_the_guide_works(install, site, monkeypatch):
    """The guide's first code block, installed as it stands, offers its aggregator."""
    code = re.search(r"```python\n(.*?)```", GUIDE, re.DOTALL)[1]
    install("milbench-mean-guide", code)
    monkeypatch.syspath_prepend(site)

    model = Registry().find("aggregator", "my-mean").record.load()(3, 2)

    assert sum(parameter.numel() for parameter in model.parameters()) == 3 * 2 + 2
