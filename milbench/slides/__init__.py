"""Slide files as pictures: opened when first read, at the resolution that is asked for."""

from milbench.slides.slide import Slide

__all__ = ["Slide"]
