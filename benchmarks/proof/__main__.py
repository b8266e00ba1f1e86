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
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.adversarial.__main__ import agree, list_given, make_study, to_forms
from benchmarks.data import Row, format_table, parse_options, read_lines, read_studies
from extractor.assembly.check import UnreadableValue
from extractor.concepts.limits.quantity_names import fold_words
from extractor.formats import read_records
from extractor.model.asking.reply_models import Reply
from extractor.model.calls import Call
from extractor.model.completions import Completion, Ending
from extractor.model.metering import Answerer, Requests
from extractor.model.opening import Route
from extractor.run.setup import Setup
from extractor.schemas import Support, TrialExtraction, TrialRecord

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


class Stubborn(Answerer):
    """Answers the line of a case, however often it is asked."""

    def __init__(self, case: Row) -> None:
        words = case.get("text") or case.get("measure") or case["answer"]["quote"]
        self._start = " ".join(words.split("\n")[0].split())[:40]
        self._answer = (
            _PLAIN
            | {"list": case.get("list", "in")[:2]}
            | _write_windows(case["answer"])
        )
        self._is_regimen = case["task"] == "dosing"

    async def __call__(
        self,
        call: Call,
        most: int,  # noqa: ARG002 - it sends none
        requests: Requests,  # noqa: ARG002 - it sends none
    ) -> tuple[Completion, int]:
        lines = (found.groups() for found in _LINE.finditer(call.user))
        items = [
            {"n": int(number)}
            | {
                key: self._answer[key]
                for key in self._list_keys(keys)
                if key in self._answer
            }
            | self._people(keys)
            for number, keys, _, text in lines
            if self._start in " ".join(text.split())
        ]
        if self._is_regimen:
            items = items[:1]
        return Completion(
            json.dumps({"items": items}), Ending.COMPLETE, model="stubborn"
        ), 1

    def _list_keys(self, keys: str) -> list[str]:
        return (
            ["agent", "quote", "dose", "arms", "freq", "route", "for", "cycle"]
            if self._is_regimen
            else keys.split()
        )

    def _people(self, keys: str) -> Row:
        asked = ("min", "max") if "people" in keys.split() else ()
        return {key: self._answer[key] for key in asked if key in self._answer}


def main() -> None:
    """Print the table, and cases on request."""
    chosen = parse_options(
        __doc__, "files*", records=[Path], sure=0.85, show=str, limit=int
    )
    files = chosen.files or sorted(Path(__file__).parent.glob("*.jsonl"))
    cases = [case for path in files for case in read_lines(path)]
    if chosen.records:
        # one that occurs twice counts once
        records = read_records(*chosen.records, on_error=lambda _: None)
        cases = list(islice(make_cases(records), chosen.limit))
    verdicts = asyncio.run(judge(cases))
    print(format_counts(verdicts, chosen.sure))
    for kind in sorted({case["kind"] for case in cases}) if chosen.records else ():
        print(
            f"\n{kind}\n{format_counts([one for one in verdicts if one.case['kind'] == kind], chosen.sure)}"
        )
    for one in verdicts if chosen.show else ():
        if (
            one.bare or one.case["right"] == (one.confidence is None)
        ) and chosen.show in (
            "all",
            one.case["kind"],
        ):
            shown = one.case | one.case["answer"]
            text = " | ".join(str(shown[key]) for key in _SHOWN if shown.get(key))
            stands = (
                ("bare" if one.bare else "lost")
                if one.confidence is None
                else f"stands, {one.confidence:.2f}, {one.support}"
            )
            print(
                f"{one.case['id']} ({one.case['kind']}) {one.field} {stands}: {one.value}\n    "
                f"{text}"
            )


async def judge(cases: Sequence[Row]) -> list[Verdict]:
    """Extract each text with the answer of its case, and find the answer's values in the result."""
    pairs = zip(cases, read_studies(map(_make_study, count(), cases)), strict=True)
    return [
        verdict
        for case, record in pairs
        for verdict in _judge(case, await _extract(case, record))
    ]


def _make_study(number: int, case: Row) -> Row:
    """Return a registry's record of a case; one about a dose has its arms and interventions."""
    if "arms" not in case:
        return make_study(number, case)
    study = make_study(number, {"task": ""})
    given = {"armGroups": case["arms"], "interventions": case["interventions"]}
    study["protocolSection"] |= {"armsInterventionsModule": given}
    if case.get("summary"):
        study["protocolSection"]["descriptionModule"] = {
            "briefSummary": case["summary"]
        }
    return study


async def _extract(case: Row, record: TrialRecord) -> TrialExtraction:
    setup = Setup("http://stubborn.invalid/v1#stubborn", effort="all")
    async with setup.open(route=Route(answerer=lambda: Stubborn(case))) as extract:
        return await extract(record)


def _judge(case: Row, extraction: TrialExtraction) -> Iterator[Verdict]:
    if case.get("field") in PARTS:
        for value, part, bare in follow_parts(case, _read_answer(case), extraction):
            evidence = part.find_evidence() if part else ()
            sure = (
                min((one.confidence or 0 for one in evidence), default=0.0)
                if part
                else None
            )
            yield Verdict(
                case,
                case["field"],
                value,
                sure,
                evidence[0].support if evidence else None,
                bare,
            )
        return
    if case["task"] == "dosing":  # the same dose of another agent is not this one
        own = [
            one
            for one in extraction.dosing
            if agree("agent", one.agent, case["answer"]["agent"])
        ]
        extraction = extraction.model_copy(update={"dosing": tuple(own)})
    given = list(list_given(extraction))
    for field, value in _list_claimed(case):
        held = [
            [
                one
                for one in given
                if one.field == field and _is_same(case, field, one.value, form)
            ]
            for form in to_forms(value)
        ]
        if not all(held):
            yield Verdict(case, field, value, None, None)
            continue
        confidence = min(max(one.confidence for one in found) for found in held)
        yield Verdict(
            case, field, value, confidence, _find_support(field, value, extraction)
        )


def _is_same(case: Row, field: str, given: Any, claimed: Any) -> bool:
    """Return whether a value is the claimed one. A wrong limit must be one of the same quantity."""
    if (
        field == "constraint"
        and not case["right"]
        and {*fold_words(given[0])} != {*fold_words(claimed[0])}
    ):
        return False
    return agree(field, given, claimed)


def _list_claimed(case: Row) -> Iterator[tuple[str, Any]]:
    """Yield the values of a case's answer, by field. Raises ``ValueError`` for one in no
    readable form.
    """
    item = _read_answer(case)
    for key in [case["field"]] if case["task"] == "dosing" else case["answer"]:
        field, name = _KEYS[key]
        found = getattr(item, name)
        for value in found if isinstance(found, tuple) else (found,):
            if not isinstance(value, UnreadableValue):
                yield field, value
            elif not case["right"]:
                raise ValueError(value.reason)
            else:  # a right answer in a form that is not read
                yield field, value.text


def _read_answer(case: Row) -> Any:
    item = Reply.model_validate(
        {"items": [{"n": 1} | _write_windows(case["answer"])]}
    ).items[0]
    if isinstance(item, UnreadableValue):
        raise ValueError(item.reason)  # noqa: TRY004 - all that is wrong with a case is a ValueError
    return item


def _write_windows(answer: Row) -> Row:
    """Return an answer in today's form, which has a list of windows."""
    return answer | {"windows": [answer["window"]]} if "window" in answer else answer


def _find_support(
    field: str, value: Any, extraction: TrialExtraction
) -> Support | None:
    """Return the support of the evidence of this value."""
    name = next(name for key, name in _KEYS.values() if key == field)
    for _, item in extraction.list_items():
        found = getattr(item, name, None)
        for place, one in enumerate(
            found if isinstance(found, tuple) else () if found is None else (found,)
        ):
            if one is not None and all(
                any(agree(field, a, b) for a in to_forms(one)) for b in to_forms(value)
            ):
                start = f"{name}[{place}]" if isinstance(found, tuple) else name
                return next(
                    (e.support for e in item.evidence if e.field.startswith(start)),
                    None,
                )
    return None


def format_counts(verdicts: Sequence[Verdict], sure: float) -> str:
    """Format a line per field: wrong answers, those that stand, surely, and as proven; right
    ones, and those lost.
    """
    rows = []
    for field in [*dict.fromkeys(one.field for one in verdicts), "all"]:
        those = [one for one in verdicts if field in (one.field, "all")]
        wrong, right = (
            [one for one in those if one.case["right"] is kind]
            for kind in (False, True)
        )
        stand = [one for one in wrong if one.confidence is not None]
        certain = sum((one.confidence or 0) >= sure for one in stand)
        proven = sum(one.support in _PROVEN for one in stand)
        lost = sum(one.confidence is None for one in right)
        bare = (sum(one.bare for one in each) for each in (wrong, right))
        rows.append(
            (
                field,
                len(wrong),
                len(stand),
                certain,
                proven,
                next(bare),
                len(right),
                lost,
                next(bare),
            )
        )
    return format_table(
        (
            "field",
            "wrong",
            "stand",
            f">={sure:g}",
            "proven",
            "bare",
            "right",
            "lost",
            "bare",
        ),
        rows,
    )


if __name__ == "__main__":
    main()
