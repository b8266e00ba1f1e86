"""Whom to believe, counted on gold."""
