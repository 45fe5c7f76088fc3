"""PDFs: letters and lines as PDFium tells of them, made into headings, paragraphs, lists, tables."""
