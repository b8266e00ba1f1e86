"""From labelled items to questions of the product with their answers, trial by trial."""

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.label_files import Row, read_cells, read_labels
from extractor.ask.call import Question
from extractor.ask.plan.questions import plan_questions
from extractor.ask.wire import WIRE_ITEMS
from extractor.ask.wire.eligibility import CATEGORIES, KINDS
from extractor.ask.wire.endpoints import CATEGORIES as DOMAINS
from extractor.ask.wire.endpoints import CONCEPTS, TIME_KINDS
from extractor.options import Assist, ExtractionOptions
from extractor.parse import parse_record
from extractor.parse.parsed import Chunk, ChunkKind, ParsedRecord, Span
from extractor.read import read_records
from extractor.schemas import Section, Source, Task, TrialRecord

from .doses import answer_doses
from .exchange import Answered, TrialItems
from .written import write_instrument, write_limit, write_list, write_time

__all__ = ["list_trials"]

_LABELLED = 200
"""Characters by which a labelled line is found again in its record."""
_WORD_OF_CATEGORY = {str(member): word for word, member in CATEGORIES.items()}
_WORD_OF_KIND = {str(member): word for word, member in KINDS.items()}
_WORD_OF_CONCEPT = {str(member): word for word, member in CONCEPTS.items()}
_WORD_OF_DOMAIN = {str(member): word for word, member in DOMAINS.items()}
_WORD_OF_SPAN = {str(member): word for word, member in TIME_KINDS.items()}
_TIMED = 0.25
"""How many of the outcomes with a labelled time frame ask for its times."""
_HEAD = 40
"""Characters of a part's first words in an answer to ``split``."""

_ByText = Mapping[str, Mapping[str, Row]]


def list_trials(data: Path, draw: Random, wanted: Callable[[str], bool]) -> Iterator[TrialItems]:
    """Every ``wanted`` trial of the folder of which something is labelled, with what is known of it.

    ``draw`` chooses which keys are asked of a line together. A label whose line the pre-parser does not find in its
    record is left out.
    """
    criteria = _index(read_labels(data, "criteria"), "text")
    outcomes = _index(read_labels(data, "outcomes"), "measure")
    limits = _index(read_labels(data, "limits"), "text")
    instruments = _index(read_labels(data, "instruments"), "measure")
    frames = {_fold(row["time_frame"]): row for row in read_labels(data, "time_frames")}
    doses = {row["record"]: row for row in read_labels(data, "dosing")}
    labelled = {name for known in (criteria, outcomes, limits, instruments, doses) for name in known}
    seen: set[str] = set()
    for record in _read_all(data / "records"):
        name = record.record_id
        if name in seen or name not in labelled or not wanted(name):
            continue
        seen.add(name)
        parsed = parse_record(record)
        asked = plan_questions(parsed, ExtractionOptions(assist=Assist.ALWAYS))
        by_number = {question.chunk.number: question for question in asked}
        answered = [
            *_answer_criteria(parsed, by_number, criteria.get(name, {}), limits.get(name, {}), draw),
            *_answer_outcomes(parsed, by_number, outcomes.get(name, {}), instruments.get(name, {}), frames, draw),
            *(answer_doses(parsed, doses[name], draw) if name in doses else ()),
        ]
        yield TrialItems(record, tuple(answered))
    yield from _list_cells(data, draw, wanted)


def _read_all(folder: Path) -> Iterator[TrialRecord]:
    """The files one by one, since a trial may be in several of them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return itertools.chain.from_iterable(read_records(path) for path in files)


def _index(rows: Sequence[Row], key: str) -> _ByText:
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        found[row["record"]][_fold(row[key])] = row
    return found


def _fold(text: str | None) -> str:
    return re.sub(r"[\W_]+", "", (text or "").lower())[:_LABELLED]


def _answer_criteria(
    parsed: ParsedRecord,
    asked: Mapping[int, Question],
    labels: Mapping[str, Row],
    limits: Mapping[str, Row],
    draw: Random,
) -> Iterator[Answered]:
    for criterion in parsed.eligibility.criteria:
        question, text = asked.get(criterion.chunk.number), criterion.chunk.text
        label, limit = labels.get(_fold(text)), limits.get(_fold(text))
        if question is None or (label is None and limit is None):
            continue
        item: dict[str, Any] = {}
        if label and label["category"] == "none":
            yield _answer("stands", question, ("stands", "category"), {"ok": False})
            continue
        if label:
            item["cat"] = _WORD_OF_CATEGORY[label["category"]]
            if draw.random() < 0.2:
                item |= {"ok": True}
            if label.get("list") in _WORD_OF_KIND and draw.random() < 0.1:
                item |= {"ok": True, "list": _WORD_OF_KIND[label["list"]]}
        if limit:
            item |= _write_limits(limit, text)
        if item:
            yield _answer_fields("criteria", question, item)


def _write_limits(limit: Row, text: str) -> dict[str, Any]:
    written = write_list(limit["constraints"], lambda one: write_limit(one, text))
    window = limit["time_window"]
    if written is None:
        return {}
    return {"limits": written, "window": window["quote"] if window else None}


def _answer_outcomes(
    parsed: ParsedRecord,
    asked: Mapping[int, Question],
    labels: Mapping[str, Row],
    instruments: Mapping[str, Row],
    frames: Mapping[str, Row],
    draw: Random,
) -> Iterator[Answered]:
    for outcome in parsed.outcomes:
        question, measure = asked.get(outcome.chunk.number), _fold(outcome.measure.value)
        if question is None:
            continue
        item: dict[str, Any] = {}
        if label := labels.get(measure):
            item = _write_outcome(label, draw)
        if instrument := instruments.get(measure):
            tool = instrument["instrument"]
            item |= {
                "tool": write_instrument(tool) if tool else None,
                "specimens": instrument["specimens"],
                "methods": instrument["methods"],
            }
        # The same few time frames stand in thousands of outcomes.
        frame = frames.get(_fold(outcome.time_frame.value)) if outcome.time_frame.value else None
        if frame and draw.random() < _TIMED:
            times = write_list(frame["time_points"], write_time)
            item |= {"span": _WORD_OF_SPAN[frame["time_kind"]]} | ({} if times is None else {"times": times})
        if item:
            yield _answer_fields("outcomes", question, item)


def _write_outcome(label: Row, draw: Random) -> dict[str, Any]:
    both = {"concept": _WORD_OF_CONCEPT[label["concept"]], "domain": _WORD_OF_DOMAIN[label["category"]]}
    chance = draw.random()
    item: dict[str, Any] = both if chance < 0.6 else {name: both[name] for name in [draw.choice(list(both))]}
    if "start_event" in label and draw.random() < 0.75:
        item = dict(item) | {"start": label["start_event"], "ends": label["end_events"]}
    return dict(item)


def _list_cells(data: Path, draw: Random, wanted: Callable[[str], bool]) -> Iterator[TrialItems]:
    """Flattened outcomes of several parts, as lines that ask where they are cut."""
    for row in read_cells(data):
        if not wanted(row["id"]):
            continue
        answered = []
        for number, item in enumerate(row["items"], 1):
            parts = [item["measure"], item["description"], item["time_frame"]]
            text = ", ".join(part for part in parts if part)
            if text.count(",") < 2 or len(text) > 600 or draw.random() > 0.12:
                continue
            heads = {key: _head(part) for key, part in zip("dt", parts[1:], strict=True) if part}
            chunk = Chunk(number, ChunkKind.OUTCOME, Span("primary_outcomes", 0, len(text)), text)
            question = Question(Task.ENDPOINTS, chunk, ("split",))
            answered.append(_answer("split", question, ("split",), {"split": heads}))
        if answered:
            record = TrialRecord(
                record_id=row["id"],
                source=Source(path="cells", format="flat"),
                sections=(Section(name="primary_outcomes", text="-"),),
            )
            yield TrialItems(record, tuple(answered))


def _head(part: str) -> str:
    return part if len(part) <= _HEAD else part[:_HEAD].rsplit(" ", 1)[0]


def _answer_fields(kind: str, question: Question, item: Mapping[str, Any]) -> Answered:
    """The question for the keys of ``item``, empty ones too: of these the answer says nothing."""
    keys = _keys(question)
    fields = tuple(field for field in question.fields if keys[field] in item)
    return _answer(kind, question, fields, {key: value for key, value in item.items() if value not in (None, [], "")})


def _keys(question: Question) -> dict[str, str]:
    return {field: WIRE_ITEMS[question.task].key(field) for field in question.fields}


def _answer(kind: str, question: Question, fields: Sequence[str], item: Mapping[str, Any]) -> Answered:
    question = replace(question, fields=tuple(fields), options={})
    ordered = {key: item[key] for key in _keys(question).values() if key in item}
    return Answered(kind, question, ({"n": question.chunk.number, **ordered},))
