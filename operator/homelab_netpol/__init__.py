"""The operator that turns labels on Namespaces into Cilium network policies."""

__version__ = "0.1.0"
