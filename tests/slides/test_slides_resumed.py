"""Building goes on where it was interrupted, tells how far it is, and is done once."""

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import pytest

from milbench import Encoder
from milbench.view import View


def test_progress_is_told_bag_by_bag_and_tile_by_tile(slides, tmp_path, built):
    """How many slides there are is known before the first is read."""
    seen = []
    built(slides, tmp_path, observe=seen.append)

    assert {step.of for step in seen} == {3}
    assert [(step.bag, step.number, step.tiles, step.of_tiles) for step in seen] == [
        ("s0", 0, 0, 0),
        ("s0", 0, 2, 2),
        ("s1", 1, 0, 0),
        ("s1", 1, 1, 1),
        ("s2", 2, 0, 0),
        ("s2", 2, 3, 3),
    ]


CHILD = """
    import os, signal, sys
    from pathlib import Path
    from milbench import Dataset, Encoder, LabelledBag, Slide, Tiler
    from milbench.features import Making, cached_features
    from milbench.view import View

    folder = Path(sys.argv[1])

    def read(data):
        for number in range(3):
            path = folder / f"s{number}.tiff"
            yield LabelledBag(id=path.stem, label=number % 2, picture=Slide(path))

    def observe(step):
        print(step.bag, step.tiles, flush=True)
        if sys.argv[2:] == [step.bag] and step.tiles:
            os.kill(os.getpid(), signal.SIGKILL)

    features = cached_features(
        Dataset(name="toy", target=read, summary="-", classes=("no", "yes"), files=("*.tiff",)),
        View(
            Encoder(name="pixels", target="milbench_encoders.pixels:Pixels", summary="-"),
            Tiler(name="tissue", target="milbench_tilers.tissue:Tissue", summary="-"),
            ARGS,
        ),
        data=folder, cache=folder / "cache", making=Making(observe=observe),
    )
    print(features.content_hash)
"""


def child(folder, toy, *killed):
    """Build in a process of its own, which kills itself when the tiles of a slide are encoded."""
    code = dedent(CHILD).replace("ARGS", repr(toy.args))
    script = folder / "child.py"
    script.write_text(code)
    return subprocess.run(
        [sys.executable, script, folder, *killed], capture_output=True, text=True, check=False
    )


def test_a_kill_loses_one_slide_at_most(slides, tmp_path, built, toy):
    """Killed in the middle of the third, the next run begins with the third, and ends the same."""
    killed = child(tmp_path, toy, "s2")
    assert killed.returncode == -signal.SIGKILL

    again = child(tmp_path, toy)

    assert again.stdout.splitlines()[:-1] == ["s2 0", "s2 3"]
    assert again.stdout.splitlines()[-1] == built(slides, tmp_path / "whole").content_hash
    assert not list((tmp_path / "cache" / "toy").glob(".*"))


def interrupted(built, dataset, tmp_path, view):
    """Build until the tiles of the third slide are encoded, then stop as Ctrl-C does."""

    def observe(step):
        if step.bag == "s2" and step.tiles:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built(dataset, tmp_path, view, observe=observe)
    (journal,) = (tmp_path / "cache" / "toy").glob(".*.journal")
    return journal


def rebuilt(built, dataset, tmp_path):
    """Return the hash of the features, and which slides were read for them."""
    seen = []
    features = built(dataset, tmp_path, observe=seen.append)
    return features.content_hash, {step.bag for step in seen}


@pytest.mark.parametrize("damage", ["rows", "line", "middle"])
def test_a_journal_that_was_torn_is_used_up_to_the_tear(slides, tmp_path, damage, built, toy):
    """A disk that lost the last writes gives no wrong features."""
    journal = interrupted(built, slides, tmp_path, toy.view)
    rows, lines = journal / "rows", journal / "bags"
    place = json.loads(lines.read_text().splitlines()[1])["start"] + 5  # in the second slide
    if damage == "rows":
        rows.write_bytes(rows.read_bytes()[:place])
    elif damage == "line":
        lines.write_bytes(lines.read_bytes()[:-30])
    else:
        content = bytearray(rows.read_bytes())
        content[place] ^= 1
        rows.write_bytes(content)

    found = rebuilt(built, slides, tmp_path)

    assert found == (built(slides, tmp_path / "whole").content_hash, {"s1", "s2"})


def test_a_journal_of_other_code_is_not_joined(slides, tmp_path, monkeypatch, built, toy):
    """Half of the features from one version of an encoder and half from another are neither's."""
    (tmp_path / "edited.py").write_text("def encoder():\n    return lambda tiles: tiles\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    view = View(Encoder(name="edited", target="edited:encoder", summary="-"), toy.tissue, toy.args)
    interrupted(built, slides, tmp_path, view)
    with (tmp_path / "edited.py").open("a") as file:
        file.write("# edited\n")
    seen = []

    built(slides, tmp_path, view, observe=seen.append)

    assert {step.bag for step in seen} == {"s0", "s1", "s2"}
    assert not list((tmp_path / "cache" / "toy").glob(".*"))


def test_a_building_waits_for_another(slides, tmp_path, built):
    """What the first builds is what the second takes; nothing is read twice."""
    is_building, may_go_on = threading.Event(), threading.Event()
    seen = []

    def hold(step):
        is_building.set()
        may_go_on.wait(timeout=60)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(built, slides, tmp_path, observe=hold)
        is_building.wait(timeout=60)
        second = pool.submit(built, slides, tmp_path, observe=seen.append)
        may_go_on.set()

    assert second.result().content_hash == first.result().content_hash
    assert seen == []
    assert not list((tmp_path / "cache" / "toy").glob(".*"))


@pytest.mark.parametrize("lacking", ["module", "file system"])
def test_without_locks_nothing_is_kept_or_lost(slides, tmp_path, built, monkeypatch, lacking):
    """On Windows, and on file systems that refuse to lock, two buildings never share a journal."""
    if lacking == "module":
        monkeypatch.setattr("milbench.features.alone.fcntl", None)
    else:

        def refuse(file, how):
            raise OSError("no locks available")

        monkeypatch.setattr("milbench.features.alone.fcntl.flock", refuse)

    def observe(step):
        assert not list((tmp_path / "cache" / "toy").glob(".*.journal"))

    assert built(slides, tmp_path, observe=observe).table.sizes.tolist() == [2, 1, 3]
    assert not list((tmp_path / "cache" / "toy").glob(".*"))
