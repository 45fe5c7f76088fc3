"""Whether and where a quotation stands in a document."""
