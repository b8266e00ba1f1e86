"""The content of a document, or why it cannot be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Self

from extractor.formats.documents.limits import MAX_DOCUMENT_CHARACTERS


class DocumentProblem(Exception):
    """A reason why a document cannot be read, and a remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem, remedy)


def place_lines(lines: Sequence[str]) -> tuple[str, list[int]]:
    r"""Return the text of lines, and where each begins. Raises ``DocumentProblem`` for too many
    characters.

    >>> place_lines(["Adults", "Gout"])
    ('Adults\nGout\n', [0, 7, 12])
    """
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    if starts[-1] > MAX_DOCUMENT_CHARACTERS:
        raise DocumentProblem(
            f"a document of more than {MAX_DOCUMENT_CHARACTERS:,} characters",
            "save only the part with eligibility, treatment and outcomes",
        )
    return "".join(f"{line}\n" for line in lines), starts


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """The text of a document in reading order, with what its layout shows.

    Attributes:
        text: The text, with tabs between the cells of a table's row, without the running heads and
            feet of its pages.
        pages: Where each page begins; empty for Word, whose files have no pages.
        headings: Where each line begins that a style, or bold or larger letters, show as a heading,
            and its rank, from 1 for the highest.
        empty_pages: The numbers of pages without text, from 1.
    """

    text: str
    pages: tuple[int, ...] = ()
    headings: tuple[tuple[int, int], ...] = ()
    empty_pages: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Return the content that a child process wrote, checked: the child may be hostile.

        >>> DocumentContent.from_json({"text": "A", "pages": [0, 7]})
        Traceback (most recent call last):
            ...
        ValueError: an offset outside of the text
        """
        from pydantic import TypeAdapter  # noqa: PLC0415 - the child process needs none

        document: Self = TypeAdapter(cls).validate_python(content)
        offsets = [*document.pages, *(start for start, _ in document.headings)]
        if any(not 0 <= at <= len(document.text) for at in offsets):
            raise ValueError("an offset outside of the text")
        return document
