"""Errors that end the demo early. Each message says what happened and what to do next."""


class DemoError(Exception):
    """The demo cannot go on. The message is printed to the user."""
