"""What can end the demo early. Every message says what happened and what to do."""


class DemoError(Exception):
    """The demo cannot go on; the message is for the person who started it."""
