"""The cluster's fixtures, which the scenarios of tests/cluster have as well."""

from tests.cluster.conftest import kube

__all__ = ["kube"]
