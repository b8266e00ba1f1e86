"""Answers every question of a record from gold, through the real plan, prompts, wire models, checks and merging.

A reply is an instance of the call's own reply model. What gold says and that model cannot hold is noted as a misfit.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from benchmarks.matching import FIELDS_OF, is_right, pair_positions
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.resolve import PARTICIPANTS
from extractor.evaluation.fields import GROUPS
from extractor.evaluation.text import fold_text
from extractor.ground.check import GroundedAnswer
from extractor.llm.dialogue import dialogue
from extractor.llm.estimates import estimate_tokens
from extractor.llm.prompt import flatten
from extractor.llm.reply_models import PEOPLE, PEOPLE_FIELDS, REGIMENS, expand, key_of, list_attributes, words_of
from extractor.llm.requests import Call, Question, Reply
from extractor.llm.salvage import salvage_items
from extractor.options import ExtractionOptions
from extractor.parse.parsed import ParsedCriterion, ParsedRecord
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    Criterion,
    CriterionKind,
    Instrument,
    Period,
    Task,
    TimePoint,
    TimeWindow,
    TrialExtraction,
    Usage,
)
from extractor.text.clean import clean_text

Key = tuple[str, int]
"""An item of gold: the path of its list, and its position there."""
_PATHS = {Task.ELIGIBILITY: "eligibility.criteria", Task.DOSING: "dosing", Task.ENDPOINTS: "endpoints"}
ITEMS = {group.path: group.items for group in GROUPS}
"""What gives the items of an extraction at a path; what a record says of people as a whole is one."""
_PARTS = ("measure", "description", "time_frame")
_HEAD = 60
"""Characters of an outcome's part that a model copies to say where it begins."""


class Cause(StrEnum):
    """Why a value of gold is lost, or a wrong one stands, though the model is perfect.

    - ``sure``: never asked, since the rules were certain of a wrong value;
    - ``silent``: never asked, since the rules were certain that there is nothing, or saw nothing to ask about;
    - ``unasked``: never asked though the rules were in doubt, since the question was not worth its tokens;
    - ``options``: asked, and the right answer was not among those offered;
    - ``wire``: asked, and the reply model cannot express the right answer;
    - ``checks``: answered rightly, and refused or changed by the checks;
    - ``merged``: answered rightly, and lost where rules and answers become one extraction;
    - ``item``: a value of an item that is missing or superfluous as a whole. The item tells the cause.
    """

    SURE = "sure"
    SILENT = "silent"
    UNASKED = "unasked"
    OPTIONS = "options"
    WIRE = "wire"
    CHECKS = "checks"
    MERGED = "merged"
    ITEM = "item"


@dataclass(slots=True)
class Given:
    """What was asked about an item of gold, what could not be answered, and what the checks left of the answer."""

    fields: set[str]
    misfits: dict[str, Cause] = field(default_factory=dict)
    grounded: GroundedAnswer | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A record with the oracle's answers. ``criteria`` is what was read of each criterion of gold, standing or not."""

    parsed: ParsedRecord
    result: ModelResult
    given: Mapping[Key, Given]
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
        oracle.given["eligibility", 0].grounded = people[0]
    for number, sent in oracle.sent.items():
        for given, grounded in zip(sent, result.answers.get(number, ()), strict=False):
            given.grounded = grounded
    lines = oracle.lines.values()
    criteria = {row: item for path, row, item in lines if path == "eligibility.criteria" and row is not None}
    return Asked(parsed, result, oracle.given, criteria, oracle.tokens)


class _Oracle:
    """Knows which item of gold each line of a prompt speaks of."""

    def __init__(self, parsed: ParsedRecord, gold: TrialExtraction) -> None:
        self._gold = gold
        self.given: dict[Key, Given] = {}
        self.tokens: Counter[str] = Counter()
        self.sent: dict[int, list[Given]] = defaultdict(list)
        self.lines: dict[int, tuple[str, int | None, Any]] = {}
        chunks = [_draft(parsed, criterion) for criterion in parsed.eligibility.criteria]
        outcomes = assemble_extraction(parsed, ModelResult(), {Task.ENDPOINTS}).endpoints
        read: Sequence[tuple[str, Sequence[Any], Sequence[Any]]] = (
            ("eligibility.criteria", chunks, parsed.eligibility.criteria),
            ("endpoints", outcomes, parsed.outcomes),
        )
        for path, drafts, items in read:
            rows = {place: row for row, place in pair_positions(path, ITEMS[path](gold), drafts).items()}
            self.lines |= {item.chunk.number: (path, rows.get(place), item) for place, item in enumerate(items)}

    def reply(self, call: Call) -> Reply:
        """The answer to a call, read as an answer of a server is."""
        homes = self._find_homes(call.questions)
        items: list[dict[str, Any]] = []
        for question in call.questions:
            number = question.chunk.number
            path, line, read = self.lines.get(number, ("dosing", None, None))
            if PEOPLE in question.fields:
                self.given["eligibility", 0] = Given(set(PEOPLE_FIELDS))
            for row in homes[number] if REGIMENS in question.fields else [line] if question.fields else []:
                item, given = _write_item(call, question, self._list_values(path, row, read))
                items.append(item)
                self.sent[number].append(given)
                if row is not None:
                    self.given[path, row] = given
        written = json.dumps({"items": items}, ensure_ascii=False, separators=(",", ":"))
        self.tokens += Counter(calls=1, lines=estimate_tokens(call.user), output=estimate_tokens(written))
        reply: Any = call.reply_model.model_validate_json(written, context=call.context)
        return Reply(tuple(reply.items), Usage(), "oracle")

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
            holding.sort(key=lambda chunk: chunk.span.section != regimen.section)
            if holding:
                homes[holding[0].number].append(row)
        return homes


def _draft(parsed: ParsedRecord, criterion: ParsedCriterion) -> Criterion:
    """What was read as a criterion, or as none, as gold would have it."""
    span, kind = criterion.chunk.span, criterion.kind.value or CriterionKind.INCLUSION
    return Criterion(kind=kind, section=span.section, quote=parsed.raw(span))


def _write_item(call: Call, question: Question, values: Mapping[str, Any]) -> tuple[dict[str, Any], Given]:
    """The item that says these values as far as it can."""
    number = question.chunk.number
    given = Given(set(expand(question.fields)))
    given.fields |= set(_PARTS if "split" in given.fields else ()) | set(
        ("section",) if "quote" in given.fields else ()
    )
    if values.get("section", "") not in ("", question.chunk.span.section):
        given.misfits["section"] = Cause.SILENT  # a repeated statement is shown once
    item: dict[str, Any] = {"n": number}
    denied = "stands" in question.fields and not values["stands"]
    for name, attribute in zip(expand(question.fields), list_attributes(question), strict=True):
        if denied and name not in ("stands", *PEOPLE_FIELDS):
            continue
        kept, read = _fit(call, question, key_of(attribute), _write_field(call, question, name, values))
        if kept is not None and kept != []:
            item[key_of(attribute)] = kept
        for part in () if name in (*PEOPLE_FIELDS, "lead_in") else _PARTS if name == "split" else (name,):
            if not _is_said(_PATHS[question.task], part, read.get(part), values[part]):
                given.misfits[part] = Cause.WIRE
    return item, given


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


def _fit(call: Call, question: Question, key: str, written: Any) -> tuple[Any, Mapping[str, Any]]:
    """What of a value the reply model takes, and how it is read; of a list all members that it can hold."""

    def read(value: Any) -> Mapping[str, Any] | None:
        found = salvage_items([{"n": question.chunk.number, key: value}], call).items
        item: Any = found[0] if found else None
        return item.read(question) if item else None

    if isinstance(written, list):
        written = [member for member in written if read([member]) is not None]
        while written and read(written) is None:
            written.pop()
    found = read(written)
    return (None, {}) if found is None else (written, found)


def _is_said(path: str, name: str, read: Any, wanted: Any) -> bool:
    """Whether the reply says what gold says, as an evaluation compares values."""
    if name == "stands":
        return bool(read)
    return is_right(f"{path}.{name}", () if read is None and isinstance(wanted, tuple) else read, wanted)


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
