"""A published paper, and its content as a record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from extractor.formats.abstract_labels import split_abstract
from extractor.formats.found import FoundText, RecordContent, text_section
from extractor.formats.free_text import TextReader, check_text_size
from extractor.formats.layout import TITLE

NO_ABSTRACT = "the paper has no abstract here: only its title was read"
_GAP = "\n\n"
_ABSTRACT_LEVEL = 2
_DEEPEST = 6
"""The number of heading levels in Markdown."""


@dataclass(frozen=True, slots=True)
class PaperPassage:
    """A labelled part of a paper.

    Attributes:
        label: The label of a part of the abstract, or the heading of a chapter; "" if it has none.
        text: The paragraphs, separated by blank lines.
        level: The level of the heading in Markdown.
    """

    label: str
    text: str
    level: int = _ABSTRACT_LEVEL


@dataclass(frozen=True, slots=True)
class Paper:
    """A published paper.

    Attributes:
        title: The title.
        abstract: The parts of the abstract.
        body: The chapters that are read, in order; empty for a format without the body.
        ids: The ids, keyed by ``pmid``, ``pmcid`` and ``doi``.
        listed_numbers: The registry numbers that the source lists for the paper.
        number_text: Further text that may state the registry number of the trial.
        notes: What the reader left out or guessed.
    """

    title: str
    abstract: Sequence[PaperPassage] = ()
    body: Sequence[PaperPassage] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    listed_numbers: Sequence[str] = ()
    number_text: str = ""
    notes: Sequence[str] = ()


def list_passages(abstract: str) -> list[PaperPassage]:
    """Return the parts of an abstract whose labels stand in its text."""
    return [PaperPassage(label, text) for label, text in split_abstract(abstract)]


def build_paper(paper: Paper, source_format: str) -> RecordContent:
    r"""Return the content of a paper.

    Without a body, the parts of the abstract become sections like those of any text. Otherwise the
    chapters of the body do, and the abstract, which repeats them, is the ``brief_summary``.

    Raises ``UnreadableSource`` if the text is too long.

    >>> abstract = (
    ...     PaperPassage("METHODS", "Adults took A."),
    ...     PaperPassage("RESULTS", "It helped."),
    ... )
    >>> content = build_paper(Paper("A in gout.", abstract), "medline")
    >>> [section.text for section in content.sections]
    ['A in gout.', 'METHODS\nAdults took A.\nRESULTS\nIt helped.']
    """
    title = " ".join(paper.title.split())
    # the labels in a summary need no mark; those of other parts show where sections begin
    abstract = _write(paper.abstract, marked=not paper.body)
    parts = [part for part in (title, abstract, _write(paper.body)) if part]
    text = _GAP.join(parts)
    check_text_size(text)
    at_abstract = 0
    if title:
        at_abstract = len(title) + len(_GAP)
    at_body = at_abstract
    sections = list(text_section(TITLE, FoundText(title, at=0)))
    if abstract and paper.body:
        sections += text_section("brief_summary", FoundText(abstract, at=at_abstract))
        at_body += len(abstract) + len(_GAP)
    if at_body < len(text):
        reader = TextReader(text)
        reader.keep([(at_body, len(text))])
        reader.read(is_below_title=True)
        sections += reader.build(None)
    notes = [*paper.notes]
    if not (abstract or paper.body):
        notes.append(NO_ABSTRACT)
    ids = {name: written for name, written in paper.ids.items() if written}
    return RecordContent(
        tuple(sections),
        source_format,
        _name_record(ids),
        notes=tuple(notes),
        given=text,
        ids=ids,
        listed_numbers=tuple(paper.listed_numbers),
        number_text=paper.number_text,
    )


def _name_record(ids: Mapping[str, str]) -> str | None:
    """Return the id of a paper's record: its number in PubMed Central or in PubMed, or None."""
    if "pmcid" in ids:
        return ids["pmcid"]
    if "pmid" in ids:
        return f"PMID{ids['pmid']}"
    return None


def _write(passages: Iterable[PaperPassage], *, marked: bool = True) -> str:
    """Return passages as text, with their labels on lines of their own, which are ``marked`` as
    headings in Markdown.
    """
    written: list[str] = []
    for passage in passages:
        label = " ".join(passage.label.split()).rstrip(":")
        lines = [passage.text.strip()]
        if label and marked:
            label = f"{'#' * min(passage.level, _DEEPEST)} {label}"
        lines.insert(0, label)
        if any(lines):
            written.append("\n".join(filter(None, lines)))
    return _GAP.join(written)
