"""PDFs: letters and lines as PDFium tells them, made into headings, paragraphs, lists, tables."""
