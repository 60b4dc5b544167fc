"""The demo: a small homelab on a real API server, and the policies that follow from its labels.

Everything that it shows is read back from the API server, from Cilium's policy engine, or from the
operator's /metrics. What is expected is written in homelab.yaml, not in code.
"""
