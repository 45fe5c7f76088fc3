"""One command for everything: the supervisor, the embedded services, the web server."""
