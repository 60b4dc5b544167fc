"""The fixtures of the scenarios, for the pages' examples."""

from tests.cluster.conftest import account, kube, operator, spaces

__all__ = ["account", "kube", "operator", "spaces"]
