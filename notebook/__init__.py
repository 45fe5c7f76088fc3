"""Wiring: settings, URLs, servers, and the stack that runs it all with one command."""
