"""Regimens that the rules and a model read in one stretch of text become one list."""

import pytest

from extractor.ask.stretches import list_stretches
from extractor.assemble import Inquiry, assemble_extraction
from extractor.ground.answer import Answer
from extractor.ground.check import ground_answer
from extractor.parse import parse_record
from extractor.schemas import Amount, Frequency, Origin, Role, Route, Section, Source, Task, TrialRecord

TEXT = "Examplumab 300 mg subcutaneously every 4 weeks and Testimab 20 mg orally once daily for 12 weeks."
EXAMPLUMAB = {
    "stands": True,
    "quote": "300 mg subcutaneously every 4 weeks",
    "agent": "Examplumab",
    "role": Role.INVESTIGATIONAL,
    "amounts": (Amount(low=300, high=300, unit="mg"),),
    "route": Route.SUBCUTANEOUS,
    "frequency": Frequency.Q4W,
}
TESTIMAB = {
    "stands": True,
    "quote": "20 mg orally once daily for 12 weeks",
    "agent": "Testimab",
    "role": Role.BACKGROUND,
    "amounts": (Amount(low=20, high=20, unit="mg"),),
    "route": Route.ORAL,
    "frequency": Frequency.QD,
}


@pytest.fixture
def parsed():
    sections = (Section(name="arms[0]", text=TEXT), Section(name="title", text="Examplumab in asthma"))
    return parse_record(TrialRecord(record_id="x", source=Source(path="x", format="flat"), sections=sections))


def settle(parsed, *answers, dropped=()):
    (stretch,) = list_stretches(parsed)
    number = stretch.chunk.number
    grounded = tuple(ground_answer(Answer(Task.DOSING, number, dict(a)), parsed, stretch.chunk) for a in answers)
    asked = {number: frozenset({"regimens"})}
    inquiry = Inquiry(asked, {number: grounded}, dropped=dropped, stretches={number: stretch.chunk})
    return {r.agent: r for r in assemble_extraction(parsed, inquiry, {Task.DOSING}).dosing}


def test_the_rules_read_both(parsed):
    assert [regimen.agent.value for regimen in parsed.dosing.regimens] == ["Examplumab", "Testimab"]


def test_what_both_read_is_one_regimen_each(parsed):
    found = settle(parsed, TESTIMAB, EXAMPLUMAB)
    assert found.keys() == {"Examplumab", "Testimab"}
    origins = {piece.field: piece.origin for piece in found["Testimab"].evidence}
    assert (origins["route"], origins["agent"]) == (Origin.BOTH, Origin.BOTH)
    assert found["Testimab"].role is Role.BACKGROUND


def test_a_regimen_that_only_the_model_read_is_added_with_its_proof(parsed):
    more = {"stands": True, "quote": "for 12 weeks", "agent": "Examplumab 300", "route": Route.ORAL}
    found = settle(parsed, EXAMPLUMAB, TESTIMAB, more)
    (piece,) = [piece for piece in found["Examplumab 300"].evidence if piece.field == "quote"]
    assert (piece.quote, piece.origin) == ("for 12 weeks", Origin.MODEL)


def test_a_regimen_that_says_nothing_new_is_not_listed_twice(parsed):
    again = {"stands": True, "quote": "20 mg orally", "agent": "testimab", "route": Route.ORAL}
    assert settle(parsed, EXAMPLUMAB, TESTIMAB, again).keys() == {"Examplumab", "Testimab"}


def test_an_answer_that_was_partly_dropped_takes_nothing_away(parsed):
    assert settle(parsed, EXAMPLUMAB, dropped=("2: no such frequency",)).keys() == {"Examplumab", "Testimab"}
