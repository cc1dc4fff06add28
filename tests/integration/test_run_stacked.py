"""`milbench run` where all trainings share one order of bags: stacked, resumed, refused."""

import json

import pytest

STACKED = ("--engine", "stacked")
PLUGIN = """
    from milbench import Aggregator, Bag, Output, hookimpl
    from torch import nn


    class Waits(nn.Module):
        def __init__(self, in_dim: int, n_classes: int) -> None:
            super().__init__()
            self.head = nn.Linear(in_dim, n_classes)

        def forward(self, bag: Bag) -> Output:
            logits = self.head(bag.x.mean(dim=0))
            return Output(logits=logits * (1.0 if logits.sum().item() > 0 else 0.5))


    @hookimpl
    def milbench_aggregators():
        yield Aggregator(name="waits", target=Waits, summary="reads a value on the host")
"""


@pytest.fixture
def common(tiny):
    """Return a function that writes a suite of 5 x 4 runs a method that share one order."""

    def write(methods, order="common"):
        path = tiny(methods)
        text = path.read_text().replace("repeats = 3", "repeats = 5")
        path.write_text(text.replace("[train]", f'[protocol]\norder = "{order}"\n\n[train]'))
        return path

    return write


def records(folder):
    paths = (folder / "results" / "tiny" / "runs").rglob("*.json")
    return {path: json.loads(path.read_text()) for path in sorted(paths)}


def test_a_resumed_stack_trains_what_is_missing_and_nothing_else(common, run, tmp_path):
    """Seven of twenty records are lost; the rest stays, and the seven come back as they were."""
    suite = common(["tiny-mean"])
    assert "20 done, 0 done before" in run(suite, *STACKED).stderr
    before = records(tmp_path)
    assert {record["engine"] for record in before.values()} == {"stacked"}
    lost = list(before)[::3]
    for path in lost:
        path.unlink()

    assert "7 done, 13 done before" in run(suite, *STACKED).stderr
    after = records(tmp_path)
    for path, record in before.items():
        assert after[path]["engine"] == "stacked"
        if path not in lost:
            assert after[path] == record
            continue
        for part in ("test", "validation"):
            found, expected = after[path][part], record[part]
            assert found["bag"] == expected["bag"]
            for row, other in zip(found["score"], expected["score"], strict=True):
                assert row == pytest.approx(other, abs=1e-6)


def test_a_method_that_reads_values_falls_back_and_says_so(common, run, install, tmp_path):
    """It is trained run by run, beside a method that is stacked, in worker processes too."""
    install("milbench-waits", PLUGIN)
    suite = common(["waits", "tiny-mean", "prior"])
    done = run(suite, *STACKED, "--executor", "processes", "--workers", "2")

    assert "60 done, 0 done before, 0 skipped, 0 failed" in done.stderr
    engines = {(r["method"], r["engine"]) for r in records(tmp_path).values()}
    assert engines == {("waits", "sequential"), ("tiny-mean", "stacked"), ("prior", "estimator")}
    reasons = {r["method"]: r["engine_reason"] for r in records(tmp_path).values()}
    assert "vmap fails: RuntimeError" in reasons["waits"]
    assert "fit of its own" in reasons["prior"]


def test_a_stack_whose_method_fails_tells_each_run_of_it(common, run, tmp_path):
    """A method that raises in every forward pass leaves one failed record a run."""
    done = run(common(["tiny-fails", "tiny-mean"]), *STACKED)
    failed = [record for record in records(tmp_path).values() if record["status"] == "failed"]

    assert "20 done, 0 done before, 0 skipped, 20 failed" in done.stderr
    assert {record["method"] for record in failed} == {"tiny-fails"}
    assert all("Traceback" in record["traceback"] for record in failed)


def test_short_runs_are_trained_one_after_the_other(common, run, tmp_path):
    """Recording the steps would take longer than the few steps there are."""
    run(common(["tiny-mean"]))
    found = list(records(tmp_path).values())

    assert {record["engine"] for record in found} == {"sequential"}
    reasons = {record["engine_reason"] for record in found}
    assert all("training steps, below 20,000" in reason for reason in reasons)


def test_the_user_may_ask_for_one_engine(common, run, tmp_path):
    """Folds that share an order by seed are stacked on request, and never where it is refused."""
    suite = common(["tiny-mean"], order="per-seed")
    run(suite, *STACKED)
    assert {record["engine"] for record in records(tmp_path).values()} == {"stacked"}
    run(suite, "--engine", "sequential", "--fresh")
    assert {record["engine"] for record in records(tmp_path).values()} == {"sequential"}
