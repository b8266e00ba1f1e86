"""Blocks of the EU Clinical Trials Register's text, one for each country of a trial, and their
fields.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
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
    """A field of a block.

    Attributes:
        number: Its number in the register's form: ``E.3``.
        label: Its label.
        label_place: Where the label stands in the file.
        line: The label and what the field says, as written.
        text: What it says.
        place: Where that stands in the file.
        language: The code of a language in brackets behind the label; None without one.
        country: The country of the block.
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
    """The block of a country.

    Attributes:
        number: The EudraCT number of the trial; None without the line that begins a block.
        text: The text of the block.
        start: Where it begins in the file, in characters.
        line: The line on which it begins, from 1.
        odd_bytes: How many of its bytes are not UTF-8.
        is_cut: Whether it is larger than a record may be: then its text ends early.
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
        marks = self._list_marks()
        # A download writes "Summary" above the next block.
        text_end = len(self.text.rstrip().removesuffix("Summary"))
        starts = [*(start for start, _ in marks), text_end]
        fields: list[RegisterField] = []
        for (_, line), end in zip(marks, starts[1:], strict=True):
            field = self._read(line, end) if line else None
            if field:
                fields.append(field)
        return fields

    def _list_marks(self) -> list[tuple[int, re.Match[str] | None]]:
        """Return where each field or part of the block begins; a part without a match.

        The letters of the parts only rise. What goes back is a line in the text of a field.
        """
        marks: list[tuple[int, re.Match[str] | None]] = []
        letter = "A"
        last: tuple[str, tuple[int, ...]] = ("A", ())
        for line in _LINE.finditer(self.text):
            section = _SECTION.match(self.text, *line.span())
            begun = (section["letter"] or section["part"]) if section else ""
            # an item of a list of criteria: "G. Asthma"
            is_item = begun >= "G" and letter < "F"
            if begun >= letter and not is_item:
                letter = begun
                marks.append((line.start(), None))
                continue
            field = _FIELD.match(self.text, *line.span())
            if not field:
                continue
            number = _order(field["number"])
            # From E on, numbers rise. Products (D) begin again with each one.
            if number[0] >= "E" and number < last:
                continue
            if number[0] < letter:
                continue
            if not is_field(field["number"], field["label"], letter):
                continue
            letter = number[0]
            last = number
            marks.append((line.start(), field))
        return marks

    def _read(self, line: re.Match[str], end: int) -> RegisterField | None:
        """Return the field that a line begins; None if it says nothing, unless it begins a product,
        or if the line is a heading of several fields.

        ``end``: where what it says ends in the text.
        """
        # "D.3.8 to D.3.10 IMP Identification Details" is a heading of fields.
        if line["range"]:
            return None
        start, stop = strip_span(self.text, line.end(), end)
        text = self.text[start:stop]
        begins_product = line["number"] in ("D.IMP", "D.8")
        if NOTHING.fullmatch(text) and not begins_product:
            return None
        return RegisterField(
            number=line["number"],
            label=line["label"],
            label_place=TextRange(
                self.start + line.start("label"), self.start + line.end("label")
            ),
            line=self.text[line.start("label") : stop],
            text=text,
            place=TextRange(self.start + start, self.start + stop),
            language=line["language"],
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
    """Yield the blocks of a file, and the problem of each line that is too long. Of a block that is
    too large, the text ends early. What stands above the first block belongs to it.
    """
    block = Block(number=None, text="", start=0, line=1)
    lines: list[str] = []
    size = 0
    for number, raw in read_lines(stream):
        if isinstance(raw, UnreadableSource):
            yield raw
            continue
        line, odd_bytes = decode_loosely(raw)
        opening = _START.match(line)
        if opening and block.number:
            yield replace(block, text="".join(lines))
            block = Block(number=None, text="", start=block.start + size, line=number)
            lines = []
            size = 0
        size += len(line)
        is_cut = exceeds_record(size)
        block = replace(
            block,
            number=opening["number"] if opening else block.number,
            odd_bytes=block.odd_bytes + odd_bytes,
            is_cut=is_cut,
        )
        if not is_cut:
            lines.append(line)
    yield replace(block, text="".join(lines))


def split_blocks(text: str) -> list[Block]:
    """Return the blocks of a text; one block if it has no line that begins one."""
    openings: list[re.Match[str]] = []
    for line in _LINE.finditer(text):
        opening = _START.match(text, *line.span())
        if opening:
            openings.append(opening)
    if not openings:
        return [Block(None, text, 0, 1)]
    # What stands above the first block belongs to it.
    starts = [0, *(opening.start() for opening in openings[1:]), len(text)]
    return [
        Block(opening["number"], text[start:end], start, 1)
        for opening, (start, end) in zip(openings, pairwise(starts), strict=True)
    ]
