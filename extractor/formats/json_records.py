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

_BLANKS = re.compile(r"\s*")
_LINE_OF_RECORD = re.compile(r"\n(?=[{\[])")
"""Where a record may begin behind a broken one: on an unindented line."""
_NUMBER = re.compile(
    r'"(?:nctId|NCTId|ctNumber|drksId|record_id)"\s{0,9}:\s{0,9}"(?P<number>[^"\\]{1,40})"'
)
_MEMBERS = r'\{\s*(?:"[^"]*"\s*:\s*(?:"[^"]*"|[\w.+-]+|\{[^{}]*\})\s*,\s*)*+'
"""The beginning of an object, with its members up to the one that matters."""
_NEAR_END = 16
"""A fault so near to the end of what was read may be a word that is not complete."""
_AGAIN = "check or download the file again"
_DECODER = json.JSONDecoder()


def read_json(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of one document, in order, and the problem of each that cannot be read."""
    text = TextBuffer(stream)
    number = 0
    while sign := _next_sign(text):
        listed = begin_list().match(text.text, text.at)
        if listed:
            text.take(listed.end())
            for found in _read_list(text, number):
                yield found
                number += 1
            _skip_line(text)
        elif sign in ",]}":  # the end of a list of which a record was broken
            text.take(text.at + 1)
        else:
            number += 1
            line = f"line {text.line}"
            try:
                value, has_lines = _decode(text)
            except UnreadableSource as problem:
                yield problem.below(line)
                _skip_line(text)
            else:
                place = f"record {number}" if has_lines else line
                yield build_content(build_json, value, place)


@cache
def begin_list() -> re.Pattern[str]:
    """Return what recognises the beginning of a list of records: of an array, or of a page."""
    openings = [r"\["]
    for register in list_registers("json"):
        if register.pages:
            keys = register.pages.split(".")
            openings.append(
                "".join(rf'{_MEMBERS}"{key}"\s*:\s*' for key in keys) + r"\["
            )
    return re.compile("|".join(openings))


def _read_list(text: TextBuffer, number: int) -> Iterator[Found]:
    """Yield the records of a list from behind its bracket on, up to the first that is broken."""
    while _next_sign(text) != "]":
        number += 1
        place = f"record {number}"
        try:
            value, _ = _decode(text)
        except UnreadableSource as problem:
            yield problem.below(place)
            return
        yield build_content(build_json, value, place)
        if _next_sign(text) == ",":
            text.take(text.at + 1)


def _next_sign(text: TextBuffer) -> str:
    """Skip blanks, and return the sign behind them; "" at the end of the file."""
    while True:
        blanks = _BLANKS.match(text.text, text.at)
        text.take(blanks.end() if blanks else text.at)
        if text.at < len(text.text):
            return text.text[text.at]
        if not text.read_on():
            return ""


def _skip_line(text: TextBuffer) -> None:
    """Skip all up to the next line with which a record may begin."""
    while not (found := _LINE_OF_RECORD.search(text.text, text.at)):
        text.take(max(text.at, len(text.text) - 1))
        if not text.read_on():
            text.take(len(text.text))
            return
    text.take(found.end())


def _decode(text: TextBuffer) -> tuple[Any, bool]:
    """Take a value, and return it with whether it has several lines."""
    while True:
        at = text.at
        try:
            value, end = _DECODER.raw_decode(text.text, at)
        except json.JSONDecodeError as problem:
            is_within_text = problem.msg.startswith("Unterminated")
            is_near_end = problem.pos > len(text.text) - _NEAR_END
            if (is_within_text or is_near_end) and text.read_on():
                continue
            raise UnreadableSource(
                _describe(problem, at), _AGAIN, place=f"character {problem.pos - at}"
            ) from None
        except RecursionError:
            raise UnreadableSource("JSON that is nested too deep", _AGAIN) from None
        except ValueError as problem:  # a number of thousands of digits
            raise UnreadableSource(f"broken JSON ({problem})", _AGAIN) from None
        return value, "\n" in text.take(end)


def _describe(problem: json.JSONDecodeError, at: int) -> str:
    """Return what is wrong with a value; of one that ends within a line, that it does."""
    is_within_text = problem.msg.startswith("Unterminated")
    around = problem.doc[max(problem.pos - 1, at) : problem.pos + 1]
    if "\n" not in around and not is_within_text and problem.doc[problem.pos :].strip():
        return f"broken JSON ({problem.msg})"
    number = _NUMBER.search(problem.doc, at)
    of_trial = f" of {number['number']}" if number else ""
    return f"the JSON{of_trial} ends too early"


def build_json(record: Any) -> RecordContent:
    """Return the content of a parsed record of any register, of this program, or of a text.

    Raises ``UnreadableSource`` for a field of a wrong type, with its path as the place.

    >>> content = build_json(
    ...     {
    ...         "protocolSection": {
    ...             "identificationModule": {"nctId": "NCT90000001", "briefTitle": "A"}
    ...         }
    ...     }
    ... )
    >>> content.trial_id, content.sections[0].text
    ('NCT90000001', 'A')
    """
    registers = list_registers("json")
    if isinstance(record, dict):
        for register in registers:
            for wrapper in register.wrappers:
                inner = record.get(wrapper)
                record = {**record, **inner} if isinstance(inner, dict) else record
            if any(record.get(key) is not None for key in register.keys):
                return read_record(register, record, "json")
        if "sections" in record or "text" in record:
            return _read_own(record)
    known = ", ".join(key for register in registers for key in register.keys)
    raise UnreadableSource(
        f"JSON that is not a study (it has none of {known})", DOWNLOAD
    )


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
    from extractor.formats.flat import build_plain  # noqa: PLC0415 - few files hold such texts
    from extractor.formats.free_text import build_given  # noqa: PLC0415 - as above

    if given.section is None:
        content = build_plain(given.text, title=given.title)
    else:
        content = build_given(given.text, given.section, title=given.title)  # type: ignore[arg-type]
    own_id = (given.record_id or "").strip()
    return replace(content, trial_id=own_id or content.trial_id)
