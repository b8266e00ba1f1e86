import copy
import json

import pytest

from extractor.apps.evaluation.gold_check import check_gold, check_gold_files
from extractor.apps.evaluation.gold_files import join_path
from extractor.schemas import Part, Section, Source, TrialRecord

from .annotations import criterion, limit

ELIGIBILITY = (
    "Inclusion Criteria:\n\n* Age 18 to\n   75 years\n* Platelets \\> 50 x 10\\^9/L within 7 days "
    "of entry\n"
    "* Adequate heart, defined as:\n\n   * LVEF of 50 %\n"
)
RECORD = TrialRecord(
    record_id="toy",
    source=Source(path="toy.txt", format="flat"),
    sections=(
        Section(
            name="brief_summary",
            text="Mirabrol before surgery, given to men - and women – alike.",
        ),
        Section(name="eligibility", text=ELIGIBILITY),
        Section(
            name="arms[0]",
            text="Arm A\nMirabrol 15 mg daily on days 1-5",
            parts=(Part(name="label", start=0, end=5),),
        ),
        Section(
            name="primary_outcomes",
            text="Survival, From entry to death, 2 years|Fever rate, 1 year",
        ),
        Section(name="secondary_outcomes", text="Level of mirabrol in serum, Week 4"),
    ),
)


def endpoint(rank, index, measure, **more):
    return {"rank": rank, "index": index, "measure": measure, **more}


GOLD = {
    "record_id": "toy",
    "eligibility": {
        "minimum_age": {"value": 18, "unit": "year"},
        "maximum_age": {"value": 75, "unit": "year"},
        "sex": "all",
        "healthy_volunteers": None,
        "criteria": [
            criterion(
                "age 18 to 75 years",
                category="age",
                constraints=[limit("Age", "between", 18, "year", 75)],
            ),
            criterion(
                "Platelets > 50 x 10^9/L within 7 days of entry",
                category="organ_function",
                constraints=[limit("Platelets", ">", 50000000000, "/L")],
                time_window={
                    "quote": "within 7 days of entry",
                    "comparator": "<=",
                    "value": 7,
                    "unit": "day",
                },
                time_windows=[
                    {
                        "quote": "within 7 days",
                        "comparator": "<=",
                        "value": 7,
                        "unit": "day",
                        "anchor": "of entry",
                    }
                ],
            ),
            criterion(
                "LVEF of 50 %",
                category="organ_function",
                lead_in="Adequate heart, defined as:",
                group="g1",
            ),
        ],
        "groups": [
            {"id": "g1", "rule": "all", "lead_in": "Adequate heart, defined as:"}
        ],
    },
    "dosing": [
        {
            "agent": "Mirabrol",
            "role": "investigational",
            "section": "arms[0]",
            "quote": "15 mg daily",
            "amounts": [{"low": 15, "high": 15, "unit": "mg", "arms": ["Arm A"]}],
            "arms": ["Arm A"],
            "timing": "before surgery",
        }
    ],
    "endpoints": [
        endpoint(
            "primary",
            0,
            "Survival",
            description="From entry to death",
            start_event="entry",
            end_events=["death"],
        ),
        endpoint("primary", 1, "Fever rate", time_frame="1 year"),
        endpoint(
            "secondary",
            0,
            "Level of mirabrol in serum",
            time_frame="Week 4",
            specimens=["serum"],
        ),
    ],
}


def write(folder, gold, name="toy.json"):
    (folder / name).write_text(
        gold if isinstance(gold, str) else json.dumps(gold), "utf-8"
    )


def check(folder, gold):
    write(folder, gold)
    return [
        (p.path, p.problem, p.remedy)
        for p in check_gold(folder, [RECORD])
        if not p.warns
    ]


def change(path, value):
    """Replace one value in correct gold; ``...`` removes it, and ``+`` at a path's end appends
    to a list.
    """
    gold = copy.deepcopy(GOLD)
    target = gold
    for part in path[:-1]:
        target = target[part]
    if value is ...:
        del target[path[-1]]
    elif path[-1] == "+":
        target.append(value)
    else:
        target[path[-1]] = value
    return gold


CRITERIA = ("eligibility", "criteria")


@pytest.mark.parametrize(
    ("path", "value", "problem", "remedy"),
    [
        ((*CRITERIA, 0, "category"), "ages", "'age', ", "correct it"),
        ((*CRITERIA, 0, "note"), "x", "not permitted", "remove"),
        (
            (*CRITERIA, 0, "constraints", 0, "value_high"),
            float("nan"),
            "a finite number",
            "correct it",
        ),
        ((*CRITERIA, 0, "quote"), ..., "required", "write"),
        ((*CRITERIA, 0, "quote"), "", "is empty", "copy"),
        (
            (*CRITERIA, 0, "quote"),
            "Age 18 to 57 years",
            "does not stand in",
            "75 years",
        ),
        ((*CRITERIA, 0, "quote"), "ge 18 to 75", "inside a word", "whole words"),
        (
            (*CRITERIA, 0, "quote"),
            "15 mg daily",
            "not stand in elig",
            "stands in arms[0]",
        ),
        (
            (*CRITERIA, 0, "section"),
            "arms[9]",
            "no section 'arms[9]'",
            "in eligibility",
        ),
        ((*CRITERIA, 0, "constraints", 0, "value_high"), None, "null", ""),
        ((*CRITERIA, 0, "constraints", 0, "value"), 75, "not below", ""),
        (
            (*CRITERIA, 0, "constraints", 0, "value"),
            "18",
            "a valid number, not '18'",
            "",
        ),
        ((*CRITERIA, 1, "constraints", 0, "value_high"), 9, "is 9", "null"),
        (
            ("eligibility", "minimum_age", "unit"),
            "cycle",
            "no unit of an age",
            "use year",
        ),
        (("dosing", 0, "amounts", 0, "low"), 20, "low 20 is above high 15", "exchange"),
        (("dosing", 0, "amounts", 0, "high"), None, "is null", "write the amount"),
        (("dosing", 0, "timing"), "at noon", "stands nowhere in the record", "copy it"),
        (
            ("endpoints", 1, "time_frame"),
            "2 years",
            "not stand in primary_outcomes[1]",
            "it stands in primary_outc",
        ),
        (("endpoints", 0, "start_event"), "surgery", "does not stand", "brief_summary"),
        (("endpoints", 2, "specimens", 0), "urine", "does not stand", ""),
        (("record_id",), "toys", "no record 'toys'", "correct the id"),
        (
            (*CRITERIA, 1, "time_windows", 0, "of"),
            "Leukocytes",
            "does not stand",
            "copy",
        ),
        ((*CRITERIA, 1, "time_windows", 0, "of"), "", "is empty", "write null"),
        (
            (*CRITERIA, 1, "time_windows", 0, "quote"),
            "within 8 days",
            "does not stand",
            "within 7 days",
        ),
        ((*CRITERIA, 1, "time_windows", 0, "value_high"), 9, "is 9", "null"),
        (
            (*CRITERIA, 1, "constraints", 0, "condition"),
            "for men",
            "does not stand",
            "copy",
        ),
        ((*CRITERIA, 1, "group"), "g2", "no group 'g2'", "one of g1"),
        (("eligibility", "groups", 0, "parent"), "g9", "no group 'g9'", "one of g1"),
        (
            ("eligibility", "groups", 0, "parent"),
            "g1",
            "stands in itself",
            "in which it is",
        ),
        (
            ("eligibility", "groups", 0, "lead_in"),
            "Good heart:",
            "nowhere in the record",
            "copy",
        ),
        (("eligibility", "groups", 0, "n"), 2, "is 2 with the rule 'all'", "null"),
        (("eligibility", "groups", 0, "rule"), "some", "input should be", "correct it"),
        (
            ("dosing", 0, "amounts", 0, "arms", 0),
            "Arm B",
            "not given in 'Arm B'",
            "'Arm A'",
        ),
    ],
)
def test_each_planted_problem_is_reported_at_its_path(
    tmp_path, path, value, problem, remedy
):
    [found] = check(tmp_path, change(path, value))
    assert found[0] == join_path(path)
    assert problem in found[1]
    assert remedy in found[2]


@pytest.mark.parametrize(
    ("path", "value", "place", "problem"),
    [
        (
            ("eligibility", "minimum_age", "value"),
            80,
            "eligibility.minimum_age",
            "is above maximum_age",
        ),
        (("endpoints", 2), ..., "endpoints", "secondary_outcomes[0] is not annotated"),
        (
            ("endpoints", "+"),
            endpoint("other", 0, "x"),
            "endpoints[3].index",
            "the record has 0 other outcomes",
        ),
        (
            (*CRITERIA, 2, "group"),
            None,
            "eligibility.groups[0]",
            "no criterion and no group is in 'g1'",
        ),
        (
            ("eligibility", "groups", 0, "rule"),
            "at_least",
            "eligibility.groups[0].n",
            "is null with the rule 'at_least'",
        ),
        (
            ("eligibility", "groups", "+"),
            {"id": "g1", "rule": "any"},
            "eligibility.groups[1].id",
            "is the name of elig",
        ),
        (
            ("dosing", 0, "arms", "+"),
            "Arm B",
            "dosing[0].arms[1]",
            "the record has no arm 'Arm B'",
        ),
        (("dosing", 0, "do\x1b[2Jse"), 1, "dosing[0]['do\\x1b[2Jse']", "not permitted"),
    ],
)
def test_planted_problems_may_be_reported_at_another_path(
    tmp_path, path, value, place, problem
):
    [found] = check(tmp_path, change(path, value))
    assert found[0] == place
    assert problem in found[1]


def test_other_characters_are_distinguished_from_other_words(tmp_path):
    gold = change(
        (*CRITERIA, "+"),
        criterion("men – and women - alike", category="sex")
        | {"section": "brief_summary"},
    )

    [(path, problem, remedy)] = check(tmp_path, gold)

    assert path == "eligibility.criteria[3].quote"
    assert "written otherwise" in problem
    assert "'men - and women – alike'" in remedy


def test_repetition_and_gaps_of_endpoints_are_found_and_their_order_is_free(tmp_path):
    gold = copy.deepcopy(GOLD)
    first, second, third = gold["endpoints"]
    gold["endpoints"] = [third, first, second]
    assert check(tmp_path, gold) == []
    gold["endpoints"] = [first, {**first}, third]
    assert [problem for _, problem, _ in check(tmp_path, gold)] == [
        "primary_outcomes[0] is annotated twice",
        "primary_outcomes[1] is not annotated",
    ]


def test_a_faulty_field_does_not_hide_the_problems_beside_it(tmp_path):
    gold = change((*CRITERIA, 0, "kind"), "in")
    gold["eligibility"]["criteria"][0] |= {"quote": "Age 19", "category": "x"}
    gold["dosing"][0] |= {"route": "by hand", "quote": "16 mg"}

    assert sorted(path for path, _, _ in check(tmp_path, gold)) == [
        "dosing[0].quote",
        "dosing[0].route",
        "eligibility.criteria[0].category",
        "eligibility.criteria[0].kind",
        "eligibility.criteria[0].quote",
    ]


def test_all_files_are_checked_at_once(tmp_path):
    write(tmp_path, '{"record_id": "toy",', "a.json")
    write(tmp_path, '{"record_id": "toy", "record_id": "toy"}', "b.json")
    write(tmp_path, "[1]", "c.json")
    write(tmp_path, GOLD, "d.json")
    write(
        tmp_path,
        json.dumps(GOLD) + "\n\n" + json.dumps(change(("eligibility", "sex"), "men")),
        "e.jsonl",
    )
    (tmp_path / "f.json").write_bytes(b'{"record_id": "\xff"}')

    write(tmp_path, "[" * 100_000, "g.json")

    found = [
        (p.place.path.name, p.place.line, p.path, p.problem)
        for p in check_gold(tmp_path, [RECORD])
    ]
    places = [
        ("a", None),
        ("b", None),
        ("c", None),
        ("e", 1),
        ("e", 3),
        ("e", 3),
        ("f", None),
        ("g", None),
    ]
    assert [(name[0], line) for name, line, _, _ in found] == places
    assert [path for name, _, path, _ in found if name == "e.jsonl"] == [
        "record_id",
        "record_id",
        "eligibility.sex",
    ]
    assert "broken JSON: Expecting property name" in found[0][3]
    assert "'record_id' occurs twice" in found[1][3]
    assert "d.json" in found[3][3]


def test_offsets_of_evidence_are_checked(tmp_path):
    evidence = {
        "field": "quote",
        "section": "arms[0]",
        "start": 15,
        "end": 20,
        "quote": "15 mg",
        "origin": "rule",
    }
    evidence["support"] = "literal"
    assert (
        check(tmp_path, GOLD)
        == check(tmp_path, change(("dosing", 0, "evidence"), [evidence]))
        == []
    )
    moved = {**evidence, "start": 14}
    [(path, problem, _)] = check(tmp_path, change(("dosing", 0, "evidence"), [moved]))
    assert path == "dosing[0].evidence[0]"
    assert problem == "arms[0][14:20] is not the quote"


def test_unreadable_records_and_missing_folders_are_problems(tmp_path):
    write(tmp_path, GOLD)
    records = tmp_path / "records.csv"
    records.write_text("no record")
    found = check_gold_files(tmp_path, records)
    assert found[0].place.path == records
    assert found[-1].problem == "there is no record 'toy'"
    [missing] = check_gold(tmp_path / "nowhere.json", [])
    assert "No such file" in str(missing)
    (tmp_path / "empty").mkdir()
    assert "holds no .json" in str(check_gold(tmp_path / "empty", [])[0])


def test_a_number_that_its_quote_does_not_have_is_a_warning(tmp_path):
    gold = change(("eligibility", "criteria", 1, "constraints", 0, "value"), 90)
    (tmp_path / "toy.json").write_text(json.dumps(gold), "utf-8")

    [found] = check_gold(tmp_path, [RECORD])

    assert found.warns is True
    assert found.path == "eligibility.criteria[1].constraints[0].value"
    assert str(found).startswith("warning: ")
    assert "90 does not stand in the quote" in found.problem
