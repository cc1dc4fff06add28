"""Figures for a paper, drawn with matplotlib, from the extra ``plots``; no number is their own."""
