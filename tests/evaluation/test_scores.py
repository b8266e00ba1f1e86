"""Which values are scored, and the resulting figures."""

import copy
import json
import random
from pathlib import Path

import pytest

from extractor.apps.evaluation import ScoreReport, evaluate
from extractor.concepts.own.declaration import CustomField
from extractor.errors import ArgumentError, GoldError
from tests.tables import read_cases

from .annotations import criterion, make_gold, regimen, score, shuffle

CASES = read_cases(__file__)

ROOT = Path(__file__).parents[2]
DEV = ROOT.parent / "shared" / "gold" / "dev"
GOLDS = [make_gold(name) for name in ("A", "B", "C")]
AGE = {"minimum_age": {"value": 18, "unit": "year"}}


def find(report, name):
    return next(one for one in (*report.groups, *report.fields) if one.name == name)


def name_scored(report):
    return [field.name for field in report.fields if field.records]


@pytest.mark.parametrize(
    "folder", [ROOT / "seeds" / "gold", pytest.param(DEV, marks=pytest.mark.slow)]
)
def test_gold_against_itself_in_another_order_is_exactly_one(folder):
    if not folder.is_dir():
        pytest.skip("needs the shared gold")
    golds = [json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")]
    report = evaluate(folder, [shuffle(gold, 1) for gold in golds], resamples=20)
    assert set(report.figures().values()) <= {1.0, None}
    assert {field.exact for field in report.fields} <= {1.0, None}
    assert report.errors == ()
    assert find(report, "all").interval == (1.0, 1.0)


def test_f1_is_over_values():
    gold = make_gold()
    gold["dosing"] = [regimen(name, f"{name} daily", 1, "mg") for name in "abcdefghij"]
    predicted = copy.deepcopy(gold)
    for number, route in enumerate(("oral", "oral", "oral", None)):
        gold["dosing"][number]["route"] = route
    for number, route in enumerate(("oral", "topical", None, "oral")):
        predicted["dosing"][number]["route"] = route
    route = find(score(gold, predicted), "dosing.route")
    assert (route.right, route.wrong, route.missed, route.invented) == (1, 1, 1, 1)
    assert route.stated == 3
    assert route.precision == route.recall == route.normalised == 1 / 3


def test_a_mean_is_over_fields_with_values_and_micro_over_values():
    gold = make_gold()
    gold["eligibility"] = {**AGE, "sex": "all", "healthy_volunteers": None}
    predicted = make_gold()
    predicted["eligibility"] = gold["eligibility"] | {"sex": "female"}
    report = score(gold, predicted)
    assert report.figure("eligibility") == report.figure("eligibility.micro") == 0.5
    predicted["eligibility"]["healthy_volunteers"] = False  # invented: now it counts
    assert score(gold, predicted).figure("eligibility") == pytest.approx(1 / 3)


def test_all_values_of_a_missing_record_are_missed_and_others_do_not_count():
    other = {"record_id": "X", "eligibility": {"sex": "all"}}
    report = evaluate(GOLDS, [*GOLDS[:2], other], resamples=0)
    assert (report.missing, report.without_gold) == (("C",), ("X",))
    sex = find(report, "eligibility.sex")
    assert (sex.precision, sex.recall) == (1.0, 2 / 3)
    assert {error.kind.value for error in report.errors} == {"missed"}


@pytest.mark.parametrize(
    ("gold", "scored"), CASES["a_field_is_scored_where_gold_was_read_for_it"]
)
def test_a_field_is_scored_where_gold_was_read_for_it(gold, scored):
    report = evaluate([{"record_id": "A", **gold}], [make_gold()], resamples=0)
    assert name_scored(report) == scored


@pytest.mark.parametrize(
    ("gold", "field", "invented"),
    CASES["null_and_an_empty_list_state_that_there_is_none"],
)
def test_null_and_an_empty_list_state_that_there_is_none(gold, field, invented):
    report = evaluate([{"record_id": "A", **gold}], [make_gold()], resamples=0)
    of_field = find(report, field)
    assert (of_field.stated, of_field.invented) == (0, invented)


@pytest.mark.parametrize(
    ("fields", "scored"), CASES["fields_are_chosen_by_any_part_of_their_path"]
)
def test_fields_are_chosen_by_any_part_of_their_path(fields, scored):
    report = evaluate(GOLDS, GOLDS, resamples=0, fields=fields)
    assert name_scored(report) == scored
    with pytest.raises(ArgumentError, match=r"agee: no such field"):
        evaluate(GOLDS, GOLDS, fields=["agee"])
    wrong = [GOLDS[0] | {"scored": ["agee"]}]
    with pytest.raises(ArgumentError, match="A: scored: agee: no such field"):
        evaluate(wrong, GOLDS, resamples=0)
    with pytest.raises(ArgumentError, match=r"agee: no such score"):
        report.figure("agee")


@pytest.mark.parametrize(
    ("given", "predicted", "score"), CASES["only_the_given_items_are_scored"]
)
def test_only_the_given_items_are_scored(given, predicted, score):
    gold, found = (
        {"record_id": "A", "eligibility": {"criteria": list(map(criterion, quotes))}}
        for quotes in (given, predicted)
    )
    report = evaluate([gold], [found], resamples=0, only_given=True)
    assert report.figure("eligibility.criteria") == pytest.approx(score)


def declare(name, kind, choices=(), **more):
    value = {"name": "value", "type": kind, "required": True, "choices": choices}
    return CustomField(name=name, definition="A field.", attributes=[value], **more)


def own(**fields):
    values = {
        name: [{"values": {"value": value}} for value in of_field]
        for name, of_field in fields.items()
    }
    return make_gold() | {"custom": values}


def test_a_users_fields_are_a_group_beside_the_tasks_and_part_of_all():
    fields = [
        declare("blinding", "choice", ["open", "double"]),
        declare("assays", "quote", many=True),
        declare("fraction", "quantity", many=True),
    ]
    gold = own(blinding=["double"], assays=["PCR test", "smear"], fraction=["30-40 %"])
    number = {"comparator": "between", "value": 30, "value_high": 40, "unit": "%"}
    predicted = own(blinding=["open"], assays=["the PCR test"], fraction=[number])
    report = evaluate([gold], [predicted], fields=fields, resamples=0)
    assert report.figure("custom.blinding.value") == 0.0
    assert report.figure("assays.value") == pytest.approx(2 / 3)
    assert report.figure("fraction.value") == 1.0  # a written form is parsed
    assert report.figure("custom") == pytest.approx(5 / 9)
    assert report.figure("all") < 1.0
    without = evaluate([gold], [predicted], resamples=0)
    assert without.figure("all") == 1.0
    broken = own(fraction=["rather low"])
    with pytest.raises(GoldError, match=r"A: custom.fraction\[0\].values.value: "):
        evaluate([broken], [predicted], fields=fields, resamples=0)


def test_a_value_of_an_item_is_scored_as_a_field_of_that_item():
    def add_kinds(extraction):
        kinds = [
            {"of": f"eligibility.criteria[{number}]", "values": {"value": item["kind"]}}
            for number, item in enumerate(extraction["eligibility"]["criteria"])
        ]
        return extraction | {"custom": {"same": kinds}}

    predicted = make_gold()
    criteria = predicted["eligibility"]["criteria"]
    criteria[3]["kind"] = "inclusion"
    criteria[1:2] = []
    criteria.append(criterion("Seven seas sailed", "exclusion"))
    field = declare("same", "choice", ["inclusion", "exclusion"], of="criterion")
    report = evaluate(
        [add_kinds(make_gold())], [add_kinds(predicted)], fields=field, resamples=0
    )
    kind = find(report, "eligibility.criteria.kind")
    same = find(report, "custom.same.value")
    assert 0 < kind.normalised < 1
    assert kind.model_dump(exclude={"name"}) == same.model_dump(exclude={"name"})


def make_golds(number):
    return [make_gold(f"R{position:03}") for position in range(number)]


def predict(golds, share=0.7):
    """Predict the right sex in that share of the records."""
    draw = random.Random(0)
    predicted = copy.deepcopy(golds)
    for prediction in predicted:
        is_right = draw.random() < share
        prediction["eligibility"]["sex"] = "all" if is_right else "female"
    return predicted


def test_the_same_input_gives_the_same_report_in_any_order():
    golds = make_golds(12)
    predicted = predict(golds)
    first = evaluate(golds, predicted, compare=golds, resamples=100)
    assert evaluate(golds[::-1], predicted[::-1], compare=golds, resamples=100) == first
    assert ScoreReport.model_validate_json(first.model_dump_json()) == first


def test_an_interval_contains_the_figure_and_has_the_right_width():
    golds = make_golds(100)
    report = evaluate(golds, predict(golds), fields="sex")
    sex = find(report, "eligibility.sex")
    low, high = sex.interval
    assert low < sex.normalised < high
    # Of a share p of n records: p plus or minus 1.96 times the root of p (1 - p) / n.
    expected = 2 * 1.96 * (sex.normalised * (1 - sex.normalised) / len(golds)) ** 0.5
    assert high - low == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(("values", "has_interval"), [(9, False), (10, True)])
def test_a_score_over_fewer_than_ten_values_has_no_interval(values, has_interval):
    golds = make_golds(30)
    for number, gold in enumerate(golds):
        gold["eligibility"]["sex"] = "all" if number < values else None
    report = evaluate(golds, golds, compare=golds, resamples=50)
    sex = find(report, "eligibility.sex")
    for interval in (sex.interval, sex.difference_interval):
        assert (interval is not None) is has_interval


def test_differences_are_paired():
    golds = make_golds(30)
    other = predict(golds)
    for prediction in other[:4]:
        prediction["eligibility"]["minimum_age"] = None
    report = evaluate(golds, predict(golds), compare=other, resamples=300)
    # Both are wrong in the same records: the difference is certainly zero.
    assert find(report, "eligibility.sex").difference_interval == (0.0, 0.0)
    age = find(report, "eligibility.minimum_age")
    assert 0 < age.difference_interval[0] < age.difference < age.difference_interval[1]


def test_two_annotators_are_compared_in_the_records_that_both_have():
    theirs = [*copy.deepcopy(GOLDS)[1:], make_gold("D")]
    theirs[0]["eligibility"]["sex"] = None
    report = evaluate(GOLDS, theirs, neutral=True, resamples=0)
    assert report.records == 2
    assert (report.missing, report.without_gold) == (("A",), ("D",))
    assert [report.name(error.kind) for error in report.errors] == ["only in gold"]
    other = evaluate(theirs, GOLDS, neutral=True, resamples=0)
    assert other.figures() == report.figures()
    with pytest.raises(GoldError, match="no records in common"):
        evaluate(GOLDS[:1], theirs, neutral=True)


@pytest.mark.parametrize(
    ("content", "message"), CASES["broken_files_are_named_with_a_remedy"]
)
def test_broken_files_are_named_with_a_remedy(tmp_path, content, message):
    path = tmp_path / "gold.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(GoldError, match=message):
        evaluate(path, GOLDS, resamples=0)
