"""Promises of ``milbench list``, ``info`` and ``plugins``, and of the frame around all commands."""

import json
import subprocess
import sys
from importlib import import_module

import click
import pytest

from milbench import Aggregator
from milbench.cli import COMMANDS, main

HEAD = """
from pathlib import Path
from milbench import (
    Aggregator, Choice, Dataset, Download, Encoder, LogUniform, Recipe, Tiler, hookimpl
)
"""
LONG = "a long summary " * 30
ZOO = (
    HEAD
    + f"""
class Model:
    def __init__(self, in_dim, n_classes, hidden=64, *, gate: bool = True, rate):
        pass

@hookimpl
def milbench_aggregators():
    yield Aggregator(
        name="zoo", target=Model, summary={LONG!r}, paper="Noah 2024", fidelity="exact",
        control=True, needs=frozenset({{"order", "coords"}}), recipe=Recipe(lr=0.5),
        search={{"hidden": Choice((32, 64)), "lr": LogUniform(0.1, 1)}},
    )
    yield Aggregator(name="broken", target="no_such_module:Model", summary="[red]x[/red]")

@hookimpl
def milbench_datasets():
    yield Dataset(name="zoo", target="a:b", summary="s", classes=("cat", "dog", "cow"),
                  task="multi-class", primary_metric="macro-auroc", files=("zoo/*.csv",),
                  how_to_get="ask Noah", licence="CC0")
    yield Dataset(name="made-up", target="a:b", summary="s", classes=("no", "yes"))
    yield Dataset(name="public", target="a:b", summary="s", classes=("no", "yes"),
                  downloads=(Download(path="p", url="https://example.org/p", checksum="md5:0"),))

@hookimpl
def milbench_encoders():
    yield Encoder(name="eye", target="a:b", summary="s", dim=1536)

class Slices:
    def __init__(self, *, thickness=3):
        pass

@hookimpl
def milbench_tilers():
    yield Tiler(name="slices", target=Slices, summary="s", needs=frozenset({{"masks"}}))
"""
)


def only(text, name):
    """Return the one line of a table that begins with a name."""
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [name]]
    return line


def test_list_aggregators_shows_fidelity_control_search_and_source(install, milbench):
    """A row says how faithful a method is, if it is a control, what it tunes, who offers it."""
    install("one", ZOO)

    text = milbench("list", "aggregators").stdout

    assert only(text, "zoo").split()[:6] == [
        "zoo",
        "exact",
        "control",
        "hidden,",
        "lr",
        "one:plugin",
    ]
    assert only(text, "broken").split()[:4] == ["broken", "paper", "default", "one:plugin"]
    assert only(text, "prior").split()[:4] == ["prior", "paper", "control", "nothing"]


def test_list_datasets_shows_classes_task_metric_and_need_of_files(install, milbench):
    """A row says how many classes, which task and metric, and whether files are needed."""
    install("one", ZOO)

    text = milbench("list", "datasets").stdout

    assert only(text, "zoo").split()[1:5] == ["3", "multi-class", "macro-auroc", "files"]
    assert only(text, "made-up").split()[4] == "embedded"
    assert only(text, "public").split()[4] == "files"


def test_list_encoders_shows_the_dimension(install, milbench):
    """A row says how many features an encoder gives."""
    install("one", ZOO)

    assert only(milbench("list", "encoders").stdout, "eye").split()[1] == "1536"


def test_list_tilers_shows_fidelity_and_needs(install, milbench):
    """A row says how faithful a tiler is, and what it is trained on."""
    install("one", ZOO)

    text = milbench("list", "tilers").stdout

    assert only(text, "slices").split()[1:4] == ["paper", "masks", "one:plugin"]


def test_info_shows_the_settings_of_a_tiler(install, milbench):
    """All parameters of its constructor are settings."""
    install("one", ZOO)

    (found,) = json.loads(milbench("info", "slices", "--json").stdout)

    assert found["settings"] == {"thickness": 3}


def test_piped_table_is_not_cut_or_wrapped(install, milbench):
    """Away from a terminal a long summary stays whole on one line, without escape codes."""
    install("one", ZOO)

    done = milbench("list", "aggregators", COLUMNS="60")

    assert LONG.strip() in only(done.stdout, "zoo")
    assert "\x1b" not in done.stdout


def test_text_that_looks_like_markup_is_shown_as_it_is(install, milbench):
    """A plugin's text is never read as markup."""
    install("one", ZOO)

    assert "[red]x[/red]" in only(milbench("list", "aggregators").stdout, "broken")


def test_list_json_holds_every_field(install, milbench):
    """JSON has all fields of the record, its full name and its source."""
    install("one", ZOO)

    listed = json.loads(milbench("list", "aggregators", "--json").stdout)

    (zoo,) = [row for row in listed if row["full_name"] == "one/zoo"]
    assert set(Aggregator.__dataclass_fields__) <= set(zoo)
    assert (zoo["kind"], zoo["source"], zoo["source_version"]) == (
        "aggregator",
        "one:plugin",
        "1.0",
    )
    assert zoo["needs"] == ["coords", "order"]
    assert zoo["recipe"]["lr"] == 0.5
    assert zoo["target"] == "one:Model"


def test_shared_short_name_is_listed_in_full(install, milbench):
    """Two sources of one name are listed under the names that a suite must use."""
    install("one", ZOO)
    install("two", ZOO)

    text = milbench("list", "encoders").stdout

    assert only(text, "one/eye")
    assert only(text, "two/eye")


def test_list_suites_shows_names_and_summaries(install, site, milbench):
    """A plugin's suite is listed by the stem of its file; an unreadable one says why."""
    (site / "wild.toml").write_text('summary = "all animals"\n')
    (site / "torn.toml").write_text('summary = "all')
    install(
        "one",
        HEAD + "@hookimpl\ndef milbench_suites():\n"
        "    yield Path(__file__).with_name('wild.toml')\n"
        "    yield Path(__file__).with_name('torn.toml')\n",
    )

    listed = json.loads(milbench("list", "suites", "--json").stdout)
    text = milbench("list", "suites").stdout

    found = {row["name"]: row for row in listed}
    assert found["wild"]["summary"] == "all animals"
    assert found["wild"]["path"] == str(site / "wild.toml")
    assert found["torn"]["summary"].startswith("not readable:")
    assert "all animals" in only(text, "wild")


def test_info_shows_every_kind_of_a_name(install, milbench):
    """A name that a data set and an aggregator share shows both."""
    install("one", ZOO)

    found = json.loads(milbench("info", "zoo", "--json").stdout)

    assert [facts["kind"] for facts in found] == ["dataset", "aggregator"]


def test_info_shows_settings_with_their_defaults(install, milbench):
    """The constructor's settings are those after in_dim and n_classes."""
    install("one", ZOO)

    found = json.loads(milbench("info", "one/zoo", "--json").stdout)

    assert found[1]["settings"] == {"hidden": 64, "gate": True, "rate": "required"}


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("one/zoo", {"hidden": "one of 32, 64", "lr": "log-uniform from 0.1 to 1"}),
        ("prior", "not tuned: it declares nothing to tune"),
        (
            "mean",  # its recipe has lr 1e-3 and weight decay 1e-4
            {
                "lr": "log-uniform from 0.0001 to 0.01",
                "weight_decay": "one of 0.0, 1e-05, 0.0001, 0.001",
            },
        ),
    ],
)
def test_info_shows_what_is_tuned(install, milbench, name, search):
    """The space in words, that of the default too, or why there is none."""
    install("one", ZOO)

    assert json.loads(milbench("info", name, "--json").stdout)[-1]["search"] == search


@pytest.mark.parametrize(
    ("name", "get"),
    [
        ("zoo", "ask Noah"),
        ("made-up", "nothing to get: embedded"),
        ("public", "milbench fetch public"),
    ],
)
def test_info_says_how_to_get_a_data_set(install, milbench, name, get):
    """Embedded data needs nothing, a download its command, other files the plugin's own words."""
    install("one", ZOO)

    assert json.loads(milbench("info", name, "--json").stdout)[0]["get"] == get


def test_info_as_text_shows_fields_and_what_is_inside_them(install, milbench):
    """Each field has a line; those of a recipe and of a download are indented below it."""
    install("one", ZOO)

    zoo = milbench("info", "zoo").stdout.splitlines()
    public = milbench("info", "public").stdout.splitlines()

    assert ["paper", "Noah", "2024"] in [line.split() for line in zoo]
    assert ["classes", "cat,", "dog,", "cow"] in [line.split() for line in zoo]
    assert [line.split() for line in zoo if line.startswith("  lr")] == [
        ["lr", "0.5"],  # of the recipe
        ["lr", "log-uniform", "from", "0.1", "to", "1"],
    ]
    assert [line.split()[-1] for line in public if line.startswith("  url")] == [
        "https://example.org/p"
    ]


def test_info_shows_the_rest_when_the_code_cannot_be_loaded(install, milbench):
    """A record whose target is missing is still described, with the reason."""
    install("one", ZOO)

    (found,) = json.loads(milbench("info", "broken", "--json").stdout)

    assert "No module named 'no_such_module'" in found["settings"]


def test_info_of_an_unknown_name_suggests_the_nearest(install, milbench):
    """An unknown name ends with status 2, one line, and no traceback."""
    install("one", ZOO)

    done = milbench("info", "brokn")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: unknown name 'brokn', did you mean 'broken'?")
    assert done.stderr.count("\n") == 1


def test_info_finds_a_suite(install, site, milbench):
    """A suite is a name too."""
    (site / "wild.toml").write_text('summary = "all animals"\n')
    install(
        "one",
        HEAD + "@hookimpl\ndef milbench_suites():\n"
        "    yield Path(__file__).with_name('wild.toml')\n",
    )

    (found,) = json.loads(milbench("info", "wild", "--json").stdout)

    assert (found["kind"], found["summary"]) == ("suite", "all animals")


def test_plugins_counts_what_each_offers(install, milbench):
    """Each plugin has its distribution, version, entry point and the number of its offers."""
    install("one", ZOO + "@hookimpl\ndef milbench_run_finished(run):\n    pass\n")

    listed = json.loads(milbench("plugins", "--json").stdout)["plugins"]

    (one,) = [plugin for plugin in listed if plugin["distribution"] == "one"]
    assert one == {
        "distribution": "one",
        "version": "1.0",
        "entry_point": "plugin",
        "datasets": 3,
        "tilers": 1,
        "encoders": 1,
        "aggregators": 2,
        "suites": 0,
        "observers": 1,
    }


def test_plugins_lists_problems_and_blocked(install, milbench):
    """What was left out is listed with its reason; -v adds the traceback; stderr has one line."""
    install("faulty", "import nothing_of_this_name")
    install("unwanted", ZOO)

    brief = milbench("plugins", MILBENCH_BLOCK="unwanted")
    verbose = milbench("plugins", "-v", MILBENCH_BLOCK="unwanted")

    reason = "left out: faulty:plugin: ModuleNotFoundError: No module named 'nothing_of_this_name'"
    assert brief.returncode == 0
    assert reason in brief.stdout
    assert "blocked by MILBENCH_BLOCK: unwanted:plugin" in brief.stdout
    assert "Traceback" not in brief.stdout
    assert "import nothing_of_this_name" in verbose.stdout
    (line,) = [line for line in brief.stderr.splitlines() if "faulty" in line]
    assert line.startswith("warning: plugin faulty:plugin is left out: ModuleNotFoundError: ")
    assert line.endswith("(see: milbench plugins -v)")


def test_strict_ends_with_the_problem(install, milbench):
    """MILBENCH_STRICT=1 ends any command that loads plugins with status 2 and one line."""
    install("faulty", "import nothing_of_this_name")

    done = milbench("list", "aggregators", MILBENCH_STRICT="1")

    assert done.returncode == 2
    assert done.stderr.startswith("error: plugin faulty:plugin: ModuleNotFoundError")
    assert done.stderr.count("\n") == 1


def test_interrupt_ends_with_status_130(install, milbench):
    """Ctrl-C ends with the status shells expect, and no traceback."""
    install("slow", "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")

    done = milbench("list", "aggregators")

    assert done.returncode == 130
    assert done.stderr.strip() == "interrupted"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_closed_pipe_is_quiet(options):
    """When the reader goes away nothing is printed on stderr."""
    with subprocess.Popen(
        [sys.executable, "-m", "milbench", "list", "aggregators", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        started.stdout.close()
        errors = started.stderr.read()
        status = started.wait()

    assert status == 1
    assert errors == ""


@pytest.mark.parametrize("arguments", [["lsit"], ["list", "animals"], ["--no-such-option"], []])
def test_wrong_usage_ends_with_status_2(capsys, arguments):
    """Wrong usage has its own status, and its message goes to stderr."""
    assert main(arguments) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: milbench" in captured.err


def test_misspelt_command_is_answered_with_the_nearest(capsys):
    """``milbench lsit`` asks whether list was meant."""
    main(["lsit"])

    assert "did you mean 'list'?" in capsys.readouterr().err


def test_help_lists_every_command(capsys):
    """The table of commands is the help."""
    assert main(["-h"]) == 0

    text = capsys.readouterr().out
    for name, entry in COMMANDS.items():
        assert only(text, name).split(maxsplit=1)[1] == entry.summary


@pytest.mark.parametrize("name", COMMANDS)
def test_command_of_the_table_exists(name):
    """Each line of the table names a click command of that name."""
    module, _, attribute = COMMANDS[name].target.partition(":")

    command = getattr(import_module(module), attribute)

    assert isinstance(command, click.Command)
    assert command.name == name


def test_version_is_printed(capsys):
    """``--version`` prints the version of the distribution."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("milbench, version 0.")
