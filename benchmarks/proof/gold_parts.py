"""Cases from the parts of gold's values, and the same with the part of a value beside them.

Gold without such parts yields no cases.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from benchmarks.data import Row
from extractor.apps.evaluation.text import share_words
from extractor.schemas import TrialRecord

from .wire import (
    GROUPS,
    copy_arms,
    spell,
    write_limit,
    write_regimen,
    write_rule,
    write_window,
)

_LONGEST_TEXT = 600
_TURNED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}


def make_part_cases(record: TrialRecord, gold: Row) -> Iterator[Row]:
    """Yield a case for each part of a value of gold, and for each way to falsify it by what
    stands beside it.
    """
    people = gold.get("eligibility", {})
    criteria = people.get("criteria", ())
    made = chain(
        chain.from_iterable(map(_make_conditions, criteria)),
        chain.from_iterable(map(_make_windows, criteria)),
        chain.from_iterable(
            _make_rules(group, criteria) for group in people.get("groups", ())
        ),
        _make_arms(record, gold.get("dosing", ())),
    )
    yield from (
        case | {"id": record.record_id, "right": case["kind"].startswith("gold")}
        for case in made
    )


def _make_base(criterion: Row, words: Sequence[str | None]) -> Row | None:
    """Return a case of a criterion, with its introducing line if some words stand there; None if
    it is too long.
    """
    text = _join(criterion["quote"])
    base = {"task": "eligibility", "list": criterion["kind"], "text": text}
    if criterion.get("lead_in") and any(
        one and _join(one) not in text for one in words
    ):
        base["lead_in"] = _join(criterion["lead_in"])
    return base if len(text) <= _LONGEST_TEXT else None


def _join(words: str | None) -> str:
    return " ".join((words or "").split())


def _make_conditions(criterion: Row) -> Iterator[Row]:
    limits = criterion.get("constraints", ())
    conditions = [_join(limit.get("condition")) for limit in limits]
    base = _make_base(criterion, ()) if any(conditions) else None
    if base is None:
        return
    for at, own in enumerate(conditions):
        told = [("gold condition", own), ("condition dropped", "")][: 2 if own else 1]
        other = next(
            (one for one in conditions if one and not (own and share_words(one, own))),
            None,
        )
        told += [("another limit's condition", other)] if other else []
        for kind, condition in told:
            said = [*conditions[:at], condition, *conditions[at + 1 :]]
            written = [
                write_limit(one) + (f" @ {its}" if its else "")
                for one, its in zip(limits, said, strict=True)
            ]
            yield (
                base
                | _judge_one("condition", at, own)
                | {"kind": kind, "answer": {"limits": written}}
            )


def _judge_one(field: str, at: int, said: Any) -> Row:
    return {"field": field, "at": at} | ({"said": said} if said else {})


def _make_windows(criterion: Row) -> Iterator[Row]:
    windows = criterion.get("time_windows", ())
    words = [one.get(name) for one in windows for name in ("quote", "of", "anchor")]
    base = _make_base(criterion, words) if windows else None
    if base is None:
        return
    for at, window in enumerate(windows):
        turned = _TURNED.get(window["comparator"])
        told: list[tuple[str, str, Row]] = [("gold windows", "windows", {})]
        told += [("sense turned", "windows", {"comparator": turned})] if turned else []
        for field in ("of", "anchor"):
            own = window.get(field)
            others = [one.get(field) for one in windows]
            other = next(
                (one for one in others if one and not (own and share_words(one, own))),
                None,
            )
            told += [(f"gold {field}", field, {})]
            told += (
                [(f"another window's {field}", field, {field: other})] if other else []
            )
        for kind, field, changes in told:
            said = [*windows[:at], window | changes, *windows[at + 1 :]]
            answer = {"windows": [_join(write_window(one)) for one in said]}
            yield (
                base
                | _judge_one(field, at, window.get(field))
                | {"kind": kind, "answer": answer}
            )


def _make_rules(group: Row, criteria: Sequence[Row]) -> Iterator[Row]:
    items = [one for one in criteria if one.get("group") == group["id"]]
    line = _join(group.get("lead_in"))
    if not line or len(items) < 2:
        return
    listed = "".join(f"\n  * {_join(one['quote'])}" for one in items)
    is_criterion = any(_join(one["quote"]) == line for one in criteria)
    own = write_rule(group)
    base = {
        "task": "eligibility",
        "list": items[0]["kind"],
        "text": line,
        "field": "rule",
        "said": own,
    }
    base |= {
        "section": f"{items[0]['kind'].capitalize()} Criteria:\n\n* {line}\n{listed}"
    }
    yield base | {"kind": "gold rule", "answer": {"ok": is_criterion, "rule": own}}
    others = {"any": ["all"], "all": ["any"]}.get(own) or ["any", str(group["n"] + 1)]
    for other in others:
        yield base | {
            "kind": "another rule",
            "answer": {"ok": is_criterion, "rule": other},
        }


def _make_arms(record: TrialRecord, regimens: Sequence[Row]) -> Iterator[Row]:
    base = _link_arms(record)
    numbers = {
        one["label"]: number
        for number, one in enumerate(base["arms"], 1)
        if "label" in one
    }

    def number(labels: Sequence[str]) -> list[int]:
        return [numbers[label] for label in labels if label in numbers]

    for regimen in regimens:
        own = number(regimen.get("arms") or ())
        amounts = regimen.get("amounts", ())
        if not own or not regimen["section"].startswith(GROUPS):
            continue
        its = [number(one.get("arms") or ()) for one in amounts]
        answer = write_regimen(regimen) | {"arms": own}
        if amounts:
            answer["dose"] = _write_doses(amounts, its)
        yield base | {
            "kind": "gold arms",
            "answer": answer,
            "field": "arms",
            "said": own,
        }
        others = (number(one.get("arms") or ()) for one in regimens)
        if other := next((one for one in others if {*one} - {*own}), None):
            changed = answer | {"arms": other}
            yield base | {
                "kind": "another regimen's arms",
                "answer": changed,
                "field": "arms",
                "said": own,
            }
        for at, arms in enumerate(its):
            of_amount = base | _judge_one("dose_arms", at, arms)
            if arms:
                yield of_amount | {"kind": "gold dose_arms", "answer": answer}
            if other := next((one for one in its if arms and {*one} - {*arms}), None):
                swapped = _write_doses(
                    amounts,
                    [
                        other if one == arms else arms if one == other else one
                        for one in its
                    ],
                )
                yield of_amount | {
                    "kind": "another amount's arms",
                    "answer": answer | {"dose": swapped},
                }


def _link_arms(record: TrialRecord) -> Row:
    """Return a case with the arms of a record, its interventions with their links to these, and
    its summary.
    """
    base = copy_arms(record)
    for place, one in enumerate(base["interventions"]):
        linked = map(
            record.section, record.registry.arm_links.get(f"interventions[{place}]", ())
        )
        one["armGroupLabels"] = [section.part("label") for section in linked if section]
    summary = record.raw_text("brief_summary")
    return base | ({"summary": summary} if summary else {})


def _write_doses(amounts: Sequence[Row], arms: Sequence[Sequence[int]]) -> list[str]:
    written = spell(list(amounts))
    return [
        f"{one} @ {','.join(map(str, its))}" if its else one
        for one, its in zip(written, arms, strict=True)
    ]
