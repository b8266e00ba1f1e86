"""Fields of a user are scored as the guideline's: the same pairs, counts and errors."""

import copy

import pytest

from extractor.apps.evaluation import evaluate
from extractor.concepts.own.declaration import CustomField
from extractor.errors import GoldError

from .annotations import criterion, endpoint, make_gold


def declare(name, kind, definition, choices=(), **more):
    """A field with one attribute."""
    value = {"name": "value", "type": kind, "required": True, "choices": choices}
    return CustomField(name=name, definition=definition, attributes=[value], **more)


EXCLUDES = declare(
    "excludes", "boolean", "Who has it may not take part.", of="criterion"
)
CUT_OFF = declare(
    "cut_off", "boolean", "Whether the last follow-up counts.", of="endpoint"
)
BLINDING = declare("blinding", "choice", "Who is blinded.", ["open", "double"])
ASSAYS = declare("assays", "quote", "The tests.", many=True)
LIMIT = declare(
    "fraction", "quantity", "The limit of the ejection fraction.", many=True
)
COUNTS = ("stated", "predicted", "missed", "invented", "exact", "normalised", "relaxed")


def own(gold, **fields):
    """Add values of a user's fields of the record."""
    custom = {}
    for name, values in fields.items():
        custom[name] = [{"values": {"value": value}} for value in values]
    return {**gold, "custom": custom}


def say_the_same(extraction):
    """Say the kind of each criterion, and whether each outcome is censored, in fields of the
    user as well.
    """
    excludes = []
    for number, item in enumerate(extraction["eligibility"]["criteria"]):
        value = item["kind"] == "exclusion"
        path = f"eligibility.criteria[{number}]"
        excludes.append({"of": path, "values": {"value": value}})
    cut_off = []
    for number, item in enumerate(extraction["endpoints"]):
        value = item["censored"]
        if value is not None:
            cut_off.append({"of": f"endpoints[{number}]", "values": {"value": value}})
    return extraction | {"custom": {"excludes": excludes, "cut_off": cut_off}}


def disagree(extraction):
    """Turn, forget, invent and move values, and cut an item in two."""
    criteria = extraction["eligibility"]["criteria"]
    endpoints = extraction["endpoints"]
    criteria[3]["kind"] = "inclusion"
    criteria[5]["kind"] = "inclusion"
    del criteria[1]
    criteria += [
        criterion("Seven seas sailed", "exclusion"),
        criterion("nursing mothers", "exclusion"),
    ]
    criteria.reverse()
    endpoints[0]["censored"] = None
    endpoints[1]["censored"] = True
    endpoints.append(endpoint("other", 0, "Quality of sleep", [(3, "month")]))


def test_a_field_of_the_user_has_the_score_of_the_same_field_of_the_guideline():
    golds = [make_gold(f"R{number}") for number in range(12)]
    predicted = copy.deepcopy(golds[:11])
    for extraction in predicted[:5]:
        disagree(extraction)

    report = evaluate(
        [say_the_same(gold) for gold in golds],
        [say_the_same(extraction) for extraction in predicted],
        fields=[EXCLUDES, CUT_OFF],
        resamples=50,
        examples=99,
    )

    scores = {field.name: field.model_dump() for field in report.fields}
    same = {
        "custom.excludes.value": "eligibility.criteria.kind",
        "custom.cut_off.value": "endpoints.censored",
    }
    for own_name, name in same.items():
        assert 0 < scores[own_name]["normalised"]["f1"] < 1
        for count in COUNTS:
            assert scores[own_name][count] == scores[name][count]
    turned = next(error for error in report.errors if error.kind == "polarity")
    assert turned.fields["custom.excludes.value"] == 10
    assert turned.fields["eligibility.criteria.kind"] == 10


def test_a_users_fields_are_a_group_beside_the_tasks_and_part_of_all():
    gold = own(make_gold(), blinding=["double"], assays=["PCR test"])
    predicted = own(make_gold(), blinding=["open"])
    report = evaluate([gold], [predicted], fields=[BLINDING, ASSAYS], resamples=0)
    assert [group.name for group in report.groups[::2]] == [
        "all",
        "eligibility",
        "dosing",
        "endpoints",
        "custom",
    ]
    figures = report.figures()
    assert figures["custom"] == 0.0
    assert figures["custom.micro"] == 0.0
    assert figures["custom.assays.value"] == 0.0
    stated = [
        field
        for field in report.fields
        if field.stated and field.name not in ("dosing.quote", "dosing.timing")
    ]
    assert figures["all"] == pytest.approx((len(stated) - 2) / len(stated))
    errors = {(error.kind, *error.fields) for error in report.errors}
    assert errors == {
        ("wrong_category", "custom.blinding.value"),
        ("missed", "custom.assays.value"),
    }
    without = evaluate([gold], [predicted], resamples=0)
    assert without.figures()["all"] == 1.0
    assert without.undeclared == ("assays", "blinding")


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({}, (0, 0, 0)),
        ({"assays": []}, (0, 2, 2)),
        ({"assays": ["the PCR test", "ELISA"]}, (2, 2, 1)),
    ],
)
def test_gold_says_nothing_of_a_field_without_its_key(said, counts):
    predicted = own(make_gold(), assays=["PCR test", "smear"])

    report = evaluate(
        [own(make_gold(), **said)], [predicted], fields=ASSAYS, resamples=0
    )

    assays = report.fields[-1]
    assert (assays.stated, assays.predicted, assays.invented) == counts


def test_gold_may_have_the_written_form_and_no_other():
    number = {"comparator": "between", "value": 30, "value_high": 40, "unit": "%"}
    predicted = own(make_gold(), fraction=[number | {"value_high": 45}, number])

    report = evaluate(
        [own(make_gold(), fraction=["30-40 %"])], [predicted], fields=LIMIT, resamples=0
    )

    assert report.fields[-1].stated == 2
    assert report.fields[-1].predicted == 4
    assert report.fields[-1].normalised.recall == 1.0
    for values, message in (
        ("rather low", "write a quantity"),
        (True, "True is no quantity"),
    ):
        with pytest.raises(
            GoldError,
            match=rf"A, custom.fraction\[0\].values.value: .*{message}.*--check --fields",
        ):
            evaluate(
                [own(make_gold(), fraction=[values])],
                [predicted],
                fields=LIMIT,
                resamples=0,
            )
