"""Headings of a free text: lines that say what follows.

A line is a heading if it begins with words of ``formats/rules/terms/text_headings.toml``, behind
marks of Markdown, a number or a table's border, and the line ends there or goes on after a colon.
Another line with such marks ends the section above it.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from extractor.concepts.criteria.list_names import mend_names
from extractor.formats.listed import (
    BULLET,
    LINE,
    NO_WORDS,
    Place,
    list_words,
    names_columns,
)
from extractor.language.book import find_terms, rule
from extractor.language.passage import LexedSection, strip_span

DESCRIPTION = "detailed_description"
ELIGIBILITY = "eligibility"
OUTCOMES = ("primary_outcomes", "secondary_outcomes", "other_outcomes")
ITEMS = ("arms", "interventions", *OUTCOMES)
"""Sections that are numbered: one for each item."""
RANKS = ("primary", "secondary", "other")
SECTIONS = {
    "criteria": ELIGIBILITY,
    "arm": "arms",
    "group": "arms",
    "health_conditions": "conditions",
    "treatment": "interventions",
    "objectives": DESCRIPTION,
    "field": DESCRIPTION,
    "label": DESCRIPTION,
    **dict(zip(RANKS, OUTCOMES, strict=True)),
}
"""The sections of kinds of headings that are not named like theirs."""
KEPT = ("arm", "treatment")
"""Kinds of headings that are labels of what follows."""
_LONGEST_HEADING = 160

FRONT = re.compile(
    r"[ \t>]*(?:[■□◆◇★☆▶►➤→✅✔❌✗✘\U0001f300-\U0001faff]\ufe0f?[ \t]*)?"
    r"(?P<caption>(?:Table|Box|Panel)[ \t]+\d{1,2}(?:\.\d{1,2})?[.:]?[ \t]+(?=[A-Z]))?"
    rf"(?P<row>\|[ \t]*)?(?P<hash>(?:#{{1,6}}|={{2,6}})[ \t]+)?(?P<bullet>{BULLET}[ "
    rf"\t]+)?(?P<bold>[*_]{{1,3}})?"
    r"(?:(?P<number>(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,2}){0,6}|(?:[A-H]|[IVX]{1,4}|[ivx]{1,4})(?=[.)]))"
    r"[.)]{0,3}[ \t]+)?"
    r"[*_]{0,3}(?P<bracket>[\[【])?"
)
"""The marks before the words of a line."""
_BEHIND = re.compile(
    r"\??(?:[\]】]|(?P<stop>\.)(?=[ \t*_]*$))?[ \t*_]*(?:\([^()\r\n]{0,200}\))?[ \t*_#=]*"
    r"(?:(?P<cell>[|\t])|(?P<sign>[:：]|[-–—](?=[ \t]|$))|$)[ \t*_]*"
)
"""What may follow the words of a heading."""
PROSE_END = re.compile(r"[.;,:!?]\W{0,3}$")


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that begins a section.

    Attributes:
        section: The name of the section, without a number.
        kind: What the heading says, such as "criteria" for a list of criteria; empty if its words
            are unknown.
        line: The start of the line, with its marks.
        shown: Where the line begins for a section that keeps its heading.
        words: The place of what it says.
        start: The place where its section begins.
        style: The marks before the words, the same for all headings of one level: "##", "1.1",
            "**".
        is_alone: Whether nothing follows on the line.
        is_framed: Whether signs enclose the words, as in "== Arms ==" and "[Arms]".
        is_caption: Whether the words are the caption of a table, as in "Table 1 Eligibility
            criteria".
        columns: For the first row of a table whose columns are sections, such as "Inclusion
            Criteria | Exclusion Criteria": the kind of each column, and the place of its words.
    """

    section: str
    kind: str
    line: int
    shown: int
    words: Place
    start: int
    style: str
    is_alone: bool = True
    is_framed: bool = False
    is_caption: bool = False
    columns: tuple[tuple[str, Place], ...] = ()

    def list_columns(self) -> list[tuple[str, Place]]:
        """Return the section of each column, and the place of its words."""
        return [(SECTIONS.get(kind, kind), words) for kind, words in self.columns]

    @property
    def weight(self) -> int:
        """How well the line is marked as a heading, as far as it matters for its kind."""
        hashed = self.style.startswith("#") and (
            self.kind in ITEMS or self.kind == "criteria"
        )
        return (
            -self.is_caption
            + 2 * hashed
            + (self.is_alone and self.kind in ("arms", *OUTCOMES))
        )


def find_headings(text: LexedSection) -> list[Heading]:
    r"""Return the headings of a text, in order.

    >>> from extractor.language.passage import read_section
    >>> found = find_headings(
    ...     read_section(
    ...         "text", "## Key inclusion criteria\n- Adults\n\nPrimary endpoint: Pain"
    ...     )
    ... )
    >>> [(one.section, one.kind, one.style) for one in found]
    [('eligibility', 'criteria', '##'), ('primary_outcomes', 'primary_outcomes', '')]
    """
    found: list[Heading] = []
    for line in LINE.finditer(text.raw):
        front = FRONT.match(text.raw, *line.span())
        if front:
            last = found[-1] if found else None
            heading = _read_heading(text, front, line.end(), last) or _end_section(
                text.raw, front, line.end(), last
            )
            found += [heading] if heading else []
    return _drop_mentions(found)


def read_kind(text: LexedSection, start: int, end: int) -> tuple[str, int] | None:
    """Return the kind of heading with whose words a line begins, and where they end."""
    line = text.between(start, min(end, start + _LONGEST_HEADING))
    names = mend_names(line.tokens.cut(line.first, line.end))
    terms = {term.first: term for term in find_terms(names, "text_headings")}
    starts = [0]
    while quality := rule("text_quality").starts(names, starts[-1]):
        starts.append(quality.end)
    found = [terms[first] for first in starts if first in terms]
    if not found:
        return None
    term = found[-1]  # of "main inclusion criteria", not "main"
    tail = rule("text_tail").starts(names, term.end)
    last = line.first + (tail.end if tail else term.end)
    return term.value, line.part(line.first, last).raw_span[1]


def _read_heading(
    text: LexedSection, front: re.Match[str], end: int, last: Heading | None
) -> Heading | None:
    """Return the heading that a line begins with, behind the marks in ``front``; ``last`` is the
    one before.
    """
    raw = text.raw
    place = front.end()
    found = read_kind(text, place, end) if raw[place : place + 1].isalpha() else None
    behind = found and _BEHIND.match(raw, found[1], end)
    if not found:
        return None
    if not behind:
        return None
    if behind["stop"] and not front["number"]:
        return None
    if behind["cell"] and names_columns(raw[front.start() : end]):
        return None
    kind, words_end = found
    if last and kind == "other" and last.section == "arms":
        kind = "arm"  # one of "other" type
    is_empty = (
        last
        and last.section == ELIGIBILITY
        and not raw[last.start : front.start()].strip()
    )
    if is_empty and raw[place:words_end] == "Description":
        kind = ELIGIBILITY  # the label of the criteria, on a registry's page
    heading = Heading(
        section=SECTIONS.get(kind, kind),
        kind=kind,
        line=front.start(),
        shown=_read_start(front),
        words=(place, words_end),
        start=behind.end(),
        style=_read_style(front),
        is_alone=behind.end() >= end,
        is_framed=bool(set("]】=") & set(behind.group())),
        is_caption=bool(front["caption"]),
        columns=_read_columns(text, place, end) if behind["cell"] else (),
    )
    marked = any(
        (front["hash"], front["bold"], front["bracket"], behind["cell"], behind["sign"])
    )
    if heading.is_caption and not (
        heading.kind in ("criteria", ELIGIBILITY) and heading.is_alone
    ):
        return None
    if (marked or raw[place].isupper()) and _is_fit(heading, last, marked=marked):
        return heading
    return None


def _read_columns(
    text: LexedSection, start: int, end: int
) -> tuple[tuple[str, Place], ...]:
    """Return the kinds of the columns, if each cell of a row is the heading of criteria,
    objectives or outcomes.
    """
    cells = [
        strip_span(text.raw, *cell, " \t*_:")
        for cell in list_words(text.raw, start, end)
    ]
    kinds = [read_kind(text, *cell) for cell in cells]
    columns = tuple(
        (found[0], cell)
        for found, cell in zip(kinds, cells, strict=True)
        if found
        and found[1] == cell[1]
        and found[0] in ("criteria", "objectives", *OUTCOMES)
    )
    return columns if len(columns) == len(cells) > 1 else ()


def _is_fit(heading: Heading, last: Heading | None, *, marked: bool) -> bool:
    """Return whether a heading can follow the ``last`` one: within a list of criteria, few words
    are headings.
    """
    within = last.section if last else None
    strong = heading.section in (ELIGIBILITY, *OUTCOMES)
    bulleted = heading.style == "-"
    if heading.kind in RANKS:
        return last is not None and last.kind in (*RANKS, "other_outcomes")
    if (
        last
        and last.kind == "group"
        and not heading.is_alone
        and heading.section in ("interventions", DESCRIPTION)
    ):
        return False  # what one group of a registry's page gets, and how many people are in it
    if heading.kind in ("group", *KEPT):
        names_itself = heading.kind == "group" and (
            heading.is_alone or heading.words[1] - heading.words[0] > len("Group")
        )
        return (
            not bulleted and not names_itself and within not in (ELIGIBILITY, *OUTCOMES)
        )
    is_criterion = (
        heading.kind == "label"
        and marked
        and not (last and last.kind in ("field", "label"))
    )
    if is_criterion or (bulleted and not (strong and marked)):
        return False
    if last and within == ELIGIBILITY and heading.style != last.style:
        return strong and heading.style not in ("-", "1")  # no item of the list
    return not (
        within == ELIGIBILITY and not heading.style and heading.kind == "conditions"
    )


def _end_section(
    raw: str, front: re.Match[str], end: int, last: Heading | None
) -> Heading | None:
    """Return the heading of a description if the marks of a line end the section, though its
    words are unknown.
    """
    style = _read_style(front)
    if last is None:
        return None
    if style == "|" and last.columns:
        return None
    if not raw[front.end() : end].strip(NO_WORDS):
        return None
    if style.startswith("#"):
        ends = len(style) <= len(last.style) or "#" not in last.style
    elif style in ("|", "A", "I") or re.fullmatch(r"[*_]+1", style):
        ends = style == last.style
    else:  # "5.2 Screening" after "5.1 Inclusion criteria", but not the items "1." and "2."
        level = style[-2:] == last.style[-2:] == ".1" and len(style) <= len(last.style)
        ends = level and not PROSE_END.search(raw, front.end(), end)
    place = _read_start(front)
    if ends:
        return Heading(
            DESCRIPTION, "", front.start(), place, (place, place), place, style
        )
    return None


def _drop_mentions(headings: Sequence[Heading]) -> list[Heading]:
    """Drop headings where others of their kind are marked better: in descriptions, lists are
    often repeated.
    """
    best: dict[str, int] = defaultdict(int)
    for one in headings:
        best[one.kind] = max(best.get(one.kind, one.weight), one.weight)
    kept: list[Heading] = []
    for one in headings:
        within = kept[-1].section if kept else ""
        if (
            one.kind != "arm" or "arms" not in best or within == "arms"
        ) and one.weight == best[one.kind]:
            kept.append(one)
    return kept


def _read_start(front: re.Match[str]) -> int:
    """Return where a line begins behind the marks of its level; those of emphasis stay."""
    return front.start("bold") if front["bold"] else front.end()


def _read_style(front: re.Match[str]) -> str:
    """Return the marks before a line's words, the same for all lines of one level.

    >>> [
    ...     _read_style(FRONT.match(line))
    ...     for line in (
    ...         "## Arms",
    ...         "5.2 Arms",
    ...         "E.5 Arms",
    ...         "IV. Arms",
    ...         "**Arms**",
    ...         "Arms",
    ...     )
    ... ]
    ['##', '1.1', 'E.1', 'I', '**', '']
    """
    if front["row"] or front["hash"]:
        return (front["row"] or front["hash"]).strip().replace("=", "#")
    if front["bullet"]:
        return "-"
    number = re.sub(r"\d+", "1", front["number"] or "")
    return (front["bold"] or "") + re.sub(
        r"^[IVX]+$", "I", re.sub(r"^[A-H]$", "A", number)
    )
