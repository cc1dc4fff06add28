"""Offer a tiny data set of images and an encoder for it.

The records name their code as text, so listing them imports neither file.
"""

from collections.abc import Iterator

from milbench import Dataset, Encoder, hookimpl


@hookimpl
def milbench_datasets() -> Iterator[Dataset]:
    """Offer ``stripes``."""
    yield Dataset(
        name="stripes",
        target="milbench_stripes.bags:stripes",
        summary="noise tiles; a positive bag has one tile with a bright row",
        classes=("plain", "striped"),
        encoder="row-means",
        licence="Apache-2.0",
    )


@hookimpl
def milbench_encoders() -> Iterator[Encoder]:
    """Offer ``row-means``."""
    yield Encoder(
        name="row-means",
        target="milbench_stripes.rows:RowMeans",
        summary="the mean of each row and channel, divided by 255",
    )
