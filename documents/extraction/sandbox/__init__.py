"""Where untrusted files are read: a warm, confined process beside each worker, forked per file."""
