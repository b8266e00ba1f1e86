"""Which values of a user's own field a text bears out: each text with values that it states, and others near them."""

import pytest

from extractor.fields.attributes import Attribute
from extractor.fields.declaration import Claim, Said
from extractor.ground.claims import check_claim
from extractor.text.passage import read_passage


def stands(text: str, kind: str, value: str) -> bool:
    """Whether a claim of one value stands, with the whole text as its quote."""
    said = Said("value", Attribute(name="value", type=kind).read(value), required=True)
    return check_claim(Claim(text, (said,)), read_passage(text)).claim is not None


def check(text: str, kind: str, stated: list[str], others: list[str]) -> None:
    values = [*stated, *others]
    assert [value for value in values if stands(text, kind, value)] == stated


@pytest.mark.parametrize(
    ("text", "kind", "stated", "others"),
    [
        ("Stable for 12 months", "duration", ["12 month", "1 year"], ["1 month", "2 month"]),
        ("Aged 18 years", "age", ["18 year"], ["1 year"]),
        ("MRI every 28 days", "time_point", ["28 day"], ["1 day"]),
        ("Washout of one week", "duration", ["1 week"], ["2 week", "1 month"]),
        ("A one-week run-in", "duration", ["1 week"], ["1 day"]),
        ("Rest for a month", "duration", ["1 month"], ["1 week"]),
        ("Asthma over the past year", "duration", ["1 year"], ["1 month"]),
    ],
)
def test_a_time_is_the_number_beside_its_unit(text, kind, stated, others):
    check(text, kind, stated, others)
