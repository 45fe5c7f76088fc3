"""The embedding endpoint: vectors for texts, one request, the gate that all workers share."""
