"""Write the texts of records in other forms that change no meaning, and count what changes in their
readings.

``layout`` reads the lines of a text; a module for each family of forms has its ways of writing
(``headings``, ``marks``, ``lines``, ``pages``, ``languages``, ``signs``, ``doses``, ``times``);
``registers`` puts a text into the files of registers; ``readings`` says what is compared, and
``counting`` compares it.
"""

from benchmarks.variants import (
    doses,
    headings,
    languages,
    lines,
    marks,
    pages,
    signs,
    times,
)
from benchmarks.variants.way import Part, Way

__all__ = ["WAYS", "Part", "Way"]

WAYS: tuple[Way, ...] = (
    *headings.WAYS,
    *marks.WAYS,
    *lines.WAYS,
    *pages.WAYS,
    *languages.WAYS,
    *signs.WAYS,
    *doses.WAYS,
    *times.WAYS,
)
"""All ways of writing. To add one, add a line to a table, or a small function, in the module of
its family.
"""
