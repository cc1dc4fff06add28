"""Parse XML that somebody else wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from milbench.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path


def parse_xml(content: bytes, place: Path | str) -> ET.Element:
    """Return the root of an XML document.

    A document type declaration is refused: annotations have none, and it is what an XML file
    attacks its reader with.

    Parameters
    ----------
    place
        Of the document, for messages.

    Raises
    ------
    DatasetError
        If it is no XML, or declares a document type.
    """
    if b"<!DOCTYPE" in content:
        raise DatasetError(f"{place}: declares a document type, which is not read; get it again")
    try:
        return ET.fromstring(content)  # noqa: S314  # no document type, so no entities
    except (ET.ParseError, ValueError) as error:
        raise DatasetError(f"{place}: expected XML, found something else ({error})") from error
