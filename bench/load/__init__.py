"""The load generator: coroutine functions that run in processes of their own.

So the generator shares no interpreter lock with the rest. Each function gets the `Access` to the
control plane first, runs one at a time, and returns what it measured. Nothing here knows operators.
"""
