"""The sections of one study in the JSON of the ClinicalTrials.gov API, version 2.

The models below name every field that is read. A field of another type is an error that names its path, so that
nothing is lost in silence; null is the same as absent, and what is not named here may hold anything.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from extractor.schemas import RegistryFields, Section

from .drafts import Draft, Unreadable, find_nct_id, join_parts, text_section
from .interventions import find_bare_arms

__all__ = ["build_study"]

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
        raise _describe(problem) from None  # its message quotes the record
    nct_id = find_nct_id(protocol.identification_module.nct_id)
    return Draft(tuple(_list_sections(protocol)), nct_id, _read_registry(protocol))


def _describe(problem: ValidationError) -> Unreadable:
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
    conditions, arms = protocol.conditions_module, protocol.arms_interventions_module
    yield from text_section("title", identification.brief_title)
    yield from text_section("official_title", identification.official_title)
    yield from text_section("brief_summary", description.brief_summary)
    yield from text_section("detailed_description", description.detailed_description)
    yield from text_section("conditions", "\n".join(_present(conditions.conditions)))
    yield from text_section("keywords", "\n".join(_present(conditions.keywords)))
    yield from text_section("eligibility", protocol.eligibility_module.eligibility_criteria)
    for number, arm in enumerate(arms.arm_groups):
        parts = (("label", arm.label), ("type", arm.type), ("description", arm.description))
        yield from join_parts(f"arms[{number}]", parts)
    for number, item in enumerate(arms.interventions):
        others = (("other_names", name) for name in _present(item.other_names))
        given = (("type", item.type), ("name", item.name), ("description", item.description))
        yield from join_parts(f"interventions[{number}]", (*given, *others))
    outcomes = protocol.outcomes_module
    yield from _list_outcomes("primary_outcomes", outcomes.primary_outcomes)
    yield from _list_outcomes("secondary_outcomes", outcomes.secondary_outcomes)
    yield from _list_outcomes("other_outcomes", outcomes.other_outcomes)


def _list_outcomes(name: str, outcomes: Iterable[_Outcome]) -> Iterator[Section]:
    for number, one in enumerate(outcomes):
        parts = (("measure", one.measure), ("description", one.description), ("time_frame", one.time_frame))
        yield from join_parts(f"{name}[{number}]", parts)


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
