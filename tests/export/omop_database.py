"""A small OMOP database, and a small vocabulary as Athena delivers it. Ids of concepts are made up, but for sexes and
units.
"""

from datetime import date, timedelta

import duckdb

TABLES = {
    "person": "person_id INT, gender_concept_id INT, year_of_birth INT",
    "observation_period": "person_id INT, observation_period_start_date DATE, observation_period_end_date DATE",
    "visit_occurrence": "visit_occurrence_id INT, person_id INT, visit_concept_id INT, visit_start_date DATE,"
    " visit_end_date DATE",
    "condition_occurrence": "condition_occurrence_id INT, person_id INT, condition_concept_id INT,"
    " condition_start_date DATE, condition_end_date DATE, visit_occurrence_id INT",
    "drug_exposure": "drug_exposure_id INT, person_id INT, drug_concept_id INT, drug_exposure_start_date DATE,"
    " drug_exposure_end_date DATE, days_supply INT, quantity DOUBLE, refills INT, visit_occurrence_id INT",
    "procedure_occurrence": "procedure_occurrence_id INT, person_id INT, procedure_concept_id INT, procedure_date DATE,"
    " quantity INT, visit_occurrence_id INT",
    "measurement": "measurement_id INT, person_id INT, measurement_concept_id INT, measurement_date DATE,"
    " value_as_number DOUBLE, unit_concept_id INT, range_low DOUBLE, range_high DOUBLE, visit_occurrence_id INT",
    "concept": "concept_id INT, invalid_reason VARCHAR",
    "concept_ancestor": "ancestor_concept_id INT, descendant_concept_id INT",
    "cohort": "cohort_definition_id INT, subject_id INT, cohort_start_date DATE, cohort_end_date DATE",
}
# id: name, domain, vocabulary, code, standard, invalid reason
CONCEPTS = {
    101: ("Asthma", "Condition", "SNOMED", "c101", "S", ""),
    102: ("Allergic asthma", "Condition", "SNOMED", "c102", "S", ""),
    103: ("Myocardial infarction", "Condition", "SNOMED", "c103", "S", ""),
    104: ("Acute anterior infarction", "Condition", "SNOMED", "c104", "S", ""),
    105: ("Cerebrovascular accident", "Condition", "SNOMED", "c105", "S", ""),
    106: ("Asthma", "Condition", "ICD10CM", "J45", "", ""),
    107: ("Stroke", "Condition", "SNOMED", "c107", "S", "D"),
    108: ("Pancreatitis", "Condition", "SNOMED", "c108", "S", ""),
    109: ("Epilepsy", "Condition", "SNOMED", "c109", "S", ""),
    110: ("Cold", "Condition", "SNOMED", "c110", "S", ""),
    111: ("Cold", "Procedure", "SNOMED", "c111", "S", ""),
    201: ("methotrexate", "Drug", "RxNorm", "r201", "S", ""),
    202: ("methotrexate 2.5 MG Oral Tablet", "Drug", "RxNorm", "r202", "S", ""),
    203: ("rituximab", "Drug", "RxNorm", "r203", "S", ""),
    301: ("Transplant of kidney", "Procedure", "SNOMED", "p301", "S", ""),
    401: ("Platelets", "Measurement", "LOINC", "777-3", "S", ""),
    402: ("Hemoglobin", "Measurement", "LOINC", "718-7", "S", ""),
    403: ("Alanine aminotransferase", "Measurement", "LOINC", "1742-6", "S", ""),
    404: ("Body mass index", "Measurement", "LOINC", "39156-5", "S", ""),
    405: ("Total bilirubin", "Measurement", "LOINC", "1975-2", "S", ""),
    406: ("ECOG performance status", "Measurement", "LOINC", "89247-1", "S", ""),
    407: ("Hemoglobin A1c", "Measurement", "LOINC", "4548-4", "S", ""),
    408: ("Glomerular filtration rate", "Measurement", "LOINC", "98979-8", "S", ""),
    409: ("Systolic blood pressure", "Measurement", "LOINC", "8480-6", "S", ""),
    410: ("Body weight", "Measurement", "LOINC", "29463-7", "S", ""),
    411: ("Body temperature", "Measurement", "LOINC", "8310-5", "S", ""),
    412: ("Potassium", "Measurement", "LOINC", "2823-3", "S", ""),
    413: ("Aspartate aminotransferase", "Measurement", "LOINC", "1920-8", "S", ""),
}
SYNONYMS = {105: "Stroke", 103: "Heart attack", 301: "Kidney transplant", 102: "Asthma"}
ANCESTORS = [(101, 102), (103, 104), (201, 202)]
FEMALE, MALE = 8532, 8507
TODAY = date(2020, 6, 15)


def write_vocabulary(folder):
    """The three files, separated by tabs and without quotes."""
    folder.mkdir()
    head = (
        "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code invalid_reason"
    )
    rows = [
        (id_, name, domain, vocabulary, "Class", standard, code, invalid)
        for id_, (name, domain, vocabulary, code, standard, invalid) in CONCEPTS.items()
    ]
    _write(folder / "CONCEPT.csv", head, rows)
    synonyms = [(id_, name, 4180186) for id_, name in SYNONYMS.items()]
    _write(folder / "CONCEPT_SYNONYM.csv", "concept_id concept_synonym_name language_concept_id", synonyms)
    pairs = [*((id_, id_) for id_ in CONCEPTS), *ANCESTORS]
    levels = "ancestor_concept_id descendant_concept_id min_levels_of_separation max_levels_of_separation"
    _write(folder / "CONCEPT_ANCESTOR.csv", levels, [(*pair, 0, 0) for pair in pairs])
    return folder


def _write(path, head, rows):
    lines = ["\t".join(head.split()), *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def open_cdm():
    """A database in memory with the vocabulary, and without people."""
    database = duckdb.connect()
    for name, columns in TABLES.items():
        database.execute(f"CREATE TABLE {name} ({columns})")
    database.executemany("INSERT INTO concept VALUES (?, ?)", [[id_, one[5] or None] for id_, one in CONCEPTS.items()])
    database.executemany("INSERT INTO concept_ancestor VALUES (?, ?)", ANCESTORS)
    return database


def add_person(database, number, *, born=1980, sex=FEMALE, events=()):
    """A person who is observed for ten years and has one visit today. An event is a table, a concept, the days before
    the visit, and for a measurement its value, unit and upper limit of normal.
    """
    database.execute("INSERT INTO person VALUES (?, ?, ?)", [number, sex, born])
    observed = [number, TODAY - timedelta(days=3650), TODAY + timedelta(days=365)]
    database.execute("INSERT INTO observation_period VALUES (?, ?, ?)", observed)
    database.execute("INSERT INTO visit_occurrence VALUES (?, ?, 0, ?, ?)", [number, number, TODAY, TODAY])
    for at, (table, concept, days, *measured) in enumerate(events):
        day = TODAY - timedelta(days=days)
        values = [number * 100 + at, number, concept, day]
        if table == "measurement":
            value, unit, high = measured
            values += [value, unit, None, high, None]
        else:
            rest = {"condition_occurrence": [day, None], "drug_exposure": [day, 1, None, None, None]}
            values += rest.get(table, [None, None])
        database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in values)})", values)
