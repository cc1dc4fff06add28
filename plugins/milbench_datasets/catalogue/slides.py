"""Data sets whose bags are slide files: drawn ones, and a scanned one beside them."""

from __future__ import annotations

from milbench import Dataset, Download

CMU_SITE = "https://openslide.cs.cmu.edu/download/openslide-testdata/"
OURS = "ours"
# Tiles of 64 micrometres, from level 1: about 25 a slide.
TILES = {"tile_px": 64, "mpp": 1.0, "mask_mpp": 8.0}


def drawn(name: str, attribute: str, summary: str, **more: object) -> Dataset:
    """Return the record of one of the two sets; both show the same drawn slides."""
    return Dataset(
        name=name,
        target=f"milbench_datasets.slides_toy:{attribute}",
        summary=summary,
        paper=OURS,
        classes=("plain", "stripes", "spots"),
        task="multi-class",
        primary_metric="balanced-accuracy",
        encoder="colour-texture",
        tiler="tissue",
        tiler_args=TILES,
        version="slides-toy-1",
        cohort="slides-toy",
        **more,  # type: ignore[arg-type]
    )


RECORDS = (
    drawn(
        "slides-toy",
        "bags",
        "drawn pyramidal TIFF slides, three textures of lesions: 48 slides of 48 patients",
        licence="Apache-2.0, as milbench",
        how_to_get="nothing to do but pip install 'milbench[slides]': the slides are drawn",
    ),
    drawn(
        "slides-cmu",
        "bags_with_cmu",
        "the slides of slides-toy, and a scanned one into which nobody drew",
        files=("slides/cmu-1-small-region.svs",),
        downloads=(
            Download(
                path="slides/cmu-1-small-region.svs",
                url=f"{CMU_SITE}Aperio/CMU-1-Small-Region.svs",
                checksum="sha256:ed92d5a9f2e86df67640d6f92ce3e231419ce127131697fbbce42ad5e002c8a7",
            ),
        ),
        how_to_get="put CMU-1-Small-Region.svs of OpenSlide's test data in the data folder as "
        "slides/cmu-1-small-region.svs",
        licence="Apache-2.0, as milbench; CC0-1.0 for the scanned slide",
        url=CMU_SITE,
    ),
)
