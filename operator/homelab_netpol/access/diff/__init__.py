"""What changes between two trees, in the language of access: who gains, and loses, what.

side.py is one tree; trees.py finds the Namespaces that can differ and joins the result; rules.py
reduces the policies to what they say of one Namespace, compare.py judges the difference by
`cilium/evaluation` at the connections that points.py chooses, and words.py names them.
"""

from homelab_netpol.access.diff.result import FailOn, NamespaceDiff, TreeDiff
from homelab_netpol.access.diff.side import Side
from homelab_netpol.access.diff.trees import compare_trees

__all__ = ["FailOn", "NamespaceDiff", "Side", "TreeDiff", "compare_trees"]
