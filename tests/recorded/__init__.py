"""Flows that a real agent exported, with what proved to be right; README.md says how."""
