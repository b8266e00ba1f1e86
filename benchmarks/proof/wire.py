"""Values of gold in the form in which a model writes them."""

from typing import Any

from benchmarks.data import Row
from extractor.concepts.own.value_forms import show_value
from extractor.schemas import Amount, GroupRule, Period, TrialRecord

GROUPS = ("arms", "interventions")
REGIMEN = {
    "dose": "amounts",
    "freq": "frequency",
    "route": "route",
    "for": "duration",
    "cycle": "cycle",
}
"""The fields of a regimen by their keys."""


def write_limit(limit: Row) -> str:
    """Write a limit without its condition.

    >>> write_limit(
    ...     {"quantity": "ECOG", "comparator": "between", "value": 0, "value_high": 2}
    ... )
    'ECOG: 0-2'
    """
    high = limit.get("value_high")
    number = (
        f"{limit['comparator']} {limit['value']}"
        if high is None
        else f"{limit['value']}-{high}"
    )
    return f"{limit['quantity']}: {number} {limit.get('unit') or ''}".rstrip()


def write_window(window: Row) -> str:
    """Write a time window with what it limits and what it is counted from.

    >>> write_window(
    ...     {
    ...         "quote": "for 3 days",
    ...         "comparator": ">=",
    ...         "value": 3,
    ...         "unit": "day",
    ...         "of": "fever",
    ...     }
    ... )
    'for 3 days | >= 3 day | fever'
    """
    high = window.get("value_high")
    number = (
        f"{window['comparator']} {window['value']}"
        if high is None
        else f"{window['value']}-{high}"
    )
    parts = (
        window["quote"],
        f"{number} {window['unit']}",
        window.get("of") or "",
        window.get("anchor") or "",
    )
    return " | ".join(parts).rstrip(" |")


def write_rule(group: Row) -> str:
    """Write how many items of a group must hold.

    >>> (
    ...     write_rule({"rule": "any"}),
    ...     write_rule({"rule": "at_least", "n": 2, "n_high": 4}),
    ... )
    ('any', '2-4')
    """
    if group["rule"] != GroupRule.AT_LEAST:
        return str(group["rule"])
    return f"{group['n']}-{group['n_high']}" if group.get("n_high") else str(group["n"])


def write_regimen(regimen: Row) -> Row:
    """Write a regimen without its arms."""
    answer = {
        key: spell(regimen[name]) for key, name in REGIMEN.items() if regimen.get(name)
    }
    return {"agent": regimen["agent"], "quote": regimen["quote"]} | answer


def spell(value: Any) -> Any:
    """Write the value of a field of a regimen."""
    if isinstance(value, list):
        return [show_value(Amount.model_validate(one | {"arms": ()})) for one in value]
    return (
        show_value(Period.model_validate(value)) if isinstance(value, dict) else value
    )


def copy_arms(record: TrialRecord) -> Row:
    """Return a case about doses with the arms and interventions of a record."""
    parts = {
        one.name: {part.name: one.text[part.start : part.end] for part in one.parts}
        for one in record.sections
    }
    return {"task": "dosing"} | {
        kind: [parts[name] for name in parts if name.startswith(kind)]
        for kind in GROUPS
    }
