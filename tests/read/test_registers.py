"""Each register: its sections, parts and registered fields, as ``samples/expected.json`` has them.

A new register is a file ``samples/NAME.json`` (or ``.xml``, ``.csv``), named by its format, and its
entry there: ``python -m tests.read.test_registers NAME`` prints the entry. The trial is that of the
other samples: "Asthma" is an inclusion criterion, and it has an exclusion and an outcome.
"""

import gzip
import json
import re
import sys
import tomllib
from copy import deepcopy

import pytest

from extractor.errors import ArgumentError
from extractor.formats import json_records
from extractor.formats.registers import Register, make_register
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas.vocabulary import Effort

from .conftest import RECORDS, read_all
from .samples import (
    CTIS,
    DRKS,
    FOLDER,
    ICTRP,
    ISRCTN,
    PART_I,
    SAMPLES,
    TABLES,
    TITLE,
    V1,
    V2,
    write_ictrp_xml,
    zip_tables,
)

EXPECTED = json.loads((FOLDER / "expected.json").read_text("utf-8"))


def read_one(content: bytes):
    reading = read_all("-", stdin=content)
    assert reading.errors == []
    [record] = reading.records
    return record


def texts(record) -> dict[str, str]:
    return {section.name: section.text for section in record.sections}


def describe(record) -> dict[str, object]:
    """The record in JSON, with a list of parts for each section that has some."""
    sections = {}
    for section in record.sections:
        parts = [
            [part.name, section.text[part.start : part.end]] for part in section.parts
        ]
        sections[section.name] = parts or section.text
    registry = record.registry.model_dump(mode="json", exclude_defaults=True)
    notes = list(record.source.notes)
    return {
        "id": record.record_id,
        "place": record.source.place,
        "notes": notes,
        "sections": sections,
        "registry": registry,
    }


WRONG_TABLES = [
    ({"regstry": {}}, r"nordreg.toml: regstry: Extra inputs"),
    ({"registry": {"enrolment": "n"}}, r"enrolment: no such field .*nordreg.toml"),
]


@pytest.mark.parametrize(("table", "message"), WRONG_TABLES)
def test_a_wrong_key_is_named_with_its_table(table, message):
    table = {"id": "id", "formats": {"json": "Nord"}, "sections": {}, **table}
    with pytest.raises(ArgumentError, match=message):
        make_register("nordreg", table)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_field_of_a_register_is_read(name):
    assert describe(read_one(SAMPLES[name])) == EXPECTED[name]


@pytest.mark.parametrize("name", SAMPLES)
def test_format_is_detected_by_content_and_every_quote_is_exact(read_bytes, name):
    packed = SAMPLES[name] if name == "aact" else gzip.compress(SAMPLES[name])
    [record] = read_bytes(packed).records

    extraction = extract_by_rules(record, ExtractionOptions(effort=Effort.NONE))

    assert record.source.format == name.partition(" ")[0]
    kinds = {one.quote: one.kind.value for one in extraction.eligibility.criteria}
    assert kinds["Asthma"] == "inclusion"
    assert "exclusion" in kinds.values() or "European" in name
    assert len(extraction.endpoints) >= 1
    for _, item in extraction.list_items():
        for evidence in item.evidence:
            text = record.raw_text(evidence.section)
            assert text[evidence.start : evidence.end] == evidence.quote


def change(record, path, value):
    changed = deepcopy(record)
    node = changed
    for step in path[:-1]:
        node = node[step]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return json.dumps(changed).encode()


IN_GERMAN = change(
    DRKS, ("recruitment", "recruitmentDescriptions", 1, "inclusionCriteria"), ""
)
CTIS_ALONE = {**CTIS, "authorizedApplication": None, "authorizedPartI": PART_I}


@pytest.mark.parametrize(
    ("content", "section", "text"),
    [
        (json.dumps({"FullStudy": {"Rank": 1, "Study": V1}}).encode(), "title", TITLE),
        (json.dumps([{"Study": V1}], indent=1).encode(), "title", TITLE),
        (json.dumps(V1).encode(), "title", TITLE),
        (json.dumps({"FullStudiesResponse": {"FullStudies": [V1]}}).encode(), "title", TITLE),
        (json.dumps({"meta": {"page": 1}, "studies": [V2], "links": {"next": []}}).encode(), "title", TITLE),
        (json.dumps(CTIS_ALONE).encode(), "interventions[1]", "PLACEBO\nPLACEBO"),
        (ISRCTN.replace("<primaryOutcome/>", "<primaryOutcome>Survival</primaryOutcome>").encode(),
         "primary_outcomes[1]", "Survival"),
        (change(DRKS, ("trialDescriptions", 0, "idLocale", "locale"), "fr"), "title", TITLE),
        (IN_GERMAN, "eligibility", "Inclusion Criteria:\nAsthma, Alter ab 18 Jahren\n\nExclusion Criteria:\nPregnancy"),
    ],
)  # fmt: skip
def test_variants_of_a_register(content, section, text):
    assert texts(read_one(content))[section] == text


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        (change(CTIS, ("authorizedApplication", "authorizedPartI", "products", 1), "text"),
         "line 1, interventions, productName", "text where fields are expected"),
        (change(DRKS, ("recruitment", "minimumAge", "amount"), [[18]]),
         "line 1, recruitment.minimumAge.amount", "a list, an object or NaN where text is expected"),
        (write_ictrp_xml(ICTRP).replace(b"<Public_title>", b"<Public_title><b/>"),
         "record 1, Public_title", "a list, an object or NaN where text is expected"),
        (write_ictrp_xml(ICTRP).replace(b"<Trial>", b"<Trial>lost"), "record 1", "text where fields are expected"),
        ("\n".join(TABLES["eligibilities"]).encode(), None, "one table of an AACT export"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_place(content, place, problem):
    [error] = read_all("-", stdin=content).errors
    assert (error.place, error.problem) == (place, problem)


def test_broken_rows_of_an_export_are_reported_with_their_place():
    tables = deepcopy(TABLES)
    tables["studies"].insert(1, "NCT90000000||First|||||")
    tables["studies"] += ["NCT90000002||Second||||", "NCT90000003||Third"]
    tables["conditions"] += [
        "9|NCT90000002|Cough|cough",
        "10|none|Cold|cold",
        '11|NCT90000001|"Cold|cold',
        "12|NCT90000009|Flu|",
    ]

    reading = read_all("-", stdin=zip_tables(tables))

    assert reading.ids == ["NCT90000001", "NCT90000002"]
    places = [record.source.place for record in reading.records]
    assert places == ["studies.txt, line 3", "studies.txt, line 4"]
    assert texts(reading.records[1]) == {"title": "Second", "conditions": "Cough"}
    assert {error.place: error.problem for error in reading.errors} == {
        "studies.txt, line 2": "the row has 8 cells, the header 7",
        "studies.txt, line 5": "the row has 3 cells, the header 7",
        "conditions.txt, line 5": "a row of none, which is not in the table of studies",
        "conditions.txt, line 6": "a broken table row (unexpected end of data)",
        "conditions.txt, line 7": "a row of NCT90000009, which is not in the table of studies",
    }


def test_a_register_needs_a_table_alone(monkeypatch):
    page = RECORDS.parents[1] / "docs" / "contributing" / "changes.md"
    section = page.read_text("utf-8").partition("## A register")[2]
    record, table, *_ = re.findall(r"```(?:json|toml)\n(.*?)```", section, re.DOTALL)
    register = Register(**tomllib.loads(table))
    monkeypatch.setattr(json_records, "list_registers", lambda _: (register,))
    uncached = json_records.make_list_pattern.__wrapped__
    monkeypatch.setattr(json_records, "make_list_pattern", uncached)

    found = read_one(record.encode())

    assert found.record_id == "FR000123"
    sections = texts(found)
    assert sections["title"] == "Fictumab in gout"
    assert "Adults with gout" in sections["eligibility"]
    assert [text for name, text in sections.items() if "outcomes" in name] == [
        "Pain\nweek 12"
    ]


if __name__ == "__main__":
    described = {name: describe(read_one(SAMPLES[name])) for name in sys.argv[1:]}
    print(json.dumps(described, indent=1, ensure_ascii=False))
