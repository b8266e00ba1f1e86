from dataclasses import replace

import pytest

from extractor.ask.questions import Assist, plan_questions
from extractor.ask.stretches import list_stretches
from extractor.parse.parsed import Chunk, ChunkKind, Span
from extractor.schemas import Task

from .samples import OPEN, parsed_record, regimen, sure, unsure

SHORT = "Drugamide 5 mg daily. Testimab 8 mg weekly. Cycles last 21 days."
LONG = (
    "Drugamide 5 mg daily. "
    + "Nothing is told here. " * 80
    + "Testimab 8 mg weekly. Cycles last 21 days.\n\nOther words."
)


def place(text, words, number, **readings):
    start = text.index(words)
    found = regimen(number, text, "arms[0]", **readings)
    span = Span("arms[0]", start, start + len(words))
    return replace(found, chunk=Chunk(number, ChunkKind.SENTENCE, span, words), quote=span)


def two(text, **readings):
    one, other = place(text, "Drugamide 5 mg daily", 1, **readings), place(text, "Testimab 8 mg weekly", 2, **readings)
    parsed = parsed_record(one, other)
    section = parsed.record.section("arms[0]").model_copy(update={"text": text})
    sections = tuple(section if s.name == "arms[0]" else s for s in parsed.record.sections)
    from extractor.parse.clean import clean_text  # noqa: PLC0415

    record = parsed.record.model_copy(update={"sections": sections})
    return replace(parsed, record=record, cleaned={**parsed.cleaned, "arms[0]": clean_text(text)})


def test_a_short_section_is_one_stretch():
    (stretch,) = list_stretches(two(SHORT))
    assert (stretch.chunk.number, stretch.chunk.text) == (1, SHORT)
    assert len(stretch.regimens) == 2


def test_regimens_far_apart_are_stretches_of_their_own_to_the_end_of_the_paragraph():
    first, second = list_stretches(two(LONG))
    assert first.chunk.text.startswith("Drugamide 5 mg daily. Nothing")
    assert len(first.chunk.text) <= 1200
    assert second.chunk.text == "Testimab 8 mg weekly. Cycles last 21 days."


@pytest.mark.parametrize(
    ("readings", "asked"),
    [
        ({}, {}),
        ({"role": unsure(None)}, {1: ("role",), 2: ("role",)}),
        ({"role": OPEN, "route": OPEN}, {1: ("regimens",)}),
    ],
)
def test_much_doubt_asks_for_all_regimens_of_the_stretch_at_once(readings, asked):
    questions = plan_questions(two(SHORT, **readings), {Task.DOSING}, Assist.AUTO)
    assert {question.chunk.number: question.fields for question in questions} == asked


def test_a_candidate_asks_for_all_regimens_of_its_stretch():
    parsed = two(SHORT, agent=sure("Drugamide"))
    candidate = Chunk(7, ChunkKind.SENTENCE, Span("arms[0]", 44, 64), "Cycles last 21 days.")
    parsed = replace(parsed, dosing=replace(parsed.dosing, candidates=(candidate,)))
    (question,) = plan_questions(parsed, {Task.DOSING}, Assist.AUTO)
    assert (question.chunk.number, question.fields, question.chunk.text) == (1, ("regimens",), SHORT)
