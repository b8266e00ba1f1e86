"""The sections of one study in the JSON of the ClinicalTrials.gov API, version 2."""

from collections.abc import Iterator
from typing import Any

from extractor.schemas import RegistryFields, Section

from .drafts import Draft, Unreadable, find_nct_id, join_parts, text_section

__all__ = ["build_study"]

_ARM = (("label", "label"), ("type", "type"), ("description", "description"))
_OUTCOME = (("measure", "measure"), ("description", "description"), ("time_frame", "timeFrame"))


def build_study(study: Any) -> Draft:
    """The draft of a parsed study; what has an unexpected type counts as absent.

    >>> draft = build_study({"protocolSection": {"identificationModule": {"nctId": "NCT90000001", "briefTitle": "A"}}})
    >>> draft.nct_id, draft.sections[0].text
    ('NCT90000001', 'A')
    """
    protocol = study.get("protocolSection") if isinstance(study, dict) else None
    if not isinstance(protocol, dict):
        raise Unreadable("JSON that is no study (it has no protocolSection)", "give studies of the registry's API v2")
    nct_id = _text(_module(protocol, "identification").get("nctId"))
    return Draft(tuple(_list_sections(protocol)), find_nct_id(nct_id), _read_registry(protocol))


def _list_sections(protocol: dict[str, Any]) -> Iterator[Section]:
    identification, description = _module(protocol, "identification"), _module(protocol, "description")
    conditions, arms = _module(protocol, "conditions"), _module(protocol, "armsInterventions")
    yield from text_section("title", _text(identification.get("briefTitle")))
    yield from text_section("official_title", _text(identification.get("officialTitle")))
    yield from text_section("brief_summary", _text(description.get("briefSummary")))
    yield from text_section("detailed_description", _text(description.get("detailedDescription")))
    yield from text_section("conditions", "\n".join(_texts(conditions.get("conditions"))))
    yield from text_section("keywords", "\n".join(_texts(conditions.get("keywords"))))
    yield from text_section("eligibility", _text(_module(protocol, "eligibility").get("eligibilityCriteria")))
    yield from _list_items("arms", arms.get("armGroups"), _ARM)
    for number, item in enumerate(_items(arms.get("interventions"))):
        yield from join_parts(f"interventions[{number}]", _list_intervention_parts(item))
    outcomes = _module(protocol, "outcomes")
    for rank in ("primary", "secondary", "other"):
        yield from _list_items(f"{rank}_outcomes", outcomes.get(f"{rank}Outcomes"), _OUTCOME)


def _list_items(name: str, items: Any, parts: tuple[tuple[str, str], ...]) -> Iterator[Section]:
    for number, item in enumerate(_items(items)):
        yield from join_parts(f"{name}[{number}]", ((part, _text(item.get(key))) for part, key in parts))


def _list_intervention_parts(item: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    for name in ("type", "name", "description"):
        yield name, _text(item.get(name))
    for other_name in _texts(item.get("otherNames")):
        yield "other_names", other_name


def _read_registry(protocol: dict[str, Any]) -> RegistryFields:
    eligibility, design = _module(protocol, "eligibility"), _module(protocol, "design")
    scheme = _dict(design.get("designInfo"))
    return RegistryFields(
        minimum_age=_written(eligibility.get("minimumAge")),
        maximum_age=_written(eligibility.get("maximumAge")),
        sex=_written(eligibility.get("sex")),
        healthy_volunteers=_written(eligibility.get("healthyVolunteers")),
        enrollment=_written(_dict(design.get("enrollmentInfo")).get("count")),
        enrollment_type=_written(_dict(design.get("enrollmentInfo")).get("type")),
        phases=tuple(_texts(design.get("phases"))),
        study_type=_written(design.get("studyType")),
        allocation=_written(scheme.get("allocation")),
        masking=_written(_dict(scheme.get("maskingInfo")).get("masking")),
        bare_arms=tuple(_list_bare_arms(_module(protocol, "armsInterventions"))),
    )


def _list_bare_arms(module: dict[str, Any]) -> Iterator[str]:
    """Arms without intervention, in a study that has interventions."""
    if _items(module.get("interventions")):
        for number, arm in enumerate(_items(module.get("armGroups"))):
            if not _texts(arm.get("interventionNames")):
                yield f"arms[{number}]"


def _module(protocol: dict[str, Any], name: str) -> dict[str, Any]:
    return _dict(protocol.get(f"{name}Module"))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _items(value: Any) -> list[dict[str, Any]]:
    return [_dict(item) for item in value] if isinstance(value, list) else []


def _written(value: Any) -> str | None:
    """A scalar as JSON writes it: true, 40, or the text itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int)) and value != "" else None
