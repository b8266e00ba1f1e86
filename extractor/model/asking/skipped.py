"""Find the lines that a model was asked about and skipped, so that its silence there says nothing.

A line about regimens may have no item, because it states none. That silence is an answer of whoever
has read the call to its end. Lines that need an item show whether somebody has; where a call has
none, the doses that the rules read do.
"""

from collections.abc import Sequence
from itertools import takewhile

from extractor.concepts.doses.assemble import covers
from extractor.evidence.drafts import Draft
from extractor.evidence.parsed import ParsedRecord
from extractor.model.asking.questions import Questions
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
    parsed: ParsedRecord, asked: Questions, drafts: Sequence[Draft]
) -> set[int]:
    """Return the numbers of the lines of a call that a model skipped: whose silence is no answer.

    All silent lines are skipped if too many lines that need an item have none, or if the list of
    regimens lacks too many of the rules' doses. Otherwise the skipped lines are those that need an
    item, and those behind the last answered line, if the model stopped there.

    Args:
        asked: The questions of the call, in its order.
        drafts: What the reply says.
    """
    answered = {draft.number for draft in drafts}
    lines = [line for line in asked if line.fields]
    silent = {line.number for line in lines} - answered
    needed = {line.number for line in lines if not is_listing(line)}
    missed = needed - answered
    is_unread = len(missed) > len(needed) * _SHARE_SKIPPED
    if is_unread or _misses_doses(parsed, asked, drafts):
        return silent
    numbers = [line.number for line in reversed(asked)]
    behind = silent.intersection(takewhile(lambda one: one not in answered, numbers))
    return missed | behind if missed & behind else missed


def _misses_doses(
    parsed: ParsedRecord, asked: Questions, drafts: Sequence[Draft]
) -> bool:
    """Return whether a model's list of regimens lacks so many of the doses that the rules read that
    it cannot be the whole list: three of them, or half of them where no passage but the first has
    an item.

    A dose is missed if its passage has no item, and no regimen of another passage covers it.
    """
    passages = [line for line in asked if REGIMENS in line.fields]
    answered = {draft.number for draft in drafts}
    listed = [draft for draft in drafts if draft.model.keys() & {"agent", "quote"}]
    doses = 0
    missed = 0
    for dose in parsed.regimens:
        at = _list_places(dose, passages)
        if not at:
            continue
        doses += 1
        is_covered = any(covers(one, dose) for one in listed)
        missed += not is_covered and not at <= answered
    if missed >= _MOST_MISSED:
        return True
    if missed < max(1, doses * _SHARE_MISSED):
        return False
    return answered.isdisjoint(line.number for line in passages[1:])


def _list_places(dose: Draft, passages: Questions) -> set[int]:
    """Return the numbers of the passages that the text of a regimen with a dose is in."""
    if not dose.rules["amounts"].value:
        return set()
    span = dose.chunk.span
    return {line.number for line in passages if line.chunk.span.contains(span)}
