"""Records in JSON: of the registers that have a table for JSON, of this program, and texts
(``{"text": "..."}``).

A document is one record, an array, a page of results with a list of records, several of these, or
JSON lines. Records are parsed one at a time; in JSON lines a broken line loses only that line.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, BinaryIO

from pydantic import ValidationError

from extractor.formats.found import (
    DOWNLOAD,
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.json_fields import JsonFields
from extractor.formats.record import read_record
from extractor.formats.registers import list_registers
from extractor.formats.streams import (
    BLOCK_BYTES,
    exceeds_record,
    peek_block,
    read_lines,
    too_large,
)
from extractor.schemas import TrialRecord

_OF_TEXT = ("text", "title", "record_id", "section")
"""The keys of a text in JSON."""
_NUMBER = re.compile(
    r'"(?:nctId|NCTId|ctNumber|drksId|record_id)"\s{0,9}:\s{0,9}"(?P<number>[^"\\]{1,40})"'
)
"""The key and the number of a trial, by which one that was cut off is named."""
_DOWNLOAD_AGAIN = "check or download the file again"
_UTF8 = "save the file as UTF-8"
_DECODER = json.JSONDecoder()
_NEAR_END = 16
"""A fault so near to the end of what was read may be a word that is not complete."""


def read_json(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of one document, in order, and the problem of each that cannot be read.

    Its first block shows whether it is JSON lines.
    """
    head = peek_block(stream)
    is_list = _find_opening().match(head.decode("utf-8", "replace").lstrip())
    if not is_list and _has_record_a_line(head):
        return _read_lines(stream)
    return _Values(stream).read()


def _has_record_a_line(head: bytes) -> bool:
    """Return whether a document has one line, its first line ends an object, or its second one
    begins one: of many records, the first may be broken.
    """
    lines = [line.strip() for line in head.split(b"\n") if line.strip()]
    if len(lines) == 1 or lines[0].endswith(b"}"):
        return True
    return lines[1].startswith(b"{")


def _read_lines(stream: BinaryIO) -> Iterator[Found]:
    for number, line in read_lines(stream):
        if isinstance(line, UnreadableSource):
            yield line
        elif line.strip():
            yield _read_line(line, f"line {number}")


def _read_line(line: bytes, place: str) -> Found:
    try:
        value = json.loads(line)
    except UnicodeDecodeError as problem:
        place = f"{place}, byte {problem.start}"
        return UnreadableSource("text that is not UTF-8", _UTF8, place=place)
    except json.JSONDecodeError as problem:
        place = f"{place}, character {problem.pos}"
        return UnreadableSource(_describe(problem), _DOWNLOAD_AGAIN, place=place)
    except (ValueError, RecursionError) as problem:
        return UnreadableSource(_describe(problem), _DOWNLOAD_AGAIN, place=place)
    return build_content(build_json, value, place)


def _describe(problem: Exception) -> str:
    """Return what is wrong with JSON. What was cut off is named by the trial's number, if that is
    before the cut.

    >>> def describe(line: str) -> str:
    ...     try:
    ...         return str(json.loads(line))
    ...     except json.JSONDecodeError as problem:
    ...         return _describe(problem)
    >>> describe('{"nctId": "NCT90000001", "title": "A trial of')
    'the JSON of NCT90000001 ends too early'
    >>> describe('{"nctId":')
    'the JSON ends too early'
    >>> describe('{"nctId": NCT90000001}')
    'broken JSON (Expecting value)'
    """
    if isinstance(problem, RecursionError):
        return "JSON that is nested too deep"
    if not isinstance(problem, json.JSONDecodeError):
        return f"JSON that does not look like a study ({problem})"
    is_within_text = problem.msg.startswith("Unterminated string")
    is_at_end = problem.pos >= len(problem.doc.rstrip())
    if not is_within_text and not is_at_end:
        return f"broken JSON ({problem.msg})"
    number = _NUMBER.search(problem.doc)
    of_trial = f" of {number['number']}" if number else ""
    return f"the JSON{of_trial} ends too early"


_MEMBER = (
    r'"[^"]{0,99}"\s*:\s*(?:"(?:[^"\\]|\\.)*+"|[\w.+-]+|\{[^{}]*\}|\[[^\[\]{}]*\])'
)
"""A key of a page of results that is no list of records, such as the number of all results."""
_PAGE_END = re.compile(rf"\]\s*(?:,\s*{_MEMBER}\s*)*(?:\}}\s*)*")
_LONGEST_TAIL = 4096
_SPACE = re.compile(r"\s*")
_ODD = re.compile("[\udc80-\udcff]")
"""Bytes that are not UTF-8, as ``surrogateescape`` writes them."""


@cache
def _find_opening() -> re.Pattern[str]:
    """Return what begins a list of records: a bracket, or the beginning of a page of results."""
    openings = [r"\["]
    for register in list_registers("json"):
        if register.pages:
            steps = (
                rf'\{{\s*(?:{_MEMBER}\s*,\s*)*"{key}"\s*:\s*'
                for key in register.pages.split(".")
            )
            openings.append("".join(steps) + r"\[")
    return re.compile("|".join(openings))


class _Values:
    """Parses one value of a document after the other, from a text that begins with the next one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._number = 0

    def read(self) -> Iterator[Found]:
        """Yield what each value is. Raises ``UnreadableSource`` where the JSON is broken: nothing
        behind that can be read.
        """
        is_listed = False
        while self._find_sign() or is_listed:
            sign = self._text[self._at : self._at + 1]
            opening = None if is_listed else _find_opening().match(self._text, self._at)
            if opening:
                is_listed = True
                self._at = opening.end()
            elif is_listed and sign == "]":
                is_listed = False
                self._skip_end()
            elif is_listed and sign == ",":
                self._at += 1
            else:
                yield self._read_value()

    def _find_sign(self) -> bool:
        """Go on to the next sign that is no white space; False at the end of the document."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if len(self._text) - self._at > _LONGEST_TAIL:
                return True
            if not self._read_more():
                return self._at < len(self._text)

    def _skip_end(self) -> None:
        """Go on behind a list of records, and what is behind it in its page."""
        tail = _PAGE_END.match(self._text, self._at)
        self._at = tail.end() if tail else len(self._text)

    def _read_value(self) -> Found:
        self._number += 1
        place = f"record {self._number}"
        try:
            value, end = self._parse()
        except json.JSONDecodeError as problem:
            own = json.JSONDecodeError(
                problem.msg, self._text[self._at :], problem.pos - self._at
            )
            raise UnreadableSource(
                _describe(own), _DOWNLOAD_AGAIN, place=place
            ) from None
        except UnreadableSource as problem:
            raise UnreadableSource(
                problem.problem, problem.remedy, place=place
            ) from None
        except (ValueError, RecursionError) as problem:
            raise UnreadableSource(
                _describe(problem), _DOWNLOAD_AGAIN, place=place
            ) from None
        written = self._text[self._at : end]
        self._at = end
        if self._decoder.errors != "strict" and _ODD.search(written):
            return UnreadableSource("text that is not UTF-8", _UTF8, place=place)
        return build_content(build_json, value, place)

    def _parse(self) -> tuple[Any, int]:
        """Return the next value and where it ends, reading on until it is whole."""
        while True:
            try:
                return _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as problem:
                is_cut = problem.msg.startswith("Unterminated string")
                is_near = problem.pos > len(self._text) - _NEAR_END
                if not (is_cut or is_near) or not self._read_more():
                    raise

    def _read_more(self) -> bool:
        """Add to the text as much as is in it; False at the end of the document."""
        rest = len(self._text) - self._at
        if exceeds_record(rest):
            raise too_large("record")
        block = self._stream.read(max(rest, BLOCK_BYTES))
        try:
            added = self._decoder.decode(block)
        except UnicodeDecodeError:
            self._decoder.errors = "surrogateescape"
            added = self._decoder.decode(block)
        self._text = self._text[self._at :] + added
        self._at = 0
        return bool(block)


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
        record = _unwrap(record)
        if {"record_id", "sections"} <= record.keys():
            return _read_own(record)
        for register in registers:
            if any(record.get(key) is not None for key in register.keys):
                return read_record(register, JsonFields(record, ""), "json")
        if "text" in record:
            return _read_text(record)
    known = ", ".join(key for register in registers for key in register.keys)
    raise UnreadableSource(
        f"JSON that is not a study (it has none of {known})", DOWNLOAD
    )


def _unwrap(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with the keys of the objects that registers wrap records in."""
    for register in list_registers("json"):
        for wrapper in register.wrappers:
            inner = record.get(wrapper)
            if isinstance(inner, dict):
                record = {**record, **inner}
    return record


def _read_text(given: dict[str, Any]) -> RecordContent:
    """Return the content of ``{"text": "...", "title": "...", "record_id": "...", "section":
    "eligibility"}``, the last three if wanted. ``record_id`` may be a whole number.

    Raises ``UnreadableSource`` for other keys, which would be ignored, for values that are no text,
    and for a text that is not read.
    """
    unknown = sorted(given.keys() - set(_OF_TEXT))
    if unknown:
        problem = f"JSON of a text with a key {unknown[0][:40]!r}"
        raise UnreadableSource(problem, f"give {', '.join(_OF_TEXT)} alone")
    values = {name: given.get(name) for name in _OF_TEXT}
    if type(values["record_id"]) is int:
        values["record_id"] = str(values["record_id"])
    for name, value in values.items():
        is_left_out = value is None and name != "text"
        if not (isinstance(value, str) or is_left_out):
            raise UnreadableSource(
                f"JSON whose {name} is no text", "write a string in quotation marks"
            )
    from extractor.formats.flat import build_plain  # noqa: PLC0415 - few files hold such texts
    from extractor.formats.free_text import build_given  # noqa: PLC0415 - as above

    if values["section"] is None:
        content = build_plain(given["text"], title=values["title"])
    else:
        content = build_given(given["text"], given["section"], title=values["title"])
    own_id = (values["record_id"] or "").strip()
    return replace(content, trial_id=own_id or content.trial_id)


def _read_own(record: dict[str, Any]) -> RecordContent:
    """Return the content of a record that ``TrialRecord.model_dump_json`` wrote."""
    try:
        own = TrialRecord.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UnreadableSource(
            f"a record that does not fit ({place}: {first['msg']})",
            "write it again by model_dump_json",
        ) from None
    return RecordContent(own.sections, own.source.format, own.record_id, own.registry)
