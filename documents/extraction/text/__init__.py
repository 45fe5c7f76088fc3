"""Text formats: plain, CSV, JSON, XML."""
