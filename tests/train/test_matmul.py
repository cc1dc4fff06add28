"""The start-up probe of matrix products: what it accepts, and where its verdict is kept."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from milbench.errors import MilbenchError
from milbench.train import matmul as module
from milbench.train.machine import cpu_model
from milbench.train.matmul import (
    DEFAULT,
    LARGE_STEP,
    Matmul,
    Measured,
    Verdict,
    choose,
    judge,
    measure,
    multiplying,
    verdict,
)

HERE = {"torch": str(torch.__version__), "cpu": cpu_model()}
EXACT = Verdict("onednn", "by hand", 4e-7, 100.0, 200.0, **HERE)
COARSE = Verdict("default", "by hand", 3e-3, 100.0, 800.0, **HERE)


def rounded(a, b):
    """Multiply as a unit that rounds float32 to bfloat16 does: fast, and not what was asked for."""
    return (a.bfloat16().float()) @ (b.bfloat16().float())


def keep(folder, found, **changes):
    """Write a verdict where the probe keeps it, as text or as a changed record."""
    (path,) = folder.glob("matmul-*.json")
    content = found if isinstance(found, str) else json.dumps({"schema": 1, **asdict(found)})
    content = json.dumps(json.loads(content) | changes) if changes else content
    path.write_text(content, encoding="utf-8")
    return path


@pytest.fixture
def cache(tmp_path):
    """Return a cache folder that holds the verdict on this machine."""
    verdict(tmp_path)
    return tmp_path


def test_a_product_that_rounds_to_bfloat16_is_rejected():
    """Its error is that of 8 bits, near 2**-9, however fast it is."""
    measured = measure(torch.matmul, rounded)
    found = judge(measured._replace(candidate=measured.default / 10), "a processor")

    assert 2**-10 < measured.error < 2**-8
    assert found.library == "default"
    assert "is no float32 here" in found.reason


def test_the_error_is_relative_and_the_largest_of_all_shapes():
    """A product that is a thousandth too large has the error 1e-3; a right one float32's."""
    too_large = measure(torch.matmul, lambda a, b: (a @ b) * 1.001)

    assert too_large.error == pytest.approx(1e-3, rel=1e-3)
    assert measure(torch.matmul, torch.matmul).error < 2e-6


def test_one_wrong_layout_is_enough():
    """A product that is exact but for the gradient of the weights is rejected."""

    def wrong(a, b):
        return rounded(a, b) if not a.is_contiguous() else a @ b

    assert judge(measure(torch.matmul, wrong), "a processor").library == "default"


@pytest.mark.parametrize(
    ("seconds", "library"), [(2.0, "default"), (0.9, "default"), (0.5, "onednn")]
)
def test_a_product_is_taken_only_when_it_is_clearly_faster(seconds, library):
    """Twice as slow or 1.1 times as fast is refused; twice as fast is taken."""
    found = judge(Measured(error=4e-7, default=1.0, candidate=seconds, flop=2e9), "a processor")

    assert found.library == library
    assert found.default_gflops == 2.0
    assert found.onednn_gflops == pytest.approx(2.0 / seconds, abs=0.05)


def test_an_error_that_is_not_a_number_is_rejected():
    """A product that gives NaN is not float32."""
    found = judge(Measured(float("nan"), 1.0, 0.1, 2e9), "a processor")

    assert found.library == "default"


def test_measuring_leaves_threads_and_random_numbers_alone():
    """The probe runs on one thread, from a generator of its own."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    measure(torch.matmul, lambda a, b: (a @ b) * (1.0 if torch.get_num_threads() == 1 else 2.0))

    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_the_verdict_is_kept_and_found_again(cache):
    """A file names machine, versions and measurements; the next call returns what it says."""
    first = verdict(cache)
    (path,) = cache.iterdir()
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content == {"schema": 1, **asdict(first)}
    assert (content["torch"], content["cpu"]) == (HERE["torch"], HERE["cpu"])

    by_hand = replace(first, library="default", reason="by hand")
    keep(cache, by_hand)
    assert verdict(cache) == by_hand


@pytest.mark.parametrize(
    "damage",
    [
        "",
        '{"schema": 1, "libr',
        "[1, 2]",
        "7",
        '{"schema": 1}',
        {"schema": 2},
        {"cpu": "another processor"},
        {"torch": "1.0"},
        {"library": "fast"},
        {"more": 1},
        {"error": 1e-3},  # oneDNN that is no float32
        {"error": None},
        {"library": "default", "error": None},
    ],
)
def test_a_damaged_or_foreign_file_is_made_anew(cache, damage):
    """Whatever the file says, the verdict is this machine's, and the file right again."""
    path = keep(cache, damage) if isinstance(damage, str) else keep(cache, EXACT, **damage)
    found = verdict(cache)

    assert found.reason != "by hand"
    assert json.loads(path.read_text(encoding="utf-8")) == {"schema": 1, **asdict(found)}


def test_a_file_that_is_no_text_is_made_anew(cache):
    """Bytes that are not UTF-8 are damage like any other."""
    (path,) = cache.iterdir()
    path.write_bytes(b"\xff\xfe\x00")

    assert json.loads(path.read_bytes().decode("utf-16", "ignore") or "null") is None
    assert verdict(cache).cpu == cpu_model()
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == 1


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, caplog):
    """There is a verdict all the same, the same one twice, and a warning that names the file."""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")

    assert verdict(blocked / "cache") == verdict(blocked / "cache")
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize(("library", "named"), [("onednn", "medium"), ("default", "highest")])
def test_the_product_is_set_and_given_back(library, named):
    """Inside, torch is told which product; outside, also after an error, it is as before."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with multiplying(library):
            assert torch.get_float32_matmul_precision() == named
        assert torch.get_float32_matmul_precision() == "high"
        with pytest.raises(ZeroDivisionError), multiplying(library):
            _ = 1 / 0
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)


def test_auto_follows_the_verdict_in_large_steps(cache):
    """Small steps keep the default product; where the verdict is against oneDNN, all do."""
    keep(cache, EXACT)
    assert choose("auto", cache) == Matmul("onednn", LARGE_STEP)
    keep(cache, COARSE)
    assert choose("auto", cache).library == "default"


def test_default_is_not_measured(tmp_path):
    """Who asks for the default product gets it without a probe."""
    assert choose("default", tmp_path) == DEFAULT == Matmul("default", 0.0)
    assert list(tmp_path.iterdir()) == []


def test_onednn_is_taken_in_every_step_where_it_is_exact(cache):
    """Asked for by name it need not be faster, but where it is no float32 it is refused."""
    keep(cache, replace(EXACT, library="default", onednn_gflops=50.0))
    assert choose("onednn", cache) == Matmul("onednn", 0.0)

    keep(cache, replace(COARSE, error=float("nan")))
    with pytest.raises(MilbenchError, match="no float32"):
        choose("onednn", cache)
    keep(cache, COARSE)
    with pytest.raises(MilbenchError, match=r"3\.0e-03, expected less than 2e-06.*bfloat16"):
        choose("onednn", cache)


def test_onednn_here_is_as_exact_as_the_default_product(cache):
    """Where the verdict takes it, its error against float64 is float32's, on other shapes too."""
    if verdict(cache).library != "onednn":
        pytest.skip(f"oneDNN is not taken on this machine: {verdict(cache).reason}")
    draw = torch.Generator().manual_seed(1)
    for n, d, m in ((1, 512, 2), (300, 768, 384), (1500, 1024, 512)):
        a, b = torch.randn(n, d, generator=draw), torch.randn(d, m, generator=draw)
        with multiplying("onednn"):
            product = a @ b
        exact = a.double() @ b.double()
        assert float((product - exact).norm() / exact.norm()) < module.ERROR
