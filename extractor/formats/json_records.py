"""Records in JSON: one, an array, a page of results, or one a line, each parsed when it is wanted.

A broken record costs the rest of its line, and others on lines of their own are read.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from extractor.formats.found import (
    AGAIN,
    DOWNLOAD,
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.record import read_record
from extractor.formats.registers import list_registers
from extractor.formats.streams import TextBuffer
from extractor.schemas import TrialRecord

_SIGN = re.compile(r"\S")
_LINE_OF_RECORD = re.compile(r"\n(?=[{\[])")
"""Where a record may begin behind a broken one: on an unindented line."""
_NUMBER = re.compile(
    r'"(?:nctId|NCTId|ctNumber|drksId|record_id)"\s{0,9}:\s{0,9}"(?P<number>[^"\\]{1,40})"'
)
_MEMBERS = r'\{\s*(?:"[^"]*"\s*:\s*(?:"[^"]*"|[\w.+-]+|\{[^{}]*\})\s*,\s*)*+'
"""The beginning of an object, with its members up to the one that matters."""
_NEAR_END = 16
"""A fault so near to the end of what was read may be a word that is not complete."""
_DECODER = json.JSONDecoder()


def read_json(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of one document, in order, and the problem of each that cannot be read."""
    text = TextBuffer(stream)
    number = 0
    is_listed = False
    while found := text.find(_SIGN, skips=True):
        text.take(found.start())
        opening = begin_list().match(text.text, text.at)
        if opening and not is_listed:
            text.take(opening.end())
            is_listed = True
        elif found[0] in ",]}":
            text.take(found.end())
            if is_listed and found[0] == "]":
                is_listed = False
                _skip_line(text)
        else:
            number += 1
            place = f"record {number}" if is_listed else f"line {text.line}"
            try:
                value = _decode(text)
            except UnreadableSource as problem:
                yield problem.below(place)
                is_listed = False
                _skip_line(text)
            else:
                yield build_content(build_json, value, place)


@cache
def begin_list() -> re.Pattern[str]:
    """Return what recognises the beginning of a list of records: of an array, or of a page."""
    openings = [""]
    for register in list_registers("json"):
        if register.pages:
            keys = register.pages.split(".")
            openings.append("".join(rf'{_MEMBERS}"{key}"\s*:\s*' for key in keys))
    return re.compile(rf"(?:{'|'.join(openings)})\[")


def _skip_line(text: TextBuffer) -> None:
    """Skip all up to the next line with which a record may begin."""
    found = text.find(_LINE_OF_RECORD, skips=True)
    text.take(found.end() if found else None)


def _decode(text: TextBuffer) -> Any:
    """Take a value."""
    while True:
        at = text.at
        try:
            value, end = _DECODER.raw_decode(text.text, at)
        except json.JSONDecodeError as problem:
            is_within_text = problem.msg.startswith("Unterminated")
            is_near_end = problem.pos > len(text.text) - _NEAR_END
            if (is_within_text or is_near_end) and text.read_on():
                continue
            place = f"character {problem.pos - at}"
            raise UnreadableSource(_describe(problem, at), place=place) from None
        except RecursionError:
            raise UnreadableSource("JSON that is nested too deep") from None
        except ValueError as problem:  # a number of thousands of digits
            raise UnreadableSource(f"broken JSON ({problem})") from None
        text.take(end)
        return value


def _describe(problem: json.JSONDecodeError, at: int) -> str:
    """Return what is wrong with a value; of one that ends within a line, that it does."""
    rest = problem.doc[max(problem.pos - 1, at) :]
    ends_early = problem.msg.startswith("Unterminated") or not rest[1:].strip()
    if "\n" not in rest[:2] and not ends_early:
        return f"broken JSON ({problem.msg})"
    number = _NUMBER.search(problem.doc, at)
    of_trial = f" of {number['number']}" if number else ""
    return f"the JSON{of_trial} ends too early"


def build_json(record: Any) -> RecordContent:
    """Return the content of a parsed record of any register, of this program, or of a text.

    Raises ``UnreadableSource`` for a field of a wrong type, with its path as the place.

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
                record |= inner if isinstance(inner, dict) else {}
            if any(record.get(key) is not None for key in register.keys):
                return read_record(register, record, "json")
        if "sections" in record or "text" in record:
            return _read_own(record)
    known = ", ".join(key for register in registers for key in register.keys)
    problem = f"JSON that is not a study (it has none of {known})"
    raise UnreadableSource(problem, DOWNLOAD)


class _GivenText(BaseModel):
    """A text in JSON."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    text: str
    title: str | None = None
    record_id: str | None = None
    section: str | None = None


def _read_own(record: dict[str, Any]) -> RecordContent:
    """Return the content of a record that ``TrialRecord.model_dump_json`` wrote, or of a text with
    its title, id and section.

    Raises ``UnreadableSource`` for other keys, which would be ignored, and for wrong types.
    """
    try:
        if "sections" in record:
            own = TrialRecord.model_validate(record)
            return RecordContent(
                own.sections, own.source.format, own.record_id, own.registry
            )
        given = _GivenText.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        problem = f"JSON that does not fit ({place}: {first['msg']})"
        raise UnreadableSource(problem, "correct it, or write it again") from None
    # few files hold such texts
    from extractor.formats.flat import build_plain  # noqa: PLC0415
    from extractor.formats.free_text import build_given  # noqa: PLC0415

    if given.section is None:
        content = build_plain(given.text, title=given.title)
    else:
        content = build_given(given.text, given.section, title=given.title)  # type: ignore[arg-type]
    own_id = (given.record_id or "").strip()
    return replace(content, trial_id=own_id or content.trial_id)
