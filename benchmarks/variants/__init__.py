"""Write the texts of records in other forms that change no meaning, and count what changes in their
readings.

``ways.toml`` lists spellings, headings, marks and languages, which ``tables`` writes; ``lines`` and
``pages`` hold ways that need a function. ``layout`` reads the lines of a text; ``registers`` puts a
text into the files of registers; ``readings`` says what is compared, and ``counting`` compares it.
"""

from benchmarks.variants import lines, pages, tables
from benchmarks.variants.way import Part, Way

__all__ = ["WAYS", "Part", "Way"]

WAYS: tuple[Way, ...] = (*tables.WAYS, *lines.WAYS, *pages.WAYS)
"""All ways of writing. To add one, add a line to ``ways.toml``, or a function to ``lines`` or
``pages``.
"""
