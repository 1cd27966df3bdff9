"""The dashboard as people use it: the built page, a real server, Chromium."""
