"""Compare two versions of a criterion: its list, its limits, their conditions, and its other
words.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    TrialChange,
    make_change,
)
from extractor.apps.diff.items import make_rewording, rate_item
from extractor.apps.diff.limits import (
    Limit,
    LimitPair,
    admits,
    list_conditions,
    pair_limits,
)
from extractor.apps.evaluation.alignment import Aligned, Side
from extractor.apps.evaluation.text import fold_text
from extractor.apps.evaluation.wording import WordChange, compare_texts, read_words
from extractor.language.shown import show_line
from extractor.schemas import Criterion


def compare_criterion(pair: Aligned) -> Iterator[TrialChange]:
    """Yield the changes of one criterion: first its move to the other list, then its statement.

    A move is major if it now applies to the opposite people. Then its statement is not compared:
    its limits have no direction of their own.
    """
    before = pair.old[0].item
    after = pair.new[0].item
    moves = before.kind is not after.kind
    # "No hepatitis" as an inclusion admits the same people as "hepatitis" as an exclusion.
    flips = admits(before) is not admits(after)
    if moves:
        message = f"moved from {before.kind.value} to {after.kind.value}"
        severity = ChangeSeverity.MAJOR
        if not flips:
            message += ", in words that admit the same people"
            severity = ChangeSeverity.MINOR
        yield make_change(
            "criterion", ChangeKind.MOVED, severity, message, pair, "kind"
        )
        if flips:
            return
    change = _compare_statements(pair, moves=moves)
    if change:
        yield change


class _Version(NamedTuple):
    """One version of a criterion, with its limits in text order."""

    quote: str
    limits: list[Limit]

    def is_read_whole(self) -> bool:
        """Return whether the quote has no more numbers than limits: each was read as a limit."""
        parts = read_words(self.quote)
        numbers = [part for part in parts if part.kind == "number"]
        return len(numbers) <= len(self.limits)


def _compare_statements(pair: Aligned, *, moves: bool) -> TrialChange | None:
    """Return the change of a criterion's statement: of its limits and their conditions, and of its
    other words; a rewording if it says the same in other words.

    A change of limits matters as much as the criterion, and so does one of decisive words; any
    other is minor. Returns None if nothing changed, or nothing but the list to which the criterion
    ``moves``.
    """
    before = _join_parts(pair.old)
    after = _join_parts(pair.new)
    paired = list(pair_limits(before, after))
    old = _Version(before.quote, _list_stated(both.old for both in paired))
    new = _Version(after.quote, _list_stated(both.new for both in paired))
    changed = _list_changed(paired)
    conditions: list[str] = []
    if old.quote != new.quote:
        conditions = list(list_conditions(before, after))
    words = compare_texts(old.quote, new.quote)
    rest = _leave_out_limits(words, (old, new), changed, conditions)
    if moves:
        # The other list takes away the "no", or brings it.
        rest = rest.leave_out({"negation"})

    # "Age ≥ 18 years" -> "Participants must be 18 years of age or older"
    if not _says_something_else(words, changed, conditions, rest):
        if moves or old.quote == new.quote:
            return None
        return make_rewording("criterion", pair)

    is_of_limits = bool(changed or conditions)
    severity = ChangeSeverity.MINOR
    # "3 nights" -> "5 nights", "HIV and hepatitis B" -> "HIV or hepatitis B"
    if is_of_limits or rest.is_decisive:
        severity = rate_item(pair.new[0].item)
    kind = _choose_kind((old, new), changed, conditions, rest)
    said = [*map(str, changed), *conditions, rest.describe()]
    message = "; ".join(filter(None, said))
    field = "constraints" if is_of_limits else "quote"
    return make_change("criterion", kind, severity, message, pair, field)


def _says_something_else(
    words: WordChange,
    changed: Sequence[LimitPair],
    conditions: Sequence[str],
    rest: WordChange,
) -> bool:
    """Return whether two quotes differ in more than their wording: in a limit or its condition, or
    in words beside the limits (``rest``).

    Without any changed word, a changed limit is another reading of the same text. But the same
    words in another order may exchange conditions, or the windows of two drugs.
    """
    # "Hb >= 12 g/dL for men" -> "for women"
    if conditions or any(both.is_of_one_thing for both in changed):
        return True
    return bool(words) and bool(changed or rest)


def _list_stated(limits: Iterable[Limit | None]) -> list[Limit]:
    """List the limits of one version, without the places where it has none."""
    return [limit for limit in limits if limit]


def _list_changed(paired: Sequence[LimitPair]) -> list[LimitPair]:
    """Return the changed limits. What two parts of a split criterion say alike is there once."""
    changed: dict[str, LimitPair] = {}
    for both in paired:
        if both.kind:
            changed[str(both)] = both
    return list(changed.values())


def _leave_out_limits(
    words: WordChange,
    versions: tuple[_Version, _Version],
    changed: Sequence[LimitPair],
    conditions: Sequence[str],
) -> WordChange:
    """Return the changed words of two quotes without those that the limits account for, which are
    compared as limits: the numbers of all limits, and all words of changed limits and conditions.

    Args:
        words: The words that differ between the two quotes.
        versions: The old and the new version.
        changed: The limits that differ.
        conditions: The conditions that differ, in words.
    """
    old, new = versions
    limits = [*old.limits, *new.limits]
    described = list(conditions)
    for both in changed:
        described += map(str, _list_stated(both))
    accounted_for = {"0"}
    for limit in limits:
        accounted_for.update(limit.list_forms())
    for part in read_words(" ".join(described)):
        accounted_for.add(part.form)
    rest = words.leave_out(accounted_for)

    written = {part.form for part in (*read_words(old.quote), *read_words(new.quote))}
    # "15 years 3 months" is read as 183 months: no number of the text is that of the limit.
    has_other_numbers = any(written.isdisjoint(limit.list_forms()) for limit in limits)
    if changed and has_other_numbers:
        rest = rest.leave_out({"number"})
    # If no other number differs, "≥ 18" and "18 or older" are the same sign in other words.
    if not any(part.kind == "number" for part in (*rest.gone, *rest.come)):
        rest = rest.leave_out({"comparator"})
    return rest


def _choose_kind(
    versions: tuple[_Version, _Version],
    changed: Sequence[LimitPair],
    conditions: Sequence[str],
    rest: WordChange,
) -> ChangeKind:
    """Return the direction that all changed limits share, if nothing else changed; else no
    direction (``CHANGED``).

    A limit without a counterpart has no sure direction either, if the version that lacks it has a
    number that was not read as a limit: that may be the counterpart.
    """
    kinds = {limits.kind for limits in changed if limits.kind}
    if len(kinds) != 1 or rest or conditions:
        return ChangeKind.CHANGED
    old, new = versions
    lacks_old = any(limits.old is None for limits in changed)
    # "DLCO (15; 3)" -> "DLCO (16; 3)": no number without other words is read as a limit
    if lacks_old and not old.is_read_whole():
        return ChangeKind.CHANGED
    lacks_new = any(limits.new is None for limits in changed)
    if lacks_new and not new.is_read_whole():
        return ChangeKind.CHANGED
    return kinds.pop()


def _join_parts(sides: Sequence[Side]) -> Criterion:
    """Return a criterion with the quotes and limits of all parts of a criterion that was split.

    A time window that is not in their words stands in the introducing line, which is compared by
    itself.
    """
    quote = " ".join(show_line(side.item.quote) for side in sides)
    folded = fold_text(quote)
    limits = []
    windows = []
    for side in sides:
        criterion = side.item
        limits += criterion.constraints
        stated = criterion.time_windows
        # Extractions by earlier versions have one window only.
        if not stated and criterion.time_window:
            stated = (criterion.time_window,)
        windows += [window for window in stated if fold_text(window.quote) in folded]
    joined: Criterion = sides[0].item.model_copy(
        update={
            "quote": quote,
            "constraints": tuple(limits),
            "time_windows": tuple(windows),
        }
    )
    return joined
