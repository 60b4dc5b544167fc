"""The demo: a small homelab on a real API server, and what the operator makes of its labels.

Everything it shows is read back from the API server, from Cilium's policy engine, or from the
operator's /metrics. What it expects stands in homelab.yaml, not in code.
"""
