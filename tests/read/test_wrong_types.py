"""A value of a wrong kind in a field that is read is an error with its place: nothing is lost
silently.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from extractor.formats.found import UnreadableSource, build_content
from extractor.formats.json_records import build_json

from .conftest import RECORDS
from .samples import V2

ARM = {
    "label": "A",
    "type": "EXPERIMENTAL",
    "description": "5 mg",
    "interventionNames": ["Drug: X"],
}
DRUG = {"type": "DRUG", "name": "X", "otherNames": ["Ex"], "armGroupLabels": ["B"]}
STUDY: dict[str, Any] = deepcopy(V2)
STUDY["protocolSection"]["armsInterventionsModule"] = {
    "armGroups": [ARM, {"label": "B"}],
    "interventions": [DRUG],
}


def list_nodes(node: Any, keys=()) -> Iterator[tuple]:
    """The keys of every node below the root."""
    if isinstance(node, dict | list):
        below = node.items() if isinstance(node, dict) else enumerate(node)
        for key, child in below:
            yield (*keys, key)
            yield from list_nodes(child, (*keys, key))


def put(keys, value: Any) -> Any:
    study = deepcopy(STUDY)
    node = study
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    return study


def get(keys) -> Any:
    node = STUDY
    for key in keys:
        node = node[key]
    return node


def write_path(keys) -> str:
    return "".join(
        f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys
    ).lstrip(".")


@pytest.mark.parametrize("keys", list(list_nodes(STUDY)), ids=write_path)
def test_a_value_of_a_wrong_kind_is_named(keys):
    node = get(keys)
    while isinstance(node, list):
        node = node[0]
    wrong = "text" if isinstance(node, dict) else {"a": "text"}
    found = build_content(build_json, put(keys, wrong), "line 1")
    assert isinstance(found, UnreadableSource)
    inner = "[0]" if isinstance(get(keys), list) and isinstance(node, dict) else ""
    assert found.place in (
        f"line 1, {write_path(keys)}",
        f"line 1, {write_path(keys)}{inner}",
    )
    assert found.problem.endswith("expected")


@pytest.mark.parametrize(
    "keys", [keys for keys in list_nodes(STUDY) if len(keys) > 1], ids=write_path
)
def test_null_is_absent_and_numbers_stay(keys):
    found = build_json(put(keys, None))
    names = {section.name for section in found.sections}
    assert names <= {section.name for section in build_json(STUDY).sections}


def test_numbers_and_flags_are_read_as_text():
    assert (
        build_json(put(("protocolSection", "identificationModule", "briefTitle"), 7))
        .sections[0]
        .text
        == "7"
    )


CONTAINERS = (
    "eligibility",
    "eligibility/criteria",
    "brief_summary",
    "arm_group",
    "primary_outcome",
    "id_info",
)


@pytest.mark.parametrize("path", CONTAINERS)
@pytest.mark.parametrize("place", ["text", "tail"])
def test_misplaced_text_in_xml_is_refused(read_bytes, place, path):
    study = ET.fromstring((RECORDS / "study.xml").read_text("utf-8"))
    group = study.find(path)
    setattr(group if place == "text" else group[-1], place, "lost words")
    [error] = read_bytes(ET.tostring(study)).errors
    assert error.place.startswith(f"record 1, {path.replace('/', '.')}")
    assert error.problem == "text where fields are expected"


def test_xml_elements_that_are_not_read_may_hold_anything(read_bytes):
    study = ET.fromstring((RECORDS / "study.xml").read_text("utf-8"))
    extra = ET.SubElement(study, "required_header")
    extra.text = "words"
    ET.SubElement(extra, "url").text = "words"
    assert read_bytes(ET.tostring(study)).ids == ["NCT90000008"]
