"""Rewrite the texts of records without changing their meaning, and count the changes in their
readings.

``ways.toml`` lists the ways of writing, ``way`` builds them, and ``writers`` rewrites the lines
that ``layout`` reads. ``registers`` puts a text into the files of registers. ``readings`` selects
the compared values of an extraction, and ``counting`` compares them.
"""

from benchmarks.variants.way import WAYS, Part, Way

__all__ = ["WAYS", "Part", "Way"]
