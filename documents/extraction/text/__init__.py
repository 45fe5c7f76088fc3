"""What is text already: plain, CSV, JSON, XML."""
