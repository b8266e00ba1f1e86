"""Tables have what the registry itself says: its words in one spelling, MeSH terms, other names."""

import pytest

from extractor import Extractor, read_records
from extractor.apps.export.interventions import Intervention, describe_agent
from extractor.apps.export.tables import tabulate
from extractor.schemas import RegisteredTerm, TrialExtraction

XML = """<clinical_study><id_info><nct_id>NCT90000001</nct_id></id_info><brief_title>Fictumab in Asthma</brief_title>
<overall_status>Active, not recruiting</overall_status><start_date>March 5, 2031</start_date>
<phase>Phase 2/Phase 3</phase><study_type>Interventional</study_type>
<study_design_info><allocation>Randomized</allocation><intervention_model>Parallel Assignment</intervention_model>
<primary_purpose>Treatment</primary_purpose><masking>Double (Participant, Investigator)</masking></study_design_info>
<enrollment type="Anticipated">40</enrollment><condition>Bronchial asthma</condition>
<arm_group><arm_group_label>Control</arm_group_label><arm_group_type>Placebo Comparator</arm_group_type></arm_group>
<intervention><intervention_type>Dietary Supplement</intervention_type>
<intervention_name>Fictumab 40 mg</intervention_name>
<description>Fictira 40 mg subcutaneously every 2 weeks</description>
<other_name>Fictira</other_name><other_name>FCT-1439</other_name></intervention>
<intervention><intervention_type>Drug</intervention_type><intervention_name>Samplinib</intervention_name>
<description>Samplinib 15 mg orally once daily</description></intervention>
<eligibility><gender>Both</gender><healthy_volunteers>No</healthy_volunteers></eligibility>
<keyword>inhaler</keyword><keyword>airways</keyword>
<condition_browse><mesh_term>Asthma</mesh_term></condition_browse>
<intervention_browse><mesh_term>fictumab</mesh_term></intervention_browse></clinical_study>"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    path = tmp_path_factory.mktemp("terms") / "a.xml"
    path.write_text(XML, "utf-8")
    records = list(read_records(path))
    return tabulate([Extractor().extract(record) for record in records], records)


def test_registered_words_are_those_of_api_v2(tables):
    (row,) = tables["records"]

    assert {
        name: row[name]
        for name in ("phases", "study_type", "enrolment_type", "status", "start_date")
    } == {
        "phases": "PHASE2|PHASE3",
        "study_type": "INTERVENTIONAL",
        "enrolment_type": "ESTIMATED",
        "status": "ACTIVE_NOT_RECRUITING",
        "start_date": "2031-03-05",
    }
    design = (
        "allocation",
        "intervention_model",
        "primary_purpose",
        "masking",
        "who_masked",
    )
    assert [row[name] for name in design] == [
        *("RANDOMIZED", "PARALLEL", "TREATMENT", "DOUBLE"),
        "PARTICIPANT|INVESTIGATOR",
    ]
    assert row["registered_sex"] == "ALL"
    assert row["registered_healthy_volunteers"] is False
    assert [arm["type"] for arm in tables["arms"]] == ["PLACEBO_COMPARATOR"]


def test_records_have_mesh_terms_and_keywords(tables):
    (row,) = tables["records"]

    assert row["condition_mesh"] == "Asthma"
    assert row["intervention_mesh"] == "fictumab"
    assert row["keywords"] == "inhaler|airways"


def test_each_mesh_term_is_a_row(tables):
    (condition,) = tables["condition_terms"]
    (intervention,) = tables["intervention_terms"]

    assert condition["term"] == "Asthma"
    assert condition["is_ancestor"] is False
    assert intervention["term"] == "fictumab"
    assert intervention["intervention_index"] == 0


def test_terms_above_a_term_are_marked():
    terms = [
        {"kind": "condition", "name": "Prostatic Neoplasms", "id": "D011471"},
        {"kind": "condition_ancestor", "name": "Neoplasms", "id": "D009369"},
    ]
    extraction = TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {}, "registered_terms": terms}
    )

    rows = tabulate([extraction])["condition_terms"]

    assert [(row["term"], row["mesh_id"], row["is_ancestor"]) for row in rows] == [
        ("Prostatic Neoplasms", "D011471", False),
        ("Neoplasms", "D009369", True),
    ]


def test_interventions_have_their_type_and_other_names(tables):
    rows = [
        (row["name"], row["type"], row["other_names"])
        for row in tables["interventions"]
    ]

    assert rows == [
        ("Fictumab 40 mg", "DIETARY_SUPPLEMENT", "Fictira|FCT-1439"),
        ("Samplinib", "DRUG", None),
    ]


def test_an_agent_is_found_by_any_of_its_names(tables):
    names = ("agent", "intervention_index", "agent_other_names", "agent_mesh")
    rows = [tuple(row[name] for name in names) for row in tables["regimens"]]

    assert rows == [
        ("Fictumab", 0, "Fictumab 40 mg|Fictira|FCT-1439", "fictumab"),
        ("Samplinib", 1, None, None),
    ]


@pytest.mark.parametrize(
    ("agent", "others", "mesh"),
    [
        ("samplinib", None, "Samplinib"),
        ("Fictumab and Samplinib", "FS", "Fictumab|Samplinib"),
        ("FS", None, None),
        ("Testumab", "Testumab 5 mg", None),
    ],
)
def test_a_part_of_a_combination_has_no_name_of_the_other_part(agent, others, mesh):
    combined = Intervention(
        "Fictumab and Samplinib", "DRUG", ("FS",), None, "interventions[0]"
    )
    single = Intervention("Testumab 5 mg", "DRUG", (), None, "interventions[1]")
    terms = [
        RegisteredTerm(kind="intervention", name=name)
        for name in ("Fictumab", "Samplinib")
    ]

    cells = describe_agent(agent, [combined, single], terms)

    assert cells["intervention_index"] == (1 if agent == "Testumab" else 0)
    assert (cells["agent_other_names"], cells["agent_mesh"]) == (others, mesh)


def test_an_old_line_without_terms_takes_them_from_the_record(tmp_path):
    (tmp_path / "a.xml").write_text(XML, "utf-8")
    records = list(read_records(tmp_path / "a.xml"))
    old = [
        Extractor().extract(record).model_copy(update={"registered_terms": ()})
        for record in records
    ]

    (row,) = tabulate(old, records)["records"]

    assert row["condition_mesh"] == "Asthma"
    assert row["keywords"] == "inhaler|airways"
