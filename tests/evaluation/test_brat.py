import json
import re

import pytest

from extractor.evaluation.brat import write_brat_import
from extractor.evaluation.brat_lists import AnnotatedList, load_mapping, read_annotated_value
from extractor.evaluation.gold_check import check_gold_files
from extractor.read import read_records
from extractor.schemas import CriterionKind, TrialExtraction


def annotate(text, *rows):
    """Build an .ann file from rows such as ``T1 Condition: stroke`` (``..`` separates an entity's pieces) and raw ones.

    Rows may be given in one string, separated by `` | ``.
    """
    lines = []
    for row in " | ".join(rows).split(" | "):
        entity = re.fullmatch(r"(T\d+) ([\w-]+): (.+)", row)
        if not entity:
            lines.append(row.replace(" ", "\t", 1))
            continue
        spans, at = [], 0
        for piece in entity[3].split(" .. "):
            at = text.index(piece, at)
            spans.append(f"{at} {at + len(piece)}")
            at += len(piece)
        lines.append(f"{entity[1]}\t{entity[2]} {';'.join(spans)}\t{entity[3].replace(' .. ', ' ')}")
    return "\n".join(lines) + "\n"


def write_list(folder, name, text, *rows):
    (folder / f"{name}.txt").write_bytes(text.encode())
    (folder / f"{name}.ann").write_bytes(annotate(text, *rows).encode())


def read(folder):
    problems = write_brat_import(folder, folder / "out").problems
    gold = sorted((folder / "out" / "gold").iterdir())
    trials = [TrialExtraction.model_validate_json(path.read_bytes()) for path in gold]
    return trials, [(problem.place, problem.problem) for problem in problems]


def read_line(text, *rows, kind="inclusion"):
    return AnnotatedList(text, annotate(text, *rows), CriterionKind(kind))


def shown(constraint):
    return (constraint.quantity, constraint.comparator.value, constraint.value, constraint.value_high, constraint.unit)


def test_a_pair_of_files_becomes_one_trial(tmp_path):
    write_list(
        tmp_path,
        "toy_inc",
        "Males and females aged 18 to 65 years\r\n1. Platelets \u2265 100,000/mm3 within 2 weeks before entry\r\n",
        "T1 Person: aged | T2 Value: 18 to 65 years | R1 Has_value Arg1:T1 Arg2:T2 | T3 Measurement: Platelets",
        "T4 Value: \u2265 100,000/mm3 | T5 Temporal: within 2 weeks before entry | R2 Has_value Arg1:T3 Arg2:T4",
        "R3 Has_temporal Arg1:T3 Arg2:T5",
    )
    write_list(tmp_path, "toy_exc", "History of stroke\n", "T1 Condition: stroke")
    [trial], problems = read(tmp_path)
    assert problems == []
    age, platelets, stroke = trial.eligibility.criteria
    assert trial.record_id == "toy"
    assert (trial.eligibility.minimum_age.value, trial.eligibility.maximum_age.value) == (18, 65)
    assert trial.eligibility.sex is None
    assert (age.quote, age.category, age.kind) == ("Males and females aged 18 to 65 years", "age", "inclusion")
    assert [shown(c) for c in age.constraints] == [("aged", "between", 18, 65, "year")]
    assert platelets.quote == "Platelets \u2265 100,000/mm3 within 2 weeks before entry"
    assert [shown(c) for c in platelets.constraints] == [("Platelets", ">=", 100000, None, "/mm3")]
    assert platelets.time_window.model_dump(mode="json") == {
        "quote": "within 2 weeks before entry",
        "comparator": "<=",
        "value": 2,
        "unit": "week",
    }
    assert (stroke.kind, stroke.category, stroke.constraints) == ("exclusion", "comorbidity", ())


def test_a_discontinuous_entity_keeps_its_words_and_a_value_is_read_from_its_pieces():
    found = read_line(
        "Alanine (ALT) aminotransferase < 3 (three) x ULN\n",
        "T1 Measurement: Alanine .. aminotransferase | T2 Value: < 3 .. x ULN | R1 Has_value Arg1:T1 Arg2:T2",
    )
    [criterion] = found.criteria
    assert (found.problems, criterion.category) == ([], "organ_function")
    assert [shown(c) for c in criterion.constraints] == [("Alanine aminotransferase", "<", 3, None, "x ULN")]


@pytest.mark.parametrize(
    ("heading", "rows", "quotes"),
    [
        ("Heart disease, one of:", "* OR T2 T3", ["angina", "rash"]),
        # With its own value, it is also a criterion.
        (
            "Heart disease within 6 months before entry:",
            "T4 Temporal: within 6 months before entry | R3 Has_temporal Arg1:T1 Arg2:T4",
            ["Heart disease within 6 months before entry:", "angina", "rash"],
        ),
    ],
)
def test_members_below_a_line_with_a_colon_have_a_lead_in(heading, rows, quotes):
    found = read_line(
        f"{heading}\n- angina\n- rash\n",
        "T1 Condition: Heart disease | T2 Condition: angina | T3 Condition: rash",
        "R1 Subsumes Arg1:T1 Arg2:T2 | R2 Subsumes Arg1:T1 Arg2:T3",
        rows,
    )
    assert found.problems == []
    assert [c.quote for c in found.criteria] == quotes
    assert [c.lead_in for c in found.criteria][-2:] == [heading, heading]


@pytest.mark.parametrize(
    ("text", "name", "ages"),
    [
        ("Age > 18 years", "toy_inc", (18, None)),
        ("Age < 18 years", "toy_exc", (18, None)),
        ("Age > 70 years", "toy_exc", (None, 70)),
        ("Age > 18", "toy_inc", (None, None)),
    ],
)
def test_age_limits_follow_the_list(tmp_path, text, name, ages):
    value = text.removeprefix("Age ")
    write_list(tmp_path, name, text, f"T1 Person: Age | T2 Value: {value} | R1 Has_value Arg1:T1 Arg2:T2")
    [trial], _ = read(tmp_path)
    low, high = trial.eligibility.minimum_age, trial.eligibility.maximum_age
    assert (low and low.value, high and high.value) == ages


@pytest.mark.parametrize(
    ("text", "rows", "sexes"),
    [
        ("Men and women", "T1 Person: Men | T2 Person: women", {"male", "female"}),
        ("Female patients", "T1 Person: Female", {"female"}),
        ("Women who are not pregnant", "T1 Person: Women | T2 Condition: pregnant", set()),
    ],
)
def test_sex_is_read_only_from_criteria_about_sex(text, rows, sexes):
    assert read_line(text, rows).sexes == sexes


def test_counts_events_and_lengths_of_time_become_limits():
    found = read_line(
        "At least 2 relapses\nplatelets > 50%\nAsthma for > 6 months\n",
        "T1 Multiplier: At least 2 | T2 Condition: relapses | R1 Has_multiplier Arg1:T2 Arg2:T1",
        "T3 Measurement: platelets | T4 Value: > 50% | E1 Measurement:T3 Has_value:T4 | T5 Condition: Asthma",
        "T6 Value: > 6 months | R2 Has_value Arg1:T5 Arg2:T6",
    )
    window = found.criteria[2].time_window
    assert (found.problems, window.quote, window.comparator) == ([], "> 6 months", ">")
    assert [shown(c) for criterion in found.criteria for c in criterion.constraints] == [
        ("relapses", ">=", 2, None, None),
        ("platelets", ">", 50, None, "%"),
    ]


@pytest.mark.parametrize(
    ("text", "rows", "place", "problem"),
    [
        ("Blue eyes", "T1 Condition: eyes | T2 Colour: Blue", "T2", "type 'Colour' is not in the mapping"),
        ("No fever", "T1 Condition: fever | T2 Negation: No | R1 Denies Arg1:T1 Arg2:T2", "R1", "'Denies' is not"),
        ("Fever or rash", "T1 Condition: Fever | T2 Condition: rash | * EITHER T1 T2", "*", "'EITHER' is not"),
        ("Fever now", "T1 Condition: Fever | A1 Optional T1", "A1", "no place in gold"),
        ("Fever 2 days", "T1 Condition: Fever | T2 Temporal: 2 days | R1 Has_temporal Arg1:T1 Arg2:T2", "T2", "read"),
        ("HbA1c normal", "T1 Condition: HbA1c | T2 Value: normal | R1 Has_value Arg1:T1 Arg2:T2", "T2", "read as one"),
        ("Fever > 3", "T1 Condition: Fever | T2 Value: > 3", "T2", "belongs to no other"),
        ("Heparin", "T1 Drug: Heparin", "line 1 of the text", "no rule gives a category to Drug 'Heparin'"),
        ("Men with gout", "T1 Person: Men | T2 Condition: gout", "line 1 of the text", "main condition is not"),
        ("Gout\nand more", "T1 Condition: Gout", "line 2 of the text", "has no annotation"),
        ("Gout", "T1 Condition: Gout | R1 OR Arg1:T1 Arg2:T9", "R1", "names T9, which was not read"),
        ("Gout", "T1 Condition: Gout | T2 Condition 2 99\tut", "T2", "outside the text"),
        ("Gout", "T1 Condition: Gout | T1 Condition: Gout", "T1", "occurs twice"),
        (
            "Fever\nrash > 3 C",
            "T1 Condition: Fever | T2 Value: > 3 C | R1 Has_value Arg1:T1 Arg2:T2",
            "R1",
            "joins two",
        ),
    ],
)
def test_annotations_that_cannot_be_converted_are_reported_and_left_empty(text, rows, place, problem):
    found = read_line(text, rows)
    assert problem in dict(found.problems)[place]
    assert all(not c.constraints and not c.time_window for c in found.criteria)


@pytest.mark.parametrize(
    ("text", "rows", "category"),
    [
        ("Patients of an age over 18", "T1 Person: Patients | T2 Person: age", "age"),
        ("Patients with gout", "T1 Person: Patients | T2 Condition: gout", "diagnosis"),
        ("Pregnant women", "T1 Condition: Pregnant | T2 Person: women", "reproductive"),
        ("Women with gout", "T1 Person: Women | T2 Condition: gout", None),
        ("Patients", "T1 Person: Patients", None),
    ],
)
def test_participants_do_not_hide_the_subject_of_a_line(text, rows, category):
    assert read_line(text, rows).criteria[0].category == category


def test_files_that_cannot_be_paired_or_read_are_reported(tmp_path):
    (tmp_path / "toy.txt").write_text("Gout")
    (tmp_path / "alone_inc.ann").write_text("")
    (tmp_path / "bare_exc.txt").write_text("Gout")
    counts = write_brat_import(tmp_path, tmp_path / "out")
    files = {problem.file.rpartition("/")[2]: problem.problem for problem in counts.problems}
    assert (counts.trials, sorted(files)) == (0, ["alone_inc.ann", "bare_exc.txt", "toy.txt"])
    assert "which list is it?" in files["toy.txt"]


def test_written_gold_agrees_with_the_records_written_beside_it(tmp_path):
    source, out = tmp_path / "brat", tmp_path / "out"
    source.mkdir()
    write_list(source, "NCT90000001_inc", "* ECOG \u2264 2\n", "T1 Measurement: ECOG", "T2 Value: \u2264 2",
               "R1 Has_value Arg1:T1 Arg2:T2")  # fmt: skip
    write_list(source, "NCT90000001_exc", "Heparin\n", "T1 Drug: Heparin")
    write_list(source, "other_inc", "Asthma\n", "T1 Condition: Asthma")
    counts = write_brat_import(source, out)
    assert (counts.trials, counts.criteria, counts.without_category, len(counts.problems)) == (2, 3, 1, 1)
    assert check_gold_files(out / "gold", out / "records") == []
    assert [record.record_id for record in read_records(out / "records")] == ["NCT90000001", "other"]
    gold = json.loads((out / "gold" / "NCT90000001.json").read_text("utf-8"))
    assert [c["quote"] for c in gold["eligibility"]["criteria"]] == ["ECOG \u2264 2", "Heparin"]


@pytest.mark.parametrize(
    ("quantity", "value", "expected"),
    [
        ("NYHA class", "III-IV", ("NYHA class", "between", 3, 4, None)),
        ("infections", "two or more", ("infections", ">=", 2, None, None)),
        *(("bilirubin", value, None) for value in ("> 3 or < 1", "elevated grade")),
    ],
)
def test_values_are_read_by_the_grammars_or_not_at_all(quantity, value, expected):
    found = read_annotated_value(quantity, value, CriterionKind.INCLUSION)
    assert (found and shown(found)) == expected


_BROKEN = "*\t|*\tOR|R1|R1\tHas_value|E1|E1\tA:E2|T9|T9\tCondition 0 4|T9\tCondition 0 99999999999999999999\tGout|Gout"


@pytest.mark.parametrize("row", _BROKEN.split("|"))
def test_a_broken_row_is_a_problem_and_not_a_crash(row):
    found = AnnotatedList("Gout", f"T1\tCondition 0 4\tGout\n{row}\n", CriterionKind.INCLUSION)
    assert [criterion.quote for criterion in found.criteria] == ["Gout"]
    assert [at for at, _ in found.problems] == [row.partition("\t")[0]]


@pytest.mark.parametrize("sign", ["\u2028", "\x0c", "\x85"])
def test_only_the_end_of_a_line_ends_an_annotation(sign):
    text = f"Gout{sign}of the toe"
    annotations = f"\ufeffT1\tCondition 0 {len(text)}\t{text}\r\n#1\tNote T1\tsure\r\n"
    found = AnnotatedList(text, annotations, CriterionKind.INCLUSION)
    assert (len(found.criteria), found.problems, found.quoted) == (1, [], {"note": 1})


@pytest.mark.parametrize("rule", load_mapping().rules, ids=lambda rule: rule.example["text"])
def test_each_rule_of_the_mapping_gives_its_category_to_its_example(rule):
    example = rule.example
    kind, time = CriterionKind(example.get("list", "inclusion")), example.get("time", "")
    chosen = load_mapping().choose_rule(
        example["entity"], example["text"], kind, time, negated=example.get("negated", False)
    )
    assert chosen is rule
    assert {load_mapping().entities[name] for name in rule.entities} == {"domain"}
