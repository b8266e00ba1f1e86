"""Runs that are killed again and again, against a server that keeps count."""
