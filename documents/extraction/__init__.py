"""Readers, a folder for each family of formats: from a file to one text with its elements."""
