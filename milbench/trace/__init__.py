"""From a number back to the runs behind it; from stored runs forward to the numbers again."""

from milbench.trace.address import Address
from milbench.trace.explain import Explanation, explain
from milbench.trace.merge import Merged, merge
from milbench.trace.verify import Verdict, verify

__all__ = ["Address", "Explanation", "Merged", "Verdict", "explain", "merge", "verify"]
