"""Studies in the legacy XML of ClinicalTrials.gov: one ``clinical_study``, or a file that wraps many.

Text keeps its wrapped lines and indentation. Entities and external references, which no record
needs, are refused (defusedxml), as are text and elements in places where they would not be read.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError  # types only; defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from .drafts import Draft, Found, Unreadable, build_draft
from .streams import CappedStream, peek_block
from .study import StudyPaths, read_study

_UTF16 = re.compile(rb"\s*<\?xml[^>]{0,80}utf-?16", re.IGNORECASE)
_STUDY = "clinical_study"
_OUTCOME = {"measure": "measure", "description": "description", "time_frame": "time_frame"}
_PATHS = StudyPaths(
    nct_id="id_info/nct_id",
    texts={
        "title": "brief_title",
        "official_title": "official_title",
        "brief_summary": "brief_summary/textblock",
        "detailed_description": "detailed_description/textblock",
        "conditions": "condition",
        "keywords": "keyword",
        "eligibility": "eligibility/criteria/textblock",
    },
    items={
        "arms": (
            "arm_group",
            {"label": "arm_group_label", "type": "arm_group_type", "description": "description"},
        ),
        "interventions": (
            "intervention",
            {
                "type": "intervention_type",
                "name": "intervention_name",
                "description": "description",
                "other_names": "other_name",
            },
        ),
        "primary_outcomes": ("primary_outcome", _OUTCOME),
        "secondary_outcomes": ("secondary_outcome", _OUTCOME),
        "other_outcomes": ("other_outcome", _OUTCOME),
    },
    registry={
        "minimum_age": "eligibility/minimum_age",
        "maximum_age": "eligibility/maximum_age",
        "sex": "eligibility/gender",
        "healthy_volunteers": "eligibility/healthy_volunteers",
        "enrollment": "enrollment",
        "enrollment_type": "enrollment/@type",
        "study_type": "study_type",
        "allocation": "study_design_info/allocation",
        "masking": "study_design_info/masking",
    },
    phases="phase",
    labels="arm_group_label",
)
_READ = {_PATHS.nct_id, _PATHS.phases, *_PATHS.texts.values(), *_PATHS.registry.values()}
_READ |= {f"{path}/{tag}" for path, parts in _PATHS.items.values() for tag in parts.values()}
_READ |= {f"{_PATHS.items['interventions'][0]}/{_PATHS.labels}"}
"""Every element that is read, by its path from ``clinical_study``."""
_INSIDE = {path.rpartition("/")[0] for path in _READ if "@" not in path} | {"eligibility"}
_TAGS = {tag for path in _READ for tag in path.split("/")}


def read_ctgov_xml(stream: BinaryIO) -> Iterator[Found]:
    """Yield the studies of one document, in order."""
    capped, number = CappedStream(stream), 0
    # The declaration still says UTF-16 after the stream was converted to UTF-8.
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
    """Yield each study when it is complete, and drop everything before it from the tree."""
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
    return read_study(study, _PATHS, Element.findall, _read_texts)


def _check_children(element: Element, path: str) -> None:
    """Refuse content that would be lost: text or a known element in a wrong place, or elements inside a text."""
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
        if below in _READ or below in _INSIDE:
            _check_children(child, below)
        elif child.tag in _TAGS:
            raise Unreadable(f"a {child.tag} that does not belong here", remedy, place=place)


def _read_texts(element: Element, path: str) -> list[str]:
    path, _, attribute = path.partition("/@")
    found = element.findall(path)
    return [one.get(attribute, "") if attribute else "".join(one.itertext()) for one in found]
