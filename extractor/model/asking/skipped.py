"""Find the lines that a model was asked about and skipped, so that its silence there says nothing.

A line about regimens may have no item, because it states none. That silence is an answer of whoever
has read the call to its end. Lines that need an item show whether somebody has; where a call has
none, the doses that the rules read do.
"""

from collections.abc import Collection, Sequence

from extractor.concepts.doses.assemble import covers
from extractor.evidence.drafts import Draft
from extractor.evidence.parsed import ParsedRecord
from extractor.model.asking.questions import Question
from extractor.model.asking.reply_models import REGIMENS, is_listing

_SHARE_SKIPPED = 0.2
"""A call of whose lines more than this share got no item, though they need one, was not read as
a whole.
"""
_SHARE_MISSED = 0.5
_MOST_MISSED = 3
"""A list of regimens that lacks this share of the rules' doses, and has nothing behind its first
line, or that lacks this number, is not the whole list. Of 244 trials of gold, whose regimens are
such lists, two lack the share so, and none lacks the number.
"""


def find_skipped(
    parsed: ParsedRecord, asked: Sequence[Question], drafts: Sequence[Draft]
) -> frozenset[int]:
    """Return the numbers of the lines of a call that a model skipped: whose silence is no answer.

    All silent lines are skipped if too many lines that need an item have none, or if the list of
    regimens lacks too many of the rules' doses. Otherwise the skipped lines are those that need an
    item, and those behind the last answered line, if the model stopped there.

    Args:
        asked: The questions of the call, in its order.
        drafts: What the reply says.
    """
    answered = {draft.number for draft in drafts}
    silent: list[Question] = []
    silent_lists: list[Question] = []
    for question in asked:
        if not question.fields or question.number in answered:
            continue
        silent.append(question)
        if is_listing(question):
            silent_lists.append(question)
    is_read = _is_read(asked, answered)
    if not is_read or _misses_doses(parsed, silent_lists, asked, drafts):
        return frozenset(question.number for question in silent)
    behind = _list_behind_the_last(asked, answered)
    skipped = set()
    for question in silent:
        needs_item = not is_listing(question)
        if needs_item or question in behind:
            skipped.add(question.number)
    return frozenset(skipped)


def _is_read(asked: Sequence[Question], answered: Collection[int]) -> bool:
    """Return whether the model seems to have read the whole call: at least four of five lines that
    need an item were ``answered``. True if no line needs one.
    """
    needed = 0
    skipped = 0
    for question in asked:
        if not _needs_item(question):
            continue
        needed += 1
        if question.number not in answered:
            skipped += 1
    return skipped <= needed * _SHARE_SKIPPED


def _needs_item(question: Question) -> bool:
    """Return whether a line has an item in any good answer: it is asked, and not for a list."""
    return bool(question.fields) and not is_listing(question)


def _list_behind_the_last(
    asked: Sequence[Question], answered: Collection[int]
) -> Sequence[Question]:
    """Return the lines behind the last answered one, if one of them needs an item: the model
    stopped before.
    """
    first_behind = 0
    for position, question in enumerate(asked):
        if question.number in answered:
            first_behind = position + 1
    behind = asked[first_behind:]
    return behind if any(map(_needs_item, behind)) else ()


def _misses_doses(
    parsed: ParsedRecord,
    silent: Sequence[Question],
    asked: Sequence[Question],
    drafts: Sequence[Draft],
) -> bool:
    """Return whether a model's list of regimens lacks so many of the doses that the rules read that
    it cannot be the whole list: three of them, or half of them where no passage but the first has
    an item.

    A dose is missed if its passage has no item, and no regimen of another passage covers it.

    Args:
        silent: The questions for lists without an item.
        asked: All questions of the call.
        drafts: What the reply says.
    """
    passages = [question for question in asked if REGIMENS in question.fields]
    regimens = [draft for draft in drafts if {"agent", "quote"} & draft.model.keys()]
    doses = 0
    missed = 0
    for regimen in parsed.regimens:
        if not regimen.rules["amounts"].value or not _is_in(regimen, passages):
            continue
        doses += 1
        if not _is_in(regimen, silent):
            continue
        if not any(covers(draft, regimen) for draft in regimens):
            missed += 1
    if missed >= _MOST_MISSED:
        return True
    if missed == 0 or missed < doses * _SHARE_MISSED:
        return False
    answered = {draft.number for draft in drafts}
    return not any(question.number in answered for question in passages[1:])


def _is_in(regimen: Draft, passages: Sequence[Question]) -> bool:
    """Return whether the text of a regimen stands in one of the passages."""
    span = regimen.chunk.span
    return any(question.chunk.span.contains(span) for question in passages)
