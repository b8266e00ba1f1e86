"""Other registries and dumps: their records have the same sections, exact texts, and the
registry's number as id.
"""

import gzip
import json
from copy import deepcopy

import pytest

from extractor.formats import aact, streams
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas.vocabulary import Effort

from .conftest import read_all
from .samples import (
    CTIS,
    EUCTR,
    ICTRP,
    ISRCTN,
    PART_I,
    SAMPLES,
    TABLES,
    TITLE,
    V1,
    V2,
    WHO,
    write_ictrp_csv,
    write_ictrp_xml,
    zip_tables,
)
from .test_packaging import zip_members

IDS = {
    "aact": "NCT90000001",
    "ctgov_json_v1": "NCT90000001",
    "ctis_json": "2031-500001-10-00",
    "drks_json": "DRKS00090001",
    "euctr_text": "2031-000001-11",
    "ictrp_csv": "ChiCTR2100000001",
    "ictrp_xml": "ChiCTR2100000001",
    "isrctn_xml": "ISRCTN90000001",
    "who_xml": "PER-001-31",
}


def read_one(content: bytes):
    reading = read_all("-", stdin=content)
    assert reading.errors == []
    [record] = reading.records
    return record


def texts(record) -> dict[str, str]:
    return {section.name: section.text for section in record.sections}


@pytest.mark.parametrize("name", SAMPLES)
def test_format_is_detected_by_content_and_every_quote_is_exact(read_bytes, name):
    for packed in (
        (SAMPLES[name], gzip.compress(SAMPLES[name]))
        if name != "aact"
        else (SAMPLES[name],)
    ):
        reading = read_bytes(packed)
        assert reading.errors == []
        [record] = reading.records
        assert (record.record_id, record.source.format) == (IDS[name], name)
        assert record.section("title").text == TITLE

    extraction = extract_by_rules(record, ExtractionOptions(effort=Effort.NONE))

    kinds = {
        criterion.quote: criterion.kind.value
        for criterion in extraction.eligibility.criteria
    }
    assert kinds["Asthma"] == "inclusion"
    assert "exclusion" in kinds.values()
    assert len(extraction.endpoints) >= 1
    for _, item in extraction.list_items():
        for evidence in item.evidence:
            assert (
                record.raw_text(evidence.section)[evidence.start : evidence.end]
                == evidence.quote
            )


@pytest.mark.parametrize("name", ["aact", "ctgov_json_v1"])
def test_the_same_study_has_the_same_sections_as_in_version_2(name):
    record = read_one(json.dumps(V2).encode())

    same = read_one(SAMPLES[name])

    assert same.sections == record.sections
    assert same.registry == record.registry
    assert same.registry.bare_arms == ("arms[1]",)
    assert same.registry.arm_links["interventions[0]"] == ("arms[0]",)


@pytest.mark.parametrize(
    "value",
    [
        {"FullStudy": {"Rank": 1, "Study": V1}},
        [{"Study": V1}],
        V1,
        {"FullStudiesResponse": {"FullStudies": [V1]}},
    ],
    ids=["FullStudy", "array", "bare", "response"],
)
def test_wrappers_of_version_1(value):
    assert read_one(json.dumps(value, indent=1).encode()).record_id == "NCT90000001"


def test_lines_of_several_formats_and_wrong_types():
    wrong = deepcopy(CTIS)
    wrong["authorizedApplication"]["authorizedPartI"]["products"][1] = "text"
    reading = read_all(
        "-", stdin="\n".join(map(json.dumps, [V1, CTIS, wrong])).encode()
    )
    assert [record.source.format for record in reading.records] == [
        "ctgov_json_v1",
        "ctis_json",
    ]
    [error] = reading.errors
    assert error.place == "line 3, authorizedPartI.products[1]"
    assert error.problem == "text where an object is expected"


@pytest.mark.parametrize(
    "trial", [CTIS, {**CTIS, "authorizedApplication": None, "authorizedPartI": PART_I}]
)
def test_ctis(trial):
    record = read_one(json.dumps(trial).encode())
    assert texts(record)["eligibility"] == (
        "Inclusion Criteria:\nAsthma\n\nAge 18 years or older\n\nExclusion Criteria:\nPregnancy"
    )
    assert [record.section(f"interventions[{n}]").part("name") for n in (0, 1)] == [
        "Fictumab 5 mg tablets",
        "PLACEBO",
    ]
    assert texts(record)["brief_summary"] == "To see whether it works"
    assert record.registry.sex == "ALL"
    assert record.registry.enrollment == "40"


def test_isrctn():
    record = read_one(ISRCTN.encode())
    assert (
        texts(record)["eligibility"]
        == "Inclusion Criteria:\n1. Asthma\n\nExclusion Criteria:\n1. Pregnancy"
    )
    assert record.section("primary_outcomes[0]").part("time_frame") == "12 weeks"
    assert [texts(record)[f"secondary_outcomes[{n}]"] for n in (0, 1)] == [
        "Attacks, at 1 year",
        "Relief",
    ]
    assert record.section("interventions[0]").part("name") == "Fictumab"
    assert record.registry.minimum_age == "18 Years"
    assert record.registry.phases == ("PHASE2",)


def test_a_list_follows_the_outcomes_that_have_fields_of_their_own():
    both = ISRCTN.replace(
        "<primaryOutcome/>", "<primaryOutcome>Survival</primaryOutcome>"
    )
    assert texts(read_one(both.encode()))["primary_outcomes[1]"] == "Survival"


def test_elements_inside_a_field_of_ictrp_are_refused():
    broken = write_ictrp_xml(ICTRP).replace(b"<Public_title>", b"<Public_title><b/>")
    [error] = read_all("-", stdin=broken).errors

    assert error.place == "record 1, Trial/Public_title"
    assert error.problem == "elements where text is expected"


def test_ictrp():
    record = read_one(write_ictrp_xml(ICTRP))
    same = read_one(write_ictrp_csv(ICTRP))
    assert same.sections == record.sections
    assert same.registry == record.registry
    found = texts(record)
    assert found["eligibility"] == (
        "Inclusion criteria:    \n1. Asthma    \n2. Age 18 years or older\n\nExclusion "
        "Criteria:\n1. Pregnancy"
    )
    assert [found[name] for name in found if "outcomes" in name] == [
        *("FEV1 (before; after)", "Attacks", "Relief", "Cost at week 4")
    ]
    assert found["interventions[0]"] == "Drug: Fictumab 5 mg; once daily"
    assert record.section("interventions[1]").part("name") == "Diary"


def test_who():
    record = read_one(WHO.encode())

    found = texts(record)

    assert found["eligibility"] == (
        "Inclusion Criteria:\n1. Asthma\n2. Age 18 years or older\n\nExclusion Criteria:\n1. "
        "Pregnancy"
    )
    assert found["official_title"] == "A Phase 2 Trial"
    assert found["conditions"] == "Asthma"
    assert [found[name] for name in found if "outcomes" in name] == [
        "FEV1, week 12",
        "Attacks",
        "Relief; worst",
    ]
    assert found["interventions[0]"] == "Drug: Fictumab 5 mg once daily"
    assert found["keywords"] == "Lung diseases\nAntibodies"
    assert record.registry.minimum_age == "18 Years"
    assert record.registry.maximum_age is None
    assert record.registry.enrollment == "40"
    assert record.registry.phases == ("PHASE2",)


def test_labels_of_european_registers_in_ictrp():
    record = read_one(write_ictrp_xml(EUCTR))

    found = texts(record)

    assert record.record_id == "EUCTR2021-000001-10-ES"
    assert found["eligibility"] == "1.Asthma"
    assert found["detailed_description"].split("\n") == [
        *(
            "Main Objective: To see whether it works",
            "Secondary Objective: Not applicable",
        ),
        "Are the trial subjects under 18? no",
    ]
    assert [
        record.section(f"interventions[{n}]").part("name").strip() for n in (0, 1)
    ] == [
        "Fictumab",
        "Fictix",
    ]
    assert [
        record.section(f"primary_outcomes[{n}]").part("measure") for n in (0, 1)
    ] == [
        "FEV1",
        "Attacks",
    ]
    assert record.section("primary_outcomes[1]").part("time_frame") == "Week 12"


def test_rows_of_an_ictrp_table_end_where_their_quotes_do_and_a_lost_quote_costs_one_row():
    lines = {**ICTRP, "Inclusion_Criteria": "Raised:\nInterleukin6,IL-2\n"}
    trials = [{**lines, "TrialID": f"JPRN-UMIN00000000{n}"} for n in range(3)]
    table = write_ictrp_csv(*trials).replace(
        b'"\n"JPRN-UMIN000000002', b'\n"JPRN-UMIN000000002'
    )

    reading = read_all("-", stdin=table)

    assert reading.ids == ["JPRN-UMIN000000000", "JPRN-UMIN000000002"]
    assert "Raised:\nInterleukin6,IL-2" in texts(reading.records[0])["eligibility"]
    assert [error.place for error in reading.errors] == ["line 5"]


@pytest.mark.parametrize(
    ("trial_id", "record_id"),
    [
        ("CTRI/2020/05/025000", "CTRI/2020/05/025000"),
        ("JPRN-jRCTs031210288", "JPRN-jRCTs031210288"),
        ("../x", "stdin"),
    ],
)
def test_ids_of_ictrp(trial_id, record_id):
    assert (
        read_one(write_ictrp_xml({**ICTRP, "TrialID": trial_id})).record_id == record_id
    )


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (
            "Inclusion:~* Asthma~~* Age ~18 years",
            "Inclusion:\n* Asthma\n\n* Age ~18 years",
        ),
        ("Dose (~5 mg)~1. First ~2. Second", "Dose (~5 mg)\n1. First \n2. Second"),
        ("Weight <~ 50 kg~20 weeks", "Weight <~ 50 kg\n20 weeks"),
        ("1. Age 18~65~2.Sex~ECOG 0~1", "1. Age 18~65\n2.Sex\nECOG 0~1"),
    ],
)
def test_tilde_is_a_line_break_or_means_about_or_to(written, text):
    tables = {
        **TABLES,
        "brief_summaries": [TABLES["brief_summaries"][0], f"1|NCT90000001|{written}"],
    }
    assert texts(read_one(zip_tables(tables)))["brief_summary"] == text


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
    assert [record.source.place for record in reading.records] == [
        "studies.txt, line 3",
        "studies.txt, line 4",
    ]
    assert texts(reading.records[1]) == {"title": "Second", "conditions": "Cough"}
    assert {error.place: error.problem for error in reading.errors} == {
        "studies.txt, line 2": "the row has 8 cells, the header 7",
        "studies.txt, line 5": "the row has 3 cells, the header 7",
        "conditions.txt, line 5": "a row without an NCT number",
        "conditions.txt, line 6": "a broken table row (unexpected end of data)",
        "conditions.txt, line 7": "a row of NCT90000009, which the table of studies lacks",
    }


def test_a_study_that_is_too_large_is_refused_and_the_others_are_read(monkeypatch):
    monkeypatch.setattr(aact, "MAX_RECORD_BYTES", 5000)
    studies = [*TABLES["studies"], "NCT90000002||Second||||"]
    keywords = ["id|nct_id|name", *(f"{n}|NCT90000001|{'x' * 50}" for n in range(200))]

    reading = read_all(
        "-", stdin=zip_tables({"studies": studies, "keywords": keywords})
    )

    assert reading.ids == ["NCT90000002"]
    assert [error.problem for error in reading.errors] == [
        "a record of more than 5,000 bytes (NCT90000001)"
    ]


def test_an_export_may_lack_tables_and_one_table_is_not_enough(read_bytes):
    assert texts(read_one(zip_tables({"studies": TABLES["studies"]}))) == {
        "title": TITLE,
        "official_title": "A Phase 2 Trial",
    }
    [error] = read_bytes("\n".join(TABLES["eligibilities"]).encode()).errors
    assert error.problem == "one table of an AACT export"
    assert error.remedy == "give the export's zip, or a zip of all its tables"


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (b"\xff|nct_id\n", "text that is not UTF-8"),
        (b"id|nct_id|name\n" + b"1|NCT90000001|a\n" * 15_000, "unpacks to more than"),
    ],
    ids=["not text", "bomb"],
)
def test_an_unreadable_table_ends_reading(table, problem, monkeypatch):
    monkeypatch.setattr(streams, "MAX_UNPACKED_BYTES", 100_000)
    members = {
        "studies.txt": "\n".join(TABLES["studies"]).encode(),
        "conditions.txt": b"",
        "keywords.txt": table,
    }
    reading = read_all("-", stdin=zip_members(members))
    assert reading.ids == []
    [error] = reading.errors
    assert problem in error.problem
    assert error.place.startswith("keywords.txt")


def test_a_zip_with_another_file_named_studies_is_an_ordinary_archive():
    assert (
        read_one(zip_tables({"studies": [json.dumps(V2)]})).source.format
        == "ctgov_json"
    )


def test_a_full_disk_is_reported(monkeypatch):
    connect = aact.sqlite3.connect

    def connect_to_small_disk(*args, **kwargs):
        database = connect(*args, **kwargs)
        database.execute("PRAGMA max_page_count = 3")
        return database

    monkeypatch.setattr(aact.sqlite3, "connect", connect_to_small_disk)
    tables = {
        **TABLES,
        "keywords": [
            TABLES["keywords"][0],
            *(f"{n}|NCT90000001|{'x' * 900}|" for n in range(20)),
        ],
    }
    [error] = read_all("-", stdin=zip_tables(tables)).errors
    assert "cannot be sorted on disk (database or disk is full)" in error.problem
    assert "SQLITE_TMPDIR" in error.remedy
