"""How every figure looks, and how it becomes a file.

Figures are made and drawn without pyplot, so nothing is shown and no state is shared.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

INK: Final = "#1b1c20"
SOFT: Final = "#8b8e96"
FAINT: Final = "#d8d7d1"
BETTER: Final = "#1c5f9e"
WORSE: Final = "#a8480f"

WIDTH: Final = 7.0  # inches, both columns of a page
DPI: Final = 200
STYLE: Final[Any] = {  # matplotlib types its keys one by one
    "axes.edgecolor": SOFT,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8.0,
    "font.size": 8.0,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,  # letters stay letters, as journals ask
    "text.parse_math": False,  # a name may hold dollar signs
    "text.usetex": False,
    "xtick.color": INK,
    "xtick.labelsize": 7.0,
    "xtick.major.width": 0.6,
    "ytick.color": INK,
    "ytick.labelsize": 7.0,
    "ytick.major.width": 0.6,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw with the look of these figures, whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def figure(height: float, *, width: float = WIDTH) -> Figure:
    """Return an empty figure; sizes in inches."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def panels(count: int, *, columns: int = 4, height: float = 1.75) -> tuple[Figure, list[Axes]]:
    """Return a figure with one small panel for each of ``count`` things, sharing both axes.

    Parameters
    ----------
    height
        Of one panel, in inches.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    made = figure(height * rows + 0.3, width=WIDTH * max(columns, 2) / 4 if columns < 4 else WIDTH)  # noqa: PLR2004
    axes = made.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    flat: list[Axes] = list(axes.flat)
    for spare in flat[count:]:
        spare.remove()
    for one in flat[max(0, count - columns) : count]:
        one.tick_params(labelbottom=True)  # the lowest of a column may stand over a spare place
    return made, flat[:count]


def rendered(made: Figure) -> Iterator[tuple[str, bytes]]:
    """Yield the figure as PDF and as PNG, without a date, so that the same gives the same bytes."""
    made.draw_without_rendering()  # the layout is found once, it takes longer than the drawing
    made.set_layout_engine("none")
    png, pdf = io.BytesIO(), io.BytesIO()
    FigureCanvasAgg(made).print_png(png, metadata={"Software": None})  # type: ignore[no-untyped-call]
    FigureCanvasPdf(made).print_pdf(pdf, metadata={"CreationDate": None})  # type: ignore[no-untyped-call]
    yield "pdf", pdf.getvalue()
    yield "png", png.getvalue()
