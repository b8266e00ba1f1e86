"""What is wrong with a draft, in words for the person who fills in its form."""

import re
from collections.abc import Iterator
from typing import Any

from extractor.apps.evaluation.gold_files import Flaw
from extractor.apps.pages import name_label
from extractor.apps.review.draft import ReviewDraft, ReviewItem
from extractor.apps.review.forms import Form

_OUTCOME = re.compile(r"\b(primary|secondary|other)_outcomes\[(\d+)\]")
_REMEDIES = {
    "is annotated twice": "reject one of the two",
    "is stated twice": "reject one of the two",
    "has no value": "fill one in, or reject the item",
    "is empty": "fill it in, or reject the item",
    "is not annotated": "restore it, or select its words in the text and choose New endpoint",
    "stands in itself": "choose another group within which it is",
}
"""Remedies in terms of the page; the gold check's own remedies refer to files."""
_NOT_FILLED = re.compile(r"^input should be .*, not None$")
_NO_NUMBER = re.compile(r"^input should be a valid (?:number|integer).*, not (.+)$")
_NO_CHOICE = re.compile(r"^input should be ('.+'), not (.+)$")
_POSITION = re.compile(r"\[(\d+)\]")
_GROUP = re.compile(r"'g(\d+)'")
_WORD = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
"""The id of a group of criteria, and a word of the schema; the page has other names for both."""
_GIVEN_BY_PAGE = frozenset({"id"})
"""Parts that a reviewer does not fill in."""


def word_flaw(within: str, flaw: Flaw) -> Flaw:
    """Return a flaw of the gold check as the page says it, with a remedy in terms of the page where
    there is one. ``within`` is its place in the item.

    >>> print(
    ...     word_flaw(
    ...         "amounts[0].high",
    ...         Flaw("", "input should be a valid number, not None", "correct it"),
    ...     ).problem
    ... )
    is empty
    """
    if _NOT_FILLED.match(flaw.problem):
        remedy = "fill it in"
        is_in_row = _POSITION.search(within) is not None
        if is_in_row:
            remedy = "fill it in, or remove the row"
        return Flaw(within, "is empty", remedy, flaw.warns)
    no_number = _NO_NUMBER.match(flaw.problem)
    if no_number:
        problem = f"{no_number[1]} is no number"
        return Flaw(within, problem, "write one such as 1.5", flaw.warns)
    no_choice = _NO_CHOICE.match(flaw.problem)
    if no_choice:
        problem = f"{no_choice[2]} is none of {no_choice[1]}"
        return Flaw(within, problem, "choose one", flaw.warns)
    problem = name_as_page(_OUTCOME.sub(_count_from_one, flaw.problem))
    if problem.startswith("no criterion and no group is in "):
        remedy = "choose it as the group of its criteria, or remove the row"
        return Flaw(within, problem, remedy, flaw.warns)
    if problem.startswith("there is no group "):
        return Flaw(within, problem, "choose another group", flaw.warns)
    for ending, remedy in _REMEDIES.items():
        if problem.endswith(ending):
            return Flaw(within, problem, remedy, flaw.warns)
    return Flaw(within, problem, name_as_page(flaw.remedy), flaw.warns)


def name_as_page(text: str) -> str:
    """Return a message with groups of criteria and words of the schema as the page names them.

    >>> name_as_page("is null with the rule 'at_least'"), name_as_page("in 'g4'")
    ("is empty with the rule 'at least'", 'in group 4')
    """
    text = text.replace("is null", "is empty").replace("write null", "leave it empty")
    text = _GROUP.sub(r"group \1", text)
    return _WORD.sub(lambda word: name_label(word[0]), text)


def _count_from_one(outcome: re.Match[str]) -> str:
    """Return the name of an outcome as the page has it, which counts outcomes from 1."""
    number = int(outcome[2]) + 1
    return f"{outcome[1]} outcome {number}"


def list_empty_rows(item: ReviewItem, form: Form) -> Iterator[str]:
    """Yield the places of rows, and of values with parts, that were added and not filled in, such
    as ``constraints[1]``.
    """
    for name in form:
        value = item.value.get(name)
        if isinstance(value, dict) and _is_empty_row(value):
            yield name
        if not isinstance(value, list):
            continue
        for number, row in enumerate(value):
            if _is_empty_row(row):
                yield f"{name}[{number}]"


def _is_empty_row(row: Any) -> bool:
    """Return whether a reviewer filled in none of a row's parts."""
    parts = row if isinstance(row, dict) else {"": row}
    for name, part in parts.items():
        if name in _GIVEN_BY_PAGE:
            continue
        if part not in (None, "", [], ()):
            return False
    return True


def tell_flaw(draft: ReviewDraft, path: str | None, flaw: Flaw) -> str:
    """Return a flaw with the names of its item and its field, for a message."""
    names = []
    item = draft.items.get(path or "")
    if item:
        names.append(draft.name(item))
    if flaw.path:
        parts = ": ".join(name_label(part) for part in flaw.path.split("."))
        names.append(_POSITION.sub(lambda at: f" no. {int(at[1]) + 1}", parts))
    if not names:
        return flaw.problem
    return f"{', '.join(names)}: {flaw.problem}"
