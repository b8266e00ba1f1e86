"""Assemble regimens: the model's list if a model read the record's passages on doses, else those
of the rules.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
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
        known = next(
            (at for at in same_agent if _adds_nothing(regimen, assembled.items[at][1])),
            None,
        )
        if known is not None:
            path, first, other = assembled.items[known]
            assembled.items[known] = path, _join_arms(first, regimen, places), other
            continue
        same_agent.append(len(assembled.items))
        assembled.add(regimen, builder)
    if not assembled.items:
        assembled.absences.append(_explain_absence(parsed, result))
    return assembled


def _cite_arms(regimen: Regimen, places: Mapping[str, Span]) -> Regimen:
    """Add the evidence of the arms of amounts: their labels, no surer than the amount and the
    arm of the regimen.
    """
    cited = [
        piece.model_copy(
            update={
                "field": f"amounts[{number}].arms",
                **asdict(places[label]),
                "quote": label,
                "support": find_weakest(
                    [piece.support, *(each.support for each in own)]
                ),
                "confidence": min(each.confidence or 0 for each in (piece, *own)),
            }
        )
        for number, amount in enumerate(regimen.amounts)
        for piece in regimen.evidence_for(f"amounts[{number}]")[:1]
        for label in amount.arms
        for own in [
            [each for each in regimen.evidence_for("arms") if each.quote == label]
        ]
    ]
    if cited:
        return regimen.model_copy(update={"evidence": (*regimen.evidence, *cited)})
    return regimen


def _join_arms(first: Regimen, more: Regimen, places: Mapping[str, Span]) -> Regimen:
    """Return a regimen that other arms get, too, in the order of the record."""
    if set(more.arms) <= set(first.arms):
        return first
    pieces = {
        piece.quote: piece
        for one in (more, first)
        for piece in one.evidence_for("arms")
    }
    arms = tuple(label for label in places if label in {*first.arms, *more.arms})
    proven = (
        pieces[label].model_copy(update={"field": f"arms[{at}]"})
        for at, label in enumerate(arms)
    )
    others = (piece for piece in first.evidence if FieldRef(piece.field).path != "arms")
    return first.model_copy(update={"arms": arms, "evidence": (*others, *proven)})


def _list_drafts(parsed: ParsedRecord, result: ModelResult) -> Iterator[Draft]:
    """Yield the model's regimens; then those of the rules that it was not asked about, or did
    not answer about.
    """
    listed = result.list_regimens()
    for answer in listed:
        yield _confirm(parsed, answer)
    unanswered = [one for one in result.passages if not one.is_answered]
    for regimen in parsed.regimens:
        passage = next(
            (one for one in unanswered if one.span.contains(regimen.chunk.span)), None
        )
        if passage and not any(covers(one, regimen) for one in listed):
            # An open field has the reason of the passage that should have been read again.
            yield replace(
                regimen,
                chunk=passage.chunk,
                asked=passage.asked,
                is_skipped=passage.is_skipped,
            )
        elif not result.lists_regimens:
            yield regimen


def _confirm(parsed: ParsedRecord, answer: Draft) -> Draft:
    """Add the rules' readings to a regimen of the model: the values that the text links to its
    agent, and the agent, role and timing of a similar regimen of the rules.
    """
    span = _place(answer)
    agent = answer.model.get("agent")
    similar = [
        one
        for one in parsed.regimens
        if agent and is_same_agent(one.rules["agent"].value, agent.value)
    ]
    rules: dict[str, Reading[Any]] = {
        field.name: _find_same(field.name, answer, similar, span) for field in _FIELDS
    }
    situation, origin = (AGREE, Origin.BOTH) if similar else (ALONE, Origin.MODEL)
    rules["stands"] = Reading(
        True,  # noqa: FBT003 - it is the value
        share_right("dosing.regimens", situation),
        origin=origin,
    )
    return replace(answer, span=span, rules=rules)


def _place(answer: Draft) -> Span:
    """Return the span of a regimen: its quote, or that of its values if the quote is too long or
    was refused.
    """
    quote = answer.model.get("quote")
    whole = quote.spans[0] if quote and quote.spans else answer.chunk.span
    if whole is not answer.chunk.span and whole.length <= _LONGEST_QUOTE:
        return whole
    stated = [
        span
        for name in _PLACED
        if (value := answer.model.get(name))
        for span in value.spans
    ]
    near = [
        span for span in stated if whole.contains(span) and span.length < whole.length
    ]
    if not near:
        return whole
    return Span(
        whole.section, min(span.start for span in near), max(span.end for span in near)
    )


def _find_same(
    name: str, answer: Draft, similar: Sequence[Draft], span: Span
) -> Reading[Any]:
    """Return the rules' reading that agrees with the answer; if that was refused, another
    reading of the same words.
    """
    model = answer.model.get(name)
    if model and name in LINKED:
        return Reading.open_() if Support.INFERRED in model.list_supports() else model
    refused = {one.value for one in answer.refused if one.field == name}
    for regimen in similar:
        rule = _lend_arms(regimen, answer) if name == "arms" else regimen.rules[name]
        if model and agree(rule.value, model.value) and rule.value:
            return rule
        here = regimen.span.overlaps(span) or (name == "arms" and len(similar) == 1)
        if (
            not model
            and here
            and refused.isdisjoint(map(show_value, rule.list_values()))
        ):
            return rule
    return Reading.open_()


def _lend_arms(regimen: Draft, answer: Draft) -> Reading[Any]:
    """Return the arms that the rules read of a regimen, only those of the answer's amounts if
    arms differ in them.
    """
    read = regimen.rules["arms"]
    said = answer.model.get("amounts")
    known = regimen.rules["amounts"].list_values()
    arms = {
        arm
        for one in known
        for each in (said.list_values() if said else ())
        if agree(one, each)
        for arm in one.arms
    }
    kept = [
        (label, span)
        for label, span in zip(read.list_values(), read.spans, strict=True)
        if label in arms
    ]
    if not kept:
        return read
    return replace(
        read,
        value=tuple(label for label, _ in kept),
        spans=tuple(span for _, span in kept),
        signs=(),
        sure=(),
    )


def _adds_nothing(regimen: Regimen, known: Regimen) -> bool:
    """Return whether a regimen says no more than another one of the same agent, but perhaps of
    other arms.
    """
    pairs = zip(_schedule_of(regimen), _schedule_of(known), strict=True)
    if any(one and one != other for one, other in pairs):
        return False
    return not regimen.amounts or agree(regimen.amounts, known.amounts)


def _explain_absence(parsed: ParsedRecord, result: ModelResult) -> Absence:
    searched = tuple(
        s.name for s in parsed.record.sections if FieldRef(s.name).path in _SEARCHED
    )
    unread = next((one for one in result.passages if not one.is_answered), None)
    if any(one.refused for one in result.passages):
        reason = AbsenceReason.UNSUPPORTED_ANSWER
    elif unread:
        reason = unread.gap("regimens")
    elif parsed.candidates and not result.passages:
        reason = AbsenceReason.NOT_ASKED
    else:
        reason = (
            AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT
        )
    return Absence(field="dosing", reason=reason, sections=searched)


def covers(listed: Draft, regimen: Draft) -> bool:
    """Check whether a model's regimen states the rules' dose: the same words, or one of its
    amounts for its agent.
    """
    amounts, quote, agent = (
        listed.model.get(name) for name in ("amounts", "quote", "agent")
    )
    spans = [*(amounts.spans if amounts else ()), *(quote.spans if quote else ())]
    places = regimen.rules["amounts"].spans or (regimen.span,)
    if any(place.overlaps(span) for place in places for span in spans):
        return True
    if not amounts or not amounts.value or not agent or not agent.value:
        return False
    # the rules may have taken another name there
    is_named = agent.value.casefold() in regimen.chunk.text.casefold()
    if not is_named and not is_same_agent(regimen.rules["agent"].value, agent.value):
        return False
    stated = {(amount.low, amount.high) for amount in amounts.value}
    known = regimen.rules["amounts"].value or ()
    if any((amount.low, amount.high) in stated for amount in known):
        return True
    return all(a.unit in _PORTIONS for a in known)


def is_same_agent(one: str | None, other: str | None) -> bool:
    """Return whether two names may be of one agent: one is in the other, but for what stands in
    brackets.

    >>> (
    ...     is_same_agent("Examplumab (EX-1)", "high-dose examplumab"),
    ...     is_same_agent("placebo", "Examplumab"),
    ... )
    (True, False)
    """
    names = [
        " ".join((name or "").partition("(")[0].casefold().split())
        for name in (one, other)
    ]
    return all(names) and (names[0] in names[1] or names[1] in names[0])
