"""What is read of a document, and why one cannot be read."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from extractor.formats.documents.limits import MAX_DOCUMENT_CHARACTERS


class DocumentProblem(Exception):
    """A reason why a document cannot be read, and a remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem, remedy)


Span = tuple[int, int]
"""Half-open offsets into a document's text."""


class Writer:
    """Puts the text of a document together; ``kind`` names the document in its problem."""

    def __init__(self, kind: str) -> None:
        self.size = 0
        self._kind = kind
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._lines)

    def add(self, line: str) -> Span:
        """Add a line, and return its place. Raises ``DocumentProblem`` for too many characters."""
        start = self.size
        self._lines.append(line + "\n")
        self.size += len(line) + 1
        if self.size > MAX_DOCUMENT_CHARACTERS:
            raise DocumentProblem(
                f"a {self._kind} of more than {MAX_DOCUMENT_CHARACTERS:,} characters",
                "save only the part with eligibility, treatment and outcomes",
            )
        return start, self.size - 1


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """The text of a document in reading order, with what its layout shows.

    Attributes:
        text: The text, with tabs between the cells of a table's row. The running heads and feet of
            its pages follow at its end, each once.
        pages: Where each page begins; empty for Word, whose files have no pages.
        headings: Where each line begins that a style, or bold or larger letters, show as a heading,
            and its rank, from 1 for the highest.
        edges: The lines at the end of the text that recur at the top or the bottom of pages.
        empty_pages: The numbers of pages without text, from 1.
    """

    text: str
    pages: tuple[int, ...] = ()
    headings: tuple[tuple[int, int], ...] = ()
    edges: tuple[Span, ...] = ()
    empty_pages: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the content for ``from_json``."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the content that a child process wrote, checked: the child may be hostile.

        >>> DocumentContent.from_json({"text": "A", "pages": [0, 7]})
        Traceback (most recent call last):
            ...
        ValueError: an offset outside of the text
        """
        from pydantic import TypeAdapter  # noqa: PLC0415 - the child process needs none

        document: Self = TypeAdapter(cls).validate_python(content)
        offsets = [*document.pages, *(start for start, _ in document.headings)]
        for span in document.edges:
            offsets += span
        if any(not 0 <= at <= len(document.text) for at in offsets):
            raise ValueError("an offset outside of the text")
        return document
