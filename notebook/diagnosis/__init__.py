"""The checks of `manage.py doctor`. Each returns a finding and has a deadline."""
