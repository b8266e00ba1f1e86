"""Studies in the JSON of the ClinicalTrials.gov API, version 2.

A document is one study, an array of studies, a page ``{"studies": [...]}``, or JSONL, one study per line. Arrays and
pages are streamed; in JSONL a broken line loses only that line.

A wrong type in a field that is read is an error with the field's path, so that nothing is lost silently. null means
absent, and a field that is not read may have any type.
"""

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple, TypeVar

import ijson  # type: ignore[import-untyped]

from .drafts import Draft, Found, Unreadable, build_draft
from .streams import CappedStream, peek_block, read_lines
from .study import StudyPaths, read_study

_Value = TypeVar("_Value", str, list[Any], dict[str, Any])

_OPENING, _CLOSING = ("start_map", "start_array"), ("end_map", "end_array")
_DOWNLOAD_AGAIN = "check or download the file again"


MAX_NESTING = 500
"""Deepest nesting of lists and objects; the registry's studies stay below 20."""


def read_ctgov_json(stream: BinaryIO) -> Iterator[Found]:
    """Yield the studies of one document, in order."""
    head = peek_block(stream)
    if head.lstrip().startswith(b"["):
        return _read_values(stream, "item")
    if _is_page(head):
        return _read_values(stream, "studies.item")
    lines = [line.strip() for line in head.split(b"\n") if line.strip()]
    starts_lines = _is_json(lines[0]) or len(lines) == 1
    # The first line may be broken and the lines after it valid studies.
    breaks_first_line = len(lines) > 1 and lines[1].startswith(b"{") and (_is_json(lines[1]) or len(lines) == 2)
    return _read_lines(stream) if starts_lines or breaks_first_line else _read_values(stream, "")


def _is_page(head: bytes) -> bool:
    """Whether the first object has a key "studies" with an array, judging by the first block."""
    depth, key = 0, None
    try:
        # Read numbers as floats: the parser crashes on integers longer than Python allows.
        for event, value in ijson.basic_parse(io.BytesIO(head), multiple_values=True, use_float=True):
            if event == "map_key" and depth == 1:
                key = value
            elif event == "start_array" and depth == 1 and key == "studies":
                return True
            depth += (event in _OPENING) - (event in _CLOSING)
            if depth == 0:
                break
    except (ijson.JSONError, ValueError):
        pass  # the block ends somewhere inside a study
    return False


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _read_lines(stream: BinaryIO) -> Iterator[Found]:
    for number, line in read_lines(stream):
        if isinstance(line, Unreadable):
            yield line
        elif line.strip():
            yield _read_line(line, f"line {number}")


def _read_line(line: bytes, place: str) -> Found:
    try:
        study = json.loads(line)
    except UnicodeDecodeError as problem:
        return Unreadable("text that is not UTF-8", "save the file as UTF-8", place=f"{place}, byte {problem.start}")
    except json.JSONDecodeError as problem:
        return Unreadable(f"broken JSON ({problem.msg})", _DOWNLOAD_AGAIN, place=f"{place}, character {problem.pos}")
    except (ValueError, RecursionError) as problem:
        return Unreadable(f"JSON that does not look like a study ({problem})", _DOWNLOAD_AGAIN, place=place)
    return build_draft(build_study, study, place)


def _read_values(stream: BinaryIO, prefix: str) -> Iterator[Found]:
    capped, number = CappedStream(stream), 0
    events = _limit_nesting(ijson.basic_parse(capped, multiple_values=True, use_float=True))
    try:
        for study in ijson.items(ijson.parse(events), prefix):
            number += 1
            yield build_draft(build_study, study, f"record {number}")
            capped.start_record()
    except Unreadable as problem:
        raise Unreadable(problem.problem, problem.remedy, place=f"record {number + 1}") from problem
    except (ijson.JSONError, ValueError, RecursionError) as problem:
        raise Unreadable(_describe(problem), _DOWNLOAD_AGAIN, place=f"record {number + 1}") from problem


def _limit_nesting(events: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the same events, and refuse deep nesting, which would take unbounded time and memory."""
    depth = 0
    for event, value in events:
        depth += (event in _OPENING) - (event in _CLOSING)
        if depth > MAX_NESTING:
            raise Unreadable(f"JSON nested more than {MAX_NESTING} deep", "give studies of the registry's API v2")
        yield event, value


def _describe(problem: Exception) -> str:
    """Return the first line of the parser's message; the lines after it quote the data."""
    message: Any = problem.args[0] if problem.args else problem
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    text = text.strip().partition("\n")[0]
    if "premature EOF" in text or "incomplete JSON" in text.lower():
        return "the JSON ends too early"
    if "UTF8" in text:
        return "text that is not UTF-8"
    return f"broken JSON ({text})"


_OUTCOME = {"measure": "measure", "description": "description", "time_frame": "timeFrame"}
_PATHS = StudyPaths(
    nct_id="identificationModule.nctId",
    texts={
        "title": "identificationModule.briefTitle",
        "official_title": "identificationModule.officialTitle",
        "brief_summary": "descriptionModule.briefSummary",
        "detailed_description": "descriptionModule.detailedDescription",
        "conditions": "conditionsModule.conditions[]",
        "keywords": "conditionsModule.keywords[]",
        "eligibility": "eligibilityModule.eligibilityCriteria",
    },
    items={
        "arms": (
            "armsInterventionsModule.armGroups[]",
            {"label": "label", "type": "type", "description": "description"},
        ),
        "interventions": (
            "armsInterventionsModule.interventions[]",
            {"type": "type", "name": "name", "description": "description", "other_names": "otherNames[]"},
        ),
        "primary_outcomes": ("outcomesModule.primaryOutcomes[]", _OUTCOME),
        "secondary_outcomes": ("outcomesModule.secondaryOutcomes[]", _OUTCOME),
        "other_outcomes": ("outcomesModule.otherOutcomes[]", _OUTCOME),
    },
    registry={
        "minimum_age": "eligibilityModule.minimumAge",
        "maximum_age": "eligibilityModule.maximumAge",
        "sex": "eligibilityModule.sex",
        "healthy_volunteers": "eligibilityModule.healthyVolunteers",
        "enrollment": "designModule.enrollmentInfo.count",
        "enrollment_type": "designModule.enrollmentInfo.type",
        "study_type": "designModule.studyType",
        "allocation": "designModule.designInfo.allocation",
        "masking": "designModule.designInfo.maskingInfo.masking",
    },
    phases="designModule.phases[]",
    labels="armGroupLabels[]",
    names="interventionNames[]",
)
"""Paths relative to a study's ``protocolSection``; ``[]`` marks a list."""


class _Node(NamedTuple):
    """A value and its path in the study."""

    value: Any
    place: str


def build_study(study: Any) -> Draft:
    """Build the draft of a parsed study. Raises ``Unreadable`` for a field of a wrong type, with its path as the place.

    >>> draft = build_study({"protocolSection": {"identificationModule": {"nctId": "NCT90000001", "briefTitle": "A"}}})
    >>> draft.nct_id, draft.sections[0].text
    ('NCT90000001', 'A')
    """
    if not isinstance(study, dict) or study.get("protocolSection") is None:
        raise Unreadable(
            "JSON that is not a study (it has no protocolSection)", "give studies of the registry's API v2"
        )
    return read_study(_Node(study["protocolSection"], "protocolSection"), _PATHS, _find, _read_texts)


def _find(node: _Node, path: str) -> list[_Node]:
    """Return the values at a path. Null means absent; in a list it does not change the indices after it."""
    value, place = node
    for step in path.split("."):
        name = step.removesuffix("[]")
        value, place = _expect(value, {}, place).get(name), f"{place}.{name}"
    if path.endswith("[]"):
        return [_Node(one, f"{place}[{number}]") for number, one in enumerate(_expect(value, [], place))]
    return [_Node(value, place)]


def _read_texts(node: _Node, path: str) -> list[str]:
    """Return the texts at a path. Flags and counts are texts in old records, booleans and numbers in others."""
    texts: list[str] = []
    for value, place in _find(node, path):
        if value is None:
            continue
        if path.endswith("healthyVolunteers") and isinstance(value, bool):
            texts.append(str(value).lower())
        elif path.endswith("count") and type(value) is int:
            texts.append(str(value))
        else:
            texts.append(_expect(value, "", place))
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:  # JSON can escape half a surrogate pair
        raise Unreadable(
            "text that is not valid Unicode", "correct the escapes of its characters", place=place
        ) from None
    return texts


_KINDS = {str: "text", bool: "true or false", list: "a list", dict: "an object"}


def _expect(value: Any, empty: _Value, place: str) -> _Value:
    """Return the value if it has the type of ``empty``, ``empty`` for null. Raises ``Unreadable`` for other types."""
    if value is None:
        return empty
    if isinstance(value, type(empty)):
        return value
    found, expected = _KINDS.get(type(value), "a number"), _KINDS[type(empty)]
    raise Unreadable(f"{found} where {expected} is expected", "correct it or download the record again", place=place)
