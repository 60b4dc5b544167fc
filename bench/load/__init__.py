"""The load generator: it runs in a process of its own, so that it shares no core by its lock.

Its functions are called there one at a time, and return what they measured.
"""
