"""Generators of files that are checked in: the Grafana dashboard and the reference pages.

They run in a checkout only, and print the file. Tests compare what they print with what is there.
"""
