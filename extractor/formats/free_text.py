"""Free text: notes, protocol synopses and copies of a registry's page, whose headings say what
follows.

Text before the first heading is a title and a description. Nothing is changed: a section is a
substring of the text, or several of them joined by line breaks, and its ``pieces`` say where they
stand.
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
"""The section of which somebody says that a text is all of it."""
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
_TABLE_LINES = 4
_OPENING_LINES = 3
_OPENING = re.compile(rf"(?:[{re.escape(NO_WORDS)}]*\n)?[\s|]*")
_TWO_WORDS = re.compile(r"\b[^\W\d_]{2,}\W+[^\W\d_]{2}")
_RANK = re.compile(r"\n[ \t]*Type[ \t]*[:：][ \t]*(Primary|Secondary)\b")
_TABLE_ROW = re.compile(r"[^,;\t]*(?:[,;\t](?! )[^,;\t]*)+")


def build_text(
    text: str, *, title: str | None = None, named: bool = True
) -> RecordContent:
    r"""Build the content of a free text, whose headings say what follows.

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
    if len(text) > MAX_CHARACTERS:
        raise UnreadableSource(
            f"text of more than {MAX_CHARACTERS:,} characters", "give one record a file"
        )
    reader = _TextReader(undo_layout(text))
    usual = (ELIGIBILITY, *ITEMS)
    if not any(heading.section in usual for heading in reader.headings):
        _refuse_other(text, named=named)
    sections = take_sections(reader.list_sections(title))
    return RecordContent(sections, "text", reader.find_id(), given=text)


def build_given(
    text: str, section: GivenSection, *, title: str | None = None
) -> RecordContent:
    r"""Build the content of a text of which the user says in which section it stands, such as a
    cell of a column of criteria. It needs no heading.

    Raises ``UnreadableSource`` for an unknown section, and for too many characters or lines.

    Args:
        text: The text.
        section: The section. A list of arms, interventions or outcomes becomes a section for each
            item.
        title: The trial's title.

    >>> content = build_given("Age 18 years or older", "eligibility")
    >>> [(section.name, section.text) for section in content.sections]
    [('eligibility', 'Age 18 years or older')]
    >>> outcomes = build_given("- Pain\n- Sleep at 2 weeks", "secondary_outcomes")
    >>> [section.text for section in outcomes.sections]
    ['Pain', 'Sleep at 2 weeks']
    """
    if section not in get_args(GivenSection):
        known = ", ".join(get_args(GivenSection))
        raise UnreadableSource(
            f"there is no section {section!r}", f"choose from {known}"
        )
    if len(text) > MAX_CHARACTERS:
        raise UnreadableSource(
            f"text of more than {MAX_CHARACTERS:,} characters", "give one record a text"
        )
    if text.count("\n") >= MAX_LINES:
        raise UnreadableSource(
            f"text of more than {MAX_LINES:,} lines", "give one record a text"
        )
    reader = _TextReader(undo_layout(text), within=section)
    sections = take_sections(reader.list_sections(title))
    return RecordContent(sections, "text", given=text)


def build_laid_out(text: str, known: Sequence[Heading] = ()) -> RecordContent:
    """Build the content of a text whose layout is undone already, such as that of a document.

    ``known`` are headings that the document shows as such. They count where the words of a line say
    nothing.
    """
    reader = _TextReader(text, known)
    return RecordContent(
        take_sections(reader.list_sections(None)), "text", reader.find_id()
    )


def has_headings(text: str) -> bool:
    r"""Return whether a text has a heading that no description has, such as "Inclusion Criteria".

    >>> (
    ...     has_headings("A Trial\nInclusion criteria\nAdults"),
    ...     has_headings("The inclusion criteria are strict."),
    ... )
    (True, False)
    """
    for heading in find_headings(read_section("text", text)):
        if heading.section == DESCRIPTION:
            continue
        # "Summary: ..." may begin a sentence of a description.
        if heading.is_alone or heading.section != "brief_summary":
            return True
    return False


def _refuse_other(text: str, *, named: bool) -> None:
    """Raise ``UnreadableSource`` for a text without usual headings that is a table or JSON, that
    has no words, or that the user did not name (``named``).
    """
    lines = [line.group() for line in LINE.finditer(text) if line.group().strip()]
    first = lines[:_TABLE_LINES]
    is_table = len(first) > 1 and all(map(_TABLE_ROW.fullmatch, first))
    is_json = text.lstrip()[:1] in ("{", '"')
    if is_table or is_json or _says_nothing(text):
        raise UnreadableSource(
            "an unknown format",
            'give a text with headings such as "Inclusion Criteria", or say that its section is '
            "eligibility (in Python, in JSON, and on the page to try texts), or a download of a "
            "registry (docs/reference/formats.md), plain, in gzip or in zip",
        )
    if not named:
        problem = 'a text without a heading such as "Inclusion Criteria"'
        raise UnreadableSource(
            problem,
            "name the file itself to read it as one description, or give it headings",
        )


def _says_nothing(text: str) -> bool:
    """Return whether a text that is not blank has no two words beside each other and no limit."""
    if not text.strip() or _TWO_WORDS.search(text):
        return False
    # Chinese and Japanese are written without spaces between words.
    if hide_foreign(text) != text:
        return False
    # "HbA1c < 7 %" has no two words, and is a criterion.
    is_short = len(text) <= _LONGEST_TITLE
    return not is_short or not find_limits(read_text(text), None)


def _add_known(headings: Sequence[Heading], shown: Sequence[Heading]) -> list[Heading]:
    """Return the headings of a text with those that the document shows as such, in order.

    Of two headings on one line, the one whose words are known counts before the shown one, and that
    one before a heading without a kind, which only ends a section.
    """
    by_line = {heading.line: heading for heading in headings}
    for heading in shown:
        known = by_line.get(heading.line)
        if known is None or not known.kind:
            by_line[heading.line] = heading
    return [by_line[line] for line in sorted(by_line)]


class _TextReader:
    """Reads a text: its headings, and by section the ``places`` of what stands below them.

    Args:
        text: The text, without the layout of its file.
        known: Headings that a document shows as such.
        within: The section in which all of the text stands, if the user says so. Then only headings
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
        self.places: dict[str, list[Place]] = defaultdict(list)
        if within and within != ELIGIBILITY:
            self._place_all(within)
            return
        # A heading may stand beside its translation: it is looked for with that blanked.
        self.english = hide_foreign(text)
        if self.english == text:
            headings = find_headings(self.lexed)
        else:
            headings = find_headings(read_section("text", self.english))
        self.headings = _add_known(headings, known)
        if within:
            self.headings = [
                heading for heading in self.headings if heading.section == ELIGIBILITY
            ]
        # where each heading begins, and the end of the last one's text
        limits = [*(heading.line for heading in self.headings), len(text)]
        if within:
            self.places[ELIGIBILITY].append((0, limits[0]))
        else:
            self._place_opening(limits[0])
        for heading, end in zip(self.headings, limits[1:], strict=True):
            for section, place in self._place(heading, end):
                self.places[section].append(place)

    def find_id(self) -> str | None:
        """Return the registry's number of the trial, behind a heading or alone on one of the
        first lines; None without one.
        """
        first = islice(LINE.finditer(self.text), _OPENING_LINES)
        for start, end in (*self.places[_ID], *(line.span() for line in first)):
            number = find_trial_id(self.text[start:end])
            if number:
                return number
        return None

    def _place_all(self, section: GivenSection) -> None:
        """Place all of the text as items of one section, without a look for headings."""
        by_line = section in OUTCOMES
        lead, items = split_items(self.lexed, 0, len(self.text), by_line=by_line)
        self.places[section] = items
        if lead:
            self.places[DESCRIPTION].append(lead)

    def _place_opening(self, end: int) -> None:
        """Place the text before the first heading, which begins at ``end``: a title, unless a
        heading names one, and a description, or a list of criteria if the text has no heading at
        all.
        """
        start = 0
        is_titled = any(heading.section == "title" for heading in self.headings)
        if not is_titled:
            title = self._find_title(end)
            if title:
                self.places["title"].append(title)
                start = title[1]
        # A pasted list of criteria often has no heading at all.
        is_list = not self.headings and holds_list(self.text, start, end)
        section = ELIGIBILITY if is_list else DESCRIPTION
        self.places[section].append((start, end))

    def _find_title(self, end: int) -> Place | None:
        """Return the first line before ``end`` as the title if it is no sentence, no item, no row
        of a table, not too long and not all that is said; else None.

        A registry's number above the title is passed over. Without any heading, a title must stand
        apart from the text below it.
        """
        line = self._find_first_line(end)
        front = FRONT.match(self.text, *line.span()) if line else None
        if not line or not front:
            return None
        if front["bullet"] or front["number"] or front["row"]:
            return None
        # Otherwise a note has just begun.
        is_apart = front["hash"] or _GAP.match(self.text, line.end())
        if not self.headings and not is_apart:
            return None
        start, stop = strip_span(self.text, front.end(), line.end(), " \t*#_")
        if stop - start > _LONGEST_TITLE:
            return None
        if PROSE_END.search(self.text, start, stop):
            return None
        has_more = bool(self.text[line.end() :].strip())
        return (start, stop) if has_more else None

    def _find_first_line(self, end: int) -> re.Match[str] | None:
        """Return the first line before ``end`` that is neither blank nor a registry's number."""
        for line in LINE.finditer(self.text, 0, end):
            if not line.group().strip():
                continue
            if not find_trial_id(line.group()):
                return line
        return None

    def _place(self, heading: Heading, end: int) -> Iterator[tuple[str, Place]]:
        """Yield the places between a heading and the ``end`` of its text, each with its section.

        The heading itself belongs to the section if it says something of it: one of criteria, or of
        a description. Columns, items and short sections are placed one by one.
        """
        section = heading.section
        with_heading = (heading.shown, end)
        without_heading = (heading.start, end)
        if heading.columns:
            yield from self._place_columns(heading, end)
        elif heading.kind in KEPT:
            yield section, with_heading
        elif heading.kind == "group":
            yield section, without_heading
        elif section in ITEMS:
            yield from self._place_items(section, heading.start, end)
        elif section in _ENDS:
            yield from self._place_short(section, heading.start, end)
        elif section == DESCRIPTION:
            yield section, with_heading
        elif heading.kind != "criteria":
            yield section, without_heading
        elif heading.is_alone and not heading.is_framed:
            yield section, with_heading
        else:
            # The name of the list is read without the signs around it and the text behind it.
            yield section, heading.words
            yield section, without_heading

    def _place_items(
        self, section: str, start: int, end: int
    ) -> Iterator[tuple[str, Place]]:
        """Yield the items of a list of arms, interventions or outcomes. What introduces it, and
        what follows it in another language, describes the trial.

        An intervention that is named as an arm is one, and an outcome whose row has a rank is in
        the section of that rank.
        """
        list_end = self._find_foreign_rest(start, end)
        yield DESCRIPTION, (list_end, end)
        is_outcomes = section in OUTCOMES
        lead, items = split_items(self.lexed, start, list_end, by_line=is_outcomes)
        if lead:
            yield DESCRIPTION, lead
        for item in items:
            section_of_item = section
            if section == "interventions":
                label = read_kind(self.lexed, *item)
                if label and label[0] == "arm":
                    section_of_item = "arms"
            if is_outcomes:
                # On a registry's page, a row of a table of outcomes says "Type: Secondary".
                rank = _RANK.search(self.text, *item)
                if rank:
                    section_of_item = f"{rank[1].lower()}_outcomes"
            yield section_of_item, item

    def _place_short(
        self, section: str, start: int, end: int
    ) -> Iterator[tuple[str, Place]]:
        """Yield the place of a short section, such as a title, and the description behind it.

        A title ends with its line, a list of conditions before a blank line. A second one of the
        same section is a description, too.
        """
        start, end = _trim(self.text, start, end)
        gap = _ENDS[section].search(self.text, start, end)
        stop = gap.start() if gap else end
        is_repeated = bool(self.places[section])
        yield DESCRIPTION if is_repeated else section, (start, stop)
        yield DESCRIPTION, (stop, end)

    def _find_foreign_rest(self, start: int, end: int) -> int:
        """Return where lines in another language begin that follow a list in English, which are no
        items of it; ``end`` if none follow, or if all of ``start:end`` is in another language.
        """
        in_english = self.english[start:end].rstrip()
        if not in_english:
            return end
        reached = start + len(in_english)
        return reached if self.text[reached:end].strip() else end

    def _place_columns(self, heading: Heading, end: int) -> Iterator[tuple[str, Place]]:
        """Yield the cells of a table, column by column, each in the section that its column's name
        says. The name of a column of criteria or of a description belongs to the section.
        """
        rows = self._list_rows(heading, end)
        for number, (section, words) in enumerate(heading.list_columns()):
            if section in (ELIGIBILITY, DESCRIPTION):
                yield section, words
            for rank, cells in rows:
                if number >= len(cells):
                    continue
                if rank and section in OUTCOMES:
                    yield rank, cells[number]
                else:
                    yield section, cells[number]

    def _list_rows(
        self, heading: Heading, end: int
    ) -> list[tuple[str | None, list[Place]]]:
        """Return the cells of the rows below a table's header, each row with the section of its
        outcomes, or None.

        A row that says "Secondary" ranks the rows below it, up to the next row that says a rank.
        Rows with more cells than the header are left out.
        """
        rows: list[tuple[str | None, list[Place]]] = []
        start = self.text.find("\n", heading.start, end)
        if start < 0:
            return rows
        rank = None
        for line in LINE.finditer(self.text, start, end):
            cells = list_cells(self.text, *line.span())
            if not line.group().strip(NO_WORDS):
                continue
            if len(cells) > len(heading.columns):
                continue
            first_cell = cells[0]
            label = read_kind(self.lexed, *first_cell)
            if label:
                kind, label_end = label
                # the cell says nothing else
                if kind in RANKS and label_end == first_cell[1]:
                    rank = SECTIONS[kind]
            rows.append((rank, cells))
        return rows

    def list_sections(self, title: str | None) -> Iterator[Section]:
        """Yield the sections in the order of a record, with ``title`` in place of the text's own if
        it is given. Each item is a section with its parts; of any other section, the places are
        joined.
        """
        yield from text_section("title", title)
        for name in _ORDER:
            if name == "title" and title is not None:
                continue
            stated: list[Place] = []
            for place in self.places[name]:
                start, end = _trim(self.text, *place)
                if start < end:
                    stated.append((start, end))
            if name in ITEMS:
                for number, place in enumerate(stated):
                    parts = find_parts(self.lexed, place, name)
                    yield self._join(f"{name}[{number}]", [place], parts)
            elif stated:
                yield self._join(name, stated)

    def _join(
        self, name: str, places: Sequence[Place], parts: tuple[Part, ...] = ()
    ) -> Section:
        """Return a section of several places of the text; those with only white space between
        them are one.
        """
        joined: list[Place] = []
        for start, end in places:
            if joined and self._is_next(joined[-1], start):
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        pieces: list[Piece] = []
        offset = 0
        for start, end in joined:
            pieces.append(Piece(start=offset, at=start))
            offset += end - start + len("\n")
        return Section(
            name=name,
            text="\n".join(self.text[start:end] for start, end in joined),
            parts=parts,
            pieces=tuple(pieces),
        )

    def _is_next(self, place: Place, start: int) -> bool:
        """Return whether only white space is between a place and what begins at ``start``."""
        end = place[1]
        return end <= start and not self.text[end:start].strip()


def _trim(text: str, start: int, end: int) -> Place:
    """Narrow a place by white space, borders of tables, and lines without words at its ends."""
    opening = _OPENING.match(text, start, end)
    if opening:
        start = opening.end()
    words_end = start + len(text[start:end].rstrip(NO_WORDS))
    line_end = text.find("\n", words_end, end)
    if line_end < 0:
        line_end = end
    return strip_span(text, start, line_end, " \t\r\n|")
