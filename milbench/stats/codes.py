"""The status codes that travel with every number, and what each one means in one line."""

from milbench.metrics.codes import MEANINGS, Code

__all__ = ["MEANINGS", "Code"]
