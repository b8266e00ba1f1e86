"""Headings of a free text: lines that say what follows.

A line is a heading if it begins with words of ``formats/rules/terms/text_headings.toml``, behind
marks of Markdown, a number or a table's border, and the line ends there or goes on after a colon.
Another line with such marks ends the section above it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

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
from extractor.language.wrapping import runs_on
from extractor.outline.headings import Vocabulary, mend_spelling

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
_VOCABULARY = Vocabulary(
    "text_headings",
    spelling=(
        "inclusion",
        "inclusions",
        "exclusion",
        "exclusions",
        "criteria",
        "eligibility",
    ),
    own=frozenset(
        {"infusion", "infusions", "criterion", "occlusion", "conclusion", "effusion"}
    ),
)

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
        heading = _read_known(text, front, line.end(), last)
        if heading is None and last:
            heading = _read_unknown(text.raw, front, line.end(), last)
        if heading:
            headings.append(heading)
    return _drop_mentions(headings)


def read_kind(text: LexedSection, start: int, end: int) -> tuple[str, int] | None:
    """Return the kind of heading with whose words a line begins, and where in the text they end;
    None if its words are unknown.
    """
    line = text.between(start, min(end, start + _LONGEST_HEADING))
    tokens = line.tokens.cut(line.first, line.end)
    names = mend_spelling(tokens, _VOCABULARY) or tokens
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


def _read_known(
    text: LexedSection, front: re.Match[str], end: int, last: Heading | None
) -> Heading | None:
    """Return the heading of a line that begins, behind the marks in ``front``, with known words
    and fits what is above it; None for another line.
    """
    raw = text.raw
    start = front.end()
    named = read_kind(text, start, end) if raw[start : start + 1].isalpha() else None
    behind = _BEHIND.match(raw, named[1], end) if named else None
    if not named or not behind:
        return None
    # A full stop ends a sentence. Only headings with a number are written with one.
    if behind["stop"] and not front["number"]:
        return None
    if behind["cell"] and names_columns(raw[front.start() : end]):
        return None
    words_end = named[1]
    kind = _adapt_kind(raw, front, *named, last)
    if not kind:
        return None
    heading = Heading(
        section=SECTIONS.get(kind, kind),
        kind=kind,
        line=front.start(),
        shown=_read_start(front),
        words=(start, words_end),
        start=behind.end(),
        style=_read_style(front),
        is_alone=behind.end() >= end,
        is_framed=not {"]", "】", "="}.isdisjoint(behind.group()),
        is_caption=bool(front["caption"]),
        columns=_read_columns(text, start, end) if behind["cell"] else (),
    )
    marks = (front["hash"], front["bold"], front["bracket"])
    is_marked = any((*marks, behind["cell"], behind["sign"]))
    if not is_marked and not raw[start].isupper():
        return None
    # "... who meet the" above "inclusion criteria:" goes on in it
    if raw[start].islower() and runs_on(raw[max(0, start - 40) : start].rstrip()):
        return None
    return heading if _fits(heading, last, is_marked=is_marked) else None


def _adapt_kind(
    raw: str, front: re.Match[str], kind: str, end: int, last: Heading | None
) -> str:
    """Return the kind of a heading's words below the ``last`` heading, which is another one for
    "Other" and "Description"; "" if they only label a part of an outcome.
    """
    if last is None:
        return kind
    # "Other" is also one of the registered types of an arm.
    if last.section == "arms" and kind == "other":
        return "arm"
    label = raw[front.end() : end + 1]
    if label.strip(" :\r\n") != "Description":
        return kind
    # On a registry's page, the criteria follow "Eligibility Criteria" and "Description".
    is_next = not raw[last.start : front.start()].strip()
    if is_next and last.section == ELIGIBILITY and label != "Description:":
        return ELIGIBILITY
    is_part = label == "Description:" and _describes_outcome(raw, front, end, last)
    return "" if is_part else kind


def _fits(heading: Heading, last: Heading | None, *, is_marked: bool) -> bool:
    """Return whether a heading can follow the ``last`` one: otherwise its line is an item, a label
    or a row of what is above it. ``is_marked``: signs show a heading, such as a colon behind it.
    """
    kind = heading.kind
    kind_above = last.kind if last else ""
    # Below "Table 2 Treatment arms" are columns of their own names. Only criteria are read.
    is_criteria = kind in ("criteria", ELIGIBILITY)
    if heading.is_caption and not (is_criteria and heading.is_alone):
        return False
    # "Secondary:" is a heading only in a list of objectives, behind "Primary:".
    if kind in RANKS:
        return kind_above in (*RANKS, "other_outcomes")
    if kind in ("group", *KEPT):
        return _labels_arm(heading, last)
    # Below each group, a registry's page has a field for its treatment and its size.
    is_field = heading.section in ("interventions", DESCRIPTION)
    if kind_above == "group" and is_field and not heading.is_alone:
        return False
    # "Sex: female" is a criterion, but not among the fields of a registry's page.
    if kind == "label" and is_marked and kind_above not in ("field", "label"):
        return False
    return not _is_item(heading, last, is_marked=is_marked)


def _labels_arm(heading: Heading, last: Heading | None) -> bool:
    """Return whether words for an arm label one: outside of criteria, outcomes and bullets."""
    start, end = heading.words
    # "Group: Fictumab" is a field before a label. "Main group:" is a label itself.
    is_label = heading.is_alone or end - start > len("Group")
    if heading.kind == "group" and is_label:
        return False
    above = last.section if last else ""
    return heading.style != "-" and above not in (ELIGIBILITY, *OUTCOMES)


def _is_item(heading: Heading, last: Heading | None, *, is_marked: bool) -> bool:
    """Return whether a heading's words begin an item: it has a bullet, or is among criteria, where
    few words are headings.
    """
    begins_list = heading.section in (ELIGIBILITY, *OUTCOMES)
    # "- Exclusion criteria:" may be an item that has a list.
    if heading.style == "-" and not (begins_list and is_marked):
        return True
    if last is None or last.section != ELIGIBILITY:
        return False
    if heading.style != last.style:
        return not begins_list or heading.style in ("-", "1")
    # A bare "Condition: stable" among criteria is one of them.
    return not heading.style and heading.kind == "conditions"


def _describes_outcome(raw: str, front: re.Match[str], end: int, last: Heading) -> bool:
    """Return whether "Description:" labels a part of an outcome: no blank line is above it, or the
    outcome's time frame is below it.
    """
    if last.section not in OUTCOMES:
        return False
    is_apart = _ENDS_PARAGRAPH.search(raw, last.start, front.start())
    return not is_apart or _TIME_IN_PARAGRAPH.match(raw, end) is not None


def _read_columns(
    text: LexedSection, start: int, end: int
) -> tuple[tuple[str, Place], ...]:
    """Return the kinds of the columns and the places of their words, if each of several cells of a
    row is the heading of criteria, objectives or outcomes, and nothing else; else nothing.
    """
    columns: list[tuple[str, Place]] = []
    for cell in list_words(text.raw, start, end):
        words = strip_span(text.raw, *cell, " \t*_:")
        kind, words_end = read_kind(text, *words) or ("", 0)
        if kind not in ("criteria", "objectives", *OUTCOMES) or words_end != words[1]:
            return ()
        columns.append((kind, words))
    return tuple(columns) if len(columns) > 1 else ()


def _read_unknown(
    raw: str, front: re.Match[str], end: int, last: Heading
) -> Heading | None:
    """Return the heading of a description if the marks of a line end the section above it, though
    its words are unknown; else None. Its marks must be those of the same or a higher level.
    """
    style = _read_style(front)
    if not raw[front.end() : end].strip(NO_WORDS):
        return None
    if style.startswith("#"):
        ends = len(style) <= len(last.style) or "#" not in last.style
    elif style == "|":
        ends = style == last.style and not last.columns
    elif style in ("A", "I") or re.fullmatch(r"[*_]+1", style):
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
    """Return the headings without those that only mention a list or an arm: another of their kind
    is marked better, or arms have a list of their own elsewhere.
    """
    best: dict[str, int] = {}
    for heading in headings:
        best[heading.kind] = max(best.get(heading.kind, -1), _weigh(heading))
    kept: list[Heading] = []
    for heading in headings:
        within = kept[-1].section if kept else ""
        is_mention = heading.kind == "arm" and "arms" in best and within != "arms"
        if _weigh(heading) == best[heading.kind] and not is_mention:
            kept.append(heading)
    return kept


def _weigh(heading: Heading) -> int:
    """Return how well a line is marked as a heading, as far as it matters for its kind."""
    is_list = heading.kind in ITEMS or heading.kind == "criteria"
    is_title = is_list and heading.style.startswith("#")
    is_line = heading.is_alone and heading.kind in ("arms", *OUTCOMES)
    # A caption only points to a table.
    return 2 * is_title + is_line - heading.is_caption


def _read_start(front: re.Match[str]) -> int:
    """Return where a line begins behind the marks of its level; those of emphasis stay."""
    return front.start("bold") if front["bold"] else front.end()


def _read_style(front: re.Match[str]) -> str:
    """Return the marks before a line's words, the same for all lines of one level.

    >>> lines = ("## Arms", "5.2 Arms", "E.5 Arms", "IV. Arms", "**Arms**", "Arms")
    >>> [_read_style(FRONT.match(line)) for line in lines]
    ['##', '1.1', 'E.1', 'I', '**', '']
    """
    if front["row"]:
        return "|"
    if front["hash"]:
        return str(front["hash"]).strip().replace("=", "#")
    if front["bullet"]:
        return "-"
    number = re.sub(r"\d+", "1", front["number"] or "")
    number = re.sub(r"\A[A-H]\Z", "A", number)
    number = re.sub(r"\A[IVX]+\Z", "I", number)
    return (front["bold"] or "") + number
