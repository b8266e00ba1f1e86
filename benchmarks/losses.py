"""Count right answers of a model that the extraction does not hold, by field and cause.

    python -m benchmarks.losses GOLD RECORDS... (--model SPEC [--keep DIR] | --replay DIR) [--effort
                                medium] [--tasks dosing] [--folds 0,1,2] [--limit N] [--examples N
                                [--field FIELD]]

Each record is extracted twice from the same answers: as always, and with the answers taken as they
are, unchecked. A value of gold that the second has and the first has not is a loss. So is a value
in no readable form where the extraction has none that is right. ``--tasks`` asks for these alone.
GOLD and ``--limit`` are as for ``benchmarks.effort``. ``--examples`` prints losses to read, of
folds 0 to 2 alone: 3 and 4 are for measuring.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from benchmarks.data import ask_all, format_table, parse_options, read_folds
from benchmarks.effort import read_groups
from benchmarks.gold import read_gold
from extractor.apps.evaluation.comparers import Verdict
from extractor.apps.evaluation.fields import GROUPS
from extractor.apps.evaluation.judge import JudgedValue
from extractor.apps.evaluation.judge import judge as judge_values
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.check import UnreadableValue, name_arms
from extractor.concepts.doses.arms import locate_arms
from extractor.concepts.parse import parse_record
from extractor.concepts.places import MODEL_CONFIDENCE, find_quote
from extractor.concepts.windows.times import first_window
from extractor.evidence.drafts import Draft, Reading, Span, Why
from extractor.evidence.parsed import ParsedRecord
from extractor.model.asking import dialogue
from extractor.model.asking.dialogue import read_replies
from extractor.model.asking.planner import plan_round
from extractor.model.asking.querying import ask_round
from extractor.model.client import Model
from extractor.options import ExtractionOptions
from extractor.schemas import Support, TimeWindow, TrialExtraction, TrialRecord

_TO_READ = frozenset({0, 1, 2})
"""Folds whose errors the writers of rules may read."""


class Cause(StrEnum):
    """Why a right answer is lost: the whole answer was, its form or a check refused it, or the
    rules' value stands.
    """

    ANSWER = "answer lost"
    FORM = "form refused"
    CHECK = "check refused"
    MERGE = "merge"


class Loss(NamedTuple):
    """A value that is lost, the gold's and the extraction's; ``item`` is the place in gold."""

    record_id: str
    field: str
    item: str
    cause: Cause
    gold: Any
    found: Any


class Judged(NamedTuple):
    """What was lost in a record, and how many right answers there were by field."""

    losses: tuple[Loss, ...]
    right: Counter[str]


def judge(
    parsed: ParsedRecord, gold: TrialExtraction, result: ModelResult, raw: ModelResult
) -> Judged:
    """Compare the extraction from checked answers with that from answers as they are."""
    final = assemble_extraction(parsed, result)
    as_told = assemble_extraction(parsed, raw)
    held = _list_right(gold, final)
    told = _list_right(gold, as_told)
    losses = [
        Loss(
            gold.record_id,
            field,
            item,
            _find_cause(field, result),
            value,
            held[field, item][1],
        )
        for (field, item), (is_right, value) in told.items()
        if is_right
        # a part of a lost value is no loss of its own
        and not held.get((field, item), (True, None))[0]
    ]
    known = {(loss.field, loss.item) for loss in losses}
    for field, number in Counter(_list_unreadable(result)).items():
        wrong = [
            key
            for key, (is_right, _) in held.items()
            if key[0] == field and not is_right and key not in known
        ]
        losses += (
            Loss(gold.record_id, *key, Cause.FORM, told[key][1], held[key][1])
            for key in wrong[:number]
        )
    return Judged(
        tuple(losses),
        Counter(field for (field, _), (is_right, _) in told.items() if is_right),
    )


def _list_right(
    gold: TrialExtraction, found: TrialExtraction
) -> dict[tuple[str, str], tuple[bool, Any]]:
    """Return for each stated field of gold, by name and place, whether ``found`` has its values,
    and what it has.
    """
    fields = defaultdict[tuple[str, str], list[JudgedValue]](list)
    for row in judge_values(gold, found, GROUPS):
        fields[row.field.name, row.gold_item.path or ""].append(row)
    return {
        place: (
            all(row.verdict is Verdict.RIGHT for row in rows),
            [row.predicted for row in rows],
        )
        for place, rows in fields.items()
        if any(row.gold is not None for row in rows)
    }


def _find_cause(field: str, result: ModelResult) -> Cause:
    if result.dropped:
        return Cause.ANSWER
    name = field.rsplit(".", 1)[-1]
    return (
        Cause.CHECK if any(one.refuses(name) for one in result.drafts) else Cause.MERGE
    )


def _list_unreadable(result: ModelResult) -> Iterator[str]:
    for draft in result.drafts:
        for refusal in draft.refused:
            if refusal.why is Why.UNREADABLE:
                yield f"{draft.group}.{refusal.field}"


async def ask(
    parsed: ParsedRecord, options: ExtractionOptions, model: Model
) -> tuple[ModelResult, ModelResult]:
    """Return the result of a dialogue, and the same from its first answers as they are."""
    asked = plan_round(parsed, options)
    if asked is None:
        return ModelResult(), ModelResult()
    replies = await ask_round(asked, model)
    result = read_replies(parsed, asked, replies)
    unchecked: Any = {
        "ground_answer": _believe,
        "prove_regimens": lambda drafts, _: drafts,
    }
    with patch.multiple(dialogue, **unchecked):
        return result, read_replies(parsed, asked, replies)


def _believe(
    answered: Mapping[str, Any], draft: Draft, parsed: ParsedRecord, *_: object
) -> Draft:
    """Return the draft of an item as the model wrote it: no value is looked for in the text. Only
    values that cannot be read are left out.
    """
    arms = {parsed.raw(span): span for span in locate_arms(parsed.record).values()}
    values = dict(name_arms(answered, list(arms)))
    windows = values.get("time_windows")
    if windows:
        readable = [window for window in windows if isinstance(window, TimeWindow)]
        values["time_window"] = first_window(readable)
    readings: dict[str, Reading[Any]] = {}
    for name, value in values.items():
        if isinstance(value, UnreadableValue):
            continue
        believed = _drop_unreadable(value)
        if value and believed == ():
            continue
        spans = _locate(parsed, draft, arms, name, believed)
        readings[name] = Reading(believed, MODEL_CONFIDENCE, spans, Support.LITERAL)
    return replace(draft, model=readings)


def _locate(
    parsed: ParsedRecord, draft: Draft, arms: Mapping[str, Span], name: str, value: Any
) -> tuple[Span, ...]:
    """Return where the value of a field stands: a rule in its line, arms in the registry's list, a
    quote in its section. Other fields, and what is not there, have no place.
    """
    if name == "rule":
        return (draft.chunk.span,)
    if name == "arms":
        return tuple(arms[label] for label in value if label in arms)
    if name != "quote" or not value:
        return ()
    span = find_quote(parsed.sections[draft.span.section].whole, value)
    if span is None:
        return ()
    return (span,)


def _drop_unreadable(value: Any) -> Any:
    """Return a value; of a list, the members that can be read."""
    if not isinstance(value, tuple):
        return value
    return tuple(member for member in value if not isinstance(member, UnreadableValue))


def format_losses(judged: Sequence[Judged]) -> str:
    """Format a row for each field: right answers, losses, their share, and their causes."""
    right = Counter[str]()
    losses = Counter[tuple[str, Cause]]()
    for verdict in judged:
        right += verdict.right
        losses.update((loss.field, loss.cause) for loss in verdict.losses)
    rows: list[list[object]] = []
    for group in GROUPS:
        for field in group.fields:
            lost = [losses[field.name, cause] for cause in Cause]
            if right[field.name] or any(lost):
                rows.append(_make_row(field.name, right[field.name], lost))
    totals = [sum(losses[name, cause] for name in right) for cause in Cause]
    rows.append(_make_row("all", right.total(), totals))
    return format_table(["field", "right", "lost", "share", *Cause], rows)


def _make_row(name: str, right: int, lost: Sequence[int]) -> list[object]:
    return [name, right, sum(lost), sum(lost) / max(1, right), *lost]


def main() -> None:
    """Print the losses of each group of areas, and examples if asked for."""
    options: dict[str, Any] = {
        "effort": "medium",
        "tasks": str,
        "folds": "0,1,2",
        "limit": int,
        "examples": 0,
        "field": str,
    }
    chosen = parse_options(
        __doc__, "gold", "records+", model=str, replay=Path, keep=Path, **options
    )
    asked = (
        ExtractionOptions(effort=chosen.effort, tasks=chosen.tasks)
        if chosen.tasks
        else ExtractionOptions(effort=chosen.effort)
    )
    losses = list[Loss]()
    known = read_gold(chosen.gold)

    async def judge_one(
        model: Model, record: TrialRecord, gold: TrialExtraction
    ) -> Judged:
        parsed = parse_record(record)
        return judge(parsed, gold, *await ask(parsed, asked, model))

    for name, pairs in read_groups(
        chosen.gold, chosen.records, read_folds(chosen.folds), chosen.limit
    ).items():
        judged = asyncio.run(ask_all(chosen, judge_one, pairs))
        print(f"{name}, {len(judged)} trials\n{format_losses(judged)}\n")
        losses += [loss for one in judged for loss in one.losses]
    shown = [
        loss
        for loss in losses
        if known[loss.record_id]["fold"] in _TO_READ
        and chosen.field in (None, loss.field)
    ]
    print(*(" | ".join(map(str, loss)) for loss in shown[: chosen.examples]), sep="\n")


if __name__ == "__main__":
    main()
