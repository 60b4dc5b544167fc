"""What is measured. Each scenario is one function, that starts a control plane of its own.

A new control plane each time: deleting hundreds of Namespaces takes longer than starting one, and
every measurement begins from the same state.
"""
