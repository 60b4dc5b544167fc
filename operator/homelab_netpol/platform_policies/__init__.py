"""Policies by hand in platform namespaces: what each must have, whether it has it, and a first one.

Pure. What counts is the effect: verdicts of `cilium/evaluation`, not the text of rules.
"""
