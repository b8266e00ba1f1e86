"""Blocks of the EU Clinical Trials Register's text, one for each country of a trial, and their
fields.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from extractor.formats.found import UnreadableSource, Words
from extractor.formats.registers import load_tables
from extractor.formats.streams import decode_loosely, exceeds_record, read_lines
from extractor.language.passage import strip_span

_START = re.compile(r"EudraCT Number:[ \t]*(?P<number>\d{4}-\d{6}-\d{2})\b")
"""The line that begins the block of a country."""
_LINK = re.compile(
    r"clinicaltrialsregister\.eu/ctr-search/trial/[\d-]+/(?P<code>[A-Z0-9]{2,3})\b"
)
LINE = re.compile(r"[^\n]+")
_PART = re.compile(
    r"(?P<late>[GHNP])\.[ \t]+[A-Z]|(?P<early>[A-F])\.[ \t]+(?:Protocol Information"
    r"|Sponsor Information|Applicant Identification|IMP Identification"
    r"|General Information on the Trial|Population of Trial Subjects)\b"
)
"""The heading of a part of the form."""
_FIELD = re.compile(
    r"(?P<number>[A-Z](?:\.\d{1,2}){1,6}|D\.IMP)"
    r"(?P<range>[ \t]+(?:and|to)[ \t]+[A-Z](?:\.\d{1,2}){1,6})?(?=[ \t:])[ \t]*"
    r"(?P<label>[^\n:\t?]{0,400}?)[ \t]*(?:\((?P<language>[a-z]{2})\)[ \t]*)?"
    r"(?:[:?\t]|(?=\r?$))[ \t]*"
)
NOTHING = re.compile(
    r"(?:information not present in eudract|not applicable|not "
    r"available|none|n\.?\s?/?\s?a\.?|[-–—.]*)\.?",
    re.IGNORECASE,
)
"""What the register, or who filled it in, writes into a field without a value."""
PRODUCTS = ("D.IMP", "D.8")
"""The fields that begin those of the next product, and of the placebo."""
_FIRST_SHORT = ("E", 6)
"""From this field on, what a field says has one line, except for remarks that are not read."""


class EuField(NamedTuple):
    """A field of a block: its number in the register's form (``E.3``), its label, both as written,
    its text, the code of a language in brackets behind the label, and the country of the block.
    """

    number: str
    label: Words
    line: Words
    text: Words
    language: str | None
    country: str


@dataclass(slots=True)
class EuBlock:
    """The block of a country.

    Attributes:
        line: The line on which it begins, from 1.
        start: Where it begins in the file, in characters.
        number: The EudraCT number of the trial; None without the line that begins a block.
        lines: Its lines; it ends early if it is larger than a record may be.
        size: How many characters it has.
        odd_bytes: How many of its bytes are not UTF-8.
    """

    line: int
    start: int
    number: str | None = None
    lines: list[str] = field(default_factory=list)
    size: int = 0
    odd_bytes: int = 0

    @property
    def code(self) -> str:
        """The register's code of the country; empty if the block does not state it."""
        found = _LINK.search("".join(self.lines))
        return found["code"] if found else ""

    def list_fields(self) -> list[EuField]:
        """Return the fields that say something, in order, and those that begin a product."""
        text = "".join(self.lines)
        country = load_tables()["eu_register"]["countries"].get(self.code, self.code)
        # A download writes "Summary" above the next block.
        end = len(text.rstrip().removesuffix("Summary"))
        fields: list[EuField] = []
        for start, line in reversed(_list_marks(text)):
            # "D.3.8 to D.3.10 IMP Identification Details" is a heading of fields.
            if line and not line["range"]:
                first, last = strip_span(text, line.end(), end)
                words = Words(text[first:last], at=self.start + first)
                begins = line.start("label")
                label = Words(line["label"], at=self.start + begins)
                both = Words(text[begins:last], at=self.start + begins)
                found = EuField(
                    line["number"], label, both, words, line["language"], country
                )
                if found.number in PRODUCTS or not NOTHING.fullmatch(words):
                    fields.append(found)
            end = start
        return fields[::-1]


def _list_marks(text: str) -> list[tuple[int, re.Match[str] | None]]:
    """Return where each field or part of a block begins; a part without a match.

    The letters of the parts only rise. What goes back is a line in the text of a field.
    """
    marks: list[tuple[int, re.Match[str] | None]] = []
    letter = "A"
    last = _order("A")
    for line in LINE.finditer(text):
        part = _PART.match(text, *line.span())
        begun = (part["late"] or part["early"]) if part else ""
        # an item of a list of criteria: "G. Asthma"
        is_item = begun >= "G" and letter < "F"
        if begun >= letter and not is_item:
            letter = begun
            marks.append((line.start(), None))
            continue
        found = _FIELD.match(text, *line.span())
        if not found or not _is_field(found["number"], found["label"], letter):
            continue
        number = _order(found["number"])
        # From E on, numbers rise. Products (D) begin again with each one.
        is_back = number[0] >= "E" and number < last
        if not is_back:
            letter = number[0]
            last = number
            marks.append((line.start(), found))
    return marks


def _is_field(number: str, label: str, letter: str) -> bool:
    """Return whether a line that begins with a field's number is a field in the part of a letter,
    and no line of a text that looks like one.

    Of E and F, a field with a known label must have it; any other must be one of the short ones,
    and its label begin with a capital.

    >>> (
    ...     _is_field("E.4", "Principal exclusion criteria", "E"),
    ...     _is_field("E.4", "Patients with asthma", "E"),
    ... )
    (True, False)
    """
    begins = number[0]
    if begins < letter:
        return False
    if begins not in "EF":
        return letter < "E" or begins > "F"
    labels = load_tables()["eu_register"]["labels"].get(number)
    if labels:
        return label.lower().startswith(tuple(labels))
    is_short = (begins, int(number.split(".")[1])) >= _FIRST_SHORT
    return is_short and letter in "EF" and label[:1].isupper()


def _order(number: str) -> tuple[str, tuple[int, ...]]:
    """Return what fields are sorted by.

    >>> _order("E.5.1") < _order("E.5.1.1") < _order("E.10")
    True
    """
    letter, *parts = number.split(".")
    return letter, tuple(int(part) for part in parts if part.isdigit())


def list_blocks(stream: BinaryIO) -> Iterator[EuBlock | UnreadableSource]:
    """Yield the blocks of a file, and the problem of each line that is too long. What is above the
    first block belongs to it.
    """
    block = EuBlock(line=1, start=0)
    for number, raw in read_lines(stream):
        if isinstance(raw, UnreadableSource):
            yield raw
            continue
        line, odd_bytes = decode_loosely(raw)
        opening = _START.match(line)
        if opening and block.number:
            yield block
            block = EuBlock(line=number, start=block.start + block.size)
        if opening:
            block.number = opening["number"]
        block.size += len(line)
        block.odd_bytes += odd_bytes
        if not exceeds_record(block.size):
            block.lines.append(line)
    yield block
