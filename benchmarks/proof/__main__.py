"""Count the accepted wrong answers and the rejected right answers of a model that repeats its
answer when it is asked again. The wrong answers have true quotes.

    python -m benchmarks.proof [FILE ...] [--sure 0.85] [--show KIND]

Each line of a file (by default, the files beside this module) contains a registry text and an
answer about it, in the form in which a model writes answers. The whole program extracts the text
with a model that gives this answer. For each type of value, prints how many wrong answers are
accepted, how many of them with at least the confidence ``--sure``, and how many right answers are
refused. ``--show`` also prints the wrongly judged cases of one kind, or of "all" kinds. Raises
``ValueError`` if a wrong answer is unreadable.
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from benchmarks.adversarial.__main__ import (
    Given,
    agree,
    list_given,
    make_study,
    to_forms,
)
from benchmarks.data import Row, format_table, parse_options, read_lines, read_studies
from extractor.assembly.check import UnreadableValue
from extractor.measures.names import fold_words
from extractor.model.asking.reply_models import FORMS, Item
from extractor.model.calls import Call
from extractor.model.client import Route
from extractor.model.completions import Completion, Ending
from extractor.schemas import TrialExtraction
from extractor.schemas.vocabulary import DOUBTFUL_BELOW
from extractor.setup import Setup

FILES = sorted(Path(__file__).parent.glob("*.jsonl"))
"""The files of cases that are read unless others are named."""
_LINE = re.compile(r"^ *\[(\d+)(?:\|([^|\]]*))?(?:\|[^\]]*)?\] (.*)$", re.MULTILINE)
"""A line of a request: its number, what is asked, or nothing for a place of the text, and its text."""
_CRITERION = ("ok", "list", "cat", "limits", "windows", "min", "max")
_OUTCOME = ("concept", "domain", "span", "times")
_KEYS = {
    "limits": ("constraint", "constraints"),
    "window": ("time_window", "time_windows"),
    "min": ("minimum_age", "minimum_age"),
    "max": ("maximum_age", "maximum_age"),
    "times": ("time_point", "time_points"),
    "dose": ("amount", "amounts"),
    "freq": ("frequency", "frequency"),
    "route": ("route", "route"),
    "for": ("duration", "duration"),
    "cycle": ("cycle", "cycle"),
}
"""For each key in the model's replies, the name of its field in the counts and in a reply item."""
_REGIMEN = ("agent", "quote", "dose", "arms", "freq", "route", "for", "cycle")
_SHOWN = ("section", "lead_in", "text", "measure", "time_frame", "agent", "quote")
_PLAIN = {
    "ok": True,
    "cat": "other",
    "concept": "other",
    "domain": "other",
    "span": "at",
}


class Verdict(NamedTuple):
    """A value in an answer, and its confidence in the result: None if it was not accepted."""

    case: Row
    field: str
    value: Any
    confidence: float | None

    @property
    def is_wrong(self) -> bool:
        """Whether a wrong value was accepted or a right value was refused."""
        return self.case["right"] is (self.confidence is None)


class Stubborn:
    """A model that gives the answer of a case whenever it is asked about the case's line."""

    def __init__(self, case: Row) -> None:
        words = case.get("text") or case.get("measure") or case["answer"]["quote"]
        self._start = _fold(words.split("\n")[0])[:40]
        of_list = {"list": case.get("list", "in")[:2]}
        self._answer = _PLAIN | of_list | _write_windows(case["answer"])
        self._is_regimen = case["task"] == "dosing"

    def answer(self, call: Call) -> Completion:
        """Return the answer to a call."""
        items = []
        for number, asked, text in _LINE.findall(call.user):
            if self._start not in _fold(text):
                continue
            keys: Sequence[str] = _CRITERION
            if asked == "outcome":
                keys = _OUTCOME
            if self._is_regimen:
                keys = _REGIMEN
            known = {key: self._answer[key] for key in keys if key in self._answer}
            items.append({"n": int(number)} | known)
        text = json.dumps({"items": items[:1] if self._is_regimen else items})
        return Completion(text, Ending.COMPLETE, model="stubborn")


def _fold(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Print the table, and cases on request."""
    chosen = parse_options(__doc__, "files*", sure=DOUBTFUL_BELOW, show=str)
    cases: list[Row] = []
    for path in chosen.files or FILES:
        cases += read_lines(path)
    verdicts = asyncio.run(judge(cases))
    print(format_counts(verdicts, chosen.sure))
    for verdict in verdicts:
        is_shown = chosen.show in ("all", verdict.case["kind"])
        if is_shown and verdict.is_wrong:
            print(_describe(verdict))


def _describe(verdict: Verdict) -> str:
    """Return a description of what became of a value, with its case."""
    case = verdict.case
    shown = case | case["answer"]
    text = " | ".join(str(shown[key]) for key in _SHOWN if shown.get(key))
    fate = "refused"
    if verdict.confidence is not None:
        fate = f"accepted, {verdict.confidence:.2f}"
    head = f"{case['id']} ({case['kind']}) {verdict.field} {fate}"
    return f"{head}: {verdict.value}\n    {text}"


async def judge(cases: Sequence[Row]) -> list[Verdict]:
    """Extract each text with the answer of its case, and look for the values in the result."""
    found = await extract_cases(cases)
    return [
        verdict for case, extraction in found for verdict in _judge(case, extraction)
    ]


async def extract_cases(cases: Sequence[Row]) -> list[tuple[Row, TrialExtraction]]:
    """Extract the text of each case with a model that gives its answer."""
    records = read_studies(map(_make_study, count(), cases))
    found = []
    for case, record in zip(cases, records, strict=True):
        setup = Setup("http://stubborn.invalid/v1#stubborn", effort="full")
        async with setup.open(route=Route(answer=Stubborn(case).answer)) as extract:
            found.append((case, await extract(record)))
    return found


def _make_study(number: int, case: Row) -> Row:
    """Return a registry record for a case, with arms and interventions if the case is about a dose."""
    if "arms" not in case:
        return make_study(number, case)
    study = make_study(number, {"task": ""})
    protocol = study["protocolSection"]
    given = {"armGroups": case["arms"], "interventions": case["interventions"]}
    protocol["armsInterventionsModule"] = given
    if case.get("summary"):
        protocol["descriptionModule"] = {"briefSummary": case["summary"]}
    return study


def _judge(case: Row, extraction: TrialExtraction) -> Iterator[Verdict]:
    """Yield the verdict on each value of a case's answer."""
    if case["task"] == "dosing":  # the same dose of another agent does not count
        agent = case["answer"]["agent"]
        regimens = [
            regimen
            for regimen in extraction.dosing
            if agree("agent", regimen.agent, agent)
        ]
        extraction = extraction.model_copy(update={"dosing": tuple(regimens)})
    if "part" in case:
        (window,) = read_answer(_write_windows(case["answer"])).time_windows
        words = getattr(window, case["part"])
        confidence = _find_part(extraction, case["part"], words)
        yield Verdict(case, case["part"], words, confidence)
        return
    given = list(list_given(extraction))
    for key, value in _list_claimed(case):
        field = _KEYS[key][0]
        of_field = [held for held in given if held.field == field]
        confidence = _find_confidence(case, value, of_field)
        yield Verdict(case, field, value, confidence)


def _find_part(extraction: TrialExtraction, name: str, words: str) -> float | None:
    """Return the confidence of a part of a time window; None if no window has it in these words."""
    for criterion in extraction.eligibility.criteria:
        for at, window in enumerate(criterion.time_windows):
            found = getattr(window, name)
            if found and fold_words(found) == fold_words(words):
                (piece,) = criterion.evidence_for(f"time_windows[{at}].{name}")
                return piece.confidence
    return None


def _find_confidence(case: Row, value: Any, given: Sequence[Given]) -> float | None:
    """Return the lowest confidence of a value's forms in a result; None if a form is missing."""
    confidences: list[float] = []
    for form in to_forms(value):
        same = [held.confidence for held in given if _is_same(case, held, form)]
        if not same:
            return None
        confidences.append(max(same))
    return min(confidences)


def _is_same(case: Row, given: Given, claimed: Any) -> bool:
    """Return whether a value is the claimed value. A wrong limit must be on the same quantity."""
    is_wrong_limit = given.field == "constraint" and not case["right"]
    if is_wrong_limit and {*fold_words(given.value[0])} != {*fold_words(claimed[0])}:
        return False
    return agree(given.field, given.value, claimed)


def _list_claimed(case: Row) -> Iterator[tuple[str, Any]]:
    """Yield an answer's values by key. Raises ``ValueError`` if a wrong value is unreadable."""
    item = read_answer(_write_windows(case["answer"]))
    for key in [case["field"]] if case["task"] == "dosing" else case["answer"]:
        found = getattr(item, _KEYS[key][1])
        for value in found if isinstance(found, tuple) else (found,):
            if not isinstance(value, UnreadableValue):
                yield key, value
            elif not case["right"]:
                raise ValueError(f"{key}: {value.text!r} is not readable")
            else:  # a right answer that is not readable
                yield key, value.text


def read_answer(answer: Row) -> SimpleNamespace:
    """Return the values of a reply item by field."""
    values = {}
    item = Item.model_validate({"n": 1} | answer)
    for forms in FORMS.values():
        for name, form in forms.items():
            values[name] = form.missing
            if form.key in item.model_fields_set:
                values[name] = getattr(item, form.key)
    return SimpleNamespace(**values)


def _write_windows(answer: Row) -> Row:
    """Return an answer in today's form, in which time windows are a list."""
    return answer | {"windows": [answer["window"]]} if "window" in answer else answer


def format_counts(verdicts: Sequence[Verdict], sure: float) -> str:
    """Format a line per field: wrong answers, the accepted ones, and those accepted with a high
    confidence; right answers, and the refused ones.
    """
    by_field: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_field[verdict.field].append(verdict)
    by_field["all"] = list(verdicts)
    rows = [[field, *_count(of_field, sure)] for field, of_field in by_field.items()]
    columns = ("field", "wrong", "accepted", f">={sure:g}", "right", "refused")
    return format_table(columns, rows)


def _count(verdicts: Sequence[Verdict], sure: float) -> list[int]:
    """Return the figures of a line."""
    wrong = [verdict for verdict in verdicts if not verdict.case["right"]]
    right = [verdict for verdict in verdicts if verdict.case["right"]]
    accepted = [verdict for verdict in wrong if verdict.is_wrong]
    certain = [verdict for verdict in accepted if (verdict.confidence or 0) >= sure]
    refused = [verdict for verdict in right if verdict.is_wrong]
    return [len(wrong), len(accepted), len(certain), len(right), len(refused)]


if __name__ == "__main__":
    main()
