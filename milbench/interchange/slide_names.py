"""From what a table or a file calls a slide to the slide's id: folders and endings left out."""

from __future__ import annotations

from pathlib import PurePosixPath

from milbench.errors import FeatureFileError

# What OpenSlide and the field's other readers open, and plain pictures.
SLIDE_ENDINGS = (
    *(".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".czi", ".dcm"),
    *(".qptiff", ".isyntax", ".svslide", ".png", ".jpg", ".jpeg", ".bmp"),
)
FEATURE_ENDINGS = (".pt", ".pth", ".h5", ".hdf5", ".npy", ".npz", ".csv", ".safetensors")


def slide_id(name: str) -> str:
    """Return the id of a slide that a table or a file calls ``name``.

    ``0017.svs`` and ``0017.h5`` are the slide ``0017``, and ``a/b/0017.svs`` is too. A dot inside
    the name stays: ``TCGA-05-4244-01Z-00-DX1.d4ff`` has no ending.

    Raises
    ------
    FeatureFileError
        If ``name`` is empty or leads out of its folder.
    """
    text = name.strip().replace("\\", "/")
    check_inside(text)
    stem = PurePosixPath(text).name
    for endings in (FEATURE_ENDINGS, SLIDE_ENDINGS):  # a file may be called 0017.svs.h5
        ending = next((end for end in endings if stem.lower().endswith(end)), "")
        stem = stem[: len(stem) - len(ending)]
    if not stem:
        raise FeatureFileError(f"{name!r}: no name of a slide; expected one such as '0017'")
    return stem


def check_inside(name: str) -> None:
    """Refuse a name that leads out of the folder, or the archive, that it belongs to.

    Raises
    ------
    FeatureFileError
        If a part of ``name`` is ``..``, or it holds a character that no file name has.
    """
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or not name.isprintable():
        raise FeatureFileError(
            f"{name!r}: a name that leads out of its folder, or no name; refused, since reading "
            "it could reach any file: rename the slide"
        )
