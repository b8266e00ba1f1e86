"""Assemble regimens: the model's list if a model read the record's passages on doses, else those
of the rules.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from operator import attrgetter
from typing import Any

from extractor.concepts.regimens.arms import locate_arms
from extractor.concepts.regimens.marks import LINKED
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
"""What a regimen says besides its amounts."""


def assemble_dosing(parsed: ParsedRecord, result: ModelResult) -> Assembled[Regimen]:
    """Assemble the regimens of a record, with their evidence. A regimen that adds nothing to an
    earlier one of its agent only adds its arms to that one; without any regimen, there is an
    absence with its reason.
    """
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
        says_something = any(fields[name] for name in _SAID)
        if fields["agent"] is None or not says_something:
            continue
        regimen = Regimen(section=draft.span.section, **fields, **builder.build())
        regimen = _cite_arms(regimen, places)
        same_agent = latest[fields["agent"].casefold()]
        again = _find_again(regimen, same_agent, assembled)
        if again is not None:
            path, first, other = assembled.items[again]
            joined = _join_arms(first, regimen, places)
            assembled.items[again] = path, joined, other
            continue
        same_agent.append(len(assembled.items))
        assembled.add(regimen, builder)
    if not assembled.items:
        assembled.absences.append(_explain_absence(parsed, result))
    return assembled


def _find_again(
    regimen: Regimen, earlier: Iterable[int], assembled: Assembled[Regimen]
) -> int | None:
    """Return the number of the first of some earlier items to which a regimen adds nothing; None if
    it adds something to each.
    """
    for number in earlier:
        _, item, _ = assembled.items[number]
        if _adds_nothing(regimen, item):
            return number
    return None


def _cite_arms(regimen: Regimen, places: Mapping[str, Span]) -> Regimen:
    """Return a regimen with the evidence of the arms of its amounts: their labels, no surer than
    the amount and the arm of the regimen. ``places`` are those of the labels.
    """
    cited: list[Evidence] = []
    for number, amount in enumerate(regimen.amounts):
        path = f"amounts[{number}]"
        for piece in regimen.evidence_for(path)[:1]:
            for label in amount.arms:
                place = places[label]
                cited.append(_cite_arm(regimen, piece, f"{path}.arms", label, place))
    if not cited:
        return regimen
    return regimen.model_copy(update={"evidence": (*regimen.evidence, *cited)})


def _cite_arm(
    regimen: Regimen, amount: Evidence, field: str, label: str, place: Span
) -> Evidence:
    """Return the evidence of one arm of an amount, whose own evidence is ``amount``. ``field`` is
    the path of the amount's arms; ``label`` stands at ``place``.
    """
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
    """Return the first regimen with the arms of both, in the order of the record, and their
    evidence.
    """
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
    """Yield the model's regimens, each with the rules' readings beside it, then regimens of the
    rules.

    - In a passage that the model was asked about and did not answer, a regimen of the rules stays
      unless a regimen of the model covers it.
    - Elsewhere it stays only if the model answered about no passage at all. An empty list, and an
      answer that was refused, is an answer.
    """
    by_model = result.list_regimens()
    for answer in by_model:
        yield _confirm(parsed, answer)
    unanswered = [passage for passage in result.passages if not passage.is_answered]
    for regimen in parsed.regimens:
        passage = _find_passage(unanswered, regimen)
        if passage and not any(covers(answer, regimen) for answer in by_model):
            # an open field has the reason of the passage that should have been read again.
            yield replace(
                regimen,
                chunk=passage.chunk,
                asked=passage.asked,
                is_skipped=passage.is_skipped,
            )
        elif not result.answers_any_passage:
            yield regimen


def _find_passage(passages: Iterable[Draft], regimen: Draft) -> Draft | None:
    """Return the first passage in which the clause of a regimen stands, or None."""
    for passage in passages:
        if passage.span.contains(regimen.chunk.span):
            return passage
    return None


def _confirm(parsed: ParsedRecord, answer: Draft) -> Draft:
    """Return a regimen of the model with a reading beside each of its fields.

    - Of the fields ``LINKED``, whose link to the agent was proven, it is the model's own value.
    - Of any other field it is the value of a regimen of the rules with the same agent, if it agrees
      with the model's.
    - What the model left empty is lent by a regimen of the rules with the same agent and in the
      same words.
    - All other readings are open.

    That the regimen stands is surer if the rules have one of its agent.
    """
    span = _place(answer)
    similar = _list_of_same_agent(parsed, answer)
    rules: dict[str, Reading[Any]] = {}
    for field in _FIELDS:
        rules[field.name] = _read_beside(field.name, answer, similar, span)
    situation = AGREE if similar else ALONE
    rules["stands"] = Reading(
        value=True,
        confidence=share_right("dosing.regimens", situation),
        origin=Origin.BOTH if similar else Origin.MODEL,
    )
    return replace(answer, span=span, rules=rules)


def _list_of_same_agent(parsed: ParsedRecord, answer: Draft) -> list[Draft]:
    """Return the regimens of the rules with the agent of a model's regimen; none if it has no
    agent.
    """
    agent = answer.model.get("agent")
    if not agent:
        return []
    return [
        regimen
        for regimen in parsed.regimens
        if is_same_agent(regimen.rules["agent"].value, agent.value)
    ]


def _place(answer: Draft) -> Span:
    """Return the span of a regimen: its quote, or that of its values if the quote is too long or
    was refused. Without values in it, the whole quote or passage.
    """
    quote = answer.model.get("quote")
    passage = answer.chunk.span
    whole = passage
    if quote and quote.spans:
        whole = quote.spans[0]
        if whole.length <= _LONGEST_QUOTE and whole is not passage:
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


def _read_beside(
    name: str, answer: Draft, similar: Sequence[Draft], span: Span
) -> Reading[Any]:
    """Return the reading beside a field of a model's regimen, as ``_confirm`` describes it. An open
    reading says nothing: no regimen of the rules agrees with the model or has a value to lend.

    ``similar`` are the rules' regimens of the agent, ``span`` the words of the answer. A value that
    the text refused is not lent. The arms of an agent's only regimen are lent wherever it stands.
    """
    model = answer.model.get(name)
    # the text was asked for the link already: the rules' regimens say nothing more
    if model and name in LINKED:
        is_open = Support.INFERRED in model.list_supports()
        return Reading.open_() if is_open else model
    refused = {refusal.value for refusal in answer.refused if refusal.field == name}
    for regimen in similar:
        reading = regimen.rules[name]
        if name == "arms":
            reading = _lend_arms(regimen, answer)
        if model:
            if reading.value and agree(reading.value, model.value):
                return reading
            continue
        is_only = name == "arms" and len(similar) == 1
        if not is_only and not regimen.span.overlaps(span):
            continue
        shown = {show_value(value) for value in reading.list_values()}
        if refused.isdisjoint(shown):
            return reading
    return Reading.open_()


def _lend_arms(regimen: Draft, answer: Draft) -> Reading[Any]:
    """Return the arms that the rules read of a regimen, only those of the answer's amounts if
    arms differ in them.
    """
    arms_of_regimen = regimen.rules["arms"]
    answered = answer.model.get("amounts")
    levels = answered.list_values() if answered else ()
    arms_of_amounts: set[str] = set()
    for amount in regimen.rules["amounts"].list_values():
        if any(agree(amount, level) for level in levels):
            arms_of_amounts.update(amount.arms)
    labels: list[str] = []
    spans: list[Span] = []
    all_labels = arms_of_regimen.list_values()
    for label, span in zip(all_labels, arms_of_regimen.spans, strict=True):
        if label not in arms_of_amounts:
            continue
        labels.append(label)
        spans.append(span)
    if not labels:
        return arms_of_regimen
    return replace(
        arms_of_regimen, value=tuple(labels), spans=tuple(spans), signs=(), sure=()
    )


def _adds_nothing(regimen: Regimen, known: Regimen) -> bool:
    """Return whether a regimen says no more than an earlier one of the same agent, but perhaps of
    other arms: each field is empty or the same.
    """
    pairs = zip(_schedule_of(regimen), _schedule_of(known), strict=True)
    for value, other in pairs:
        if value and value != other:
            return False
    return not regimen.amounts or agree(regimen.amounts, known.amounts)


def _explain_absence(parsed: ParsedRecord, result: ModelResult) -> Absence:
    """Return why a record has no regimen, with the sections that were searched."""
    searched: list[str] = []
    for section in parsed.record.sections:
        if FieldRef(section.name).path not in _SEARCHED:
            continue
        searched.append(section.name)
    reason = _find_reason(parsed, result, has_sections=bool(searched))
    return Absence(field="dosing", reason=reason, sections=tuple(searched))


def _find_reason(
    parsed: ParsedRecord, result: ModelResult, *, has_sections: bool
) -> AbsenceReason:
    """Return the reason of an absence. What the model was asked comes first: an answer that was
    refused, then a passage without an answer, then clauses that it was never asked about.

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
    """Check whether a model's regimen states the rules' dose: the same words, or one of its amounts
    for its agent. Numbers of pieces or mL in the rules' regimen count as any amount of the agent.
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
    answered = {(amount.low, amount.high) for amount in amounts.value}
    by_rules = regimen.rules["amounts"].value or ()
    for amount in by_rules:
        if (amount.low, amount.high) in answered:
            return True
    return all(amount.unit in _PORTIONS for amount in by_rules)


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
