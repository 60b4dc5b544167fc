"""Whole clusters as files: which pods there are, and which flows their owners' policies allow."""
