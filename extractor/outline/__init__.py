"""The outline of a text: its headings, items, paragraphs, table rows and page furniture.

``read_outline`` takes a tokenised section (whose HTML tags and line ends have already been
normalised, with a map to the raw characters) and a ``Vocabulary`` of the headings that matter to
the caller. It returns the blocks in reading order. Each ``Block`` contains its words without the
list marker and with wrapped lines joined, its level, its parent block and, if it is doubtful, the
reason.

Which file to open:

- ``lines``: where lines begin, list markers, table rows and page furniture;
- ``headings``: the vocabulary's names, including misspelt ones, and the text that may surround
  them;
- ``signs`` and ``rules/line_signs.toml``: the weighted signs that a line is a heading or continues
  the line above;
- ``blocks``: turns lines into blocks with levels.

The running time is proportional to the length of the text. The package does not know what a
criterion, a dose or an outcome is.
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
