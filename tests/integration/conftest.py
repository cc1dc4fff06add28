"""A small plugin, installed for real, whose suite runs in seconds."""

import sys
from textwrap import dedent
from typing import NamedTuple

import pytest

from milbench.cli import main
from milbench.registry import load_registry

PLUGIN = '''
    """A tiny data set, and methods that work, fail and diverge."""

    import os
    import signal

    import numpy as np
    from torch import nn

    from milbench import (
        Aggregator, Bag, Dataset, LabelledBag, MissingDataError, Output, hookimpl
    )


    def bags(data):
        rng = np.random.default_rng(0)
        for number in range(40):
            label = number % 2
            yield LabelledBag(
                id=f"{number:03d}",
                patient=f"p{number // 2}",
                label=label,
                x=rng.normal(loc=0.7 * label, size=(3 + number % 4, 4)),
            )


    def absent(data):
        raise MissingDataError(f"{data / 'absent.csv'} is not there; get it from example.org")


    def broken(data):
        for bag in bags(data):
            yield LabelledBag(id=bag.id, label=bag.label, x=bag.x * np.nan)


    class Mean(nn.Module):
        def __init__(self, in_dim: int, n_classes: int) -> None:
            super().__init__()
            self.head = nn.Linear(in_dim, n_classes)

        def forward(self, bag: Bag) -> Output:
            return Output(logits=self.head(bag.x.mean(dim=0)))


    class First(Mean):
        def forward(self, bag: Bag) -> Output:
            return Output(logits=self.head(bag.x[0]))


    class Fails(Mean):
        def forward(self, bag: Bag) -> Output:
            raise RuntimeError("this method [red]always[/red] fails")


    class Kills(Mean):
        def forward(self, bag: Bag) -> Output:
            os.kill(os.getpid(), signal.SIGKILL)


    @hookimpl
    def milbench_aggregators():
        for target in (Mean, First, Fails, Kills):
            yield Aggregator(
                name=f"tiny-{target.__name__.lower()}", target=target, summary="for tests"
            )


    @hookimpl
    def milbench_datasets():
        for name, target in (("tiny", bags), ("tiny-absent", absent), ("tiny-broken", broken)):
            yield Dataset(
                name=name, target=target, summary="for tests", classes=("negative", "positive")
            )
'''

SUITE = """
name = "tiny"
datasets = {datasets}

[splits]
repeats = 3
folds = 4
validation = 0.25

[train]
epochs = 3

[report]
reference = "tiny-mean"
draws = 300
"""


@pytest.fixture
def tiny(install, tmp_path):
    """Return a function that installs the plugin and writes a suite of data sets and methods."""
    install("milbench-tiny", PLUGIN)

    def write(methods=("tiny-mean", "tiny-first"), datasets=("tiny",)):
        path = tmp_path / "tiny.toml"
        rows = "".join(f'[[methods]]\nname = "{method}"\n' for method in methods)
        path.write_text(dedent(SUITE.format(datasets=list(datasets))) + rows)
        return path

    return write


@pytest.fixture
def folders(tmp_path):
    """Return the options that keep all files of a run inside the test's folder."""
    return [
        *("--results", str(tmp_path / "results")),
        *("--cache", str(tmp_path / "cache")),
        *("--data", str(tmp_path / "data")),
    ]


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def milbench(site, monkeypatch, capsys):
    """Return a function that runs the command line in this process: torch is imported once."""
    monkeypatch.syspath_prepend(str(site))
    load_registry.cache_clear()

    def call(*arguments):
        load_registry.cache_clear()
        status = main(arguments)
        return Done(status, *capsys.readouterr())

    yield call
    load_registry.cache_clear()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(site)):
            del sys.modules[name]


@pytest.fixture
def run(milbench, folders, tmp_path):
    """Return a function that runs a suite on the command line, with everything in ``tmp_path``."""

    def command(suite, *arguments):
        tables = ["--leaderboards", str(tmp_path / "leaderboards")]
        options = ["--suite", str(suite), *folders, *tables, "--device", "cpu", *arguments]
        return milbench("run", *options)

    return command
