"""Lines whose high-confidence values were judged by a reader; see README.md."""
