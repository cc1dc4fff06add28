"""``milbench tiles``: draw where the tissue of slides is found and which tiles are cut."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages, results
from milbench.cli.options import (
    chosen_tiling,
    data_option,
    found_dataset,
    results_option,
    setting_option,
    suite_option,
    tiler_option,
)
from milbench.errors import DatasetError, MilbenchError, SlideError
from milbench.records import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from milbench.bags import LabelledBag
    from milbench.features import Cutter
    from milbench.pictures import Box

NOTHING = Encoder(name="none", target="milbench.cli.tiles:tiles", summary="nothing is encoded")


@click.command(short_help="Draw the tissue and the tiles of slides, for inspection.")
@click.argument("dataset", metavar="DATASET")
@suite_option
@tiler_option
@setting_option
@click.option("--bag", "wanted", multiple=True, metavar="ID", help="Only this bag. Repeatable.")
@click.option("--first", type=click.IntRange(min=1), help="Only the first so many bags.")
@click.option(
    "--longest",
    type=click.IntRange(min=16),
    default=1600,
    show_default=True,
    help="Pixels of the longer side of a drawing.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("tiles"),
    show_default=True,
    help="Folder for the drawings, below the name of the data set.",
)
@data_option
@results_option
def tiles(dataset: str, *, data: Path, out: Path, longest: int, **options: Any) -> int:
    """Draw one PNG a slide: its thumbnail, the outline of the tissue in green, tiles in blue.

    The tiles are those that a suite with these settings encodes. Ends with status 1 when a slide
    could not be read.
    """
    from milbench.features import cutter_of
    from milbench.view import View

    registry, record = found_dataset(dataset, options["suite"], options["results"], None)
    tiler, settings = chosen_tiling(registry, record, options["tiler"], options["settings"])
    cutter = cutter_of(record, View(NOTHING, tiler, settings), data)
    if cutter is None:
        raise DatasetError(f"{dataset}: its bags are no pictures, so there is nothing to cut")
    bags = _chosen(record.load()(data), options["wanted"], options["first"])
    is_whole = True
    for bag in bags:
        is_whole &= _draw(bag, cutter, out / record.name, longest)
    return 0 if is_whole else 1


def _chosen(
    bags: Iterable[LabelledBag], wanted: Sequence[str], first: int | None
) -> Iterator[LabelledBag]:
    """Yield the bags that are asked for.

    Raises
    ------
    MilbenchError
        If a bag is asked for that there is none of.
    """
    missing, count = set(wanted), 0
    for bag in bags:
        if wanted and bag.id not in wanted:
            continue
        yield bag
        missing.discard(bag.id)
        count += 1
        if count == first or (wanted and not missing):
            break
    if missing:
        raise MilbenchError(f"no bag {min(missing)!r} in this data set")


def _draw(bag: LabelledBag, cutter: Cutter, folder: Path, longest: int) -> bool:
    """Write the drawing of one bag, say where it is, and return whether it could be read."""
    from PIL import Image

    from milbench.pictures import as_picture
    from milbench.slides.overview import overview

    try:
        cut = cutter(bag)
        picture = as_picture(bag.picture)
        find = getattr(cutter.tile, "mask", None)
        mask = None if find is None else find(picture)
        boxes = _boxes(cut, picture.size)
        drawing = overview(picture, boxes, mask, longest)
    except SlideError as error:
        messages.print(f"{bag.id}: {error}", markup=False)
        return False
    finally:
        getattr(bag.picture, "close", lambda: None)()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_file_name(bag.id)}.png"
    Image.fromarray(drawing).save(path)
    tissue = "" if mask is None else f", {mask.mean():.0%} of the slide is tissue"
    results.print(f"{path}: {len(boxes)} tiles{tissue}", markup=False)
    return True


def _boxes(cut: LabelledBag, size: tuple[int, int]) -> list[Box]:
    """Return the tiles of a bag; of those that were cut into the memory, their corners."""
    from milbench.pictures import Box, Regions

    if isinstance(cut.images, Regions):
        return list(cut.images.boxes)
    mark = max(1, max(size) // 200)
    corners = [] if cut.coords is None else cut.coords.astype(int).tolist()
    return [Box(x, y, mark, mark) for x, y in corners]


def _file_name(bag: str) -> str:
    """Return the name of a file for ``bag``, whose id may hold what no file's name can."""
    plain = re.sub(r"[^\w.-]", "_", bag)
    return plain if plain == bag else f"{plain}-{sha256(bag.encode()).hexdigest()[:6]}"
