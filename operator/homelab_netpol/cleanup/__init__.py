"""Removes what the operator manages, and nothing else.

`belonging`, `default_deny`, `mesh_rules` and `plan` are pure: what is ours, and in which order it
can go without anything being denied on the way. `alive`, `removal` and `inventory` ask the cluster;
`report` says it to people and to programs.
"""
