"""Policy tests: who may reach whom, in a file beside the labels, held against the policies."""

from homelab_netpol.policy_tests.judge import Result, Status, run_tests
from homelab_netpol.policy_tests.model import PolicyTest
from homelab_netpol.policy_tests.read import BrokenTestFile, read_tests

__all__ = ["BrokenTestFile", "PolicyTest", "Result", "Status", "read_tests", "run_tests"]
