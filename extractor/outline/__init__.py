"""The outline of a text: its headings, items, paragraphs, table rows and page furniture.

``read_outline`` takes a tokenised section and a ``Vocabulary`` of the headings that matter to the
caller. HTML tags and line ends in the section have already been normalised, and every offset can
be mapped to the raw text. The function returns blocks in reading order. Each ``Block`` has its
words (without the list marker and with wrapped lines joined), its level, its parent block and, if
the block is doubtful, the reason.

Which file to open:

- ``lines``: line starts, list markers, table cells and page furniture;
- ``headings``: the headings of the vocabulary, including misspelt ones, and the text that may
  surround them;
- ``boundaries``: the probability that an item begins at a place within a line;
- ``cutting``: cuts pieces at these places, or records the doubt;
- ``blocks``: turns lines into blocks with levels. ``weights/line_signs.toml`` weighs the signs
  that a line is a heading or continues the line above;
- ``roles``: what the sentences of running text are about, by their labels and words;
- ``enumerations``: the parts of a list within a sentence.

The running time is proportional to the length of the text. The code of the package knows nothing
about criteria, doses or outcomes; some signs use rules in ``concepts/criteria/rules`` by name.
"""

from extractor.outline.blocks import (
    UNSURE_END,
    Block,
    BlockKind,
    Blocks,
    read_outline,
)
from extractor.outline.headings import Vocabulary

__all__ = [
    "UNSURE_END",
    "Block",
    "BlockKind",
    "Blocks",
    "Vocabulary",
    "read_outline",
]
