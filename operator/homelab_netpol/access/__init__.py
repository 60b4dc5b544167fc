"""Who may talk to whom, by all policies that are given: the operator's, others' and Kubernetes'.

Pure. Verdicts are `cilium/evaluation`'s; here is what they are asked about, and how it is said.
"""
