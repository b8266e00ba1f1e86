"""Studies in the JSON of the ClinicalTrials.gov API, version 2.

A document is one study, an array of studies, a page ``{"studies": [...]}``, or studies line by line (JSONL). Arrays and
pages are streamed; in JSONL a broken line costs that line only.

The models below name every field that is read. A field of another type is an error that names its path, so that nothing
is lost silently. null is the same as absent, and what is not named here may hold anything.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, BinaryIO

import ijson  # type: ignore[import-untyped]
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from extractor.schemas import RegistryFields, Section

from .drafts import Draft, Found, Unreadable, build_draft, find_bare_arms, find_nct_id, join_parts, text_section
from .streams import CappedStream, peek_block, read_lines

_OPENING, _CLOSING = ("start_map", "start_array"), ("end_map", "end_array")
_DOWNLOAD_AGAIN = "check or download the file again"


MAX_NESTING = 500
"""Deepest nesting of lists and objects; the registry's studies stay below 20."""


def read_ctgov_json(stream: BinaryIO) -> Iterator[Found]:
    """The studies of one document, in order."""
    head = peek_block(stream)
    if head.lstrip().startswith(b"["):
        return _read_values(stream, "item")
    if _is_page(head):
        return _read_values(stream, "studies.item")
    lines = [line.strip() for line in head.split(b"\n") if line.strip()]
    starts_lines = _is_json(lines[0]) or len(lines) == 1
    # A first line that is broken still stands before lines that are studies.
    breaks_first_line = len(lines) > 1 and lines[1].startswith(b"{") and (_is_json(lines[1]) or len(lines) == 2)
    return _read_lines(stream) if starts_lines or breaks_first_line else _read_values(stream, "")


def _is_page(head: bytes) -> bool:
    """Whether the first object has a key "studies" with an array, as far as the first block shows."""
    depth, key = 0, None
    try:
        # As floats: of an integer that is longer than Python takes, the parser dies.
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
        return Unreadable(f"JSON that no study looks like ({problem})", _DOWNLOAD_AGAIN, place=place)
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
    """The same events. Deep nesting, which would take time and memory without bound, is refused."""
    depth = 0
    for event, value in events:
        depth += (event in _OPENING) - (event in _CLOSING)
        if depth > MAX_NESTING:
            raise Unreadable(f"JSON nested more than {MAX_NESTING} deep", "give studies of the registry's API v2")
        yield event, value


def _describe(problem: Exception) -> str:
    """The first line of the parser's message; those that follow quote the data."""
    message: Any = problem.args[0] if problem.args else problem
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    text = text.strip().partition("\n")[0]
    if "premature EOF" in text or "incomplete JSON" in text.lower():
        return "the JSON ends too early"
    if "UTF8" in text:
        return "text that is not UTF-8"
    return f"broken JSON ({text})"


_KINDS: Mapping[type, str] = {str: "text", bool: "true or false", list: "a list", dict: "an object"}
_EXPECTED = {"string_type": "text", "list_type": "a list", "tuple_type": "a list", "model_type": "an object"}


class _Object(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: object) -> object:
        if value is None:  # in a list: the items behind it keep their numbers
            return {}
        return {key: one for key, one in value.items() if one is not None} if isinstance(value, dict) else value


def _write_flag(value: object) -> object:
    return ("false", "true")[value] if isinstance(value, bool) else value


def _write_count(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Texts = tuple[str | None, ...]


class _Identification(_Object):
    nct_id: str | None = None
    brief_title: str | None = None
    official_title: str | None = None


class _Description(_Object):
    brief_summary: str | None = None
    detailed_description: str | None = None


class _Conditions(_Object):
    conditions: _Texts = ()
    keywords: _Texts = ()


class _Enrollment(_Object):
    count: Annotated[str | None, BeforeValidator(_write_count)] = None
    type: str | None = None


class _Masking(_Object):
    masking: str | None = None


class _DesignInfo(_Object):
    allocation: str | None = None
    masking_info: _Masking = _Masking()


class _Design(_Object):
    study_type: str | None = None
    phases: _Texts = ()
    design_info: _DesignInfo = _DesignInfo()
    enrollment_info: _Enrollment = _Enrollment()


class _Arm(_Object):
    label: str | None = None
    type: str | None = None
    description: str | None = None
    intervention_names: _Texts = ()


class _Intervention(_Object):
    type: str | None = None
    name: str | None = None
    description: str | None = None
    other_names: _Texts = ()
    arm_group_labels: _Texts = ()


class _ArmsInterventions(_Object):
    arm_groups: tuple[_Arm, ...] = ()
    interventions: tuple[_Intervention, ...] = ()


class _Outcome(_Object):
    measure: str | None = None
    description: str | None = None
    time_frame: str | None = None


class _Outcomes(_Object):
    primary_outcomes: tuple[_Outcome, ...] = ()
    secondary_outcomes: tuple[_Outcome, ...] = ()
    other_outcomes: tuple[_Outcome, ...] = ()


class _Eligibility(_Object):
    eligibility_criteria: str | None = None
    minimum_age: str | None = None
    maximum_age: str | None = None
    sex: str | None = None
    healthy_volunteers: Annotated[str | None, BeforeValidator(_write_flag)] = None


class _Protocol(_Object):
    identification_module: _Identification = _Identification()
    description_module: _Description = _Description()
    conditions_module: _Conditions = _Conditions()
    design_module: _Design = _Design()
    arms_interventions_module: _ArmsInterventions = _ArmsInterventions()
    outcomes_module: _Outcomes = _Outcomes()
    eligibility_module: _Eligibility = _Eligibility()


class _Study(_Object):
    protocol_section: _Protocol


def build_study(study: Any) -> Draft:
    """The draft of a parsed study. A field of a wrong type is ``Unreadable``, with its path as the place.

    >>> draft = build_study({"protocolSection": {"identificationModule": {"nctId": "NCT90000001", "briefTitle": "A"}}})
    >>> draft.nct_id, draft.sections[0].text
    ('NCT90000001', 'A')
    """
    if not isinstance(study, dict) or study.get("protocolSection") is None:
        raise Unreadable("JSON that is no study (it has no protocolSection)", "give studies of the registry's API v2")
    try:
        protocol = _Study.model_validate(study).protocol_section
    except ValidationError as problem:
        raise _describe_field(problem) from None  # its message quotes the record
    nct_id = find_nct_id(protocol.identification_module.nct_id)
    return Draft(tuple(_list_sections(protocol)), nct_id, _read_registry(protocol))


def _describe_field(problem: ValidationError) -> Unreadable:
    """The first wrong field, in our words."""
    error = problem.errors(include_url=False)[0]
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error["loc"]).removeprefix(".")
    if error["type"] == "string_unicode":
        return Unreadable("text that is no valid Unicode", "correct the escapes of its characters", place=path)
    found = _KINDS.get(type(error["input"]), "a number")
    expected = _EXPECTED.get(error["type"], "another type")
    return Unreadable(f"{found} where {expected} is expected", "correct it or download the record again", place=path)


def _list_sections(protocol: _Protocol) -> Iterator[Section]:
    identification, description = protocol.identification_module, protocol.description_module
    conditions, arms, outcomes = (
        protocol.conditions_module,
        protocol.arms_interventions_module,
        protocol.outcomes_module,
    )
    yield from text_section("title", identification.brief_title)
    yield from text_section("official_title", identification.official_title)
    yield from text_section("brief_summary", description.brief_summary)
    yield from text_section("detailed_description", description.detailed_description)
    yield from text_section("conditions", "\n".join(_present(conditions.conditions)))
    yield from text_section("keywords", "\n".join(_present(conditions.keywords)))
    yield from text_section("eligibility", protocol.eligibility_module.eligibility_criteria)
    yield from _list_items("arms", arms.arm_groups, ("label", "type", "description"))
    yield from _list_items("interventions", arms.interventions, ("type", "name", "description", "other_names"))
    for name in ("primary_outcomes", "secondary_outcomes", "other_outcomes"):
        yield from _list_items(name, getattr(outcomes, name), ("measure", "description", "time_frame"))


def _list_items(name: str, items: Iterable[_Object], parts: Iterable[str]) -> Iterator[Section]:
    """A section for each item, made of these fields."""
    for number, item in enumerate(items):
        held = ((part, getattr(item, part)) for part in parts)
        texts = ((part, text) for part, value in held for text in (value if isinstance(value, tuple) else (value,)))
        yield from join_parts(f"{name}[{number}]", texts)


def _read_registry(protocol: _Protocol) -> RegistryFields:
    eligibility, design, arms = protocol.eligibility_module, protocol.design_module, protocol.arms_interventions_module
    linked = (label for item in arms.interventions for label in _present(item.arm_group_labels))
    return RegistryFields(
        minimum_age=eligibility.minimum_age or None,
        maximum_age=eligibility.maximum_age or None,
        sex=eligibility.sex or None,
        healthy_volunteers=eligibility.healthy_volunteers or None,
        enrollment=design.enrollment_info.count or None,
        enrollment_type=design.enrollment_info.type or None,
        phases=tuple(_present(design.phases)),
        study_type=design.study_type or None,
        allocation=design.design_info.allocation or None,
        masking=design.design_info.masking_info.masking or None,
        bare_arms=find_bare_arms(
            ((arm.label, bool(_present(arm.intervention_names))) for arm in arms.arm_groups), linked
        ),
    )


def _present(texts: _Texts) -> list[str]:
    return [text for text in texts if text is not None]
