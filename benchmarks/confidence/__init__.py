"""Fit ``extractor/confidence/table.toml`` on the rows in ``benchmarks/rows``."""
