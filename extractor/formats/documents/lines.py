"""Characters, lines and pages of a PDF, with their places in points from the lower left corner
of the page.
"""

from dataclasses import dataclass
from functools import cached_property
from statistics import median


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character and its box."""

    sign: str
    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True)
class Line:
    """Characters that the file draws as one line."""

    glyphs: tuple[Glyph, ...]
    is_bold: bool = False

    @cached_property
    def said(self) -> list[Glyph]:
        """The characters that are no blanks; there is at least one."""
        return [glyph for glyph in self.glyphs if not glyph.sign.isspace()]

    @cached_property
    def text(self) -> str:
        """The characters, with blanks as the file has them."""
        return "".join(glyph.sign for glyph in self.glyphs).strip()

    @cached_property
    def size(self) -> float:
        """The height of its letters, about the size of the font."""
        return median(glyph.top - glyph.bottom for glyph in self.said)

    @cached_property
    def left(self) -> float:
        return self.said[0].left

    @cached_property
    def right(self) -> float:
        return max(glyph.right for glyph in self.said)

    @cached_property
    def middle(self) -> float:
        """Its height on the page."""
        return median((glyph.top + glyph.bottom) / 2 for glyph in self.said)

    @property
    def first_word(self) -> float:
        """The width of its first word."""
        word = []
        for glyph in self.said[:1] + list(self.glyphs[self.glyphs.index(self.said[0]) + 1 :]):
            if glyph.sign.isspace():
                break
            word.append(glyph)
        return word[-1].right - word[0].left


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its size, and its lines in the order in which the file draws them."""

    width: float
    height: float
    lines: tuple[Line, ...]
