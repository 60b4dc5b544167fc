"""The operator that a competent person would write with plain Kopf.

`on.create`, `on.update` and `on.resume` for Namespaces, the synchronous client in Kopf's threads.
"""
