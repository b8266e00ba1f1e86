"""Documents of Word and PDF files: their text, read in a child process, with the page of each
character.

A document is hostile: its libraries run in a process of their own, with limits of time, memory,
pages and characters.
"""

from extractor.formats.documents.content import DocumentContent, DocumentProblem
from extractor.formats.documents.reading import is_word, read_document

__all__ = ["DocumentContent", "DocumentProblem", "is_word", "read_document"]
