"""Errors of the stack; every message is a sentence for the user at the terminal."""


class StackError(Exception):
    """The stack can't continue."""
