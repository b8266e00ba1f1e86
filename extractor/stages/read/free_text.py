"""Free text: notes, protocol synopses and copies of a registry's page, whose headings say what follows.

A line is a heading if it begins with words of ``rulebook/terms/text_headings.toml``, behind marks of Markdown, a
number or a table's border, and the line ends there or goes on after a colon. Text before the first heading is a title
and a description. Nothing is changed: a section is a substring of the text, or several of them joined by line breaks,
and its ``pieces`` say where they stand.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from extractor.record_limits import MAX_CHARACTERS, MAX_LINES
from extractor.schemas import Part, Piece, Section
from extractor.text.book import find_terms, rule
from extractor.text.passage import LexedSection, read_section, strip_span

from .drafts import Draft, Unreadable, find_trial_id, take_sections, text_section, undo_breaks
from .listed import Place, find_parts, holds_list, names_columns, split_items

_DESCRIPTION, _ELIGIBILITY, _ID = "detailed_description", "eligibility", "trial_id"
_OUTCOMES = ("primary_outcomes", "secondary_outcomes", "other_outcomes")
_ITEMS = ("arms", "interventions", *_OUTCOMES)
_SHORT = ("title", "official_title", "conditions", "keywords", _ID)
"""Sections of one paragraph. What follows it describes the trial."""
_RANKS = ("primary", "secondary", "other")
_SECTIONS = {
    "criteria": _ELIGIBILITY,
    "arm": "arms",
    "objectives": _DESCRIPTION,
    "label": _DESCRIPTION,
    **dict(zip(_RANKS, _OUTCOMES, strict=True)),
}
"""The sections of headings that are not named like theirs."""
_ORDER = ("title", "official_title", "brief_summary", _DESCRIPTION, "conditions", "keywords", _ELIGIBILITY, *_ITEMS)
_LONGEST_HEADING, _LONGEST_TITLE, _TABLE_LINES, _OPENING_LINES = 160, 300, 4, 3

_LINE = re.compile(r"[^\r\n]+")
_NO_WORDS = " \t\r\n|:=_*+-"
_RULER = re.compile(rf"[{re.escape(_NO_WORDS)}]+")
_OPENING = re.compile(rf"(?:[{re.escape(_NO_WORDS)}]*\n)?[\s|]*")
_FRONT = re.compile(
    r"[ \t>]*(?P<row>\|[ \t]*)?(?P<hash>#{1,6}[ \t]+)?(?P<bullet>[-*+•·▪◦–][ \t]+)?"
    r"(?P<bold>[*_]{1,3})?(?:(?P<number>(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,2})*)[.)]*[ \t]+)?[*_]{0,3}"
)
"""The marks before the words of a heading."""
_BEHIND = re.compile(
    r"\??[ \t*_]*(?:\([^()\r\n]{0,200}\))?[ \t*_#]*(?:(?P<cell>[|\t])|(?P<sign>[:：]|[-–—][ \t])|$)[ \t*_]*"
)
"""What may follow the words of a heading."""
_GAP = re.compile(r"\n[ \t\r]*\n")
_PROSE_END = re.compile(r"[.;,:!?]\W{0,3}$")
_TABLE_ROW = re.compile(r"[^,;\t]*(?:[,;\t](?! )[^,;\t]*)+")


@dataclass(frozen=True, slots=True)
class _Heading:
    """A line that begins a section.

    ``line`` is its start, ``words`` what it says, ``start`` the place behind it. ``style`` is made of the marks before
    the words, such as "##" or "1.1".
    """

    section: str
    kind: str
    line: int
    words: Place
    start: int
    style: str
    bold: str = ""
    is_alone: bool = True

    @property
    def weight(self) -> int:
        """How well the line is marked as a heading, as far as it matters for its kind."""
        hashed = self.style.startswith("#") and (self.kind in _ITEMS or self.kind == "criteria")
        return 2 * hashed + (self.is_alone and self.kind in _ITEMS)


def build_text(text: str, *, title: str | None = None, named: bool = True) -> Draft:
    r"""Build the draft of a free text. Raises ``Unreadable``.

    Args:
        text: The text.
        title: The trial's title, in place of one in the text.
        named: Whether the user named this very text. Only then a text without any heading is a record.

    >>> draft = build_text("A Trial of Fictumab\n\nKey inclusion criteria:\n- Adults\n\nPrimary endpoint: Survival")
    >>> {section.name: section.text for section in draft.sections}
    {'title': 'A Trial of Fictumab', 'eligibility': 'Key inclusion criteria:\n- Adults', 'primary_outcomes[0]': 'Survival'}
    """
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"text of more than {MAX_CHARACTERS:,} characters", "give one record a file")
    if len(_LINE.findall(text)) > MAX_LINES:
        raise Unreadable(f"text of more than {MAX_LINES:,} lines", "give one record a file")
    reader = _TextReader(undo_breaks(text))
    if not any(one.section in (_ELIGIBILITY, *_ITEMS) for one in reader.headings):
        _refuse_other(text, named=named)
    sections, trial_id = reader.read(title)
    return Draft(take_sections(sections), "text", trial_id)


def has_headings(text: str) -> bool:
    r"""Return whether a text has a heading that no description has, such as that of criteria.

    >>> has_headings("A Trial\nInclusion criteria\nAdults"), has_headings("The inclusion criteria are strict.")
    (True, False)
    """
    found = _TextReader(text).headings
    return any(one.section != _DESCRIPTION and (one.is_alone or one.section != "brief_summary") for one in found)


def _refuse_other(text: str, *, named: bool) -> None:
    """Raise ``Unreadable`` for a text without usual headings that is a table or data, or that the user did not name."""
    lines = [found.group() for found in _LINE.finditer(text) if found.group().strip()][:_TABLE_LINES]
    if text.lstrip()[:1] in ("{", '"') or (len(lines) > 1 and all(map(_TABLE_ROW.fullmatch, lines))):
        raise Unreadable(
            "an unknown format",
            'give a text with headings such as "Inclusion Criteria", or a download of a registry '
            "(docs/reference/formats.md), plain, in gzip or in zip",
        )
    if not named:
        problem = 'a text without a heading such as "Inclusion Criteria"'
        raise Unreadable(problem, "name the file itself to read it as one description, or give it headings")


class _TextReader:
    """Finds the headings of a text, and the sections between them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lexed: LexedSection = read_section("text", text)
        self.headings: list[_Heading] = []
        for line in _LINE.finditer(text):
            front = _FRONT.match(text, *line.span())
            if front and (heading := self._read_heading(front, line.end()) or self._end_section(front, line.end())):
                self.headings.append(heading)
        self._drop_mentions()

    def _drop_mentions(self) -> None:
        """Drop headings where others of their kind are marked better: in descriptions, lists are often repeated."""
        best: dict[str, int] = defaultdict(int)
        for one in self.headings:
            best[one.kind] = max(best[one.kind], one.weight)
        kept: list[_Heading] = []
        for one in self.headings:
            within = kept[-1].section if kept else ""
            if (one.kind != "arm" or "arms" not in best or within == "arms") and one.weight == best[one.kind]:
                kept.append(one)
        self.headings = kept

    def _read_heading(self, front: re.Match[str], end: int) -> _Heading | None:
        """Return the heading that a line begins with, after the marks in ``front``."""
        text, place = self.text, front.end()
        if not text[place : place + 1].isalpha():
            return None
        found = self._find_words(place, min(end, place + _LONGEST_HEADING))
        behind = found and _BEHIND.match(text, found[1], end)
        if not found or not behind or (behind["cell"] and names_columns(text[front.start() : end])):
            return None
        kind, last = found
        if kind == _DESCRIPTION and text[place:last] == "Description" and self._is_empty(front.start()):
            kind = _ELIGIBILITY  # the label of its text, on a registry's page
        if kind == "other" and self.headings and self.headings[-1].section == "arms":
            kind = "arm"  # one of "other" type
        marked = any((front["hash"], front["bold"], behind["cell"], behind["sign"]))
        heading = _Heading(
            section=_SECTIONS.get(kind, kind),
            kind=kind,
            line=front.start(),
            words=(place, last),
            start=behind.end(),
            style=_read_style(front),
            bold=front["bold"] or "",
            is_alone=behind.end() >= end,
        )
        return heading if (marked or text[place].isupper()) and self._is_fit(heading, marked=marked) else None

    def _find_words(self, start: int, end: int) -> tuple[str, int] | None:
        """Return the kind of the heading that a line begins with, and where its words end."""
        line = self.lexed.between(start, end)
        terms = {term.first: term for term in find_terms(line.tokens, "text_headings", line.first, line.end)}
        first = line.first
        while first not in terms and (quality := rule("text_quality").starts(line.tokens, first, line.end)):
            first = quality.end
        if first not in terms:
            return None
        last = terms[first].end
        tail = rule("text_tail").starts(line.tokens, last, line.end)
        return terms[first].value, line.part(line.first, tail.end if tail else last).raw_span[1]

    def _is_empty(self, end: int) -> bool:
        """Return whether nothing stands between the last heading of criteria and a place."""
        last = self.headings[-1] if self.headings else None
        return last is not None and last.section == _ELIGIBILITY and not self.text[last.start : end].strip()

    def _is_fit(self, heading: _Heading, *, marked: bool) -> bool:
        """Return whether a heading can follow the one before: within a list of criteria, few words are headings."""
        last = self.headings[-1] if self.headings else None
        within, bulleted = last.section if last else None, heading.style == "-"
        if heading.kind in _RANKS:
            return bool(last) and last.kind in (*_RANKS, "other_outcomes")
        if heading.kind == "arm":
            return not bulleted and within not in (_ELIGIBILITY, *_OUTCOMES)
        strong = heading.section in (_ELIGIBILITY, *_OUTCOMES)
        if (bulleted and not (strong and marked)) or (heading.kind == "label" and marked):
            return False
        if last and within == _ELIGIBILITY and heading.style != last.style:
            return strong and not bulleted
        return not (within == _ELIGIBILITY and not heading.style and heading.section == "conditions")

    def _end_section(self, front: re.Match[str], end: int) -> _Heading | None:
        """Return the heading of a description if the marks of a line end the section, though its words are unknown."""
        last, style = self.headings[-1] if self.headings else None, _read_style(front)
        if last is None or _RULER.fullmatch(self.text, front.end(), end):
            return None
        level, short = len(style) <= len(last.style), not _PROSE_END.search(self.text, front.end(), end)
        if style.startswith("#"):
            ends = level or "#" not in last.style
        elif style == "|" or re.fullmatch(r"[*_]+1", style):
            ends = style == last.style
        else:  # "5.2 Screening" after "5.1 Inclusion criteria", but not the items "1." and "2."
            ends = len(style) > 2 and style[-1] == "1" and short and level and last.style[-2:] == style[-2:]
        if not ends:
            return None
        return _Heading(
            _DESCRIPTION, "", front.start(), (front.end(), front.end()), front.end(), style, front["bold"] or ""
        )

    def read(self, title: str | None) -> tuple[Iterator[Section], str | None]:
        """Return the sections, and the registry's number of the trial if the text states one."""
        places: dict[str, list[Place]] = defaultdict(list)
        first = self.headings[0].line if self.headings else len(self.text)
        titled = title is not None or any(one.section == "title" for one in self.headings)
        opening = None if titled else self._find_title(first)
        places["title"] += [opening] if opening else []
        start = opening[1] if opening else 0
        is_list = not self.headings and holds_list(self.text, start, first)
        places[_ELIGIBILITY if is_list else _DESCRIPTION].append((start, first))
        ends = [*(one.line for one in self.headings[1:]), len(self.text)]
        for heading, end in zip(self.headings, ends, strict=False):
            for section, place in self._place(heading, end, known={name for name, found in places.items() if found}):
                places[section].append(place)
        ids = [*places[_ID], *(line.span() for line in islice(_LINE.finditer(self.text), _OPENING_LINES))]
        trial_id = next((number for place in ids if (number := find_trial_id(self.text[slice(*place)]))), None)
        return self._list_sections(title, places), trial_id

    def _find_title(self, end: int) -> Place | None:
        """Return the first line if it is no sentence, no item and not all that is said."""
        lines = (one for one in _LINE.finditer(self.text, 0, end) if one.group().strip())
        line = next((one for one in lines if not find_trial_id(one.group())), None)
        front = line and _FRONT.match(self.text, *line.span())
        if not line or not front or front["bullet"] or front["number"] or front["row"]:
            return None
        place = strip_span(self.text, front.end(), line.end(), " \t*#_")
        alone = bool(self.headings or front["hash"] or _GAP.match(self.text, line.end()))
        prose = place[1] - place[0] > _LONGEST_TITLE or _PROSE_END.search(self.text, *place)
        return place if alone and not prose and self.text[line.end() :].strip() else None

    def _place(self, heading: _Heading, end: int, known: set[str]) -> Iterator[tuple[str, Place]]:
        """Yield the places between a heading and the ``end`` of its text, each with its section."""
        section, start, named = heading.section, heading.start, heading.words
        whole = heading.line if heading.bold else named[0], end
        if heading.kind == "arm":
            yield section, whole
        elif section in _ITEMS:
            lead, items = split_items(self.lexed, start, end, by_line=section in _OUTCOMES)
            yield from [(_DESCRIPTION, lead)] if lead else []
            yield from ((self._choose(section, place), place) for place in items)
        elif section in _SHORT:
            start, end = _trim(self.text, start, end)
            gap = _GAP.search(self.text, start, end)
            stop = gap.start() if gap else end
            yield _DESCRIPTION if section in known else section, (start, stop)
            yield _DESCRIPTION, (stop, end)
        elif section == _DESCRIPTION or (heading.kind == "criteria" and heading.is_alone):
            yield section, whole
        else:
            yield from [(section, named)] if heading.kind == "criteria" else []
            yield section, (start, end)

    def _choose(self, section: str, place: Place) -> str:
        """Return "arms" for an item that begins like an arm, whatever its heading says; else the section."""
        found = self._find_words(place[0], min(place[1], place[0] + _LONGEST_HEADING))
        return "arms" if section == "interventions" and found and found[0] == "arm" else section

    def _list_sections(self, title: str | None, places: dict[str, list[Place]]) -> Iterator[Section]:
        if title is not None:
            yield from text_section("title", title)
        for name in _ORDER:
            trimmed = [_trim(self.text, *place) for place in places[name]]
            stated = [place for place in trimmed if place[0] < place[1]]
            if name in _ITEMS:
                for number, place in enumerate(stated):
                    yield self._join(f"{name}[{number}]", [place], find_parts(self.lexed, place, name))
            elif stated and not (name == "title" and title is not None):
                yield self._join(name, stated)

    def _join(self, name: str, places: Sequence[Place], parts: tuple[Part, ...] = ()) -> Section:
        """Return a section of several places of the text; those with only white space between them are one."""
        joined: list[Place] = []
        for start, end in places:
            if joined and not self.text[joined[-1][1] : start].strip():
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        offsets = accumulate((end - start + 1 for start, end in joined), initial=0)
        pieces = tuple(Piece(start=offset, at=start) for offset, (start, _) in zip(offsets, joined, strict=False))
        return Section(name=name, text="\n".join(self.text[slice(*one)] for one in joined), parts=parts, pieces=pieces)


def _read_style(front: re.Match[str]) -> str:
    """Return the marks before a line's words, the same for all lines of one level.

    >>> [_read_style(_FRONT.match(line)) for line in ("## Arms", "5.2 Arms", "E.5 Arms", "**Arms**", "Arms")]
    ['##', '1.1', 'E.1', '**', '']
    """
    if front["row"] or front["hash"]:
        return (front["row"] or front["hash"]).strip()
    if front["bullet"]:
        return "-"
    return (front["bold"] or "") + re.sub(r"\d+", "1", front["number"] or "")


def _trim(text: str, start: int, end: int) -> Place:
    """Narrow a place by white space, borders of tables, and lines without words at its ends."""
    found = _OPENING.match(text, start, end)
    start = found.end() if found else start
    words = start + len(text[start:end].rstrip(_NO_WORDS))
    line_end = text.find("\n", words, end)
    return strip_span(text, start, end if line_end < 0 else line_end, " \t\r\n|")
