"""Generators of files that are checked in: the dashboard and the reference pages."""
