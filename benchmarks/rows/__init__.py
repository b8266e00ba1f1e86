"""Rows for fitting confidences: the values read in texts whose right values are known; see README.md."""
