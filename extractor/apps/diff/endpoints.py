"""Compare two versions of an endpoint: its rank, texts and instrument."""

from collections.abc import Iterator

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    TrialChange,
    make_change,
)
from extractor.apps.diff.items import (
    join_text,
    make_rewording,
    rate_item,
    say_the_same,
)
from extractor.apps.evaluation.alignment import Aligned
from extractor.apps.evaluation.fields import ENDPOINTS
from extractor.apps.evaluation.wording import WordChange, compare_texts
from extractor.apps.pages import name_label
from extractor.apps.pages.words import say
from extractor.language.shown import show_line
from extractor.schemas import Endpoint, Rank

_RANKS = list(Rank)
_TEXTS = ("measure", "time_frame", "description")
(_INSTRUMENT,) = (
    field for field in ENDPOINTS.fields if field.attribute == "instrument"
)


def compare_endpoint(pair: Aligned) -> Iterator[TrialChange]:
    """Yield the changes of one endpoint: its rank, its texts, its instrument; or that it has
    other words.
    """
    before: Endpoint = pair.old[0].item
    after: Endpoint = pair.new[0].item
    # A primary endpoint that was demoted matters as much as one that was promoted.
    is_major = ChangeSeverity.MAJOR in (rate_item(before), rate_item(after))
    severity = ChangeSeverity.MAJOR if is_major else ChangeSeverity.MINOR
    if before.rank is not after.rank:
        rises = _RANKS.index(after.rank) < _RANKS.index(before.rank)
        kind = ChangeKind.PROMOTED if rises else ChangeKind.DEMOTED
        message = f"{before.rank.value} -> {after.rank.value}"
        yield make_change("endpoint", kind, severity, message, pair, "rank")
    if _list_texts(before) == _list_texts(after):
        return
    has_other_instrument = _has_other_instrument(before, after)
    redefinitions = list(
        _compare_texts(pair, severity, is_instrument_told=has_other_instrument)
    )
    if has_other_instrument:
        message = f"instrument: {say(before.instrument)} -> {say(after.instrument)}"
        redefinitions.append(
            make_change(
                "endpoint", ChangeKind.REDEFINED, severity, message, pair, "instrument"
            )
        )
    yield from redefinitions or [make_rewording("endpoint", pair)]


def _list_texts(endpoint: Endpoint) -> list[str]:
    """Return the texts of an endpoint, each with single blanks."""
    return [" ".join((getattr(endpoint, name) or "").split()) for name in _TEXTS]


def _has_other_instrument(before: Endpoint, after: Endpoint) -> bool:
    if not before.instrument or not after.instrument:
        return False
    return not say_the_same(_INSTRUMENT, before, after)


def _compare_texts(
    pair: Aligned, severity: ChangeSeverity, *, is_instrument_told: bool
) -> Iterator[TrialChange]:
    """Yield the texts of an endpoint that say something else."""
    before: Endpoint = pair.old[0].item
    after: Endpoint = pair.new[0].item
    # A measure may have stood in the description, and the other way round.
    is_same_in_all = not compare_texts(join_text(before), join_text(after))
    for name in _TEXTS:
        old = getattr(before, name)
        new = getattr(after, name)
        words = compare_texts(old, new)
        if not words:
            continue
        if is_same_in_all and name != "time_frame":
            continue
        # A description that only one version has explains the same endpoint.
        are_both_described = bool(before.description and after.description)
        explains = is_instrument_told or not are_both_described
        if name == "description" and explains:
            continue
        yield _make_redefinition(pair, name, words, severity)


def _make_redefinition(
    pair: Aligned, name: str, words: WordChange, severity: ChangeSeverity
) -> TrialChange:
    """Return the change of a text of an endpoint; ``severity`` is that of its measure."""
    if name == "time_frame":
        old = show_line(pair.old[0].item.time_frame or "none")
        new = show_line(pair.new[0].item.time_frame or "none")
        said = f"{old} -> {new}"
        # "12 weeks" is as good as "up to 12 weeks".
        is_decisive = words.leave_out({"comparator"}).is_decisive
    else:
        said = words.describe()
        is_decisive = name == "measure"
    return make_change(
        "endpoint",
        ChangeKind.REDEFINED,
        severity if is_decisive else ChangeSeverity.MINOR,
        f"{name_label(name)}: {said}",
        pair,
        name,
    )
