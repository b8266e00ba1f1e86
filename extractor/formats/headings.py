"""Headings of a free text: lines that say what follows.

A line is a heading if it begins with words of ``formats/rules/terms/text_headings.toml``, behind
marks of Markdown, a number or a table's border, and the line ends there or goes on after a colon.
Another line with such marks ends the section above it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from extractor.concepts.criteria.lists import LISTS
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
from extractor.outline.headings import mend_spelling

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
_ENDS_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\Z")
_TIME_IN_PARAGRAPH = re.compile(
    r"(?:[^\n]{0,400}\n(?![ \t\r]*\n)){1,12}?[ \t*_-]{0,4}Time ?frame", re.IGNORECASE
)
"""A line with the time of an outcome, with no empty line above it."""
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
        weight = 0
        # A caption only points to a table. The list itself has a heading of its own.
        if self.is_caption:
            weight -= 1
        is_list = self.kind in ITEMS or self.kind == "criteria"
        if is_list and self.style.startswith("#"):
            weight += 2
        if self.is_alone and self.kind in ("arms", *OUTCOMES):
            weight += 1
        return weight


def find_headings(text: LexedSection) -> list[Heading]:
    r"""Return the headings of a text, in order: lines with known words, and lines whose marks end
    the section above them. Of headings of one kind, only those that are marked best count.

    >>> from extractor.language.passage import read_section
    >>> headings = find_headings(
    ...     read_section(
    ...         "text", "## Key inclusion criteria\n- Adults\n\nPrimary endpoint: Pain"
    ...     )
    ... )
    >>> [(heading.section, heading.kind, heading.style) for heading in headings]
    [('eligibility', 'criteria', '##'), ('primary_outcomes', 'primary_outcomes', '')]
    """
    headings: list[Heading] = []
    for line in LINE.finditer(text.raw):
        front = FRONT.match(text.raw, *line.span())
        if not front:
            continue
        last = headings[-1] if headings else None
        heading = _read_heading(text, front, line.end(), last)
        if not heading:
            heading = _end_section(text.raw, front, line.end(), last)
        if heading:
            headings.append(heading)
    return _drop_mentions(headings)


def read_kind(text: LexedSection, start: int, end: int) -> tuple[str, int] | None:
    """Return the kind of heading with whose words a line begins, and where in the text they end;
    None if its words are unknown.
    """
    line = text.between(start, min(end, start + _LONGEST_HEADING))
    tokens = line.tokens.cut(line.first, line.end)
    names = mend_spelling(tokens, LISTS) or tokens
    terms = {term.first: term for term in find_terms(names, "text_headings")}
    term = terms.get(0)
    # Of "main inclusion criteria", "main" alone is a term, too. The last one says what follows.
    quality = rule("text_quality").starts(names, 0)
    while quality:
        term = terms.get(quality.end, term)
        quality = rule("text_quality").starts(names, quality.end)
    if term is None:
        return None
    tail = rule("text_tail").starts(names, term.end)
    last = line.first + (tail.end if tail else term.end)
    return term.value, line.part(line.first, last).raw_span[1]


def _read_heading(
    text: LexedSection, front: re.Match[str], end: int, last: Heading | None
) -> Heading | None:
    """Return the heading that a line begins with, behind the marks in ``front``; None for a line
    that is none.

    The line must begin with known words, and end there or go on after a sign such as a colon.
    Without marks or signs, it must begin with a capital. It must also fit the heading before it.

    Args:
        text: The whole text.
        front: The marks before the words of the line.
        end: Where the line ends.
        last: The heading before this line.
    """
    raw = text.raw
    start = front.end()
    if not raw[start : start + 1].isalpha():
        return None
    named = _read_name(text, start, end, last)
    if not named:
        return None
    kind, words_end = named
    behind = _BEHIND.match(raw, words_end, end)
    if not behind:
        return None
    # A full stop ends a sentence. Only headings with a number are written with one.
    if behind["stop"] and not front["number"]:
        return None
    if behind["cell"] and names_columns(raw[front.start() : end]):
        return None
    columns: tuple[tuple[str, Place], ...] = ()
    if behind["cell"]:
        columns = _read_columns(text, start, end)
    kind = _adapt_kind(raw, front, words_end, kind, last)
    heading = Heading(
        section=SECTIONS.get(kind, kind),
        kind=kind,
        line=front.start(),
        shown=_read_start(front),
        words=(start, words_end),
        start=behind.end(),
        style=_read_style(front),
        is_alone=behind.end() >= end,
        is_framed=bool(set("]】=") & set(behind.group())),
        is_caption=bool(front["caption"]),
        columns=columns,
    )
    # signs that show a heading
    marks = (front["hash"], front["bold"], front["bracket"])
    marked = any(marks) or any((behind["cell"], behind["sign"]))
    # Below "Table 2 Treatment arms" stand columns of their own names. Only criteria are read.
    captions_criteria = kind in ("criteria", ELIGIBILITY) and heading.is_alone
    if heading.is_caption and not captions_criteria:
        return None
    if not marked and not raw[start].isupper():
        return None
    return heading if _is_fit(heading, last, marked=marked) else None


def _adapt_kind(
    raw: str, front: re.Match[str], words_end: int, kind: str, last: Heading | None
) -> str:
    """Return the kind of a heading's words below the ``last`` heading: ``kind``, except for
    "Other" in a list of arms, and for "Description" right below the heading of criteria.
    """
    if last is None:
        return kind
    # "Other" is also one of the registered types of an arm.
    if kind == "other" and last.section == "arms":
        return "arm"
    # On a registry's page, the criteria stand below "Eligibility Criteria" and "Description".
    is_label = raw[front.end() : words_end] == "Description"
    is_next = not raw[last.start : front.start()].strip()
    if is_label and is_next and last.section == ELIGIBILITY:
        return ELIGIBILITY
    return kind


def _read_name(
    text: LexedSection, start: int, end: int, last: Heading | None
) -> tuple[str, int] | None:
    """Return what ``read_kind`` does; None, too, if the words only label the description of an
    outcome below the ``last`` heading.
    """
    named = read_kind(text, start, end)
    if named and _describes_outcome(text.raw, (start, named[1]), last):
        return None
    return named


def _describes_outcome(raw: str, words: Place, last: Heading | None) -> bool:
    """Return whether ``words`` are "Description", with a colon, and label a part of an outcome
    below the ``last`` heading: no empty line parts it from the outcome, or the outcome's time
    frame stands below it.
    """
    if last is None or last.section not in OUTCOMES:
        return False
    if raw[words[0] : words[1] + 1] != "Description:":
        return False
    line = raw.rfind("\n", 0, words[0]) + 1
    if not _ENDS_PARAGRAPH.search(raw, last.start, line):
        return True
    return _TIME_IN_PARAGRAPH.match(raw, words[1]) is not None


def _read_columns(
    text: LexedSection, start: int, end: int
) -> tuple[tuple[str, Place], ...]:
    """Return the kinds of the columns and the places of their words, if each of several cells of a
    row is the heading of criteria, objectives or outcomes, and nothing else; else nothing.
    """
    columns: list[tuple[str, Place]] = []
    for cell in list_words(text.raw, start, end):
        words = strip_span(text.raw, *cell, " \t*_:")
        named = read_kind(text, *words)
        if named is None:
            return ()
        kind, words_end = named
        if words_end != words[1]:
            return ()
        if kind not in ("criteria", "objectives", *OUTCOMES):
            return ()
        columns.append((kind, words))
    return tuple(columns) if len(columns) > 1 else ()


def _is_fit(heading: Heading, last: Heading | None, *, marked: bool) -> bool:
    """Return whether a heading can follow the ``last`` one: otherwise its line is an item, a label
    or a row of what stands below that.

    ``marked``: signs show that the line is a heading, such as a colon behind it. ``last`` is None
    for the first heading of a text.
    """
    # "Secondary:" is a heading only in a list of objectives, behind "Primary:".
    if heading.kind in RANKS:
        return last is not None and last.kind in (*RANKS, "other_outcomes")
    if last and last.kind == "group":
        # A registry's page says below each group what it gets, and how many people are in it.
        is_row = heading.section in ("interventions", DESCRIPTION)
        if is_row and not heading.is_alone:
            return False
    if heading.kind in ("group", *KEPT):
        return _labels_arm(heading, last)
    if heading.kind == "label" and marked:
        # A label with a colon is a criterion, such as "Age: 18 years", but not among labels.
        is_among_labels = last is not None and last.kind in ("field", "label")
        if not is_among_labels:
            return False
    return not _is_item(heading, last, marked=marked)


def _is_item(heading: Heading, last: Heading | None, *, marked: bool) -> bool:
    """Return whether the words of a heading begin an item: it has a bullet and names no list, or it
    stands within a list of criteria, where few words are headings.
    """
    begins_list = heading.section in (ELIGIBILITY, *OUTCOMES)
    if heading.style == "-":
        # "- Exclusion criteria:" may be an item that holds a list.
        names_list = begins_list and marked
        if not names_list:
            return True
    if last is None or last.section != ELIGIBILITY:
        return False
    if heading.style != last.style:
        return not begins_list or heading.style in ("-", "1")
    # A bare "Condition: stable" among criteria is one of them.
    return not heading.style and heading.kind == "conditions"


def _labels_arm(heading: Heading, last: Heading | None) -> bool:
    """Return whether the words for an arm are the label of one: they have no bullet, and do not
    stand below a heading of criteria or outcomes. "Group" must be a field in front of the label.
    """
    if heading.style == "-":
        return False
    if heading.kind == "group":
        start, end = heading.words
        # "Group: Fictumab" is a field before the label of an arm. "Main group:" is a name itself.
        if heading.is_alone or end - start > len("Group"):
            return False
    return last is None or last.section not in (ELIGIBILITY, *OUTCOMES)


def _end_section(
    raw: str, front: re.Match[str], end: int, last: Heading | None
) -> Heading | None:
    """Return the heading of a description if the marks of a line end the section above it, though
    its words are unknown; else None.

    A heading of Markdown ends a section of the same or a lower level, or one without such marks. A
    row, letter or Roman number ends a section of the same style, and a number like "5.2" one of the
    same or a lower level, unless the line ends as prose does.
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
    else:
        # "5.2 Screening" ends "5.1 Inclusion criteria", but the items "1." and "2." end nothing.
        is_level = style[-2:] == last.style[-2:] == ".1"
        is_as_high = is_level and len(style) <= len(last.style)
        ends = is_as_high and not PROSE_END.search(raw, front.end(), end)
    if not ends:
        return None
    start = _read_start(front)
    return Heading(DESCRIPTION, "", front.start(), start, (start, start), start, style)


def _drop_mentions(headings: Sequence[Heading]) -> list[Heading]:
    """Return the headings without those that only mention a list or an arm.

    A heading is dropped where another of its kind is marked better, for descriptions often repeat
    lists; and so is "Arm A" outside of the list of arms, if there is one.
    """
    best: dict[str, int] = {}
    for heading in headings:
        weight = heading.weight
        best[heading.kind] = max(best.get(heading.kind, weight), weight)
    kept: list[Heading] = []
    for heading in headings:
        if heading.weight < best[heading.kind]:
            continue
        within = kept[-1].section if kept else ""
        # Where arms have a list of their own, "Arm A" elsewhere only mentions one of them.
        is_mention = heading.kind == "arm" and within != "arms"
        if is_mention and "arms" in best:
            continue
        kept.append(heading)
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
    if front["row"]:
        return "|"
    if front["hash"]:
        marks: str = front["hash"]
        return marks.strip().replace("=", "#")
    if front["bullet"]:
        return "-"
    number = re.sub(r"\d+", "1", front["number"] or "")
    if re.fullmatch(r"[A-H]", number):
        number = "A"
    elif re.fullmatch(r"[IVX]+", number):
        number = "I"
    return (front["bold"] or "") + number
