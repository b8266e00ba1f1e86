"""Free text: notes, protocol synopses and copies of a registry's page, read by their headings.

``layout`` undoes line breaks and page edges, ``headings`` finds the headings, and this file puts
what is below each of them into a section. Text before the first heading is a title and a
description; a text of criteria alone needs no heading. A section is a substring of the text, or
several of them joined by line breaks, and its ``pieces`` are their offsets in the text.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, get_args

from extractor.concepts.limits.read import find_limits
from extractor.formats.found import (
    RecordContent,
    UnreadableSource,
    find_trial_id,
    take_sections,
    text_section,
)
from extractor.formats.headings import (
    DESCRIPTION,
    ELIGIBILITY,
    FRONT,
    ITEMS,
    KEPT,
    OUTCOMES,
    PROSE_END,
    RANKS,
    SECTIONS,
    Heading,
    find_headings,
    read_kind,
)
from extractor.formats.layout import undo_layout
from extractor.formats.listed import (
    LINE,
    NO_WORDS,
    Place,
    find_parts,
    holds_list,
    list_cells,
    split_items,
)
from extractor.language.book import read_text
from extractor.language.other_languages import hide_foreign
from extractor.language.passage import read_section, strip_span
from extractor.schemas import Part, Piece, Section
from extractor.schemas.record_limits import MAX_CHARACTERS, MAX_LINES

GivenSection = Literal[
    "eligibility",
    "arms",
    "interventions",
    "primary_outcomes",
    "secondary_outcomes",
    "other_outcomes",
]
"""The section of which a user states that a text is all of it."""
_Placed = tuple[str, Place]
"""The name of a section, and a place of its text."""
_ID = "trial_id"
_GAP = re.compile(r"\r?\n[ \t\r]*\n")
_NEXT_LINE = re.compile(r"\r?\n(?![ \t]*[a-z])")
_ENDS = {
    "title": _NEXT_LINE,
    "official_title": _NEXT_LINE,
    _ID: _NEXT_LINE,
    "conditions": _GAP,
    "keywords": _GAP,
}
"""What ends short sections. The text behind it describes the trial."""
_ORDER = (
    "title",
    "official_title",
    "brief_summary",
    DESCRIPTION,
    "conditions",
    "keywords",
    ELIGIBILITY,
    *ITEMS,
)
_LONGEST_TITLE = 300
_LONGEST_GAP = 2_000
"""Most blanks within a piece of a section; more are parts of a document that are not read."""
_TABLE_LINES = 4
_OPENING_LINES = 3
_OPENING = re.compile(rf"(?:[{re.escape(NO_WORDS)}]*\n)?[\s|]*")
_TWO_WORDS = re.compile(r"\b[^\W\d_]{2,}\W+[^\W\d_]{2}")
_RANK = re.compile(r"\n[ \t]*Type[ \t]*[:：][ \t]*(Primary|Secondary)\b")
_TABLE_ROW = re.compile(r"[^,;\t]*(?:[,;\t](?! )[^,;\t]*)+")


def build_text(
    text: str, *, title: str | None = None, named: bool = True
) -> RecordContent:
    r"""Build the content of a free text, whose headings show what follows.

    Raises ``UnreadableSource`` for a text that is too long, and for one without usual headings that
    is a table or data, has no words, or was not named by the user.

    Args:
        text: The text.
        title: The trial's title, in place of one in the text.
        named: Whether the user named this very text. Only then a text without usual headings is a
            record.

    >>> content = build_text(
    ...     "A Trial of Fictumab\n\nKey inclusion criteria:\n- Adults\n\nPrimary endpoint: Survival"
    ... )
    >>> [(section.name, section.text) for section in content.sections][1:]
    [('eligibility', 'Key inclusion criteria:\n- Adults'), ('primary_outcomes[0]', 'Survival')]
    """
    _check_size(text, "give one record a file")
    reader = _TextReader(undo_layout(text))
    usual = (ELIGIBILITY, *ITEMS)
    if not any(heading.section in usual for heading in reader.headings):
        _refuse_other(text, named=named)
    sections = take_sections(reader.list_sections(title))
    return RecordContent(sections, "text", reader.find_id(), given=text)


def build_given(
    text: str, section: GivenSection, *, title: str | None = None
) -> RecordContent:
    r"""Build the content of a text that is all of one section, such as a cell of a column of
    criteria. It needs no heading; a list becomes a section for each item.

    Raises ``UnreadableSource`` for an unknown section, and for too many characters or lines.

    >>> outcomes = build_given("- Pain\n- Sleep at 2 weeks", "secondary_outcomes")
    >>> [section.text for section in outcomes.sections]
    ['Pain', 'Sleep at 2 weeks']
    """
    if section not in get_args(GivenSection):
        known = ", ".join(get_args(GivenSection))
        raise UnreadableSource(
            f"there is no section {section!r}", f"choose from {known}"
        )
    _check_size(text, "give one record a text")
    if text.count("\n") >= MAX_LINES:
        problem = f"text of more than {MAX_LINES:,} lines"
        raise UnreadableSource(problem, "give one record a text")
    reader = _TextReader(undo_layout(text), within=section)
    sections = take_sections(reader.list_sections(title))
    return RecordContent(sections, "text", given=text)


def build_laid_out(text: str, known: Sequence[Heading] = ()) -> RecordContent:
    """Build the content of a text whose layout is undone already, such as that of a document.

    ``known`` are headings that the document shows as such. They count where the words of a line are
    unknown.
    """
    reader = _TextReader(text, known)
    sections = take_sections(reader.list_sections(None))
    return RecordContent(sections, "text", reader.find_id())


def has_headings(text: str) -> bool:
    r"""Return whether a text has a heading that no description has, such as "Inclusion Criteria".

    >>> texts = (
    ...     "A Trial\nInclusion criteria\nAdults",
    ...     "The inclusion criteria are strict.",
    ... )
    >>> [has_headings(text) for text in texts]
    [True, False]
    """
    return any(
        heading.section not in (DESCRIPTION, "brief_summary")
        # "Summary: ..." may begin a sentence of a description.
        or (heading.section == "brief_summary" and heading.is_alone)
        for heading in find_headings(read_section("text", text))
    )


def _check_size(text: str, remedy: str) -> None:
    if len(text) > MAX_CHARACTERS:
        problem = f"text of more than {MAX_CHARACTERS:,} characters"
        raise UnreadableSource(problem, remedy)


def _refuse_other(text: str, *, named: bool) -> None:
    """Raise ``UnreadableSource`` for a text without usual headings that is a table or JSON, that
    has no words, or that the user did not name (``named``).
    """
    lines = (line.group() for line in LINE.finditer(text) if line.group().strip())
    first = list(islice(lines, _TABLE_LINES))
    is_table = len(first) > 1 and all(map(_TABLE_ROW.fullmatch, first))
    is_json = text.lstrip()[:1] in ("{", '"')
    if is_table or is_json or _is_wordless(text):
        raise UnreadableSource(
            "an unknown format",
            'give a text with headings such as "Inclusion Criteria", or say that its section is '
            "eligibility (in Python, in JSON, and on the page to try texts), or a download of a "
            "registry (docs/reference/formats.md), plain, in gzip or in zip",
        )
    if not named:
        problem = 'a text without a heading such as "Inclusion Criteria"'
        remedy = (
            "name the file itself to read it as one description, or give it headings"
        )
        raise UnreadableSource(problem, remedy)


def _is_wordless(text: str) -> bool:
    """Return whether a text that is not blank has no two words beside each other and no limit."""
    if not text.strip() or _TWO_WORDS.search(text):
        return False
    # Chinese and Japanese are written without spaces between words.
    if hide_foreign(text) != text:
        return False
    # "HbA1c < 7 %" has no two words, and is a criterion.
    is_long = len(text) > _LONGEST_TITLE
    return is_long or not find_limits(read_text(text), None)


class _TextReader:
    """Reads a text: its headings, and by section the ``places`` of what is below them.

    Args:
        text: The text, without the layout of its file.
        known: Headings that a document shows as such.
        within: The section in which all of the text is, if the user states it. Then only headings
            of lists of criteria count, and nothing is a title.
    """

    def __init__(
        self,
        text: str,
        known: Sequence[Heading] = (),
        within: GivenSection | None = None,
    ) -> None:
        self.text = text
        self.lexed = read_section("text", text)
        # A heading may be beside its translation: it is looked for with that blanked.
        self.english = hide_foreign(text)
        self.headings: list[Heading] = []
        self.places: dict[str, list[Place]] = defaultdict(list)
        if within and within != ELIGIBILITY:
            by_line = within in OUTCOMES
            lead, items = split_items(self.lexed, 0, len(text), by_line=by_line)
            self.places |= {within: items, DESCRIPTION: [lead] if lead else []}
            return
        self.headings = self._find_headings(known)
        if within:
            self.headings = [
                heading for heading in self.headings if heading.section == ELIGIBILITY
            ]
        ends = [*(heading.line for heading in self.headings), len(text)]
        if within:
            self.places[ELIGIBILITY].append((0, ends[0]))
        else:
            self._place_opening(ends[0])
        for heading, end in zip(self.headings, ends[1:], strict=True):
            for section, place in self._place(heading, end):
                self.places[section].append(place)

    def _find_headings(self, known: Sequence[Heading]) -> list[Heading]:
        """Return the headings in order. The words of a line count before what a document shows."""
        lexed = self.lexed
        if self.english != self.text:
            lexed = read_section("text", self.english)
        found = {heading.line: heading for heading in known}
        for heading in find_headings(lexed):
            if heading.kind or heading.line not in found:
                found[heading.line] = heading
        return [found[line] for line in sorted(found)]

    def find_id(self) -> str | None:
        """Return the registry's number of the trial, behind a heading or alone on one of the
        first lines; None without one.
        """
        first = islice(LINE.finditer(self.text), _OPENING_LINES)
        places = (*self.places[_ID], *(line.span() for line in first))
        numbers = (find_trial_id(self.text[start:end]) for start, end in places)
        return next(filter(None, numbers), None)

    def _place_opening(self, end: int) -> None:
        """Place the text before the first heading, which begins at ``end``: a title, unless a
        heading names one, and a description, or a list of criteria if the text has no heading.
        """
        start = 0
        title = self._find_title(end)
        if title and not any(heading.section == "title" for heading in self.headings):
            self.places["title"].append(title)
            start = title[1]
        # A pasted list of criteria often has no heading at all.
        is_list = not self.headings and holds_list(self.text, start, end)
        self.places[ELIGIBILITY if is_list else DESCRIPTION].append((start, end))

    def _find_title(self, end: int) -> Place | None:
        """Return the first line before ``end`` that is no registry's number, as the title, unless
        it is a sentence, an item, a row of a table, too long or all that there is.

        Without any heading, a title must be apart from the text below it.
        """
        for line in LINE.finditer(self.text, 0, end):
            front = FRONT.match(self.text, *line.span())
            if not line.group().strip() or find_trial_id(line.group()) or not front:
                continue
            start, stop = strip_span(self.text, front.end(), line.end(), " \t*#_")
            is_apart = front["hash"] or _GAP.match(self.text, line.end())
            refusals = (
                front["bullet"] or front["number"] or front["row"],
                not self.headings and not is_apart,
                stop - start > _LONGEST_TITLE,
                PROSE_END.search(self.text, start, stop),
                not self.text[line.end() :].strip(),
            )
            return None if any(refusals) else (start, stop)
        return None

    def _place(self, heading: Heading, end: int) -> Iterator[_Placed]:
        """Yield the places between a heading and the ``end`` of its text, each with its section.

        The heading itself belongs to a section of criteria or a description, and to an arm that it
        labels.
        """
        section = heading.section
        below = (heading.start, end)
        is_list = heading.kind == "criteria"
        is_shown = is_list and heading.is_alone and not heading.is_framed
        if heading.columns:
            yield from self._place_columns(heading, end)
        elif is_shown or heading.kind in KEPT or section == DESCRIPTION:
            yield section, (heading.shown, end)
        elif section in ITEMS and heading.kind != "group":
            yield from self._place_items(section, *below)
        elif section in _ENDS:
            yield from self._place_short(section, *below)
        else:
            # The name of a list is read without the signs around it and the text behind it.
            if is_list:
                yield section, heading.words
            yield section, below

    def _place_items(self, section: str, start: int, end: int) -> Iterator[_Placed]:
        """Yield the items of a list of arms, interventions or outcomes. What introduces it, and
        what follows it in another language, describes the trial.
        """
        in_english = self.english[start:end].rstrip()
        list_end = start + len(in_english) if in_english else end
        if not self.text[list_end:end].strip():
            list_end = end
        yield DESCRIPTION, (list_end, end)
        is_outcomes = section in OUTCOMES
        lead, items = split_items(self.lexed, start, list_end, by_line=is_outcomes)
        if lead:
            yield DESCRIPTION, lead
        for item in items:
            kind, _ = read_kind(self.lexed, *item) or ("", 0)
            # On a registry's page, a row of a table of outcomes has "Type: Secondary".
            rank = _RANK.search(self.text, *item) if is_outcomes else None
            if rank:
                yield f"{rank[1].lower()}_outcomes", item
            elif section == "interventions" and kind == "arm":
                yield "arms", item
            else:
                yield section, item

    def _place_short(self, section: str, start: int, end: int) -> Iterator[_Placed]:
        """Yield the place of a short section, such as a title, and the description behind it.

        A title ends with its line, a list of conditions before a blank line. A second one of the
        same section is a description, too.
        """
        start, end = _trim(self.text, start, end)
        gap = _ENDS[section].search(self.text, start, end)
        stop = gap.start() if gap else end
        yield DESCRIPTION if self.places[section] else section, (start, stop)
        yield DESCRIPTION, (stop, end)

    def _place_columns(self, heading: Heading, end: int) -> Iterator[_Placed]:
        """Yield the cells of a table, column by column, each in the section that its column's name
        has. The name of a column of criteria or of a description belongs to the section.

        A row with a rank alone ("Secondary") ranks the outcomes in the rows below it.
        """
        rows: list[tuple[str, list[Place]]] = []
        rank = ""
        first = self.text.find("\n", heading.start, end)
        for line in LINE.finditer(self.text, first if first >= 0 else end, end):
            cells = list_cells(self.text, *line.span())
            if not line.group().strip(NO_WORDS) or len(cells) > len(heading.columns):
                continue
            kind, label_end = read_kind(self.lexed, *cells[0]) or ("", 0)
            if kind in RANKS and label_end == cells[0][1]:
                rank = SECTIONS[kind]
            rows.append((rank, cells))
        for number, (kind, words) in enumerate(heading.columns):
            section = SECTIONS.get(kind, kind)
            if section not in OUTCOMES:
                yield section, words
            for rank, cells in rows:
                if number < len(cells):
                    is_ranked = rank and section in OUTCOMES
                    yield rank if is_ranked else section, cells[number]

    def list_sections(self, title: str | None) -> Iterator[Section]:
        """Yield the sections in the order of a record, with ``title`` in place of the text's own if
        it is given. Each item is a section with its parts; of any other section, the places are
        joined.
        """
        yield from text_section("title", title)
        if title is not None:
            self.places["title"] = []
        for name in _ORDER:
            trimmed = [_trim(self.text, *place) for place in self.places[name]]
            stated = [(start, end) for start, end in trimmed if start < end]
            if name in ITEMS:
                for number, place in enumerate(stated):
                    parts = find_parts(self.lexed, place, name)
                    yield self._join(f"{name}[{number}]", [place], parts)
            elif stated:
                yield self._join(name, stated)

    def _join(
        self, name: str, places: Sequence[Place], parts: tuple[Part, ...] = ()
    ) -> Section:
        """Return a section of several places of the text; those with only a few blanks between
        them are one.
        """
        joined: list[Place] = []
        for start, end in places:
            before = joined[-1][1] if joined else start + 1
            is_near = before <= start < before + _LONGEST_GAP
            if is_near and not self.text[before:start].strip():
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        pieces: list[Piece] = []
        offset = 0
        for start, end in joined:
            pieces.append(Piece(start=offset, at=start))
            offset += end - start + len("\n")
        text = "\n".join(self.text[start:end] for start, end in joined)
        return Section(name=name, text=text, parts=parts, pieces=tuple(pieces))


def _trim(text: str, start: int, end: int) -> Place:
    """Narrow a place by white space, borders of tables, and lines without words at its ends."""
    opening = _OPENING.match(text, start, end)
    if opening:
        start = opening.end()
    words_end = start + len(text[start:end].rstrip(NO_WORDS))
    line_end = text.find("\n", words_end, end)
    return strip_span(text, start, line_end if line_end >= 0 else end, " \t\r\n|")
