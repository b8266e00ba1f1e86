"""Read PDF and Word files: their text in reading order, with pages and headings.

A document may be hostile, so the library that parses it runs in a child process without provider
keys and with limits on time, memory, pages, characters and reply size (``limits``). Any failure in
the child process is reported as a problem with a remedy.

- ``reading`` starts the child and checks its reply; ``__main__`` is the child.
- ``pdf`` (pypdfium2) reads lines in the order in which the file draws them, and ``printed``
  arranges them by their places: the lines of a paragraph are joined, the cells of a table row are
  joined by tabs, running headers and footers are omitted, and bold or larger lines are headings.
- ``word`` (python-docx) marks list items with a dash and accepts tracked changes. Headers, footers,
  comments, footnotes and text boxes are not read.

Headings are written as in Markdown, so that ``free_text`` can find the sections of the text.
"""

from extractor.formats.documents.content import DocumentContent
from extractor.formats.documents.reading import read_document

__all__ = ["DocumentContent", "read_document"]
