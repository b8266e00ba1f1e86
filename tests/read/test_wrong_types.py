"""A wrong type in a field that is read is an error with the field's path: nothing is lost
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
DRUG = {
    "type": "DRUG",
    "name": "X",
    "description": "Pill",
    "otherNames": ["Ex"],
    "armGroupLabels": ["B"],
}
STUDY: dict[str, Any] = deepcopy(V2)
STUDY["protocolSection"] |= {
    "statusModule": {
        "overallStatus": "RECRUITING",
        "startDateStruct": {"date": "2031-01"},
    },
    "armsInterventionsModule": {
        "armGroups": [ARM, {"label": "B"}, {"label": "C"}],
        "interventions": [DRUG],
    },
}
OTHERS: list[Any] = ["text", 5, 2.5, True, [], {}, ["text"], [["text"]], {"a": "text"}]
ALSO = {
    "protocolSection.eligibilityModule.healthyVolunteers": str,
    "protocolSection.designModule.enrollmentInfo.count": (str, float),
    "protocolSection.eligibilityModule.minimumAge": (int, float),
    "protocolSection.eligibilityModule.maximumAge": (int, float),
}
"""Registered fields that some records write as another type."""
UNREAD = "statusModule"
Keys = tuple[str | int, ...]


def _walk(node: Any, keys=()) -> Iterator[Keys]:
    """The keys of every node below the root."""
    below = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, child in below:
        yield (*keys, key)
        yield from _walk(child, (*keys, key))


def _get(study: Any, keys) -> Any:
    for key in keys:
        study = study[key]
    return study


def _put(keys, value: Any) -> Any:
    study = deepcopy(STUDY)
    _get(study, keys[:-1])[keys[-1]] = value
    return study


def _path(keys) -> str:
    return "".join(
        f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys
    ).removeprefix(".")


NODES = list(_walk(STUDY))


@pytest.mark.parametrize("keys", NODES, ids=_path)
def test_any_node_of_a_wrong_type_is_named_or_is_not_read(keys):
    whole = build_json(STUDY)
    right = _get(STUDY, keys)
    for value in OTHERS:
        others = ALSO.get(_path(keys), ())
        is_flag = isinstance(value, bool)
        if type(value) is type(right) or (isinstance(value, others) and not is_flag):
            continue
        found = build_content(build_json, _put(keys, value), "line 1")
        if isinstance(found, UnreadableSource):
            assert found.place == f"line 1, {_path(keys)}"
            assert found.problem.endswith("is expected")
            assert found.remedy
        else:
            assert UNREAD in keys
            assert found.sections == whole.sections
            assert found.registry == whole.registry
            assert found.trial_id == whole.trial_id


@pytest.mark.parametrize(
    "keys",
    [keys for keys in NODES if len(keys) > 1 and isinstance(keys[-1], str)],
    ids=_path,
)
def test_null_is_absent(keys):
    without = deepcopy(STUDY)
    del _get(without, keys[:-1])[keys[-1]]
    assert build_content(build_json, _put(keys, None), None) == build_content(
        build_json, without, None
    )
    null_in_list = build_json(
        _put(("protocolSection", "outcomesModule", "secondaryOutcomes", 0), None)
    )
    assert (
        null_in_list.sections[-2].name == "secondary_outcomes[1]"
    )  # the indices after it do not change


XML = (RECORDS / "study.xml").read_text("utf-8")
CONTAINERS = (
    "eligibility",
    "eligibility/criteria",
    "brief_summary",
    "arm_group",
    "primary_outcome",
    "id_info",
)


def _add_text(study, path):
    study.find(path).text = "lost words"


def _add_tail(study, path):
    study.find(path)[-1].tail = " lost words "


@pytest.mark.parametrize("path", CONTAINERS)
@pytest.mark.parametrize("change", [_add_text, _add_tail])
def test_misplaced_text_in_xml_is_refused(read_bytes, change, path):
    study = ET.fromstring(XML)

    change(study, path)

    [error] = read_bytes(ET.tostring(study)).errors
    assert error.place == f"record 1, clinical_study/{path}"
    assert error.problem == "text where elements are expected"


def test_xml_elements_that_are_not_read_may_hold_anything(read_bytes):
    study = ET.fromstring(XML)

    extra = ET.SubElement(study, "required_header")

    extra.text = "words"
    ET.SubElement(extra, "url").text = "words"
    assert read_bytes(ET.tostring(study)).ids == ["NCT90000008"]
