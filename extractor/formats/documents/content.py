"""The content of a document, or why it cannot be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from extractor.formats.documents.limits import MAX_DOCUMENT_CHARACTERS


class DocumentProblem(Exception):
    """A reason why a document cannot be read, and a remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem, remedy)


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

    def __post_init__(self) -> None:
        if any(
            not 0 <= at <= len(self.text) for at in (*self.pages, *dict(self.headings))
        ):
            raise ValueError("an offset outside of the text")


def write_content(
    lines: Sequence[str],
    ranks: Sequence[int],
    pages: Sequence[int] = (),
    empty_pages: Sequence[int] = (),
) -> DocumentContent:
    r"""Return the content of lines. Raises ``DocumentProblem`` for too many characters.

    Args:
        lines: The lines.
        ranks: The rank of each line as a heading; 0 for none.
        pages: The number of the first line of each page.
        empty_pages: The numbers of pages without text.

    >>> write_content(["Age", "Adults"], [1, 0])
    DocumentContent(text='Age\nAdults\n', pages=(), headings=((0, 1),), empty_pages=())
    """
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    if starts[-1] > MAX_DOCUMENT_CHARACTERS:
        raise DocumentProblem(
            f"a document of more than {MAX_DOCUMENT_CHARACTERS:,} characters",
            "save only the part with eligibility, treatment and outcomes",
        )
    ranked = zip(starts, ranks, strict=False)
    return DocumentContent(
        "".join(f"{line}\n" for line in lines),
        tuple(starts[number] for number in pages),
        tuple((at, rank) for at, rank in ranked if rank),
        tuple(empty_pages),
    )
