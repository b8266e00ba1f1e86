"""Doses beyond what anybody is given are unsure and reported, whoever read them."""

import pytest

from extractor import Extractor
from extractor.concepts.doses.ceilings import find_exceeded, list_ceilings
from extractor.schemas import Amount, FindingKind, Route
from tests.trust import trial


@pytest.mark.parametrize(
    ("value", "unit", "route", "expected"),
    [
        (12, "g/m2", Route.INTRAVENOUS, None),  # high-dose methotrexate
        (2, "g/kg", Route.INTRAVENOUS, None),  # immunoglobulin
        (236, "g", Route.ORAL, None),  # bowel preparation
        (300, "mg", Route.INHALED, None),
        (7400, "MBq", None, None),
        (60, "L/min", Route.INHALED, None),  # a flow has no ceiling
        (5, "scoop", Route.ORAL, None),
        (919288, "g", None, "500 g"),
        (9_000_000, "mg/day", None, "500 g"),
        (300, "g", Route.ORAL, "250 g"),
        (300, "mg", Route.INTRAVITREAL, "25 mg"),
        (0.3, "g", Route.INTRAVITREAL, "25 mg"),
        (3, "mL", Route.INTRAVITREAL, "1 mL"),
        (243, "tablet", Route.ORAL, "40 tablet"),
        (100, "AUC", None, "24 AUC"),
        (6e13, "cells", None, "1,000,000,000,000 cells"),
    ],
)
def test_each_unit_and_route_has_a_ceiling(value, unit, route, expected):
    found = find_exceeded(Amount(low=value, high=value, unit=unit), route)
    assert (found and found.text) == expected


def test_a_range_counts_by_its_greater_end():
    assert find_exceeded(Amount(low=None, high=900, unit="g"))
    assert find_exceeded(Amount(low=900, high=None, unit="g"))
    assert find_exceeded(Amount(low=5, high=10, unit="g")) is None


def test_each_ceiling_has_a_source_and_known_routes():
    assert all(row.source for row in list_ceilings())
    assert {route for row in list_ceilings() for route in row.routes} <= set(Route)
    assert len({(row.unit, row.routes) for row in list_ceilings()}) == len(list_ceilings())


def test_a_dose_beyond_its_ceiling_is_unsure_and_reported():
    extraction = Extractor(effort="none").extract(
        trial(arms_0="Examplumab 9000 g once daily for 4 weeks")
    )
    (regimen,), (finding,) = (
        extraction.dosing,
        [one for one in extraction.findings if one.kind is FindingKind.DOSE_IMPLAUSIBLE],
    )
    (piece,) = (piece for piece in regimen.evidence if piece.field == "amounts[0]")
    assert regimen.amounts[0].high == 9000
    assert piece.confidence == regimen.confidence == 0.2
    assert (finding.field, finding.citations[0].quote) == ("dosing[0].amounts[0]", "9000 g")
    assert finding.message.startswith("9,000 g of Examplumab is more than 500 g (")
