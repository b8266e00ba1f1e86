"""Studies in JSON: of the ClinicalTrials.gov API, versions 1 and 2, of CTIS, of DRKS, records of
this program, and texts (``{"text": "..."}``).

A document is one study, an array of studies, a page ``{"studies": [...]}`` or
``{"FullStudiesResponse": ...}``, or JSONL, one study per line. Arrays and pages are streamed; in
JSONL a broken line loses only that line.
"""

import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]
from pydantic import ValidationError

from extractor.formats.found import (
    DOWNLOAD,
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.json_fields import Node, find_nodes, read_texts
from extractor.formats.streams import MAX_NESTING, CappedStream, peek_block, read_lines
from extractor.formats.study import list_paths, read_study
from extractor.schemas import TrialRecord

_OF_TEXT = ("text", "title", "record_id", "section")
"""The keys of a text in JSON."""
_NUMBERS = ("nctId", "NCTId", "ctNumber", "drksId", "record_id")
"""The keys of a trial's own number; it is the first with one of them."""
_OWN_NUMBER = re.compile(
    rf'"(?:{"|".join(_NUMBERS)})"\s{{0,9}}:\s{{0,9}}"(?P<number>[^"\\]{{1,40}})"'
)
_LONGEST_NUMBER = 40
_OPENING = ("start_map", "start_array")
_CLOSING = ("end_map", "end_array")
_DOWNLOAD_AGAIN = "check or download the file again"


def read_json(stream: BinaryIO) -> Iterator[Found]:
    """Yield the studies of one document, in order, and the problem of each that cannot be read.

    Its first block shows whether it is an array, a page, JSONL, or one or several objects.
    """
    head = peek_block(stream)
    if head.lstrip().startswith(b"["):
        return _read_values(stream, "item")
    page = _find_page(head)
    if page:
        return _read_values(stream, f"{page}.item")
    if _has_study_a_line(head):
        return _read_lines(stream)
    return _read_values(stream, "")


def _has_study_a_line(head: bytes) -> bool:
    """Return whether a document is JSONL, judging by its first block, which is not blank: it has
    one line, its first line ends an object, or its second one begins an object.
    """
    lines = [line.strip() for line in head.split(b"\n") if line.strip()]
    if len(lines) == 1 or lines[0].endswith(b"}"):
        return True
    # A study over several lines has the names of fields in its second one. The first of many
    # studies may be broken.
    return lines[1].startswith(b"{")


_PAGES = ("studies", "FullStudiesResponse.FullStudies")


def _find_page(head: bytes) -> str | None:
    """Return the path of the array of studies in the first object, if it has one, judging by the
    first block.
    """
    try:
        # Read numbers as floats: the parser crashes on integers longer than Python allows.
        events = _limit_nesting(
            ijson.basic_parse(io.BytesIO(head), multiple_values=True, use_float=True)
        )
        for path, event, _ in ijson.parse(events):
            if event == "start_array" and path in _PAGES:
                return str(path)
            is_end = event == "end_map" and not path
            if is_end:
                return None
    except (ijson.JSONError, ValueError, UnreadableSource):
        # the block ends somewhere inside a study, or a later study is nested too deep
        return None
    return None


def _read_lines(stream: BinaryIO) -> Iterator[Found]:
    for number, line in read_lines(stream):
        if isinstance(line, UnreadableSource):
            yield line
        elif line.strip():
            yield _read_line(line, f"line {number}")


def _read_line(line: bytes, place: str) -> Found:
    """Return the content of a study on a line of JSONL, or what is wrong with it. Does not
    raise.
    """
    try:
        study = json.loads(line)
    except UnicodeDecodeError as problem:
        return UnreadableSource(
            "text that is not UTF-8",
            "save the file as UTF-8",
            place=f"{place}, byte {problem.start}",
        )
    except json.JSONDecodeError as problem:
        return UnreadableSource(
            _describe_broken(problem),
            _DOWNLOAD_AGAIN,
            place=f"{place}, character {problem.pos}",
        )
    except (ValueError, RecursionError) as problem:
        return UnreadableSource(
            f"JSON that does not look like a study ({problem})",
            _DOWNLOAD_AGAIN,
            place=place,
        )
    return build_content(build_study, study, place)


def _describe_broken(problem: json.JSONDecodeError) -> str:
    """Return what is wrong with a line of JSON. One that was cut off is named by the trial's
    number, if that stands before the cut.

    >>> def describe(line: str) -> str:
    ...     try:
    ...         return str(json.loads(line))
    ...     except json.JSONDecodeError as problem:
    ...         return _describe_broken(problem)
    >>> describe('{"nctId": "NCT90000001", "title": "A trial of')
    'the JSON of NCT90000001 ends too early'
    >>> describe('{"nctId":')
    'the JSON ends too early'
    >>> describe('{"nctId": NCT90000001}')
    'broken JSON (Expecting value)'
    """
    is_within_text = problem.msg.startswith("Unterminated string")
    is_at_end = problem.pos >= len(problem.doc.rstrip())
    if not is_within_text and not is_at_end:
        return f"broken JSON ({problem.msg})"
    number = _OWN_NUMBER.search(problem.doc)
    return _say_cut_off(number["number"] if number else None)


def _say_cut_off(number: str | None) -> str:
    """Return that a file was cut off within a trial, whose number may be unknown."""
    if number:
        return f"the JSON of {number} ends too early"
    return "the JSON ends too early"


def _read_values(stream: BinaryIO, prefix: str) -> Iterator[Found]:
    """Yield the content of each study at a path of the document ("" for its objects themselves), or
    the study's problem.

    Raises ``UnreadableSource``, with the number of the record, where the JSON is broken: nothing
    behind that can be read.
    """
    capped = CappedStream(stream)
    number = 0
    numbers = _Numbers()
    events = _limit_nesting(
        ijson.basic_parse(capped, multiple_values=True, use_float=True)
    )
    try:
        for study in ijson.items(ijson.parse(numbers.watch(events)), prefix):
            number += 1
            numbers.own = None
            yield build_content(build_study, study, f"record {number}")
            capped.start_record()
    except UnreadableSource as problem:
        raise UnreadableSource(
            problem.problem, problem.remedy, place=f"record {number + 1}"
        ) from problem
    except (ijson.JSONError, ValueError, RecursionError) as problem:
        raise UnreadableSource(
            _describe(problem, numbers.own),
            _DOWNLOAD_AGAIN,
            place=f"record {number + 1}",
        ) from problem


_SECTIONS = (
    ("ctgov_json", "protocolSection", "derivedSection"),
    ("ctgov_json_v1", "ProtocolSection", "DerivedSection"),
)
"""The formats of ClinicalTrials.gov, with what the sponsor registered and what the registry
added, its MeSH terms.
"""


def build_study(study: Any) -> RecordContent:
    """Build the content of a parsed study of any of the formats, without the wrappers of version 1.

    Raises ``UnreadableSource`` for a field of a wrong type, with its path as the place.

    >>> content = build_study(
    ...     {
    ...         "protocolSection": {
    ...             "identificationModule": {"nctId": "NCT90000001", "briefTitle": "A"}
    ...         }
    ...     }
    ... )
    >>> content.trial_id, content.sections[0].text
    ('NCT90000001', 'A')
    >>> title = {
    ...     "trialDetails": {
    ...         "clinicalTrialIdentifiers": {"publicTitle": "Fictumab in asthma"}
    ...     }
    ... }
    >>> build_study(
    ...     {"ctNumber": "2031-500001-10-00", "authorizedPartI": title}
    ... ).trial_id
    '2031-500001-10-00'
    """
    for wrapper in ("FullStudy", "Study"):
        if isinstance(study, dict) and isinstance(study.get(wrapper), dict):
            study = study[wrapper]
    content = _build_known(study) if isinstance(study, dict) else None
    if content is None:
        raise UnreadableSource(
            "JSON that is not a study (it has no protocolSection)", DOWNLOAD
        )
    return content


def _build_known(study: dict[str, Any]) -> RecordContent | None:
    """Build the content of an object of any known format; None for others. A record of this program
    and a study of a registry come before a text: only an object without their keys is one.
    """
    if {"record_id", "sections"} <= study.keys():
        return _read_own(study)
    if {"authorizedApplication", "authorizedPartI"} & study.keys():
        return _read_ctis(study)
    if "drksId" in study:
        from extractor.formats.drks import build_drks  # noqa: PLC0415 - few files hold such trials

        return build_drks(Node(study, "trial"))
    for name, section, derived in _SECTIONS:
        if study.get(section) is None:
            continue
        return read_study(
            Node(study[section], section),
            list_paths(name),
            find_nodes,
            read_texts,
            derived=Node(study.get(derived), derived),
        )
    return _read_text(study) if "text" in study else None


def _read_ctis(trial: dict[str, Any]) -> RecordContent:
    """Build the content of a trial of CTIS, whose part I describes it for all member states."""
    part = "authorizedApplication.authorizedPartI"
    if trial.get("authorizedPartI"):
        part = "authorizedPartI"
    return read_study(
        Node(trial, "trial"), list_paths("ctis_json", part), find_nodes, read_texts
    )


def _read_text(given: dict[str, Any]) -> RecordContent:
    """Build the content of a text in JSON: ``{"text": "...", "title": "...", "record_id": "...",
    "section": "eligibility"}``, the last three if wanted.

    ``record_id`` may be a whole number, such as that of a row. Raises ``UnreadableSource`` for
    other keys, which would be ignored, for values that are no text, and as ``build_plain`` and
    ``build_given`` do.
    """
    unknown = sorted(given.keys() - set(_OF_TEXT))
    if unknown:
        raise UnreadableSource(
            f"JSON of a text with a key {unknown[0][:40]!r}",
            f"give {', '.join(_OF_TEXT)} alone",
        )
    if type(given.get("record_id")) is int:
        given = given | {"record_id": str(given["record_id"])}
    for name in _OF_TEXT:
        value = given.get(name)
        is_left_out = value is None and name != "text"
        if not (isinstance(value, str) or is_left_out):
            raise UnreadableSource(
                f"JSON whose {name} is no text", "write a string in quotation marks"
            )
    from extractor.formats.flat import build_plain  # noqa: PLC0415 - few files hold such texts
    from extractor.formats.free_text import build_given  # noqa: PLC0415 - as above

    section = given.get("section")
    if section is None:
        content = build_plain(given["text"], title=given.get("title"))
    else:
        content = build_given(given["text"], section, title=given.get("title"))
    own_id = (given.get("record_id") or "").strip() or None
    return replace(content, trial_id=own_id or content.trial_id)


def _read_own(record: dict[str, Any]) -> RecordContent:
    """Build the content of a record that this program wrote, by ``TrialRecord.model_dump_json``."""
    try:
        own = TrialRecord.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise UnreadableSource(
            f"a record that does not fit ({problem})",
            "write it again by model_dump_json",
        ) from None
    return RecordContent(own.sections, own.source.format, own.record_id, own.registry)


def _limit_nesting(events: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the same events, and refuse deep nesting, which would take unbounded time and
    memory.
    """
    depth = 0
    for event, value in events:
        if event in _OPENING:
            depth += 1
        elif event in _CLOSING:
            depth -= 1
        if depth > MAX_NESTING:
            raise UnreadableSource(
                f"JSON nested more than {MAX_NESTING} deep", DOWNLOAD
            )
        yield event, value


class _Numbers:
    """Watches a parser for the number of the trial that it reads, so that a file that was cut off
    can be named by it.

    Attributes:
        own: The number, once it was read. The reader sets it to None behind each trial.
    """

    def __init__(self) -> None:
        self.own: str | None = None

    def watch(self, events: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
        """Yield the same events."""
        key = None
        for event, value in events:
            if event == "map_key":
                key = value
            elif event == "string" and key in _NUMBERS and self.own is None:
                self.own = value[:_LONGEST_NUMBER]
            yield event, value


def _describe(problem: Exception, number: str | None) -> str:
    """Return the first line of the parser's message; the lines after it quote the data. ``number``
    is that of the trial, if it was read.
    """
    message: Any = problem.args[0] if problem.args else problem
    if isinstance(message, bytes):
        text = message.decode("utf-8", "replace")
    else:
        text = str(message)
    text = text.strip().partition("\n")[0]
    if "premature EOF" in text or "incomplete JSON" in text.lower():
        return _say_cut_off(number)
    if "UTF8" in text:
        return "text that is not UTF-8"
    return f"broken JSON ({text})"
