"""What a registry itself says of a trial: the same words and terms in every format of
ClinicalTrials.gov.
"""

from extractor import Extractor, read_records

XML = """<clinical_study><id_info><nct_id>NCT90000001</nct_id></id_info><brief_title>A Study</brief_title>
<phase>Phase 2/Phase 3</phase><study_type>Interventional</study_type>
<intervention><intervention_type>Drug</intervention_type><intervention_name>Fictumab</intervention_name>
<other_name>Fictira</other_name><other_name>FCT-1</other_name></intervention>
<keyword>inhaler</keyword>
<condition_browse><mesh_term>Asthma</mesh_term><mesh_term>Cough</mesh_term></condition_browse>
<intervention_browse><mesh_term>fictumab</mesh_term></intervention_browse></clinical_study>"""


def read_one(folder, name, content):
    (folder / name).write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    (record,) = read_records(folder / name)
    return record


def test_an_extraction_has_the_terms_other_names_and_keywords(tmp_path):
    record = read_one(tmp_path, "a.xml", XML)

    terms = Extractor().extract(record).registered_terms

    assert [(term.kind.value, term.name, term.section) for term in terms] == [
        ("condition", "Asthma", None),
        ("condition", "Cough", None),
        ("intervention", "fictumab", None),
        ("other_name", "Fictira", "interventions[0]"),
        ("other_name", "FCT-1", "interventions[0]"),
        ("keyword", "inhaler", None),
    ]
