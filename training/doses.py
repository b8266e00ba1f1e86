"""Labelled doses as questions: what is open of a regimen that the rules read, and all regimens of a record at once."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from benchmarks.label_files import Row
from benchmarks.reliability.records import match_items
from extractor.ask.call import Question
from extractor.ask.plan.questions import REGIMEN_FIELDS, ask_regimen
from extractor.ask.plan.stretches import list_stretches
from extractor.ask.wire import WIRE_ITEMS
from extractor.assemble import Inquiry, assemble_extraction
from extractor.evaluation.load import open_extractions
from extractor.parse.parsed import ParsedRecord, ParsedRegimen
from extractor.schemas import Regimen, Task

from .exchange import Answered
from .written import write_amount, write_list, write_period

__all__ = ["answer_doses"]

_GROUPS = ("arms", "interventions")
_ASKED = 0.35
"""How often each field of a regimen is asked; its role always is."""


def answer_doses(parsed: ParsedRecord, label: Row, draw: Random) -> Iterator[Answered]:
    """Questions about each regimen that stands in the label, and one for all of them.

    The label tells of arms and interventions alone; what the record says elsewhere is not asked.
    """
    told = {"record_id": label["id"], "eligibility": {}, "dosing": label["dosing"]}
    gold = open_extractions([told], "label").get(label["id"])
    extraction = assemble_extraction(parsed, Inquiry(), frozenset({Task.DOSING}))
    if gold is None:
        return
    for match in match_items(parsed, extraction, gold):
        regimen, read = match.gold, match.read
        if isinstance(regimen, Regimen) and isinstance(read, ParsedRegimen) and _in_group(read.chunk.span.section):
            yield _answer_regimen(parsed, read, regimen, draw)
    yield from _answer_whole(parsed, gold.dosing)


def _answer_regimen(parsed: ParsedRecord, read: ParsedRegimen, regimen: Regimen, draw: Random) -> Answered:
    section = parsed.record.section(read.chunk.span.section)
    written = _write_regimen(regimen, section.text if section else "")
    fields = tuple(name for name in REGIMEN_FIELDS if name == "role" or draw.random() < _ASKED)
    question = replace(ask_regimen(parsed, read, fields), options={})
    return Answered("regimen", question, ({"n": question.chunk.number, **_put_under_keys(written, fields)},))


def _answer_whole(parsed: ParsedRecord, regimens: tuple[Regimen, ...]) -> Iterator[Answered]:
    stretches = [stretch for stretch in list_stretches(parsed) if _in_group(stretch.chunk.span.section)]
    for stretch in stretches:
        question = Question(Task.DOSING, stretch.chunk, ("regimens",), stretch.place)
        items = [
            {"n": stretch.chunk.number, **_write_whole(regimen, stretch.chunk.text)}
            for regimen in regimens
            if regimen.section == stretch.chunk.span.section and regimen.quote in parsed.raw(stretch.chunk.span)
        ]
        yield Answered("regimens", question, tuple(items))


def _in_group(section: str) -> bool:
    return section.startswith(_GROUPS)


def _write_whole(regimen: Regimen, text: str) -> dict[str, Any]:
    return {
        "quote": regimen.quote,
        "agent": regimen.agent,
        **_put_under_keys(_write_regimen(regimen, text), REGIMEN_FIELDS),
    }


def _put_under_keys(written: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """The fields that have a value, by the keys of the wire."""
    return {WIRE_ITEMS[Task.DOSING].key(field): written[field] for field in fields if written.get(field)}


def _write_regimen(regimen: Regimen, text: str) -> dict[str, Any]:
    label = regimen.model_dump(mode="json")
    return label | {
        "amounts": write_list(label["amounts"], lambda one: write_amount(one, text)),
        "cycle": write_period(label["cycle"]) if label["cycle"] else None,
        "duration": write_period(label["duration"]) if label["duration"] else None,
    }
