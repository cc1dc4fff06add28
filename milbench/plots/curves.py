"""ROC, precision and recall, and reliability: a small panel a method, the reference behind each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.plots.canvas import BETTER, FAINT, INK, SOFT, panels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from milbench.plots.bands import Band, Calibration

TICKS = (0.0, 0.5, 1.0)


def band_figure(
    curves: Mapping[str, Band], axes: tuple[str, str], reference: str | None, chance: float | None
) -> Figure:
    """Return a panel a method, with its band over patients.

    Parameters
    ----------
    axes
        What is on either axis.
    reference
        A method whose curve stands in grey in every panel; None for none.
    chance
        Height of the line of a guess; None for the diagonal.
    """
    made, places = panels(len(curves))
    for ax, (name, band) in zip(places, curves.items(), strict=True):
        _guess(ax, chance)
        if reference is not None and reference in curves and name != reference:
            behind = curves[reference]
            ax.plot(behind.x, behind.y, color=SOFT, linewidth=0.9)
        ax.fill_between(band.x, band.low, band.high, color=BETTER, alpha=0.18, linewidth=0)
        ax.plot(band.x, band.y, color=BETTER)
        _square(ax, name)
    made.supxlabel(axes[0], fontsize=8)
    made.supylabel(axes[1], fontsize=8)
    return made


def calibration_figure(curves: Mapping[str, Calibration]) -> Figure:
    """Return a panel a method; the area of a dot is the share of bags in its bin."""
    made, places = panels(len(curves))
    for ax, (name, curve) in zip(places, curves.items(), strict=True):
        _guess(ax, None)
        ax.vlines(curve.said, curve.low, curve.high, color=SOFT, linewidth=0.8)
        ax.plot(curve.said, curve.happened, color=FAINT, linewidth=0.8, zorder=0)
        ax.scatter(curve.said, curve.happened, s=4 + 100 * curve.share, color=INK, linewidths=0)
        _square(ax, name)
    made.supxlabel("probability given", fontsize=8)
    made.supylabel("share that came true", fontsize=8)
    return made


def _guess(ax: Axes, chance: float | None) -> None:
    ys = [0, 1] if chance is None else [chance, chance]
    ax.plot([0, 1], ys, color=FAINT, linewidth=0.8, zorder=0)


def _square(ax: Axes, name: str) -> None:
    ax.set_title(name)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    ax.set_xticks(TICKS)
    ax.set_yticks(TICKS)
    ax.set_aspect("equal")
