"""The outline of a text: its headings, items, paragraphs, rows of tables, and the furniture of its
pages.

``read_outline`` takes a section that was read into tokens (codes of HTML and line ends of all kinds
are undone there, with a map to the raw characters) and a ``Vocabulary``: the headings that matter
to the caller. It returns ``Block`` after ``Block`` in reading order. Each has its words without
their mark, with wrapped lines joined, its level, the block above it, and a doubt with its reason.

Which file to open:

- ``lines``: where lines begin, marks of items, rows of tables, page furniture;
- ``headings``: names of the vocabulary, also misspelt, and what may surround them;
- ``signs`` and ``rules/line_signs.toml``: is a line a heading, does it continue the one above? Each
  sign has a weight;
- ``blocks``: from lines to blocks, with their levels.

It takes time proportional to the length of the text. It does not know what a criterion, a dose or
an outcome is.
"""

from extractor.outline.blocks import (
    UNSURE_END,
    Block,
    BlockKind,
    read_outline,
)
from extractor.outline.headings import Vocabulary

__all__ = [
    "UNSURE_END",
    "Block",
    "BlockKind",
    "Vocabulary",
    "read_outline",
]
