"""Quotes and values changed in what they say, and changed in form alone: which of them are accepted."""
