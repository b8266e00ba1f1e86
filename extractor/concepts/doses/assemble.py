"""Assemble regimens: the model's list if a model read the record's dosing passages, otherwise the
rules' list.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from extractor.concepts.doses.amounts import PORTIONS
from extractor.concepts.doses.marks import LINKED
from extractor.concepts.doses.names import is_same_agent
from extractor.concepts.provenance import Assembled, ItemBuilder, list_read_fields
from extractor.concepts.resolve import ALONE, agree
from extractor.confidence import AGREE, weigh_answer
from extractor.evidence.drafts import Draft, ModelResult, Reading, Span, find_weakest
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import (
    Origin,
    Regimen,
    Support,
    Task,
)

_FIELDS = list_read_fields(Task.DOSING)
_STATED = ("amounts", "route", "frequency", "cycle", "duration", "timing")
"""To be kept, a regimen must state at least one of these fields."""
_QUOTED = ("agent", "amounts", "frequency", "duration", "timing")
"""Fields whose words should be in the quote of a regimen."""
_LONGEST_QUOTE = 260
"""Maximum number of characters in a quote; a longer quote is cut to the span of its values."""
_MOST_COMPARED = 50
"""Maximum number of earlier regimens with the same agent that are compared with a regimen. This
limit keeps the running time linear.
"""


_schedule_of = attrgetter("route", "frequency", "timing", "duration")
"""The fields of a regimen other than its amounts."""


def assemble_dosing(parsed: ParsedRecord, result: ModelResult) -> Assembled[Regimen]:
    """Assemble the regimens of a record with their evidence. If a regimen does not add anything to
    an earlier regimen with the same agent, only its arms are added to that regimen.
    """
    latest: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=_MOST_COMPARED))
    assembled = Assembled[Regimen](Task.DOSING)
    for draft in _list_drafts(parsed, result):
        exists = draft.read("stands")
        builder = ItemBuilder(parsed, draft, assembled.path, ceiling=exists.confidence)
        fields = builder.add_fields(_FIELDS) | {"quote": builder.add_quote(exists)}
        is_stated = any(fields[name] for name in _STATED)
        if fields["agent"] is None:
            continue
        if not is_stated:
            continue
        regimen = Regimen(section=draft.span.section, **fields, **builder.build())
        regimen = _cite_arms(regimen)
        same_agent = latest[fields["agent"].casefold()]
        known = [
            number
            for number in same_agent
            if _adds_nothing(regimen, assembled.items[number][1])
        ]
        if known:
            path, first, first_draft = assembled.items[known[0]]
            joined = _join_arms(first, regimen)
            assembled.items[known[0]] = path, joined, first_draft
            continue
        same_agent.append(len(assembled.items))
        assembled.add(regimen, builder)
    return assembled


def _cite_arms(regimen: Regimen) -> Regimen:
    """Add evidence for the arms to which each of a regimen's amounts applies. This evidence is
    copied from the evidence for the regimen's arms, but its confidence is capped at that of the
    amount. The quote of an arm's evidence is its label.
    """
    evidence = list(regimen.evidence)
    of_arms = {piece.quote: piece for piece in regimen.evidence_for("arms")}
    for number, amount in enumerate(regimen.amounts):
        path = f"amounts[{number}]"
        for label in filter(of_arms.get, amount.arms):
            pieces = [regimen.evidence_for(path)[0], of_arms[label]]
            cited = {
                "field": f"{path}.arms",
                "support": find_weakest([piece.support for piece in pieces]),
                "confidence": min(piece.confidence or 0 for piece in pieces),
            }
            evidence.append(of_arms[label].model_copy(update=cited))
    return regimen.model_copy(update={"evidence": tuple(evidence)})


def _join_arms(first: Regimen, more: Regimen) -> Regimen:
    """Add the arms of the second regimen, with their evidence, to the first regimen. The quote of
    an arm's evidence is its label.
    """
    arms = list(first.arms)
    evidence = list(first.evidence)
    for piece in more.evidence_for("arms"):
        if piece.quote not in arms:
            cited = piece.model_copy(update={"field": f"arms[{len(arms)}]"})
            evidence.append(cited)
            arms.append(piece.quote)
    added = {"arms": tuple(arms), "evidence": tuple(evidence)}
    return first.model_copy(update=added)


def _list_drafts(parsed: ParsedRecord, result: ModelResult) -> Iterator[Draft]:
    """Yield the model's regimens, each with the corresponding readings from the rules, and then the
    rules' own regimens.

    - In a passage that the model was asked about but did not answer, a regimen from the rules is
      kept unless a regimen from the model covers it.
    - Elsewhere, regimens from the rules are kept only if the model did not answer any passage. An
      empty list or a rejected answer also counts as an answer.
    """
    by_model = result.list_regimens()
    for answer in by_model:
        yield _confirm(parsed, answer)
    unanswered = [passage for passage in result.passages if not passage.is_answered]
    for regimen in parsed.regimens:
        containing = (
            candidate
            for candidate in unanswered
            if candidate.span.contains(regimen.chunk.span)
        )
        passage = next(containing, None)
        if passage and not any(covers(answer, regimen) for answer in by_model):
            # an empty field is reported with the passage's reason
            yield replace(
                regimen,
                chunk=passage.chunk,
                questions=passage.questions,
                is_skipped=passage.is_skipped,
            )
        elif not result.answers_any_passage:
            yield regimen


def _confirm(parsed: ParsedRecord, answer: Draft) -> Draft:
    """Return a regimen from the model with a reading from the rules for each of its fields.

    - For a field in ``LINKED``, whose link to the agent was proven, the reading is the model's own
      value.
    - For any other field, it is the value from a rule-based regimen with the same agent, if that
      value agrees with the model's value.
    - A field that the model left empty is filled from a rule-based regimen that has the same agent
      and whose words overlap with the answer.
    - All other readings are open.

    The regimen has a higher confidence if the rules found a regimen with the same agent.
    """
    span = _place(answer)
    agent = answer.model.get("agent")
    similar = [
        regimen
        for regimen in (parsed.regimens if agent else ())
        if agent and is_same_agent(regimen.rules["agent"].value, agent.value)
    ]
    rules: dict[str, Reading[Any]] = {}
    for field in _FIELDS:
        rules[field.name] = _read_beside(field.name, answer, similar, span)
    situation = ALONE
    if similar:
        situation = AGREE
    rules["stands"] = Reading(
        value=True,
        confidence=weigh_answer("dosing.regimens", situation),
        origin=Origin.BOTH if similar else Origin.MODEL,
    )
    return replace(answer, span=span, rules=rules)


def _place(answer: Draft) -> Span:
    """Return the span of a regimen: its quote, or the span of its values if the quote is too long
    or was rejected. If the regimen does not contain any values, return the span of the whole quote
    or passage.
    """
    whole = answer.chunk.span
    quote = answer.model.get("quote")
    if quote and quote.spans:
        whole = quote.spans[0]
        if whole.length <= _LONGEST_QUOTE:
            return whole
    readings = [answer.model[name] for name in _QUOTED if name in answer.model]
    near = [
        span
        for reading in readings
        for span in reading.spans
        if whole.contains(span) and span != whole
    ]
    start = min((span.start for span in near), default=whole.start)
    end = max((span.end for span in near), default=whole.end)
    return Span(whole.section, start, end)


def _read_beside(
    name: str, answer: Draft, similar: Sequence[Draft], span: Span
) -> Reading[Any]:
    """Return the reading from the rules for a field of a model's regimen, as described in
    ``_confirm``. The reading is open if no rule-based regimen agrees with the model or has a value
    to fill in.

    ``similar`` contains the rule-based regimens with the same agent; ``span`` covers the words of
    the answer. If there is only one similar regimen, its arms are used regardless of where that
    regimen is stated.
    """
    model = answer.model.get(name)
    if model and name in LINKED:
        is_proven = Support.INFERRED not in model.list_supports()
        if is_proven:
            return model
        return Reading.open_()
    for regimen in similar:
        reading = regimen.rules[name]
        levels = regimen.rules["amounts"].list_values()
        # if each level has its own arms, it is unknown which of them receive the answered amount
        if name == "arms" and any(level.arms for level in levels):
            continue
        if model:
            if reading.value and agree(reading.value, model.value):
                return reading
            continue
        is_only = name == "arms" and len(similar) == 1
        if is_only:
            return reading
        if regimen.span.overlaps(span):
            return reading
    return Reading.open_()


def _adds_nothing(regimen: Regimen, known: Regimen) -> bool:
    """Return whether each field of a regimen, except for its arms, is empty or the same as in an
    earlier regimen with the same agent.
    """
    pairs = zip(_schedule_of(regimen), _schedule_of(known), strict=True)
    for value, known_value in pairs:
        if not value:
            continue
        if value == known_value:
            continue
        return False
    if not regimen.amounts:
        return True
    return agree(regimen.amounts, known.amounts)


def covers(listed: Draft, regimen: Draft) -> bool:
    """Return whether a model's regimen states the same dose as a regimen from the rules, which is
    the case if their words overlap or if both give the same agent the same amount. Volumes and
    numbers of tablets in the rules' regimen match any amount of the agent.
    """
    places = regimen.rules["amounts"].spans or (regimen.span,)
    amounts = listed.model.get("amounts")
    quote = listed.model.get("quote")
    for reading in filter(None, (amounts, quote)):
        if any(place.overlaps(span) for place in places for span in reading.spans):
            return True
    agent = listed.model.get("agent")
    by_rules = regimen.rules["agent"].value
    if not amounts:
        return False
    if not agent:
        return False
    if not is_same_agent(by_rules, agent.value):
        return False
    answered = {(amount.low, amount.high) for amount in amounts.list_values()}
    read = regimen.rules["amounts"].list_values()
    is_same = any((level.low, level.high) in answered for level in read)
    if is_same:
        return True
    return all(level.unit in PORTIONS for level in read)
