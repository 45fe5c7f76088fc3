"""What `manage.py doctor` looks at. Each look gives findings and has a deadline."""
