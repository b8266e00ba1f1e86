"""Assemble regimens: the model's list if a model read the record's passages on doses, else those
of the rules.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from operator import attrgetter
from typing import Any

from extractor.concepts.doses.arms import locate_arms
from extractor.concepts.doses.marks import LINKED
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.provenance import Assembled, ItemBuilder, list_read_fields
from extractor.concepts.resolve import AGREE, ALONE, agree, share_right
from extractor.evidence.drafts import Draft, ModelResult, Reading, Span, find_weakest
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Evidence,
    FieldRef,
    Origin,
    Regimen,
    Support,
    Task,
)

_FIELDS = list_read_fields(Task.DOSING)
_SEARCHED = ("arms", "interventions", "brief_summary", "detailed_description")
_SAID = ("amounts", "route", "frequency", "cycle", "duration", "timing")
"""An agent has a regimen only if one of these is stated."""
_PLACED = ("agent", "amounts", "frequency", "duration", "timing")
"""Fields whose words the quote of a regimen should hold."""
_PORTIONS = frozenset(
    {"mL", "L", "capsule", "tablet", "drop", "puff", "vial", "sachet", "patch", "spray"}
)
"""Units that say nothing new of an agent whose amount of substance is known."""
_LONGEST_QUOTE = 260
"""Characters; a longer quote is cut to what its values span."""
_MOST_COMPARED = 50
"""Most earlier regimens of its agent with which a regimen is compared, so that time stays
linear.
"""


_schedule_of = attrgetter("route", "frequency", "timing", "duration")


def assemble_dosing(parsed: ParsedRecord, result: ModelResult) -> Assembled[Regimen]:
    """Assemble the regimens of a record."""
    latest: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=_MOST_COMPARED))
    assembled = Assembled[Regimen](Task.DOSING)
    # of the labels of arms; of arms with one label, that of the first
    places = dict[str, Span]()
    for span in locate_arms(parsed.record).values():
        places.setdefault(parsed.raw(span), span)
    for draft in _list_drafts(parsed, result):
        exists = draft.read("stands")
        builder = ItemBuilder(parsed, draft, assembled.path, ceiling=exists.confidence)
        fields = builder.add_fields(_FIELDS) | {"quote": builder.add_quote(exists)}
        if fields["agent"] is None or not any(fields[name] for name in _SAID):
            continue
        regimen = Regimen(section=draft.span.section, **fields, **builder.build())
        regimen = _cite_arms(regimen, places)
        same_agent = latest[fields["agent"].casefold()]
        again = _find_again(regimen, same_agent, assembled)
        if again is not None:
            path, first, other = assembled.items[again]
            assembled.items[again] = path, _join_arms(first, regimen, places), other
            continue
        same_agent.append(len(assembled.items))
        assembled.add(regimen, builder)
    if not assembled.items:
        assembled.absences.append(_explain_absence(parsed, result))
    return assembled


def _find_again(
    regimen: Regimen, earlier: Iterable[int], assembled: Assembled[Regimen]
) -> int | None:
    """Return the number of the first of some earlier items to which a regimen adds nothing."""
    for number in earlier:
        _, item, _ = assembled.items[number]
        if _adds_nothing(regimen, item):
            return number
    return None


def _cite_arms(regimen: Regimen, places: Mapping[str, Span]) -> Regimen:
    """Add the evidence of the arms of amounts: their labels, no surer than the amount and the
    arm of the regimen.
    """
    cited: list[Evidence] = []
    for number, amount in enumerate(regimen.amounts):
        for piece in regimen.evidence_for(f"amounts[{number}]")[:1]:
            for label in amount.arms:
                field = f"amounts[{number}].arms"
                cited.append(_cite_arm(regimen, piece, field, label, places[label]))
    if not cited:
        return regimen
    return regimen.model_copy(update={"evidence": (*regimen.evidence, *cited)})


def _cite_arm(
    regimen: Regimen, amount: Evidence, field: str, label: str, place: Span
) -> Evidence:
    """Return the evidence of one arm of an amount, whose own evidence is ``amount``."""
    arm = [piece for piece in regimen.evidence_for("arms") if piece.quote == label]
    pieces = [amount, *arm]
    return amount.model_copy(
        update={
            "field": field,
            **asdict(place),
            "quote": label,
            "support": find_weakest([piece.support for piece in pieces]),
            "confidence": min(piece.confidence or 0 for piece in pieces),
        }
    )


def _join_arms(first: Regimen, more: Regimen, places: Mapping[str, Span]) -> Regimen:
    """Return a regimen that other arms get, too, in the order of the record."""
    labels = {*first.arms, *more.arms}
    if labels == set(first.arms):
        return first
    pieces: dict[str, Evidence] = {}
    # the evidence of the first regimen counts where both have an arm
    for piece in (*more.evidence_for("arms"), *first.evidence_for("arms")):
        pieces[piece.quote] = piece
    arms = tuple(label for label in places if label in labels)
    evidence: list[Evidence] = []
    for piece in first.evidence:
        if FieldRef(piece.field).path == "arms":
            continue
        evidence.append(piece)
    for number, label in enumerate(arms):
        piece = pieces[label].model_copy(update={"field": f"arms[{number}]"})
        evidence.append(piece)
    return first.model_copy(update={"arms": arms, "evidence": tuple(evidence)})


def _list_drafts(parsed: ParsedRecord, result: ModelResult) -> Iterator[Draft]:
    """Yield the model's regimens; then those of the rules that it was not asked about, or did
    not answer about.
    """
    listed = result.list_regimens()
    for answer in listed:
        yield _confirm(parsed, answer)
    unanswered = [passage for passage in result.passages if not passage.is_answered]
    for regimen in parsed.regimens:
        passage = _find_passage(unanswered, regimen)
        if passage and not any(covers(answer, regimen) for answer in listed):
            # An open field has the reason of the passage that should have been read again.
            yield replace(
                regimen,
                chunk=passage.chunk,
                asked=passage.asked,
                is_skipped=passage.is_skipped,
            )
        elif not result.lists_regimens:
            yield regimen


def _find_passage(passages: Iterable[Draft], regimen: Draft) -> Draft | None:
    """Return the first passage in which the clause of a regimen stands."""
    for passage in passages:
        if passage.span.contains(regimen.chunk.span):
            return passage
    return None


def _confirm(parsed: ParsedRecord, answer: Draft) -> Draft:
    """Add the rules' readings to a regimen of the model: the values that the text links to its
    agent, and the agent, role and timing of a similar regimen of the rules.
    """
    span = _place(answer)
    agent = answer.model.get("agent")
    similar: list[Draft] = []
    if agent:
        for regimen in parsed.regimens:
            if not is_same_agent(regimen.rules["agent"].value, agent.value):
                continue
            similar.append(regimen)
    rules: dict[str, Reading[Any]] = {
        field.name: _find_same(field.name, answer, similar, span) for field in _FIELDS
    }
    situation = AGREE if similar else ALONE
    rules["stands"] = Reading(
        True,  # noqa: FBT003 - it is the value
        share_right("dosing.regimens", situation),
        origin=Origin.BOTH if similar else Origin.MODEL,
    )
    return replace(answer, span=span, rules=rules)


def _place(answer: Draft) -> Span:
    """Return the span of a regimen: its quote, or that of its values if the quote is too long or
    was refused.
    """
    quote = answer.model.get("quote")
    whole = answer.chunk.span
    if quote and quote.spans:
        whole = quote.spans[0]
        if whole.length <= _LONGEST_QUOTE and whole is not answer.chunk.span:
            return whole
    near: list[Span] = []
    for name in _PLACED:
        value = answer.model.get(name)
        for span in value.spans if value else ():
            if span.length >= whole.length:
                continue
            if whole.contains(span):
                near.append(span)
    if not near:
        return whole
    start = min(span.start for span in near)
    end = max(span.end for span in near)
    return Span(whole.section, start, end)


def _find_same(
    name: str, answer: Draft, similar: Sequence[Draft], span: Span
) -> Reading[Any]:
    """Return the rules' reading that agrees with the answer; if that was refused, another
    reading of the same words.
    """
    model = answer.model.get(name)
    if model and name in LINKED:
        is_open = Support.INFERRED in model.list_supports()
        return Reading.open_() if is_open else model
    refused = {refusal.value for refusal in answer.refused if refusal.field == name}
    for regimen in similar:
        rule = _lend_arms(regimen, answer) if name == "arms" else regimen.rules[name]
        if model:
            if rule.value and agree(rule.value, model.value):
                return rule
            continue
        is_only = name == "arms" and len(similar) == 1
        if not is_only and not regimen.span.overlaps(span):
            continue
        if refused.isdisjoint(map(show_value, rule.list_values())):
            return rule
    return Reading.open_()


def _lend_arms(regimen: Draft, answer: Draft) -> Reading[Any]:
    """Return the arms that the rules read of a regimen, only those of the answer's amounts if
    arms differ in them.
    """
    read = regimen.rules["arms"]
    answered = answer.model.get("amounts")
    levels = answered.list_values() if answered else ()
    arms: set[str] = set()
    for amount in regimen.rules["amounts"].list_values():
        if any(agree(amount, level) for level in levels):
            arms.update(amount.arms)
    labels: list[str] = []
    spans: list[Span] = []
    for label, span in zip(read.list_values(), read.spans, strict=True):
        if label not in arms:
            continue
        labels.append(label)
        spans.append(span)
    if not labels:
        return read
    return replace(read, value=tuple(labels), spans=tuple(spans), signs=(), sure=())


def _adds_nothing(regimen: Regimen, known: Regimen) -> bool:
    """Return whether a regimen says no more than another one of the same agent, but perhaps of
    other arms.
    """
    pairs = zip(_schedule_of(regimen), _schedule_of(known), strict=True)
    for value, other in pairs:
        if value and value != other:
            return False
    return not regimen.amounts or agree(regimen.amounts, known.amounts)


def _explain_absence(parsed: ParsedRecord, result: ModelResult) -> Absence:
    """Return why a record has no regimen."""
    names = [section.name for section in parsed.record.sections]
    searched = tuple(name for name in names if FieldRef(name).path in _SEARCHED)
    reason = _find_reason(parsed, result, has_sections=bool(searched))
    return Absence(field="dosing", reason=reason, sections=searched)


def _find_reason(
    parsed: ParsedRecord, result: ModelResult, *, has_sections: bool
) -> AbsenceReason:
    """Return the reason of an absence: what the model was asked comes first.

    ``has_sections``: the record has sections that can state doses.
    """
    if any(passage.refused for passage in result.passages):
        return AbsenceReason.UNSUPPORTED_ANSWER
    for passage in result.passages:
        if not passage.is_answered:
            return passage.gap("regimens")
    if parsed.candidates and not result.passages:
        return AbsenceReason.NOT_ASKED
    if has_sections:
        return AbsenceReason.NOT_REPORTED
    return AbsenceReason.SECTION_ABSENT


def covers(listed: Draft, regimen: Draft) -> bool:
    """Check whether a model's regimen states the rules' dose: the same words, or one of its
    amounts for its agent.
    """
    if _shares_words(listed, regimen):
        return True
    amounts = listed.model.get("amounts")
    agent = listed.model.get("agent")
    if not amounts or not amounts.value:
        return False
    if not agent or not agent.value:
        return False
    # the rules may have taken another name there
    is_named = agent.value.casefold() in regimen.chunk.text.casefold()
    if not is_named and not is_same_agent(regimen.rules["agent"].value, agent.value):
        return False
    stated = {(amount.low, amount.high) for amount in amounts.value}
    known = regimen.rules["amounts"].value or ()
    if any((amount.low, amount.high) in stated for amount in known):
        return True
    return all(amount.unit in _PORTIONS for amount in known)


def _shares_words(listed: Draft, regimen: Draft) -> bool:
    """Return whether the amounts or the quote of a model's regimen overlap the rules' amounts, or
    their regimen if it has none.
    """
    places = regimen.rules["amounts"].spans or (regimen.span,)
    for name in ("amounts", "quote"):
        reading = listed.model.get(name)
        for span in reading.spans if reading else ():
            if any(place.overlaps(span) for place in places):
                return True
    return False


def is_same_agent(one: str | None, other: str | None) -> bool:
    """Return whether two names may be of one agent: one is in the other, but for what stands in
    brackets.

    >>> (
    ...     is_same_agent("Examplumab (EX-1)", "high-dose examplumab"),
    ...     is_same_agent("placebo", "Examplumab"),
    ... )
    (True, False)
    """
    first = _fold_name(one)
    second = _fold_name(other)
    if not first or not second:
        return False
    return first in second or second in first


def _fold_name(name: str | None) -> str:
    """Return a name without brackets, case and repeated spaces."""
    bare = (name or "").partition("(")[0]
    return " ".join(bare.casefold().split())
