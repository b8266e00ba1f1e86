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
    """Yield the changes of one endpoint: its rank, its texts, its instrument; if only its words
    differ, a rewording.

    Changes are major if the endpoint is primary in either version: one that was demoted matters as
    much as one that was promoted. Endpoints with equal texts differ in their ranks at most.
    """
    before: Endpoint = pair.old[0].item
    after: Endpoint = pair.new[0].item
    severity = ChangeSeverity.MINOR
    if ChangeSeverity.MAJOR in (rate_item(before), rate_item(after)):
        severity = ChangeSeverity.MAJOR
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
        change = make_change(
            "endpoint", ChangeKind.REDEFINED, severity, message, pair, "instrument"
        )
        redefinitions.append(change)
    if redefinitions:
        yield from redefinitions
    else:
        yield make_rewording("endpoint", pair)


def _list_texts(endpoint: Endpoint) -> list[str]:
    """Return the texts of an endpoint, each with single blanks."""
    return [" ".join((getattr(endpoint, name) or "").split()) for name in _TEXTS]


def _has_other_instrument(before: Endpoint, after: Endpoint) -> bool:
    """Return whether both versions name an instrument, such as a questionnaire, and not the
    same.
    """
    if not before.instrument or not after.instrument:
        return False
    return not say_the_same(_INSTRUMENT, before, after)


def _compare_texts(
    pair: Aligned, severity: ChangeSeverity, *, is_instrument_told: bool
) -> Iterator[TrialChange]:
    """Yield the changes of the texts of an endpoint that say something else.

    Measure and description count as the same if they say the same together: a measure may have
    stood in the description. A description that only one version has explains the same endpoint. A
    changed description is left out, too, if the changed instrument tells it
    (``is_instrument_told``).
    """
    before: Endpoint = pair.old[0].item
    after: Endpoint = pair.new[0].item
    is_same_in_all = not compare_texts(join_text(before), join_text(after))
    for name in _TEXTS:
        old = getattr(before, name)
        new = getattr(after, name)
        words = compare_texts(old, new)
        if not words:
            continue
        # "Pain at rest" as the measure, then in the description
        if is_same_in_all and name != "time_frame":
            continue
        are_both_described = bool(before.description and after.description)
        explains = is_instrument_told or not are_both_described
        if name == "description" and explains:
            continue
        yield _make_redefinition(pair, name, words, severity)


def _make_redefinition(
    pair: Aligned, name: str, words: WordChange, severity: ChangeSeverity
) -> TrialChange:
    """Return the change of a text of an endpoint. A measure has the ``severity`` of the endpoint, a
    time frame too if decisive words differ; any other text is minor.
    """
    if name == "time_frame":
        old = show_line(pair.old[0].item.time_frame or "none")
        new = show_line(pair.new[0].item.time_frame or "none")
        said = f"{old} -> {new}"
        # "12 weeks" is as good as "up to 12 weeks".
        is_decisive = words.leave_out({"comparator"}).is_decisive
    else:
        said = words.describe()
        is_decisive = name == "measure"
    if not is_decisive:
        severity = ChangeSeverity.MINOR
    message = f"{name_label(name)}: {said}"
    return make_change("endpoint", ChangeKind.REDEFINED, severity, message, pair, name)
