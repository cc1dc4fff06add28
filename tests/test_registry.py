"""Promises of the registry, kept on real distributions that the tests install into a folder."""

import logging
import sys
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milbench import Aggregator, Dataset, Encoder, Tiler
from milbench.errors import PluginError
from milbench.registry import KINDS, Registry, load_registry

HEAD = """
from pathlib import Path
from milbench import Aggregator, Dataset, Encoder, Tiler, hookimpl
def record(name):
    return Aggregator(name=name, target="nowhere:Nothing", summary="a test")
"""


def offering(*names):
    """Return the code of a plugin that offers these aggregators."""
    yields = "".join(f"    yield record({name!r})\n" for name in names)
    return f"{HEAD}\n@hookimpl\ndef milbench_aggregators():\n{yields}"


@pytest.fixture(autouse=True)
def on_path(site, monkeypatch):
    """Import from the folder of test distributions, and forget their modules afterwards."""
    for name in ("MILBENCH_BLOCK", "MILBENCH_STRICT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files may change within a second
    load_registry.cache_clear()
    yield
    load_registry.cache_clear()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(site)):
            del sys.modules[name]


def third_party(registry):
    """Return the identities of the plugins that are not milbench's own."""
    return [str(p.origin) for p in registry.plugins if p.origin.distribution != "milbench"]


def problem(registry, source):
    """Return the one problem of a plugin."""
    (found,) = [p for p in registry.problems if p.source == source]
    return found


# Each hook works.


def test_milbench_datasets_registers_a_data_set(install):
    """A data set that a plugin yields is found by its name, with where it comes from."""
    install(
        "one",
        HEAD + "@hookimpl\ndef milbench_datasets():\n"
        "    yield Dataset(name='zebras', target='a:b', summary='s', classes=('no', 'yes'))",
    )

    offer = Registry().find("dataset", "zebras")

    assert isinstance(offer.record, Dataset)
    assert offer.record.classes == ("no", "yes")
    assert (offer.origin.distribution, offer.origin.version) == ("one", "1.0")
    assert (offer.origin.entry_point, offer.full_name) == ("plugin", "one/zebras")


def test_milbench_encoders_registers_an_encoder(install):
    """An encoder that a plugin yields is found by its name."""
    install(
        "one",
        HEAD + "@hookimpl\ndef milbench_encoders():\n"
        "    yield Encoder(name='eye', target='a:b', summary='s', dim=7)",
    )

    record = Registry().find("encoder", "eye").record

    assert isinstance(record, Encoder)
    assert record.dim == 7


def test_milbench_tilers_registers_a_tiler(install):
    """A tiler that a plugin yields is found by its name."""
    install(
        "one",
        HEAD + "@hookimpl\ndef milbench_tilers():\n"
        "    yield Tiler(name='cut', target='a:b', summary='s', needs=frozenset({'masks'}))",
    )

    record = Registry().find("tiler", "cut").record

    assert isinstance(record, Tiler)
    assert record.needs == {"masks"}


def test_milbench_aggregators_registers_an_aggregator(install):
    """An aggregator that a plugin yields is found by its name."""
    install("one", offering("zoo"))

    assert isinstance(Registry().find("aggregator", "zoo").record, Aggregator)


def test_milbench_suites_adds_suite_files(install, site):
    """A path to a suite file that a plugin yields is among the suites."""
    (site / "wild.toml").write_text("")
    install(
        "one",
        HEAD + "@hookimpl\ndef milbench_suites():\n    yield Path(__file__).with_name('wild.toml')",
    )

    assert site / "wild.toml" in Registry().suites()


OBSERVER = (
    HEAD
    + """
seen = []
@hookimpl
def milbench_run_finished(run, result):
    seen.append((run, result))
@hookimpl
def milbench_suite_finished(store, suite):
    seen.append((suite, store))
"""
)


def test_milbench_run_finished_tells_observers(install):
    """An observer gets the run and its result."""
    module = install("one", OBSERVER)

    Registry().run_finished({"fold": 1}, {"status": "done"})

    assert import_module(module).seen == [({"fold": 1}, {"status": "done"})]


def test_milbench_suite_finished_tells_observers(install):
    """An observer gets the suite's name and the folder of its results, in any order it asks."""
    module = install("one", OBSERVER)

    Registry().suite_finished("smoke", Path("results"))

    assert import_module(module).seen == [("smoke", Path("results"))]


def test_observer_may_take_fewer_arguments(install):
    """An observer that asks for the result alone gets it."""
    module = install(
        "one",
        HEAD + "seen = []\n@hookimpl\ndef milbench_run_finished(result):\n    seen.append(result)",
    )

    Registry().run_finished({}, {"status": "done"})

    assert import_module(module).seen == [{"status": "done"}]


def test_observers_are_told_in_the_order_they_ask_for(install):
    """``tryfirst`` and ``trylast`` mean what pluggy says, whatever the order of loading."""
    for name, when in (("a", "trylast"), ("b", "tryfirst")):
        install(
            name,
            HEAD + f"@hookimpl({when}=True)\ndef milbench_run_finished(run):\n"
            f"    run['told'].append({name!r})",
        )
    told = {"told": []}

    Registry().run_finished(told, {})

    assert told == {"told": ["b", "a"]}


def test_observer_that_raises_is_named_and_stops_nobody(install, caplog):
    """What an observer raises is logged with its plugin's name; the next one is still told."""
    install(
        "faulty",
        HEAD
        + "@hookimpl(tryfirst=True)\ndef milbench_run_finished(run):\n    raise OSError('full')",
    )
    module = install("one", OBSERVER)

    with caplog.at_level(logging.WARNING, "milbench"):
        Registry().run_finished({}, {})

    assert "plugin faulty:plugin: milbench_run_finished failed: OSError('full')" in caplog.text
    assert import_module(module).seen == [({}, {})]


# Each fault leaves out one plugin and says why.

FAULTS = {
    "broken import": (
        "import nothing_of_this_name",
        "ModuleNotFoundError: No module named 'nothing_of_this_name'",
    ),
    "syntax error": ("def :", "SyntaxError"),
    "exit at import": ("raise SystemExit(3)", "SystemExit: 3"),
    "not a record": (
        HEAD + "@hookimpl\ndef milbench_aggregators():\n    yield 'abmil'",
        "milbench_aggregators yields str 'abmil'; expected milbench.Aggregator",
    ),
    "record of another kind": (
        HEAD + "@hookimpl\ndef milbench_datasets():\n    yield record('zoo')",
        "expected milbench.Dataset",
    ),
    "nothing yielded": (
        HEAD + "@hookimpl\ndef milbench_aggregators():\n    record('zoo')",
        "milbench_aggregators returned NoneType; yield its items",
    ),
    "bad name": (offering("Big Zoo"), "aggregator name 'Big Zoo'"),
    "misspelt hook": (
        HEAD + "@hookimpl\ndef milbench_agregators():\n    yield record('zoo')",
        "unknown hook milbench_agregators; did you mean milbench_aggregators?",
    ),
    "unknown argument": (
        HEAD + "@hookimpl\ndef milbench_aggregators(device):\n    yield record('zoo')",
        "Argument(s) {'device'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "unmarked hook": (
        HEAD + "def milbench_aggregators():\n    yield record('zoo')",
        "milbench_aggregators is not marked as a hook; write @hookimpl above it",
    ),
    "no hook": (HEAD, "implements no hook"),
    "wrapper": (
        HEAD + "@hookimpl(wrapper=True)\ndef milbench_suite_finished():\n    return (yield)",
        "milbench_suite_finished is a hook wrapper",
    ),
    "same name twice": (
        offering("zoo", "ape", "zoo"),
        "aggregator 'zoo' is already offered by faulty:plugin; rename one",
    ),
    "suite file that is not there": (
        HEAD + "@hookimpl\ndef milbench_suites():\n    yield Path('/no/such.toml')",
        "expected the Path of an existing .toml file",
    ),
}


@pytest.mark.parametrize(("code", "message"), FAULTS.values(), ids=FAULTS)
def test_fault_leaves_out_one_plugin(install, caplog, code, message):
    """One fault: one problem with its reason and traceback, one line logged, the rest loaded."""
    install("faulty", code)
    install("sound", offering("ape"))

    registry = Registry()

    assert message in problem(registry, "faulty:plugin").message
    assert "Traceback" in problem(registry, "faulty:plugin").traceback
    assert third_party(registry) == ["sound:plugin"]
    (line,) = [r.getMessage() for r in caplog.records if "faulty:plugin" in r.getMessage()]
    assert message in line
    assert "\n" not in line


def test_plugin_is_loaded_whole_or_not_at_all(install):
    """Of a plugin whose last hook fails, neither records nor observers nor suites are kept."""
    module = install(
        "half",
        OBSERVER + "@hookimpl\ndef milbench_aggregators():\n    yield record('zoo')\n"
        "@hookimpl\ndef milbench_suites():\n    yield 1 / 0",
    )

    registry = Registry()
    registry.run_finished({}, {})

    assert "ZeroDivisionError" in problem(registry, "half:plugin").message
    assert not registry.matching("aggregator", "zoo")
    assert import_module(module).seen == []


def test_optional_hook_of_a_later_api_is_no_fault(install):
    """``hookimpl(optionalhook=True)`` says that an unknown hook is meant for another version."""
    install(
        "one",
        offering("zoo") + "@hookimpl(optionalhook=True)\ndef milbench_explainers():\n    yield 1\n",
    )

    assert third_party(Registry()) == ["one:plugin"]


@pytest.mark.parametrize(
    ("version", "newer"), [(0, "install a newer old"), (2, "install a newer milbench")]
)
def test_outdated_plugin_is_reported_without_being_imported(install, version, newer):
    """A plugin of another API version is a problem, and its code never runs."""
    module = install("old", "raise AssertionError('imported')", group=f"milbench.v{version}")

    registry = Registry()

    message = problem(registry, "old:plugin").message
    assert f"plugin API {version}, this milbench has 1" in message
    assert newer in message
    assert module not in sys.modules


def test_distribution_for_several_api_versions_is_no_problem(install):
    """With an entry point for this version, those for other versions are not reported."""
    install("both", offering("zoo"))
    install("both", offering("zoo"), group="milbench.v2")

    registry = Registry()

    assert third_party(registry) == ["both:plugin"]
    assert not [p for p in registry.problems if p.source.startswith("both")]


def test_name_offered_by_two_entry_points_of_one_distribution_is_a_problem(install, site):
    """The full name would be ambiguous, so the later entry point is left out."""
    install("one", offering("zoo"), entries=("a = one", "b = second"))
    (site / "second.py").write_text(offering("zoo"))

    registry = Registry()

    assert third_party(registry) == ["one:a"]
    assert "already offered by one:a" in problem(registry, "one:b").message


def test_module_named_by_two_entry_points_is_a_problem(install):
    """One module is one plugin; the second entry point that names it is left out."""
    install("one", offering("zoo"), entries=("a = one", "b = one"))

    registry = Registry()

    assert third_party(registry) == ["one:a"]
    assert "already registered" in problem(registry, "one:b").message


def test_entry_point_named_twice_keeps_the_first(install):
    """The second of two equal entry points is a problem, and the first still observes."""
    module = install("one", OBSERVER, entries=("a = one", "a = one"))

    registry = Registry()
    registry.run_finished({}, {})

    assert third_party(registry) == ["one:a"]
    assert "one:a is named twice" in problem(registry, "one:a").message
    assert import_module(module).seen == [({}, {})]


def test_entry_point_without_metadata_is_still_named(install, site):
    """A damaged installation is reported or loaded, never a crash."""
    install("one", offering("zoo"))
    (site / "one-1.0.dist-info" / "METADATA").unlink()

    assert "unknown:plugin" in third_party(Registry())


# Names.


def test_same_entry_point_name_in_two_distributions_loads_both(install):
    """Identity is distribution and entry point, so equal entry-point names do not collide."""
    install("one", offering("zoo"))
    install("two", offering("ape"))

    assert third_party(Registry()) == ["one:plugin", "two:plugin"]


def test_clash_names_both_sources(install):
    """A short name that two distributions offer is refused with both full names."""
    install("one", offering("zoo"))
    install("two", offering("zoo"))

    with pytest.raises(
        PluginError, match="aggregator 'zoo' has 2 sources; write one/zoo or two/zoo"
    ):
        Registry().find("aggregator", "zoo")


def test_full_name_settles_a_clash(install):
    """The full name finds the record of that distribution, however its name is spelt."""
    install("the-one", offering("zoo"))
    install("two", offering("zoo"))
    registry = Registry()

    assert registry.find("aggregator", "The_One/zoo").origin.distribution == "the-one"
    assert registry.find("aggregator", "two/zoo").origin.distribution == "two"


def test_misspelt_name_is_answered_with_the_nearest(install):
    """An unknown name is answered with the nearest known one and the command that lists all."""
    install("one", offering("giraffe"))

    with pytest.raises(PluginError, match="'girafe', did you mean 'giraffe'") as caught:
        Registry().find("aggregator", "girafe")

    assert "milbench list aggregators" in str(caught.value)


def test_unknown_name_mentions_plugins_left_out(install):
    """The name may belong to a plugin that is broken, so that plugin is named."""
    install("faulty", "import nothing_of_this_name")

    with pytest.raises(PluginError, match="Left out: faulty:plugin"):
        Registry().find("aggregator", "zoo")


def test_offers_are_sorted_by_name(install):
    """A listing is alphabetical, whatever the order of the plugins."""
    install("one", offering("zoo", "ape"))
    install("two", offering("cow"))

    names = [offer.record.name for offer in Registry().offers("aggregator")]

    assert names == sorted(names)
    assert {"zoo", "ape", "cow"} <= set(names)


NAMES = st.frozensets(st.sampled_from(["qa", "qb", "qc", "qd"]))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=NAMES, second=NAMES)
def test_short_name_works_exactly_when_one_distribution_offers_it(install, site, first, second):
    """Full names always find their record; short names do unless shared."""
    for entries in site.glob("*/entry_points.txt"):
        entries.unlink()
    install("one", offering(*first) if first else OBSERVER)
    install("two", offering(*second) if second else OBSERVER)
    for name in ("one", "two"):
        sys.modules.pop(name, None)
    registry = Registry()

    for distribution, names in (("one", first), ("two", second)):
        for name in names:
            found = registry.find("aggregator", f"{distribution}/{name}")
            assert found.origin.distribution == distribution
    for name in first ^ second:
        assert registry.find("aggregator", name).record.name == name
    for name in first & second:
        with pytest.raises(PluginError, match="has 2 sources"):
            registry.find("aggregator", name)


# What the environment says.


@pytest.mark.parametrize("name", ["The_One", "the-one:plugin", " the-one , other"])
def test_blocked_plugin_is_not_imported(install, monkeypatch, name):
    """MILBENCH_BLOCK takes a distribution or one entry point of it; its code never runs."""
    module = install("the-one", "raise AssertionError('imported')")
    monkeypatch.setenv("MILBENCH_BLOCK", name)

    registry = load_registry()

    assert registry.blocked == ("the-one:plugin",)
    assert not registry.problems
    assert module not in sys.modules


def test_blocking_one_entry_point_keeps_the_others(install, site, monkeypatch):
    """Of a distribution with two entry points, one can be blocked."""
    install("one", offering("zoo"), entries=("a = one", "b = second"))
    (site / "second.py").write_text(offering("ape"))
    monkeypatch.setenv("MILBENCH_BLOCK", "one:a")

    assert third_party(load_registry()) == ["one:b"]


def test_strict_raises_at_a_problem(install, monkeypatch):
    """MILBENCH_STRICT=1 turns a problem into an error that keeps its cause."""
    install("faulty", "import nothing_of_this_name")
    monkeypatch.setenv("MILBENCH_STRICT", "1")

    with pytest.raises(PluginError, match="plugin faulty:plugin: ModuleNotFound") as caught:
        load_registry()

    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_strict_raises_at_an_outdated_plugin(install, monkeypatch):
    """MILBENCH_STRICT=1 does not overlook a plugin of another API version."""
    install("old", "", group="milbench.v0")
    monkeypatch.setenv("MILBENCH_STRICT", "1")

    with pytest.raises(PluginError, match="plugin old:plugin: written for plugin API 0"):
        load_registry()


def test_strict_zero_is_off(install, monkeypatch):
    """MILBENCH_STRICT=0 keeps problems as problems."""
    install("faulty", "import nothing_of_this_name")
    monkeypatch.setenv("MILBENCH_STRICT", "0")

    assert problem(load_registry(), "faulty:plugin")


def test_registry_is_loaded_once_a_process():
    """Plugins are imported and complained about once."""
    assert load_registry() is load_registry()


def test_built_in_plugins_have_no_problem():
    """The plugins that milbench ships obey its own rules, and offer something of each kind."""
    registry = Registry()

    assert not [p for p in registry.problems if p.source.startswith("milbench:")]
    for kind in KINDS:
        assert [o for o in registry.offers(kind) if o.origin.distribution == "milbench"]
