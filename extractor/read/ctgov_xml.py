"""Studies in the legacy XML of ClinicalTrials.gov: one ``clinical_study``, or a file that wraps many.

Text is kept as it stands, with its wrapped lines and indentation. Entities and external references,
which no record needs, are refused (defusedxml), and so is text or an element where it would not be read.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError  # types only; defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from extractor.schemas import RegistryFields, Section

from .drafts import Draft, Found, Unreadable, build_draft, find_bare_arms, find_nct_id, join_parts, text_section
from .streams import CappedStream, peek_block

_UTF16 = re.compile(rb"\s*<\?xml[^>]{0,80}utf-?16", re.IGNORECASE)
_STUDY = "clinical_study"
_TEXTS = (
    ("title", "brief_title"),
    ("official_title", "official_title"),
    ("brief_summary", "brief_summary/textblock"),
    ("detailed_description", "detailed_description/textblock"),
)
_ARM = (("label", "arm_group_label"), ("type", "arm_group_type"), ("description", "description"))
_INTERVENTION = (
    ("type", "intervention_type"),
    ("name", "intervention_name"),
    ("description", "description"),
    ("other_names", "other_name"),
)
_OUTCOME = (("measure", "measure"), ("description", "description"), ("time_frame", "time_frame"))
_ITEMS = (
    ("arms", "arm_group", _ARM),
    ("interventions", "intervention", _INTERVENTION),
    ("primary_outcomes", "primary_outcome", _OUTCOME),
    ("secondary_outcomes", "secondary_outcome", _OUTCOME),
    ("other_outcomes", "other_outcome", _OUTCOME),
)
_PATHS = (
    *(path for _, path in _TEXTS),
    *(f"{path}/{tag}" for _, path, parts in _ITEMS for _, tag in parts),
    *("id_info/nct_id", "intervention/arm_group_label", "condition", "keyword", "eligibility/criteria/textblock"),
    *(f"eligibility/{tag}" for tag in ("minimum_age", "maximum_age", "gender", "healthy_volunteers")),
    *("enrollment", "phase", "study_type", "study_design_info/allocation", "study_design_info/masking"),
)
"""Every element that is read, from ``clinical_study`` on."""
_INSIDE = {path.rpartition("/")[0] for path in _PATHS} | {"eligibility"}
_TAGS = {tag for path in _PATHS for tag in path.split("/")}


def read_ctgov_xml(stream: BinaryIO) -> Iterator[Found]:
    """The studies of one document, in order."""
    capped, number = CappedStream(stream), 0
    # The declaration still says UTF-16 after the stream was turned into UTF-8.
    parser = DefusedXMLParser(encoding="utf-8") if _UTF16.match(peek_block(stream)) else None
    try:
        for study in _iterate_studies(capped, parser):
            number += 1
            yield build_draft(_build_study, study, f"record {number}")
            capped.start_record()
    except ParseError as problem:
        line, column = problem.position
        reason = str(problem).partition(":")[0]
        raise Unreadable(
            f"broken XML ({reason})", "check or download the file again", place=f"line {line}, column {column}"
        ) from problem
    except (DefusedXmlException, LookupError, ValueError) as problem:
        reason = type(problem).__name__ if isinstance(problem, DefusedXmlException) else str(problem)
        raise Unreadable(
            f"XML that declares entities, refers to other files or has an unknown encoding ({reason})",
            "remove the declaration",
        ) from problem


def _iterate_studies(stream: CappedStream, parser: DefusedXMLParser | None) -> Iterator[Element]:
    """Each study once it is complete. All that was read before it is dropped from the tree."""
    open_elements: list[Element] = []
    inside = 0
    for event, element in iterparse(stream, events=("start", "end"), parser=parser):
        if event == "start":
            open_elements.append(element)
            inside += element.tag == _STUDY
            continue
        open_elements.pop()
        inside -= element.tag == _STUDY
        if element.tag == _STUDY:
            yield element
        if not inside and open_elements:
            open_elements[-1].remove(element)


def _build_study(study: Element) -> Draft:
    _check_children(study, "")
    return Draft(tuple(_list_sections(study)), find_nct_id(study.findtext("id_info/nct_id")), _read_registry(study))


def _check_children(element: Element, path: str) -> None:
    """Refuse what would be lost: text or a known element where none is read, elements in the middle of a text."""
    place, remedy = f"{_STUDY}/{path}".rstrip("/"), "correct it or download the record again"
    if path and path not in _INSIDE:
        if len(element):
            raise Unreadable("elements where text is expected", remedy, place=place)
        return
    texts = (element.text, *(child.tail for child in element))
    if any(text and not text.isspace() for text in texts):
        raise Unreadable("text where elements are expected", remedy, place=place)
    for child in element:
        below = f"{path}/{child.tag}".lstrip("/")
        if below in _PATHS or below in _INSIDE:
            _check_children(child, below)
        elif child.tag in _TAGS:
            raise Unreadable(f"a {child.tag} that does not belong here", remedy, place=place)


def _list_sections(study: Element) -> Iterator[Section]:
    for name, path in _TEXTS:
        yield from text_section(name, "\n".join(_texts(study, path)))
    yield from text_section("conditions", "\n".join(_texts(study, "condition")))
    yield from text_section("keywords", "\n".join(_texts(study, "keyword")))
    yield from text_section("eligibility", "\n".join(_texts(study, "eligibility/criteria/textblock")))
    for name, path, parts in _ITEMS:
        for number, item in enumerate(study.findall(path)):
            texts = ((part, text) for part, tag in parts for text in _texts(item, tag))
            yield from join_parts(f"{name}[{number}]", texts)


def _read_registry(study: Element) -> RegistryFields:
    labels = (arm.findtext("arm_group_label") for arm in study.findall("arm_group"))
    return RegistryFields(
        minimum_age=_text(study, "eligibility/minimum_age"),
        maximum_age=_text(study, "eligibility/maximum_age"),
        sex=_text(study, "eligibility/gender"),
        healthy_volunteers=_text(study, "eligibility/healthy_volunteers"),
        enrollment=_text(study, "enrollment"),
        enrollment_type=next((found.get("type") for found in study.findall("enrollment")), None),
        phases=tuple(_texts(study, "phase")),
        study_type=_text(study, "study_type"),
        allocation=_text(study, "study_design_info/allocation"),
        masking=_text(study, "study_design_info/masking"),
        bare_arms=find_bare_arms(((label, False) for label in labels), _texts(study, "intervention/arm_group_label")),
    )


def _texts(element: Element, path: str) -> list[str]:
    return ["".join(found.itertext()) for found in element.findall(path)]


def _text(element: Element, path: str) -> str | None:
    return next((text.strip() for text in _texts(element, path) if text.strip()), None)
