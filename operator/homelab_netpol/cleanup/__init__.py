"""Removes what the operator manages, and nothing else.

`ownership`, `mesh_rules` and `plan` are pure: which policies are ours, and in which
order they can go without denying anything on the way. `lease_watch`, `inventory` and `removal` talk
to the API server; `report` prints the result for people and for programs.
"""
