"""Cases from the parts of gold's values, and the same with the part of a value beside them.

Gold without such parts yields no cases.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """Yield answers with the conditions of limits: gold's, without one, with another limit's."""
    limits = criterion.get("constraints", ())
    conditions = [_join(limit.get("condition")) for limit in limits]
    base = _make_base(criterion, ()) if any(conditions) else None
    if base is None:
        return
    for at, own in enumerate(conditions):
        told = [("gold condition", own)]
        if own:
            told.append(("condition dropped", ""))
        other = _find_other(conditions, own)
        if other:
            told.append(("another limit's condition", other))
        for kind, condition in told:
            changed = [*conditions[:at], condition, *conditions[at + 1 :]]
            written = list(map(_write_conditional, limits, changed))
            judged = _judge_one("condition", at, own)
            yield base | judged | {"kind": kind, "answer": {"limits": written}}


def _write_conditional(limit: Row, condition: str) -> str:
    written = write_limit(limit)
    return f"{written} @ {condition}" if condition else written


def _find_other(listed: Sequence[str | None], own: str | None) -> str | None:
    """Return the first words of a list that share none with ``own``, None if there are none."""
    for words in listed:
        if words and not (own and share_words(words, own)):
            return words
    return None


def _judge_one(field: str, at: int, said: Any) -> Row:
    return {"field": field, "at": at} | ({"said": said} if said else {})


def _make_windows(criterion: Row) -> Iterator[Row]:
    """Yield answers with the windows of a criterion: gold's, with the sense turned, with the words
    of another window.
    """
    windows = criterion.get("time_windows", ())
    words: list[str | None] = []
    for window in windows:
        words += [window.get(name) for name in ("quote", "of", "anchor")]
    base = _make_base(criterion, words) if windows else None
    if base is None:
        return
    for at, window in enumerate(windows):
        for kind, field, changes in _list_changes(window, windows):
            changed = [*windows[:at], window | changes, *windows[at + 1 :]]
            answer = {"windows": [_join(write_window(told)) for told in changed]}
            judged = _judge_one(field, at, window.get(field))
            yield base | judged | {"kind": kind, "answer": answer}


def _list_changes(
    window: Row, windows: Sequence[Row]
) -> Iterator[tuple[str, str, Row]]:
    """Yield what is told of a window: the kind of the case, the field that it judges, and what
    differs from gold.
    """
    yield "gold windows", "windows", {}
    turned = _TURNED.get(window["comparator"])
    if turned:
        yield "sense turned", "windows", {"comparator": turned}
    for field in ("of", "anchor"):
        yield f"gold {field}", field, {}
        listed = [other.get(field) for other in windows]
        other = _find_other(listed, window.get(field))
        if other:
            yield f"another window's {field}", field, {field: other}


def _make_rules(group: Row, criteria: Sequence[Row]) -> Iterator[Row]:
    """Yield answers with the rule of a group: gold's, and another."""
    items = [item for item in criteria if item.get("group") == group["id"]]
    line = _join(group.get("lead_in"))
    if not line or len(items) < 2:
        return
    listed = "".join(f"\n  * {_join(item['quote'])}" for item in items)
    is_criterion = any(_join(item["quote"]) == line for item in criteria)
    own = write_rule(group)
    kind = items[0]["kind"]
    base = {
        "task": "eligibility",
        "list": kind,
        "text": line,
        "field": "rule",
        "said": own,
        "section": f"{kind.capitalize()} Criteria:\n\n* {line}\n{listed}",
    }
    yield base | {"kind": "gold rule", "answer": {"ok": is_criterion, "rule": own}}
    if own == "any":
        others = ["all"]
    elif own == "all":
        others = ["any"]
    else:
        others = ["any", str(group["n"] + 1)]
    for other in others:
        answer = {"ok": is_criterion, "rule": other}
        yield base | {"kind": "another rule", "answer": answer}


def _make_arms(record: TrialRecord, regimens: Sequence[Row]) -> Iterator[Row]:
    """Yield answers with the arms of regimens and of their amounts: gold's, and those of others."""
    base = _link_arms(record)
    numbers = {}
    for number, arm in enumerate(base["arms"], 1):
        if "label" in arm:
            numbers[arm["label"]] = number
    arms_of_all = [_number_arms(regimen, numbers) for regimen in regimens]
    for regimen, own in zip(regimens, arms_of_all, strict=True):
        if not own or not regimen["section"].startswith(GROUPS):
            continue
        amounts = regimen.get("amounts", ())
        arms_of_amounts = [_number_arms(amount, numbers) for amount in amounts]
        answer = write_regimen(regimen) | {"arms": own}
        if amounts:
            answer["dose"] = _write_doses(amounts, arms_of_amounts)
        judged = {"field": "arms", "said": own}
        yield base | {"kind": "gold arms", "answer": answer, **judged}
        other = _find_other_arms(arms_of_all, own)
        if other:
            changed = answer | {"arms": other}
            yield base | {"kind": "another regimen's arms", "answer": changed, **judged}
        for case in _list_doses(amounts, arms_of_amounts, answer):
            yield base | case


def _number_arms(item: Row, numbers: Mapping[str, int]) -> list[int]:
    """Return the numbers of the arms of a regimen or an amount, of those that have one."""
    labels = item.get("arms") or ()
    return [numbers[label] for label in labels if label in numbers]


def _find_other_arms(
    listed: Iterable[Sequence[int]], own: Sequence[int]
) -> Sequence[int] | None:
    """Return the first arms of a list of which one is not among its ``own``."""
    for arms in listed:
        if {*arms} - {*own}:
            return arms
    return None


def _list_doses(
    amounts: Sequence[Row], arms_of_amounts: Sequence[Sequence[int]], answer: Row
) -> Iterator[Row]:
    """Yield what is told of the arms of each amount: gold's, and those of another amount in their
    place.
    """
    for at, arms in enumerate(arms_of_amounts):
        if not arms:
            continue
        judged = _judge_one("dose_arms", at, arms)
        yield judged | {"kind": "gold dose_arms", "answer": answer}
        other = _find_other_arms(arms_of_amounts, arms)
        if not other:
            continue
        swapped = []
        for listed in arms_of_amounts:
            if listed == arms:
                swapped.append(other)
            elif listed == other:
                swapped.append(arms)
            else:
                swapped.append(listed)
        changed = answer | {"dose": _write_doses(amounts, swapped)}
        yield judged | {"kind": "another amount's arms", "answer": changed}


def _link_arms(record: TrialRecord) -> Row:
    """Return a case with the arms of a record, its interventions with their links to these, and
    its summary.
    """
    base = copy_arms(record)
    for position, intervention in enumerate(base["interventions"]):
        labels = []
        for name in record.registry.arm_links.get(f"interventions[{position}]", ()):
            section = record.section(name)
            if section:
                labels.append(section.part("label"))
        intervention["armGroupLabels"] = labels
    summary = record.raw_text("brief_summary")
    return base | {"summary": summary} if summary else base


def _write_doses(amounts: Sequence[Row], arms: Sequence[Sequence[int]]) -> list[str]:
    """Write amounts as a model does, each with the numbers of its arms."""
    doses = []
    for dose, numbers in zip(spell(list(amounts)), arms, strict=True):
        doses.append(f"{dose} @ {','.join(map(str, numbers))}" if numbers else dose)
    return doses
