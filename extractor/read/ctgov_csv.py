"""Studies in the registry's table download: one study per row, lists flattened into cells, comma or tab separated."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

from extractor.schemas import RegistryFields, Section

from .drafts import Draft, Found, Unreadable, build_draft, find_nct_id, list_interventions, text_section
from .streams import MAX_RECORD_BYTES, read_lines

_COLUMNS = {
    "nct number": "nct_id",
    "nct id": "nct_id",
    "study title": "title",
    "title": "title",
    "brief title": "title",
    "official title": "official_title",
    "brief summary": "brief_summary",
    "detailed description": "detailed_description",
    "conditions": "conditions",
    "keywords": "keywords",
    "eligibility criteria": "eligibility",
    "interventions": "interventions",
    "primary outcome measures": "primary_outcomes",
    "secondary outcome measures": "secondary_outcomes",
    "other outcome measures": "other_outcomes",
    "minimum age": "minimum_age",
    "maximum age": "maximum_age",
    "sex": "sex",
    "gender": "sex",
    "healthy volunteers": "healthy_volunteers",
    "enrollment": "enrollment",
    "phases": "phases",
    "study type": "study_type",
    "study design": "study_design",
}
_SECTIONS = (
    *("title", "official_title", "brief_summary", "detailed_description", "conditions", "keywords", "eligibility"),
    *("interventions", "primary_outcomes", "secondary_outcomes", "other_outcomes"),
)
_REGISTRY = ("minimum_age", "maximum_age", "sex", "healthy_volunteers", "enrollment", "study_type")
_DESIGN = re.compile(r"(?:^|\|)(Allocation|Masking): *([^|(]+)")
_STARTS_RECORD = re.compile(rb'"?NCT\d{8}"?[,\t](?=\S)')  # prose has a space after the comma


def is_table_header(text: str) -> bool:
    """Whether a text starts with the names of at least three columns of the registry's table.

    >>> is_table_header("NCT Number,Study Title,Conditions,Sponsor"), is_table_header("Age, sex, and title")
    (True, False)
    """
    names = _split_header(text.partition("\n")[0])
    return len({_COLUMNS[name] for name in names if name in _COLUMNS}) >= 3


def read_ctgov_csv(stream: BinaryIO) -> Iterator[Found]:
    """Yield the studies of one table, in order."""
    rows = _group_rows(stream)
    _, header = next(rows)
    if isinstance(header, Unreadable):
        raise header
    text = _decode(header, "line 1")
    build = partial(_build_row, _split_header(text), _find_delimiter(text))
    for place, row in rows:
        yield row if isinstance(row, Unreadable) else build_draft(build, row, place)


def _group_rows(stream: BinaryIO) -> Iterator[tuple[str, bytes | Unreadable]]:
    """Yield the lines of each row with the row's place.

    A quoted cell may contain line breaks, so a row ends where its quotes are balanced. If a quote is never closed,
    the next line that starts with an NCT number starts the next row, so that only one row is lost.
    """
    lines: list[bytes] = []
    place, size, quotes = "line 1", 0, 0
    for number, line in read_lines(stream):
        if lines and (isinstance(line, Unreadable) or _STARTS_RECORD.match(line) or size > MAX_RECORD_BYTES):
            yield place, b"".join(lines)
            lines, size, quotes = [], 0, 0
        if isinstance(line, Unreadable):
            yield f"line {number}", line
            continue
        if not lines:
            place = f"line {number}"
        lines.append(line)
        size, quotes = size + len(line), quotes + line.count(b'"')
        if quotes % 2 == 0:
            yield from [(place, b"".join(lines))] if b"".join(lines).strip() else []
            lines, size, quotes = [], 0, 0
    if lines:
        yield place, b"".join(lines)


def _decode(row: bytes, place: str | None = None) -> str:
    try:
        return row.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as problem:
        raise Unreadable("text that is not UTF-8", "save the table as UTF-8", place=place) from problem


def _split_row(row: str, delimiter: str, width: int) -> list[str]:
    old_limit = csv.field_size_limit(MAX_RECORD_BYTES)  # global to the process, so it is restored
    try:
        [cells] = csv.reader([row], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as problem:
        raise Unreadable(f"a broken table row ({problem})", "check the row's quotes") from problem
    finally:
        csv.field_size_limit(old_limit)
    if len(cells) != width:
        counts = f"the row has {len(cells)} cells, the header {width}"
        raise Unreadable(counts, "check the row's quotes and separators")
    return cells


def _find_delimiter(header: str) -> str:
    return "\t" if header.count("\t") > header.count(",") else ","


def _split_header(header: str) -> list[str]:
    return [cell.strip().strip('"').strip().lower() for cell in header.split(_find_delimiter(header))]


def _build_row(names: Sequence[str], delimiter: str, row: bytes) -> Draft:
    columns = zip(names, _split_row(_decode(row), delimiter, len(names)), strict=True)
    cells = {_COLUMNS[name]: cell for name, cell in columns if name in _COLUMNS}
    registry: dict[str, Any] = {name: cells[name].strip() or None for name in _REGISTRY if name in cells}
    registry |= {name.lower(): value.strip() for name, value in _DESIGN.findall(cells.get("study_design", ""))}
    registry["phases"] = tuple(filter(None, cells.get("phases", "").split("|")))
    return Draft(
        tuple(_list_sections(cells)), find_nct_id(cells.get("nct_id")), RegistryFields.model_validate(registry)
    )


def _list_sections(cells: Mapping[str, str]) -> Iterator[Section]:
    for name in _SECTIONS:
        if name == "interventions":
            yield from list_interventions(cells.get(name, ""))
        else:
            yield from text_section(name, cells.get(name))
