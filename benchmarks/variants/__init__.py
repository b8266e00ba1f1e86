"""Rewrite the texts of records without changing their meaning, and count the changes in their
readings.

``ways.toml`` lists the ways of writing, ``way`` builds them, and ``writers`` writes ``layout``'s
lines in a form. ``registers`` puts a text into the files of registers. ``readings`` takes from an
extraction what is compared, and ``counting`` compares it.
"""

from benchmarks.variants.way import WAYS, Part, Way

__all__ = ["WAYS", "Part", "Way"]
