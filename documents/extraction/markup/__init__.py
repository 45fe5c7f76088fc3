"""Text with marks in it: Markdown, and what pandoc makes a web page of."""
