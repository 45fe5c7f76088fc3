"""How the admin writes times: staff compare seconds. See "Custom format files" in Django."""
