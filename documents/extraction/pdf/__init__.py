"""PDFs: characters and lines as PDFium reports them, made into headings, paragraphs, lists,
tables."""
