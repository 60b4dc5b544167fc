"""How fast and how heavy the operator is, measured against a real local control plane.

Run `make bench`, or `python -m bench --help`. What is measured, and how, is in docs/benchmarks.md.
"""
