"""Wordings that were written to mislead the rules, each with its right answer: see README.md."""
