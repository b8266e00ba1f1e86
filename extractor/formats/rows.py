"""Rows of delimited tables."""

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

from extractor.formats.found import UnreadableSource
from extractor.formats.streams import MAX_RECORD_BYTES, read_lines


def group_rows(
    stream: BinaryIO, starts_row: re.Pattern[bytes]
) -> Iterator[tuple[str, bytes | UnreadableSource]]:
    """Yield the lines of each row behind the row's place, such as "line 7"; blank rows are left
    out. A line that is too long is a problem in place of a row.

    A quoted cell may contain line breaks, so a row ends where its quotes are balanced. If a quote
    is never closed, the next line that matches ``starts_row`` starts the next row, so that only one
    row is lost; so does any line behind a row that is too large.
    """
    lines: list[bytes] = []
    place = ""
    size = 0
    quotes = 0
    for number, line in read_lines(stream):
        # A row whose quotes are broken may never end. A line that looks like a new one ends it.
        is_new = isinstance(line, UnreadableSource) or starts_row.match(line)
        if lines and (is_new or size > MAX_RECORD_BYTES):
            yield place, b"".join(lines)
            lines = []
        if isinstance(line, UnreadableSource):
            yield f"line {number}", line
            continue
        if not lines:
            place = f"line {number}"
            size = 0
            quotes = 0
        lines.append(line)
        size += len(line)
        # A quote within a cell is written twice, so that it changes nothing here.
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            row = b"".join(lines)
            if row.strip():
                yield place, row
            lines = []
    if lines:
        yield place, b"".join(lines)


def decode_row(row: bytes, place: str | None = None) -> str:
    """Return a row as text. Raises ``UnreadableSource`` for text that is not UTF-8."""
    try:
        return row.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as problem:
        raise UnreadableSource(
            "text that is not UTF-8", "save the table as UTF-8", place=place
        ) from problem


def split_row(row: str, delimiter: str, width: int) -> list[str]:
    """Return the cells of a row. Raises ``UnreadableSource`` if they are not ``width``."""
    # global to the process, so it is restored
    old_limit = csv.field_size_limit(MAX_RECORD_BYTES)
    try:
        [cells] = csv.reader([row], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as problem:
        raise UnreadableSource(
            f"a broken table row ({problem})", "check the row's quotes"
        ) from problem
    finally:
        csv.field_size_limit(old_limit)
    if len(cells) != width:
        counts = f"the row has {len(cells)} cells, the header {width}"
        raise UnreadableSource(counts, "check the row's quotes and separators")
    return cells
