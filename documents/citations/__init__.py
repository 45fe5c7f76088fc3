"""Whether and where a quotation occurs in a document."""
