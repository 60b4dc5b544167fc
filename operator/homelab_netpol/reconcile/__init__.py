"""Decides what is written, when, and what is told; asks cluster/ to do it."""
