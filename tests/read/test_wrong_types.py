"""A value of a wrong kind in a field that is read is an error with its place: nothing is lost
silently.
"""

from copy import deepcopy
from xml.etree import ElementTree as ET

import pytest

from extractor.formats.found import UnreadableSource, build_content
from extractor.formats.json_records import build_json

from .conftest import RECORDS
from .samples import V2


def list_fields(node, path=()):
    """Yield the path and the value of each field below the root, in the first entry of lists."""
    for key, value in node.items():
        entry = value[0] if isinstance(value, list) else value
        yield (*path, key), entry
        if isinstance(entry, dict):
            yield from list_fields(entry, (*path, key))


FIELDS = [field for field in list_fields(V2) if field[0] != ("protocolSection",)]


def put(path, value):
    study = deepcopy(V2)
    node = study
    for key in path[:-1]:
        node = node[key]
        node = node[0] if isinstance(node, list) else node
    node[path[-1]] = value
    return study


@pytest.mark.parametrize(
    ("path", "entry"), FIELDS, ids=[".".join(path) for path, _ in FIELDS]
)
def test_a_value_of_a_wrong_kind_is_named_and_null_is_nothing(path, entry):
    is_container = isinstance(entry, dict)

    found = build_content(
        build_json, put(path, "text" if is_container else {"a": "text"}), "line 1"
    )
    without = build_json(put(path, None))

    assert isinstance(found, UnreadableSource)
    assert found.problem.endswith("expected")
    assert found.place.startswith("line 1, ")
    assert is_container or path[-1] in found.place
    names = {section.name for section in without.sections}
    assert names <= {section.name for section in build_json(V2).sections}


@pytest.mark.parametrize(
    "element", ["eligibility", "eligibility/criteria", "arm_group", "id_info"]
)
@pytest.mark.parametrize("place", ["text", "tail"])
def test_misplaced_text_in_xml_is_refused(read_bytes, place, element):
    study = ET.fromstring((RECORDS / "study.xml").read_text("utf-8"))
    group = study.find(element)
    setattr(group if place == "text" else group[-1], place, "lost words")

    [error] = read_bytes(ET.tostring(study)).errors

    assert error.place.startswith("record 1, ")
    assert error.problem == "text where fields are expected"
