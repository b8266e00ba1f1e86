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
    """Return the numbers of the lines of a call that a model skipped. ``drafts`` are what its
    reply says.
    """
    answered = {draft.number for draft in drafts}
    silent = [
        question
        for question in asked
        if question.fields and question.chunk.number not in answered
    ]
    needed = [question for question in silent if not is_listing(question)]
    listing = [question for question in silent if is_listing(question)]
    if not _is_read(asked, answered) or _misses_doses(parsed, listing, asked, drafts):
        return frozenset(question.chunk.number for question in silent)
    behind = _list_behind_the_last(asked, answered)
    unread = [question for question in listing if question in behind]
    return frozenset(question.chunk.number for question in (*needed, *unread))


def _is_read(asked: Sequence[Question], answered: Collection[int]) -> bool:
    """Return whether most lines of a call that need an item have one."""
    needed = [
        question.chunk.number
        for question in asked
        if question.fields and not is_listing(question)
    ]
    skipped = sum(number not in answered for number in needed)
    return skipped <= len(needed) * _SHARE_SKIPPED


def _list_behind_the_last(
    asked: Sequence[Question], answered: Collection[int]
) -> Sequence[Question]:
    """Return the lines behind the last answered one, if one of them needs an item: the model
    stopped before.
    """
    last = max(
        (
            place
            for place, question in enumerate(asked)
            if question.chunk.number in answered
        ),
        default=-1,
    )
    behind = asked[last + 1 :]
    is_stopped = any(
        question.fields and not is_listing(question) for question in behind
    )
    return behind if is_stopped else ()


def _misses_doses(
    parsed: ParsedRecord,
    silent: Sequence[Question],
    asked: Sequence[Question],
    drafts: Sequence[Draft],
) -> bool:
    """Return whether a list of regimens lacks so many of the rules' doses that it cannot be the
    whole list.
    """
    passages = [question for question in asked if REGIMENS in question.fields]
    listed = [draft for draft in drafts if {"agent", "quote"} & draft.model.keys()]
    doses = [
        one
        for one in parsed.regimens
        if one.rules["amounts"].value and _is_in(one, passages)
    ]
    missed = [
        one
        for one in doses
        if _is_in(one, silent) and not any(covers(each, one) for each in listed)
    ]
    if len(missed) >= _MOST_MISSED:
        return True
    first = passages[0].chunk.number if passages else 0
    has_more = any(
        question.chunk.number in {one.number for one in drafts} - {first}
        for question in passages
    )
    return bool(missed) and not has_more and len(missed) >= len(doses) * _SHARE_MISSED


def _is_in(regimen: Draft, passages: Sequence[Question]) -> bool:
    return any(
        question.chunk.span.contains(regimen.chunk.span) for question in passages
    )
