"""Free text: notes, protocol synopses and copies of a registry's page, whose headings say what
follows.

Text before the first heading is a title and a description. Nothing is changed: a section is a
substring of the text, or several of them joined by line breaks, and its ``pieces`` say where they
stand.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
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
    r"""Build the content of a free text. Raises ``UnreadableSource``.

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
    if not any(one.section in (ELIGIBILITY, *ITEMS) for one in reader.headings):
        _refuse_other(text, named=named)
    return RecordContent(
        take_sections(reader.list_sections(title)), "text", reader.find_id()
    )


def build_given(
    text: str, section: GivenSection, *, title: str | None = None
) -> RecordContent:
    r"""Build the content of a text of which the user says in which section it stands, such as a
    cell of a column of criteria. It needs no heading. Raises ``UnreadableSource``.

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
    return RecordContent(take_sections(reader.list_sections(title)), "text")


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
    found = find_headings(read_section("text", text))
    return any(
        one.section != DESCRIPTION and (one.is_alone or one.section != "brief_summary")
        for one in found
    )


def _refuse_other(text: str, *, named: bool) -> None:
    """Raise ``UnreadableSource`` for a text without usual headings that is a table or data, or that
    the user did not name.
    """
    lines = [found.group() for found in LINE.finditer(text) if found.group().strip()][
        :_TABLE_LINES
    ]
    is_table = len(lines) > 1 and all(map(_TABLE_ROW.fullmatch, lines))
    says_nothing = (
        text.strip() and not _TWO_WORDS.search(text) and hide_foreign(text) == text
    )
    # "HbA1c < 7 %" has no two words
    if says_nothing and len(text) <= _LONGEST_TITLE:
        says_nothing = not find_limits(read_text(text), None)
    if is_table or text.lstrip()[:1] in ("{", '"') or says_nothing:
        raise UnreadableSource(
            "an unknown format",
            'give a text with headings such as "Inclusion Criteria" (Python and JSON also take '
            'section "eligibility" in their place), or a download of a registry '
            "(docs/reference/formats.md), plain, in gzip or in zip",
        )
    if not named:
        problem = 'a text without a heading such as "Inclusion Criteria"'
        raise UnreadableSource(
            problem,
            "name the file itself to read it as one description, or give it headings",
        )


def _add_known(found: Sequence[Heading], known: Sequence[Heading]) -> list[Heading]:
    """Return the headings of a text with those that are known otherwise, in order."""
    said = {one.line: one for one in known} | {
        one.line: one for one in found if one.kind
    }
    others = {one.line: one for one in found}
    return [heading for _, heading in sorted((others | said).items())]


class _TextReader:
    """Reads a text: its headings, and by section the ``places`` of what stands below them."""

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
            self._place_items(within)
            return
        self.english = hide_foreign(text)  # a heading may stand beside its translation
        self.headings = find_headings(
            self.lexed if self.english == text else read_section("text", self.english)
        )
        self.headings = _add_known(self.headings, known)
        if within:  # only headings of its lists count, and nothing is a title
            self.headings = [one for one in self.headings if one.section == ELIGIBILITY]
        first = self.headings[0].line if self.headings else len(text)
        if within:
            self.places[ELIGIBILITY].append((0, first))
        else:
            self._place_opening(first)
        for heading, end in zip(
            self.headings,
            [*(one.line for one in self.headings[1:]), len(text)],
            strict=False,
        ):
            for section, place in self._place(heading, end):
                self.places[section].append(place)

    def find_id(self) -> str | None:
        """Return the registry's number of the trial, behind a heading or alone on one of the
        first lines.
        """
        ids = [
            *self.places[_ID],
            *(line.span() for line in islice(LINE.finditer(self.text), _OPENING_LINES)),
        ]
        return next(
            (
                number
                for place in ids
                if (number := find_trial_id(self.text[slice(*place)]))
            ),
            None,
        )

    def _place_items(self, section: GivenSection) -> None:
        """Place all of the text as items of one section, without a look for headings."""
        by_line = section in OUTCOMES
        lead, items = split_items(self.lexed, 0, len(self.text), by_line=by_line)
        self.places[section] = items
        if lead:
            self.places[DESCRIPTION].append(lead)

    def _place_opening(self, end: int) -> None:
        """Place the text before the first heading: a title, and a description or a list of
        criteria.
        """
        titled = any(one.section == "title" for one in self.headings)
        title = None if titled else self._find_title(end)
        if title:
            self.places["title"].append(title)
        start = title[1] if title else 0
        is_list = not self.headings and holds_list(self.text, start, end)
        self.places[ELIGIBILITY if is_list else DESCRIPTION].append((start, end))

    def _find_title(self, end: int) -> Place | None:
        """Return the first line if it is no sentence, no item and not all that is said."""
        lines = (one for one in LINE.finditer(self.text, 0, end) if one.group().strip())
        line = next((one for one in lines if not find_trial_id(one.group())), None)
        front = line and FRONT.match(self.text, *line.span())
        if not line or not front or front["bullet"] or front["number"] or front["row"]:
            return None
        place = strip_span(self.text, front.end(), line.end(), " \t*#_")
        alone = self.headings or front["hash"] or _GAP.match(self.text, line.end())
        prose = place[1] - place[0] > _LONGEST_TITLE or PROSE_END.search(
            self.text, *place
        )
        return (
            place if alone and not prose and self.text[line.end() :].strip() else None
        )

    def _place(self, heading: Heading, end: int) -> Iterator[tuple[str, Place]]:
        """Yield the places between a heading and the ``end`` of its text, each with its section."""
        section = heading.section
        start = heading.start
        words = heading.words
        with_heading = heading.shown, end
        if heading.columns:
            yield from self._place_columns(heading, end)
        elif heading.kind in KEPT:
            yield section, with_heading
        elif heading.kind == "group":
            yield section, (start, end)
        elif section in ITEMS:
            rest = self._find_foreign_rest(start, end)
            yield DESCRIPTION, (rest, end)
            end = rest
            lead, items = split_items(
                self.lexed, start, end, by_line=section in OUTCOMES
            )
            yield from [(DESCRIPTION, lead)] if lead else []
            for place in items:
                found = (
                    read_kind(self.lexed, *place)
                    if section == "interventions"
                    else None
                )
                rank = _RANK.search(self.text, *place) if section in OUTCOMES else None
                named = f"{rank[1].lower()}_outcomes" if rank else section
                yield "arms" if found and found[0] == "arm" else named, place
        elif section in _ENDS:
            start, end = _trim(self.text, start, end)
            gap = _ENDS[section].search(self.text, start, end)
            stop = gap.start() if gap else end
            yield DESCRIPTION if self.places[section] else section, (start, stop)
            yield DESCRIPTION, (stop, end)
        elif section == DESCRIPTION or (
            heading.kind == "criteria" and heading.is_alone and not heading.is_framed
        ):
            yield section, with_heading
        else:
            yield from [(section, words)] if heading.kind == "criteria" else []
            yield section, (start, end)

    def _find_foreign_rest(self, start: int, end: int) -> int:
        """Return where lines in another language begin that follow a list in English: they are
        no items of it.
        """
        in_english = self.english[start:end].rstrip()
        reached = start + len(in_english)
        return reached if in_english and self.text[reached:end].strip() else end

    def _place_columns(self, heading: Heading, end: int) -> Iterator[tuple[str, Place]]:
        """Yield the cells of a table, column by column."""
        rows: list[tuple[str | None, list[Place]]] = []
        start = self.text.find("\n", heading.start, end)
        rank = None
        for line in LINE.finditer(self.text, start, end) if start >= 0 else ():
            cells = list_cells(self.text, *line.span())
            if line.group().strip(NO_WORDS) and len(cells) <= len(heading.columns):
                found = read_kind(self.lexed, *cells[0])
                is_rank = found and found[0] in RANKS and found[1] == cells[0][1]
                rank = SECTIONS[found[0]] if found and is_rank else rank
                rows.append((rank, cells))
        for number, (section, words) in enumerate(heading.list_columns()):
            if section in (ELIGIBILITY, DESCRIPTION):
                yield section, words
            for rank, cells in rows:
                if number < len(cells):
                    yield (
                        rank if rank and section in OUTCOMES else section,
                        cells[number],
                    )

    def list_sections(self, title: str | None) -> Iterator[Section]:
        """Yield the sections, with ``title`` in place of the text's own."""
        yield from text_section("title", title)
        for name in _ORDER if title is None else _ORDER[1:]:
            trimmed = (_trim(self.text, *place) for place in self.places[name])
            stated = [(start, end) for start, end in trimmed if start < end]
            if name in ITEMS:
                for number, place in enumerate(stated):
                    yield self._join(
                        f"{name}[{number}]",
                        [place],
                        find_parts(self.lexed, place, name),
                    )
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
            if (
                joined
                and joined[-1][1] <= start
                and not self.text[joined[-1][1] : start].strip()
            ):
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        offsets = accumulate((end - start + 1 for start, end in joined), initial=0)
        pieces = tuple(
            Piece(start=offset, at=start)
            for offset, (start, _) in zip(offsets, joined, strict=False)
        )
        return Section(
            name=name,
            text="\n".join(self.text[slice(*one)] for one in joined),
            parts=parts,
            pieces=pieces,
        )


def _trim(text: str, start: int, end: int) -> Place:
    """Narrow a place by white space, borders of tables, and lines without words at its ends."""
    found = _OPENING.match(text, start, end)
    start = found.end() if found else start
    words = start + len(text[start:end].rstrip(NO_WORDS))
    line_end = text.find("\n", words, end)
    return strip_span(text, start, end if line_end < 0 else line_end, " \t\r\n|")
