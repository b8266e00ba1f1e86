"""Read JSON records: a single record, an array, a page of results, or one record per line. Each
record is parsed on demand.

After a broken record, or a value that is neither an object nor in a list, the rest of its line is
skipped; records on other lines are still read.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from io import BufferedReader

from pydantic import BaseModel, ConfigDict, ValidationError

from extractor.formats.fields import write_text
from extractor.formats.found import (
    DOWNLOAD,
    NONE_CHOSEN,
    Columns,
    ReadResult,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.record import read_record
from extractor.formats.registers import list_registers
from extractor.formats.streams import TextBuffer
from extractor.schemas import Source, TrialRecord
from extractor.schemas.base import find_fault

_SIGN = re.compile(r"\S")
_LINE_OF_RECORD = re.compile(
    r'\n(?=[{\[]|(?:"[^"\n]*"?|-?\d[\d.]*|NaN|null|true|false)[ \t\r]*(?:\n|\Z))'
)
"""The start of an unindented line, at which the next record may begin after a broken record: an
object or list, or a line with nothing but one value, which is no record.
"""
_NEAR_END = 16
"""An error within this number of characters of the end of the buffer may be caused by an incomplete
word.
"""
_DECODER = json.JSONDecoder()


def read_json(
    stream: BufferedReader, chosen: Columns = NONE_CHOSEN
) -> Iterator[ReadResult]:
    """Yield the records of one document in order, and a problem for each record that cannot be
    read. If the user chose columns, other objects than studies are rows of a table.
    """
    text = TextBuffer(stream)
    number = 0
    is_listed = False
    number_before_array: int | None = None
    while sign := text.find(_SIGN, skips=True):
        text.take(sign.start())
        opening = make_list_pattern().match(text.text, text.at)
        if opening and not is_listed:  # "[" or '{"studies": ['
            text.take(opening.end())
            is_listed = True
            # a page of results may be empty, but an array may not
            number_before_array = number if opening[0] == "[" else None
            continue
        if sign[0] == "]" and is_listed:
            if number == number_before_array:
                place = f"line {text.line}"
                yield UnreadableSource(
                    "the list contains no record", DOWNLOAD, place=place
                )
            _skip_line(text)
            is_listed = False
            continue
        if sign[0] in ",]}":  # between records, or at the end of a page of results
            text.take(sign.end())
            continue
        number += 1
        place = f"record {number}" if is_listed else f"line {text.line}"
        try:
            value = _decode(text)
        except UnreadableSource as problem:
            yield problem.nest_place(place)
            _skip_line(text)
            is_listed = False
        else:
            yield build_content(partial(build_json, chosen=chosen), value, place)
            # '"sex": "ALL"}}': the end of a torn record, which is one problem
            if not (is_listed or isinstance(value, dict)):
                _skip_line(text)


def _skip_line(text: TextBuffer) -> None:
    """Skip to the next line on which a record may begin."""
    line = text.find(_LINE_OF_RECORD, skips=True)
    text.take(line.end() if line else None)


@cache
def make_list_pattern() -> re.Pattern[str]:
    """Return the pattern for the start of a list of records: an array or a page of results."""
    pages = [register.pages for register in list_registers("json") if register.pages]
    return re.compile(rf'(?:(?:\{{[^\[\]{{]*){{1,5}}"(?:{"|".join(pages)})"\s*:\s*)?\[')


def _decode(text: TextBuffer) -> object:
    """Consume a JSON value and return it. An error may only mean that the buffer ends within the
    value, so read on and try again, as long as that is possible. Raises ``UnreadableSource`` if the
    JSON is broken.

    A bare number at the end of the buffer may be returned in two parts. Neither is a record, and
    neither is the number.
    """
    while True:
        try:
            value, end = _DECODER.raw_decode(text.text, text.at)
        except (ValueError, RecursionError) as problem:
            reason = getattr(problem, "msg", problem)
            error_at = getattr(problem, "pos", text.at)
            place = f"character {error_at - text.at}"
            # "tru" is an error, but the rest of "true" may follow in the stream
            may_be_cut = error_at > len(text.text) - _NEAR_END
            # json reports the start of an unterminated string, which may be far from the end
            if "Unterminated" in str(reason):
                may_be_cut = True
            if may_be_cut and text.read_on():
                continue
            raise UnreadableSource(f"broken JSON ({reason})", place=place) from None
        text.take(end)
        return value


def build_json(record: object, chosen: Columns = NONE_CHOSEN) -> RecordContent:
    """Return the content of a parsed object: a record of any register, a row with the columns that
    the user chose, a record that this program wrote, a paper that it fetched (its XML), or a text.

    Raises ``UnreadableSource`` if a field has the wrong type; the error gives the field's path as
    the place.

    >>> module = {"nctId": "NCT90000001", "briefTitle": "A"}
    >>> content = build_json({"protocolSection": {"identificationModule": module}})
    >>> content.trial_id, content.sections[0].text
    ('NCT90000001', 'A')
    """
    registers = list_registers("json")
    if isinstance(record, dict):
        for register in registers:
            for wrapper in register.wrappers:
                inner = record.get(wrapper)
                # its fields become the record's own
                if isinstance(inner, dict):
                    record |= inner
            if any(record.get(key) is not None for key in register.keys):
                return read_record(register, record, "json")
        if chosen and _is_row(record, chosen):
            from extractor.formats.tables import build_row  # noqa: PLC0415 - few records are rows

            return build_row(
                {name: write_text(cell, name) for name, cell in record.items()}, chosen
            )
        if isinstance(record.get("xml"), str):
            from extractor.formats.xml_records import read_paper  # noqa: PLC0415 - few are papers

            return read_paper(record["xml"])
        if "sections" in record or "text" in record:
            return _read_given(record)
    keys = ", ".join(key for register in registers for key in register.keys)
    problem = f"JSON that is neither a study nor a text (it has none of the keys {keys}, text)"
    remedy = DOWNLOAD
    if isinstance(record, dict) and record and dict not in map(type, record.values()):
        from extractor.formats.tables import show_example  # noqa: PLC0415 - as above

        remedy = show_example(record)
    raise UnreadableSource(problem, remedy)


def _is_row(record: Mapping[str, object], chosen: Columns) -> bool:
    """Return whether an object is a row with the columns that the user chose, rather than a text, a
    paper or a record that this program wrote, whose sections are a list, as no cell is one.
    """
    from extractor.formats.tables import has_any  # noqa: PLC0415 - few records are rows

    if isinstance(record.get("sections"), list):
        return False
    return has_any(record, chosen) or record.keys().isdisjoint(("text", "xml"))


_RECORD_KEYS = ("record_id", "source", "sections", "registry")
"""The keys that a user may write in a record in this program's own format."""


class _JsonText(BaseModel):
    """A text as a JSON object."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    text: str
    title: str | None = None
    record_id: str | None = None
    section: str | None = None


def _read_given(record: dict[str, object]) -> RecordContent:
    """Return the content of a record that ``TrialRecord.model_dump_json`` wrote, or of a text with
    its title, id and section.

    Raises ``UnreadableSource`` if a key is unknown or a value has the wrong type.
    """
    keys: Iterable[str] = _JsonText.model_fields
    try:
        if "sections" in record:
            keys = _RECORD_KEYS
            stored = TrialRecord.model_validate(record)
            return RecordContent(
                stored.sections,
                stored.source.format,
                stored.record_id,
                stored.registry,
                notes=stored.source.notes,
                document=stored.document,
                ids=_list_ids(stored.source),
            )
        text = _JsonText.model_validate(record)
    except ValidationError as error:
        raise UnreadableSource(
            f"JSON that does not match the format ({': '.join(find_fault(error))})",
            f"use the keys {', '.join(keys)}",
        ) from None
    # these modules are rarely needed
    from extractor.formats.flat import build_plain  # noqa: PLC0415
    from extractor.formats.free_text import build_given  # noqa: PLC0415

    if text.section is None:
        content = build_plain(text.text, title=text.title)
    else:
        content = build_given(text.text, text.section, title=text.title)  # type: ignore[arg-type]
    record_id = (text.record_id or "").strip()
    return replace(content, trial_id=record_id or content.trial_id)


def _list_ids(source: Source) -> dict[str, str]:
    """Return the ids that the source of a stored record has, keyed by their names."""
    names = ("registry_id", "pmid", "pmcid", "doi")
    return {name: value for name in names if (value := getattr(source, name))}
