"""Sheets for curators: a row for each finding of a run, or for each of its doubts."""
