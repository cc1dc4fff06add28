"""HMIL: splits as pickles, which are refused; as a wide table, Patho-Bench's reader takes them.

Source: ChengJin-git/HMIL, ``src/datasets``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.errors import SplitError

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place, SplitFiles

REASON = (
    "a pickle runs whatever code its author, or anyone after, put into it, so milbench opens none"
)


def read_splits(place: Place) -> SplitFiles | None:
    """Refuse pickled splits; None where there are none.

    Raises
    ------
    SplitError
        If there is a pickle.
    """
    for path, _ in place.matching(r".*\.(pkl|pickle)"):
        raise SplitError(
            f"{path}: {REASON}; in an environment that you trust, write it as a table "
            "slide_id,label,fold0,fold1,... with train, val or test in each cell"
        )
    return None
