"""What can go wrong with the stack; every message is a sentence for the person at the terminal."""


class StackError(Exception):
    """The stack can't go on."""
