"""What a suite says about a user's own data: a table of labels, and features or slides."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

OwnName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
OwnTask = Literal["binary", "multi-class", "ordinal"]
Fusion = Literal["none", "early", "late"]
# How slides are seen where a suite does not say it: what needs no weights.
TILER, ENCODER = "tissue", "colour-texture"


class OwnData(BaseModel):
    """One ``[[dataset]]`` of a suite file.

    What is left out is found in the table where only one answer is possible. Paths are relative to
    the suite file.

    Parameters
    ----------
    bags
        Path of the table of labels: one line a slide.
    features
        Path of the folder with one file of features a slide, or one such folder for each encoder
        by name.
    slides
        Path of the folder with the slides, or plain images, themselves; in place of ``features``.
        They are cut and encoded as the suite says in ``tilers`` and ``encoders``.
    slide, label
        Columns of the slide and of its label; found by name when empty.
    patient, site, split
        Columns of the patient, of where the slide comes from and of the official part; found by
        name when not given, and none when empty.
    classes
        Labels in their order, the positive one second; slides of other labels are left out.
    metric
        Ranks the methods.
    fusion
        Of several slides of a patient. ``none``: slides are the bags and count each. ``early``:
        the instances of all slides of a patient are one bag. ``late``: slides are the bags, and
        the mean of their probabilities counts once a patient.
    splits
        Path of a file or folder of splits, in the form of any tool that ``milbench import`` knows,
        for the scheme ``given``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: OwnName
    bags: str
    features: str | dict[OwnName, str] = ""
    slides: str = ""
    slide: str = ""
    label: str = ""
    patient: str | None = None
    site: str | None = None
    split: str | None = None
    task: OwnTask | None = None
    classes: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    metric: str = ""
    fusion: Fusion = "none"
    splits: str = ""

    @property
    def folders(self) -> dict[str, str]:
        """Return the folders by encoder; the name is empty where there is one, or slides."""
        if self.slides:
            return {"": self.slides}
        return {"": self.features} if isinstance(self.features, str) else self.features

    @property
    def is_resolved(self) -> bool:
        """Return whether nothing is left to be found in the table."""
        found = (self.patient, self.site, self.split, self.task, self.classes)
        return bool(self.slide and self.label and self.metric) and None not in found

    @model_validator(mode="after")
    def _is_consistent(self) -> OwnData:
        if not self.features and not self.slides:
            raise ValueError("features: no folder; give one, or one for each encoder, or slides")
        if self.features and self.slides:
            raise ValueError("features and slides: give one of them; slides are encoded here")
        if self.slides and self.fusion == "early":
            raise ValueError("fusion: early joins features, and slides have none yet; use late")
        if self.classes and len(set(self.classes)) < len(self.classes):
            raise ValueError(f"classes: a name appears twice in {', '.join(self.classes)}")
        if self.task == "binary" and len(self.classes or "12") > 2:  # noqa: PLR2004  # two classes
            raise ValueError("task: binary has 2 classes; name two in classes, or say multi-class")
        return self


def named_too(data: Any) -> Any:
    """Return the tables of a suite file with its own data sets among the names of data sets."""
    own = data.get("dataset") if isinstance(data, dict) else None
    if not isinstance(own, list):
        return data
    names = [entry.get("name") for entry in own if isinstance(entry, dict)]
    given = data.get("datasets", [])
    if not isinstance(given, list):
        return data
    return data | {"datasets": [*given, *(name for name in names if name not in given)]}
