"""Blocks of the EU Clinical Trials Register's text, one for each country of a trial, and their
fields.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, NamedTuple

from extractor.formats.eu_fields import COUNTRIES, NOTHING, is_field
from extractor.formats.found import UnreadableSource
from extractor.formats.streams import decode_loosely, exceeds_record, read_lines
from extractor.language.passage import strip_span

_START = re.compile(r"EudraCT Number:[ \t]*(?P<number>\d{4}-\d{6}-\d{2})\b")
"""The line that begins the block of a country."""
_LINK = re.compile(
    r"clinicaltrialsregister\.eu/ctr-search/trial/[\d-]+/(?P<code>[A-Z0-9]{2,3})\b"
)
_LINE = re.compile(r"[^\n]+")
_SECTION = re.compile(
    r"(?P<letter>[GHNP])\.[ \t]+[A-Z]|(?P<part>[A-F])\.[ \t]+(?:Protocol Information|Sponsor "
    r"Information"
    r"|Applicant Identification|IMP Identification|General Information on the Trial|Population of "
    r"Trial Subjects)\b"
)
_FIELD = re.compile(
    r"(?P<number>[A-Z](?:\.\d{1,2}){1,6}|D\.IMP)(?P<range>[ \t]+(?:and|to)[ "
    r"\t]+[A-Z](?:\.\d{1,2}){1,6})?"
    r"(?=[ \t:])[ \t]*"
    r"(?P<label>[^\n:\t?]{0,400}?)[ \t]*(?:\((?P<language>[a-z]{2})\)[ \t]*)?(?:[:?\t]|(?=\r?$))[ "
    r"\t]*"
)


class TextRange(NamedTuple):
    """Half-open offsets into the text of the file."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RegisterField:
    """A field of a block: its label and what it says, with their places, and both as they are
    written.
    """

    number: str
    label: str
    label_place: TextRange
    line: str
    text: str
    place: TextRange
    language: str | None
    country: str

    def cut(self, start: int, end: int) -> "MarkedWords":
        """Return a part of what the field says."""
        return MarkedWords(
            self.text[start:end],
            TextRange(self.place.start + start, self.place.start + end),
        )

    @property
    def whole(self) -> "MarkedWords":
        return MarkedWords(self.text, self.place)

    @property
    def heading(self) -> "MarkedWords":
        return MarkedWords(self.label, self.label_place)


class MarkedWords(NamedTuple):
    """Some words of the text, where they stand, and the language that the register marks them
    with.
    """

    text: str
    place: TextRange
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """The block of a country: its text, where it begins in the file, and on which line.

    ``odd_bytes`` are not UTF-8. A block that ``is_cut`` is larger than a record may be.
    """

    number: str | None
    text: str
    start: int
    line: int
    odd_bytes: int = 0
    is_cut: bool = False

    @property
    def code(self) -> str:
        """The register's code of the country; empty if the block does not state it."""
        found = _LINK.search(self.text)
        return found["code"] if found else ""

    @property
    def country(self) -> str:
        """The country's name, or its code if the name is not known."""
        return COUNTRIES.get(self.code, self.code)

    def list_fields(self) -> list[RegisterField]:
        """Return the fields that say something, in order."""
        marks: list[tuple[int, re.Match[str] | None]] = []
        letter = "A"
        last: tuple[str, tuple[int, ...]] = ("A", ())
        for line in _LINE.finditer(self.text):
            section = _SECTION.match(self.text, *line.span())
            begun = (section["letter"] or section["part"]) if section else ""
            is_behind = begun >= "G" and letter < "F"  # an item of a list: "G. Asthma"
            if begun >= letter and not is_behind:
                letter = begun
                marks.append((line.start(), None))
                continue
            found = _FIELD.match(self.text, *line.span())
            if not found:
                continue
            place = _order(found["number"])
            # within the text of a field, which goes on
            if place < last and place[0] >= "E":
                continue
            if place[0] < letter or not is_field(
                found["number"], found["label"], letter
            ):
                continue
            letter = place[0]
            last = place
            marks.append((line.start(), found))
        ends = [
            *(start for start, _ in marks[1:]),
            len(self.text.rstrip().removesuffix("Summary")),
        ]
        fields = [
            self._read(found, end)
            for (_, found), end in zip(marks, ends, strict=True)
            if found
        ]
        return [field for field in fields if field]

    def _read(self, found: re.Match[str], end: int) -> RegisterField | None:
        start, stop = strip_span(self.text, found.end(), end)
        text = self.text[start:stop]
        # which begin a product or a placebo
        is_heading = found["number"] in (
            "D.IMP",
            "D.8",
        )
        if found["range"] or (NOTHING.fullmatch(text) and not is_heading):
            return None
        return RegisterField(
            number=found["number"],
            label=found["label"],
            label_place=TextRange(
                self.start + found.start("label"), self.start + found.end("label")
            ),
            line=self.text[found.start("label") : stop],
            text=text,
            place=TextRange(self.start + start, self.start + stop),
            language=found["language"],
            country=self.country,
        )


def _order(number: str) -> tuple[str, tuple[int, ...]]:
    """Return what fields are sorted by.

    >>> _order("E.5.1") < _order("E.5.1.1") < _order("E.10")
    True
    """
    letter, _, rest = number.partition(".")
    return letter, tuple(int(part) for part in rest.split(".") if part.isdigit())


def list_blocks(stream: BinaryIO) -> Iterator[Block | UnreadableSource]:
    """Yield the blocks of a file. Of a block that is too large, the text ends early."""
    block = Block(None, "", 0, 1)
    lines: list[str] = []
    size = 0
    for at, raw in read_lines(stream):
        if isinstance(raw, UnreadableSource):
            yield raw
            continue
        line, odd_bytes = decode_loosely(raw)
        found = _START.match(line)
        if found and block.number:
            yield replace(block, text="".join(lines))
            block = Block(None, "", block.start + size, at)
            lines = []
            size = 0
        size += len(line)
        is_cut = exceeds_record(size)
        block = replace(
            block,
            number=found["number"] if found else block.number,
            odd_bytes=block.odd_bytes + odd_bytes,
            is_cut=is_cut,
        )
        lines += [] if is_cut else [line]
    yield replace(block, text="".join(lines))


def split_blocks(text: str) -> list[Block]:
    """Return the blocks of a text; one block if it has no line that begins one."""
    starts = [
        found
        for line in _LINE.finditer(text)
        if (found := _START.match(text, *line.span()))
    ]
    places = [0, *(found.start() for found in starts[1:])]
    ends = [*places[1:], len(text)]
    numbers = [found["number"] for found in starts] or [None]
    return [
        Block(number, text[start:end], start, 1)
        for number, start, end in zip(numbers, places, ends, strict=True)
    ]
