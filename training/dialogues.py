"""Answered questions as what goes over the wire: several lines of a trial in one call, and the JSON reply."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from extractor.ask.call import Question
from extractor.ask.prompting.lines import estimate_tokens, render_line
from extractor.ask.prompting.prompt import narrow_record, render_tuned
from extractor.schemas import Task, TrialRecord

from .exchange import Answered, TrialItems
from .hostile import spoil_text

__all__ = ["Dialogue", "make_dialogues"]

_MOST_LINES = 8
"""Of a call, as the planner packs them for a tuned model."""
_LONGEST_LINE = 900
"""Characters: longer lines are rare, and cost more than they teach."""
_SPOILED = 0.04
"""How many lines carry text that is aimed at a model, or garbage, and still have the same answer."""
_SHUFFLED = 0.3
"""How many tasks of a trial have their lines in another order than the record's."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a server is sent, and what a perfect model writes."""

    system: str
    user: str
    answer: str


def make_dialogues(trials: Sequence[TrialItems], draw: Random, tokens: int = 220) -> list[Dialogue]:
    """The dialogues of one epoch: lines of a trial together up to about ``tokens``, in the order of the record or in
    another one, some of them spoiled. All regimens of a record are asked in one call, as the planner does.
    """
    return [dialogue for trial in trials for dialogue in _talk(trial, draw, tokens)]


def _talk(trial: TrialItems, draw: Random, tokens: int) -> Iterator[Dialogue]:
    record = narrow_record(trial.record)
    listed = [one for one in trial.answered if one.kind == "regimens"]
    if listed and any(one.items for one in listed):
        dialogue = _render(record, listed)
        if estimate_tokens(dialogue.user) <= 4 * tokens:
            yield dialogue
    single = [one for one in trial.answered if one.kind != "regimens" and len(one.question.chunk.text) <= _LONGEST_LINE]
    for task in Task:
        of_task = [one for one in single if one.question.task is task]
        if draw.random() < _SHUFFLED:
            draw.shuffle(of_task)
        for pack in _pack(of_task, tokens, draw):
            yield _render(record, [_spoil(one, draw) for one in pack])


def _pack(answered: Sequence[Answered], tokens: int, draw: Random) -> Iterator[list[Answered]]:
    pack: list[Answered] = []
    room, most = tokens, draw.randint(1, _MOST_LINES)
    for one in answered:
        size = estimate_tokens(render_line(one.question))
        if pack and (size > room or len(pack) == most or _has(pack, one.question)):
            yield pack
            pack, room, most = [], tokens, draw.randint(1, _MOST_LINES)
        pack.append(one)
        room -= size
    if pack:
        yield pack


def _has(pack: Sequence[Answered], question: Question) -> bool:
    return any(one.question.chunk.number == question.chunk.number for one in pack)


def _spoil(one: Answered, draw: Random) -> Answered:
    if draw.random() >= _SPOILED or "split" in one.question.fields:
        return one
    chunk = replace(one.question.chunk, text=spoil_text(one.question.chunk.text, draw))
    return replace(one, question=replace(one.question, chunk=chunk))


def _render(record: TrialRecord, answered: Sequence[Answered]) -> Dialogue:
    call = render_tuned(record, [one.question for one in answered])
    items = [item for one in answered for item in one.items]
    answer = json.dumps({"items": items}, ensure_ascii=False, separators=(",", ":"))
    return Dialogue(call.system, call.user, answer)
