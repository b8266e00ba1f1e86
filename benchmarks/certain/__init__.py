"""Lines whose certain values a reader judged: see README.md."""
