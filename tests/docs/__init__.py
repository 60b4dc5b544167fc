"""Tests of the documentation: its commands are run, its links lead somewhere."""
