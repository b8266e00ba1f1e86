"""What is read of a document, and why one cannot be read."""

from dataclasses import dataclass
from typing import Any, Self


class DocumentProblem(Exception):
    """A reason why a document cannot be read, and a remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem, remedy)


Span = tuple[int, int]
"""Half-open offsets into a document's text."""


@dataclass(frozen=True, slots=True)
class DocumentContent:
    r"""The text of a document, in reading order, and what its layout says of it.

    Attributes:
        text: The text, with tabs between the cells of a table's row. The edges of pages stand at
            its end, each once.
        pages: Where each page begins; empty for Word, whose files hold no pages.
        headings: Where lines begin that the layout shows as headings: by a style, or by bold or
            larger letters.
        ranks: The rank of each heading, from 1 for the highest.
        edges: The lines that recur at the top or the bottom of pages.
        contents: Lines of a table of contents, as far as the file says so.
        empty_pages: The numbers of pages without a text, from 1.
    """

    text: str
    pages: tuple[int, ...] = ()
    headings: tuple[int, ...] = ()
    ranks: tuple[int, ...] = ()
    edges: tuple[Span, ...] = ()
    contents: tuple[Span, ...] = ()
    empty_pages: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the content for ``from_json``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the content that a child process wrote. It is checked, because a child may be
        hostile.

        >>> DocumentContent.from_json({"text": "A", "pages": [0, 7]})
        Traceback (most recent call last):
            ...
        ValueError: a place outside of the text
        """
        from pydantic import TypeAdapter  # noqa: PLC0415 - the child process needs none

        document: Self = TypeAdapter(cls).validate_python(content)
        places = [*document.pages, *document.headings]
        for span in (*document.edges, *document.contents):
            places += span
        if any(not 0 <= at <= len(document.text) for at in places):
            raise ValueError("a place outside of the text")
        if len(document.ranks) != len(document.headings):
            raise ValueError("a heading without a rank")
        return document
