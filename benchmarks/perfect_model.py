"""Answers every question of a record from gold, through the real plan, prompts, wire models, checks and merging.

A reply is an instance of the call's own reply model; what gold says and that model cannot hold is left out of it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.matching import FIELDS_OF, draft_criterion, pair_positions
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.resolve import PARTICIPANTS
from extractor.evaluation.fields import GROUPS
from extractor.evaluation.text import fold_text
from extractor.ground.check import GroundedAnswer
from extractor.llm.dialogue import dialogue
from extractor.llm.estimates import estimate_tokens
from extractor.llm.prompt import flatten
from extractor.llm.reply_models import PEOPLE_FIELDS, REGIMENS, expand, key_of, list_attributes, words_of
from extractor.llm.requests import Call, ModelReply, Question
from extractor.llm.salvage import salvage_items
from extractor.options import ExtractionOptions
from extractor.parse.parsed import ParsedCriterion, ParsedRecord
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    Instrument,
    Period,
    Task,
    TimePoint,
    TimeWindow,
    TrialExtraction,
    Usage,
)
from extractor.text.clean import clean_text

ITEMS = {group.path: group.items for group in GROUPS}
"""What gives the items of an extraction at a path; what a record says of people as a whole is one."""
_PARTS = {"split": ("measure", "description", "time_frame"), "quote": ("section",)}
"""What an answer says beside its own field."""
_HEAD = 60
"""Characters of an outcome's part that a model copies to say where it begins."""


@dataclass(slots=True)
class Given:
    """The fields of an item of gold that were asked about, and what the checks left of the answer."""

    fields: Collection[str]
    grounded: GroundedAnswer | None = None


class Asked(NamedTuple):
    """A record with the oracle's answers.

    ``given`` is by path and position of an item of gold, ``criteria`` what was read of each criterion of gold.
    """

    parsed: ParsedRecord
    result: ModelResult
    given: Mapping[tuple[str, int], Given]
    criteria: Mapping[int, ParsedCriterion]
    tokens: Counter[str]


def ask_oracle(parsed: ParsedRecord, gold: TrialExtraction, options: ExtractionOptions) -> Asked:
    """Ask an oracle the questions that a run would ask about a record.

    The narrow question about refused values gets no answer: the oracle would repeat itself, and be refused again.
    """
    oracle, rounds = _Oracle(parsed, gold), dialogue(parsed, options)
    try:
        asked = next(rounds)
        while True:
            asked = rounds.send([oracle.reply(asked.render(pack)) if asked.needed else None for pack in asked.packs])
    except StopIteration as end:
        result: ModelResult = end.value
    if people := result.answers.get(PARTICIPANTS):
        oracle.given["eligibility", 0] = Given(PEOPLE_FIELDS, people[0])
    for number, sent in oracle.sent.items():
        for given, grounded in zip(sent, result.answers.get(number, ()), strict=False):
            given.grounded = grounded
    lines = oracle.lines.values()
    criteria = {row: item for path, row, item in lines if path == "eligibility.criteria" and row is not None}
    return Asked(parsed, result, oracle.given, criteria, oracle.tokens)


class _Oracle:
    """Knows the item of gold that each line of a prompt is about."""

    def __init__(self, parsed: ParsedRecord, gold: TrialExtraction) -> None:
        self._gold = gold
        self.given: dict[tuple[str, int], Given] = {}
        self.tokens: Counter[str] = Counter()
        self.sent: dict[int, list[Given]] = defaultdict(list)
        self.lines: dict[int, tuple[str, int | None, Any]] = {}
        criteria = [draft_criterion(parsed, criterion) for criterion in parsed.eligibility.criteria]
        outcomes = assemble_extraction(parsed, ModelResult(), {Task.ENDPOINTS}).endpoints
        read: Sequence[tuple[str, Sequence[Any], Sequence[Any]]] = (
            ("eligibility.criteria", criteria, parsed.eligibility.criteria),
            ("endpoints", outcomes, parsed.outcomes),
        )
        for path, drafts, items in read:
            rows = {place: row for row, place in pair_positions(path, ITEMS[path](gold), drafts).items()}
            self.lines |= {item.chunk.number: (path, rows.get(place), item) for place, item in enumerate(items)}

    def reply(self, call: Call) -> ModelReply:
        """The answer to a call, read as an answer of a server is."""
        homes = self._find_homes(call.questions)
        items: list[dict[str, Any]] = []
        for question in call.questions:
            number = question.chunk.number
            path, line, read = self.lines.get(number, ("dosing", None, None))
            asked = expand(question.fields)
            fields = {*asked, *(part for name, parts in _PARTS.items() if name in asked for part in parts)}
            for row in homes[number] if REGIMENS in question.fields else [line] if asked else []:
                given = Given(fields)
                if row is not None:
                    self.given[path, row] = given
                items.append(_write_item(call, question, self._list_values(path, row, read)))
                self.sent[number].append(given)
        written = json.dumps({"items": items}, ensure_ascii=False, separators=(",", ":"))
        self.tokens += Counter(calls=1, lines=estimate_tokens(call.user), output=estimate_tokens(written))
        reply: Any = call.reply_model.model_validate_json(written, context=call.context)
        return ModelReply(tuple(reply.items), Usage(), "oracle")

    def _list_values(self, path: str, row: int | None, read: Any) -> dict[str, Any]:
        """The right values of a line. Of what is no item of gold the rules' own: they are wrong, whatever is said."""
        people = {name: getattr(self._gold.eligibility, name) for name in PEOPLE_FIELDS}
        if row is None:
            known = {name: getattr(read, name).value for name in FIELDS_OF[path]} if read else {}
            return known | people | {"stands": False}
        return dict(ITEMS[path](self._gold)[row]) | people | {"stands": True}

    def _find_homes(self, questions: Sequence[Question]) -> dict[int, list[int]]:
        """The regimens of gold by the passage that holds their quote, that of their own section before others."""
        passages = [question.chunk for question in questions if REGIMENS in question.fields]
        homes: dict[int, list[int]] = {chunk.number: [] for chunk in passages}
        for row, regimen in enumerate(self._gold.dosing if passages else ()):
            quote = fold_text(clean_text(regimen.quote).text)
            holding = [chunk for chunk in passages if quote in fold_text(chunk.text)]
            if holding:
                homes[min(holding, key=lambda chunk: chunk.span.section != regimen.section).number].append(row)
        return homes


def _write_item(call: Call, question: Question, values: Mapping[str, Any]) -> dict[str, Any]:
    """The wire item that says these values as far as it can."""
    number = question.chunk.number
    denied = "stands" in question.fields and not values["stands"]

    def fits(key: str, value: Any) -> bool:
        found: Any = salvage_items([{"n": number, key: value}], call).items
        return bool(found) and found[0].read(question) is not None

    item: dict[str, Any] = {"n": number}
    for name, attribute in zip(expand(question.fields), list_attributes(question), strict=True):
        if denied and name not in ("stands", *PEOPLE_FIELDS):
            continue
        key, written = key_of(attribute), _write_field(call, question, name, values)
        if isinstance(written, list):
            written = [member for member in written if fits(key, [member])]
            while written and not fits(key, written):
                written.pop()
        if written not in (None, []) and fits(key, written):
            item[key] = written
    return item


def _write_field(call: Call, question: Question, name: str, values: Mapping[str, Any]) -> Any:
    """The value of one field as a model writes it; None where it gives none."""
    if name == "split":
        return _write_split(values)
    value = values[name]
    if name == "lead_in":
        return _find_line(call, value)
    if isinstance(value, Age) and f"{value.value:g}" not in question.chunk.text:
        return None
    words = words_of("domain" if question.task is Task.ENDPOINTS and name == "category" else name)
    if words and value is not None:
        return next(word for word, member in words.members.items() if member == value)
    return _write(value)


def _find_line(call: Call, quote: str | None) -> int | None:
    lines = (question.chunk for question in call.questions)
    wanted = fold_text(quote or "")
    return next((line.number for line in lines if wanted and wanted in fold_text(line.text)), None)


def _write_split(values: Mapping[str, Any]) -> dict[str, str]:
    parts = {"d": values["description"], "t": values["time_frame"]}
    return {key: _write(text)[:_HEAD] for key, text in parts.items() if text}


def _write(value: Any) -> Any:
    """A value as a model writes it: the opposite of ``extractor.llm.value_forms``."""
    written = value
    match value:
        case str():
            written = flatten(clean_text(value).text)
        case tuple():
            written = [_write(member) for member in value]
        case TimeWindow():
            written = f"{_write(value.quote)} | {value.comparator} {_range(value.value, None)} {value.unit}"
        case Constraint():
            sign = "" if value.comparator is Comparator.BETWEEN else f"{value.comparator} "
            number = _range(value.value, value.value_high)
            written = f"{_write(value.quantity)}: {sign}{number} {_write(value.unit or '')}".strip()
        case Amount(low=low, high=high):
            bound = "up to " if low is None else "at least " if high is None else ""
            written = f"{bound}{_range(low, None if low == high else high)} {value.unit}"
        case Period() | TimePoint() | Age():
            written = f"{_range(value.value, None)} {value.unit}"
        case Instrument():
            written = " | ".join(_write(part) for part in (value.name, value.version) if part)
    return written


def _range(low: float | None, high: float | None) -> str:
    return "-".join(f"{bound:.15g}" for bound in (low, high) if bound is not None)
