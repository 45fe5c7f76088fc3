"""E-mail: EML and MSG."""
