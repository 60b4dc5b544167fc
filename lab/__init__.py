"""The lab: a Kubernetes control plane without containers, Cilium's policy engine, and the demo.

The tests, the benchmarks and `python -m lab` use it. It runs in a checkout only: it is in neither
the wheel nor the image, and the operator does not import it.
"""
