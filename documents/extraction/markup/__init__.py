"""Markup: Markdown, and what pandoc converts to HTML."""
