"""Readers, one folder per family of formats: from a file to one text with its elements."""
