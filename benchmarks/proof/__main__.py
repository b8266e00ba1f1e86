"""Count the answers of a model that stays with them: wrong ones with true quotes that stand, right
ones that do not.

    python -m benchmarks.proof [FILE ...] [--records INPUT ...] [--sure 0.85] [--show KIND] [--limit
    N]

Each line of a file (by default those beside this file) is a text as a registry would hold it and an
answer about it, in the form in which a model writes. The whole program extracts the text with a
model that gives this answer, and gives it again when it is asked once more. By type of value: how
many wrong answers stand, how many of them with at least the confidence ``--sure`` and how many as
parsed or literal, and how many right answers are refused, left out or changed. Of parts of values
(``parts.py``), also how many stand bare: without the part that the text gives them. With
``--records``, the cases are the values of gold, and what stands beside them in their lines: see
``gold.py``. ``--show`` prints cases by kind, or of "all". Raises ``ValueError`` for an answer in no
readable form.
"""

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import count, islice
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
from extractor.formats import read_records
from extractor.measures.names import fold_words
from extractor.model.asking.answers import read_field
from extractor.model.asking.reply_models import FORMS
from extractor.model.calls import Call
from extractor.model.client import Route
from extractor.model.completions import Completion, Ending
from extractor.schemas import Support, TrialExtraction, TrialRecord
from extractor.setup import Setup

from .gold import make_cases
from .parts import PARTS, follow_parts

_LINE = re.compile(r"^\[(\d+)\|([^|\]]*)(?:\|([^\]]*))?\] (.*)$", re.MULTILINE)
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
"""The field of a key of the wire form: its name in counts, and in a reply."""
_REGIMEN = ("agent", "quote", "dose", "arms", "freq", "route", "for", "cycle")
_SHOWN = ("section", "lead_in", "text", "measure", "time_frame", "agent", "quote")
_PLAIN = {
    "ok": True,
    "cat": "other",
    "concept": "other",
    "domain": "other",
    "span": "at",
}
_PROVEN = (Support.LITERAL, Support.PARSED)


class Verdict(NamedTuple):
    """What became of one value of an answer: it stands, with a confidence and a kind of support, or
    it does not.

    ``bare``: the value stands without a part that the text gives it.
    """

    case: Row
    field: str
    value: Any
    confidence: float | None
    support: Support | None
    bare: bool = False

    @property
    def is_wrong(self) -> bool:
        """Whether a wrong value stands, a right one does not, or any stands bare."""
        is_lost = self.confidence is None
        return self.bare or self.case["right"] is is_lost


class Stubborn:
    """Answers the line of a case, however often it is asked."""

    def __init__(self, case: Row) -> None:
        words = case.get("text") or case.get("measure") or case["answer"]["quote"]
        self._start = " ".join(words.split("\n")[0].split())[:40]
        answer = _write_windows(case["answer"])
        self._answer = _PLAIN | {"list": case.get("list", "in")[:2]} | answer
        self._is_regimen = case["task"] == "dosing"

    def answer(self, call: Call) -> Completion:
        """Return the answer to a call."""
        items = []
        for line in _LINE.finditer(call.user):
            number, keys, _, text = line.groups()
            if self._start not in " ".join(text.split()):
                continue
            item: Row = {"n": int(number)}
            for key in self._list_keys(keys):
                if key in self._answer:
                    item[key] = self._answer[key]
            items.append(item)
        if self._is_regimen:
            items = items[:1]
        text = json.dumps({"items": items})
        return Completion(text, Ending.COMPLETE, model="stubborn")

    def _list_keys(self, keys: str) -> list[str]:
        """Return the keys of the answer that a line asks for."""
        asked = keys.split()
        people = ["min", "max"] if "people" in asked else []
        return [*(_REGIMEN if self._is_regimen else asked), *people]


def main() -> None:
    """Print the table, and cases on request."""
    options: dict[str, Any] = {"sure": 0.85, "show": str, "limit": int}
    chosen = parse_options(__doc__, "files*", records=[Path], **options)
    cases: list[Row] = []
    if chosen.records:
        # one that occurs twice counts once
        records = read_records(*chosen.records, on_error=lambda _: None)
        cases = list(islice(make_cases(records), chosen.limit))
    else:
        for path in chosen.files or sorted(Path(__file__).parent.glob("*.jsonl")):
            cases += read_lines(path)
    verdicts = asyncio.run(judge(cases))
    print(format_counts(verdicts, chosen.sure))
    kinds = sorted({case["kind"] for case in cases}) if chosen.records else ()
    for kind in kinds:
        of_kind = [verdict for verdict in verdicts if verdict.case["kind"] == kind]
        print(f"\n{kind}\n{format_counts(of_kind, chosen.sure)}")
    for verdict in verdicts:
        is_shown = chosen.show in ("all", verdict.case["kind"])
        if is_shown and verdict.is_wrong:
            print(_describe(verdict))


def _describe(verdict: Verdict) -> str:
    """Say what became of a value, and show its case."""
    case = verdict.case
    shown = case | case["answer"]
    text = " | ".join(str(shown[key]) for key in _SHOWN if shown.get(key))
    fate = "bare" if verdict.bare else "lost"
    if verdict.confidence is not None:
        fate = f"stands, {verdict.confidence:.2f}, {verdict.support}"
    head = f"{case['id']} ({case['kind']}) {verdict.field} {fate}"
    return f"{head}: {verdict.value}\n    {text}"


async def judge(cases: Sequence[Row]) -> list[Verdict]:
    """Extract each text with the answer of its case, and find the answer's values in the result."""
    records = read_studies(map(_make_study, count(), cases))
    verdicts: list[Verdict] = []
    for case, record in zip(cases, records, strict=True):
        extraction = await _extract(case, record)
        of_parts = case.get("field") in PARTS
        verdicts += (_judge_parts if of_parts else _judge_values)(case, extraction)
    return verdicts


def _make_study(number: int, case: Row) -> Row:
    """Return a registry's record of a case; one about a dose has its arms and interventions."""
    if "arms" not in case:
        return make_study(number, case)
    study = make_study(number, {"task": ""})
    protocol = study["protocolSection"]
    given = {"armGroups": case["arms"], "interventions": case["interventions"]}
    protocol["armsInterventionsModule"] = given
    if case.get("summary"):
        protocol["descriptionModule"] = {"briefSummary": case["summary"]}
    return study


async def _extract(case: Row, record: TrialRecord) -> TrialExtraction:
    setup = Setup("http://stubborn.invalid/v1#stubborn", effort="all")
    async with setup.open(route=Route(answer=Stubborn(case).answer)) as extract:
        return await extract(record)


def _judge_values(case: Row, extraction: TrialExtraction) -> Iterator[Verdict]:
    """Yield what became of the values of a case's answer."""
    if case["task"] == "dosing":  # the same dose of another agent is not this one
        agent = case["answer"]["agent"]
        own = [one for one in extraction.dosing if agree("agent", one.agent, agent)]
        extraction = extraction.model_copy(update={"dosing": tuple(own)})
    given = list(list_given(extraction))
    for key, value in _list_claimed(case):
        field, name = _KEYS[key]
        of_field = [held for held in given if held.field == field]
        confidence = _find_confidence(case, value, of_field)
        support = None
        if confidence is not None:
            support = _find_support(field, name, value, extraction)
        yield Verdict(case, field, value, confidence, support)


def _find_confidence(case: Row, value: Any, given: Sequence[Given]) -> float | None:
    """Return how sure an extraction is of a value: of its forms, of the least sure one. None if it
    lacks one.
    """
    confidences: list[float] = []
    for form in to_forms(value):
        same = [held.confidence for held in given if _is_same(case, held, form)]
        if not same:
            return None
        confidences.append(max(same))
    return min(confidences)


def _is_same(case: Row, given: Given, claimed: Any) -> bool:
    """Return whether a value is the claimed one. A wrong limit must be one of the same quantity."""
    is_wrong_limit = given.field == "constraint" and not case["right"]
    if is_wrong_limit and {*fold_words(given.value[0])} != {*fold_words(claimed[0])}:
        return False
    return agree(given.field, given.value, claimed)


def _find_support(
    field: str, name: str, value: Any, extraction: TrialExtraction
) -> Support | None:
    """Return the support of the evidence of this value."""
    for _, item in extraction.list_items():
        held = getattr(item, name, None)
        if isinstance(held, tuple):
            members = {f"{name}[{at}]": member for at, member in enumerate(held)}
        else:
            members = {} if held is None else {name: held}
        for path, member in members.items():
            if _has_forms(field, member, value):
                found = (one for one in item.evidence if one.field.startswith(path))
                return next((one.support for one in found), None)
    return None


def _has_forms(field: str, held: Any, value: Any) -> bool:
    """Return whether each form of a value is one of another's."""
    for form in to_forms(value):
        if not any(agree(field, other, form) for other in to_forms(held)):
            return False
    return True


def _judge_parts(case: Row, extraction: TrialExtraction) -> Iterator[Verdict]:
    """Yield what became of the parts of values that a case is about."""
    for value, part, bare in follow_parts(case, _read_case(case), extraction):
        evidence = part.find_evidence() if part else ()
        confidence = None
        if part:
            confidence = min((piece.confidence or 0 for piece in evidence), default=0.0)
        support = evidence[0].support if evidence else None
        yield Verdict(case, case["field"], value, confidence, support, bare)


def _list_claimed(case: Row) -> Iterator[tuple[str, Any]]:
    """Yield the values of a case's answer, by key. Raises ``ValueError`` for one in no readable
    form.
    """
    item = _read_case(case)
    for key in [case["field"]] if case["task"] == "dosing" else case["answer"]:
        found = getattr(item, _KEYS[key][1])
        for value in found if isinstance(found, tuple) else (found,):
            if not isinstance(value, UnreadableValue):
                yield key, value
            elif not case["right"]:
                raise ValueError(value.reason)
            else:  # a right answer in a form that is not read
                yield key, value.text


def _read_case(case: Row) -> SimpleNamespace:
    return read_answer(_write_windows(case["answer"]))


def read_answer(answer: Row) -> SimpleNamespace:
    """Return the values of an item as it is written, by field."""
    values = {}
    for forms in FORMS.values():
        for name, form in forms.items():
            values[name] = read_field(name, form, answer)
    return SimpleNamespace(**values)


def _write_windows(answer: Row) -> Row:
    """Return an answer in today's form, which has a list of windows."""
    return answer | {"windows": [answer["window"]]} if "window" in answer else answer


def format_counts(verdicts: Sequence[Verdict], sure: float) -> str:
    """Format a line per field: wrong answers, those that stand, surely, and as proven; right
    ones, and those lost.
    """
    by_field: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_field[verdict.field].append(verdict)
    by_field["all"] = list(verdicts)
    rows = [_count_row(field, group, sure) for field, group in by_field.items()]
    columns = ("field", "wrong", "stand", f">={sure:g}", "proven", "bare")
    return format_table((*columns, "right", "lost", "bare"), rows)


def _count_row(field: str, verdicts: Sequence[Verdict], sure: float) -> list[object]:
    """Return a line of the table of counts: of wrong answers all, those that stand, surely, as
    proven, and bare; of right ones all, those lost, and bare.
    """
    counts: Counter[tuple[bool, str]] = Counter()
    for verdict in verdicts:
        is_right = verdict.case["right"]
        counts[is_right, "all"] += 1
        counts[is_right, "bare"] += verdict.bare
        if verdict.confidence is None:
            counts[is_right, "lost"] += 1
            continue
        counts[is_right, "stand"] += 1
        counts[is_right, "sure"] += verdict.confidence >= sure
        counts[is_right, "proven"] += verdict.support in _PROVEN
    of_wrong = [counts[False, name] for name in ("all", "stand", "sure", "proven")]
    of_right = [counts[True, name] for name in ("all", "lost", "bare")]
    return [field, *of_wrong, counts[False, "bare"], *of_right]


if __name__ == "__main__":
    main()
