"""Assemble regimens: the model's list if a model read the record's dosing passages, otherwise the
rules' list.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from extractor.assembly.provenance import Assembled, ItemBuilder, list_read_fields
from extractor.assembly.resolve import ALONE, agree
from extractor.concepts.doses.agents import find_kind
from extractor.concepts.doses.amounts import PORTIONS
from extractor.concepts.doses.marks import LINKED
from extractor.concepts.doses.names import is_same_agent
from extractor.concepts.limits.criterion import read_constraints
from extractor.concepts.limits.read import find_limits
from extractor.confidence import AGREE, ANSWERS, find_most, weigh_answer
from extractor.evidence.drafts import (
    CERTAIN,
    Draft,
    ModelResult,
    Reading,
    Span,
    Why,
    find_weakest,
)
from extractor.evidence.items import RegimenDraft, RegimenReadings
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text
from extractor.language.passage import read_passage
from extractor.schemas import (
    AbsenceReason,
    Amount,
    Constraint,
    Origin,
    Regimen,
    Role,
    Support,
    Task,
)
from extractor.schemas.values import index_evidence
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_OF_STEPS = ("step", "step_kind", "maximum", "total_duration", "as_needed")
"""Fields that most regimens lack: a regimen without them is the whole treatment."""
_FIELDS = [
    field for field in list_read_fields(Task.DOSING) if field.name not in _OF_STEPS
]
_SELDOM = [field for field in list_read_fields(Task.DOSING) if field.name in _OF_STEPS]
_STATED = ("amounts", "route", "frequency", "cycle", "duration", "timing")
"""To be kept, a regimen must state at least one of these fields."""
_QUOTED = ("agent", "amounts", "frequency", "duration", "timing")
"""Fields whose words should be in the quote of a regimen."""
_LONGEST_QUOTE = 260
"""Maximum number of characters in a quote; a longer quote is cut to the span of its values."""
_ASKED = tuple(field.name for field in (*_FIELDS, *_SELDOM))
_WEIGHTS = ("kg", "lb", "lbs")
_MOST_COMPARED = 50
"""Maximum number of earlier regimens with the same agent that are compared with a regimen. This
limit keeps the running time linear.
"""


_SCHEDULE = ("route", "frequency", "timing", "duration", *_OF_STEPS)
"""The fields of a regimen other than its amounts and its arms."""


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
        # a regimen is not lost because one value of it was rejected
        is_stated = any(fields[name] or draft.objects_to(name) for name in _STATED)
        if fields["agent"] is None or not is_stated:
            continue
        fields |= builder.add_stated(_SELDOM)
        fields["amounts"] = tuple(map(_read_limits, fields["amounts"]))
        regimen = _cite_arms(
            Regimen(section=draft.span.section, **fields, **builder.build())
        )
        same_agent = latest[regimen.agent.casefold()]
        for number in same_agent:
            path, first, first_draft = assembled.items[number]
            if _adds_nothing(regimen, first):
                joined = _join_arms(first, regimen)
                assembled.items[number] = path, joined, first_draft
                break
        else:
            same_agent.append(len(assembled.items))
            assembled.add(regimen, builder)
    return assembled


def _read_limits(amount: Amount) -> Amount:
    """Return an amount with the limits that its condition states, as those of a criterion are
    read: "body weight <= 30 kg".
    """
    if not amount.condition:
        return amount
    passage = read_passage(amount.condition)
    limits = read_constraints(passage, find_limits(passage.tokens, None)).value or ()
    return amount.model_copy(update={"limits": tuple(map(_name_quantity, limits))})


def _name_quantity(limit: Constraint) -> Constraint:
    """Return a limit with the quantity that its unit means, if its words name none: "for patients
    > 40 kg".
    """
    if not any(letter.isdigit() for letter in limit.quantity):
        return limit
    name = "weight" if (limit.unit or "").lower() in _WEIGHTS else "age"
    return limit.model_copy(update={"quantity": name})


def _cite_arms(regimen: Regimen) -> Regimen:
    """Add evidence for the arms to which each of a regimen's amounts applies. This evidence is
    copied from the evidence for the regimen's arms, but its confidence is capped at that of the
    amount. The quote of an arm's evidence is its label.
    """
    evidence = list(regimen.evidence)
    proofs = index_evidence(regimen)
    of_arms = {piece.quote: piece for piece in proofs["arms"]}
    for number, amount in enumerate(regimen.amounts):
        path = f"amounts[{number}]"
        for label in filter(of_arms.get, amount.arms):
            pieces = [proofs[path][0], of_arms[label]]
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
    - A regimen with an amount of which the rules are sure is kept, too, and doubted.
    - Elsewhere, regimens from the rules are kept only if the model did not answer any passage. An
      empty list or a rejected answer also counts as an answer.
    """
    by_model = result.list_regimens()
    for answer in by_model:
        yield _confirm(parsed, answer)
    for regimen in parsed.regimens:
        passages = [
            passage
            for passage in result.passages
            if not passage.is_answered and passage.span.contains(regimen.chunk.span)
        ]
        if passages and not any(covers(answer, regimen) for answer in by_model):
            # an empty field is reported with the passage's reason
            yield replace(
                regimen,
                chunk=passages[0].chunk,
                questions=passages[0].questions,
                is_skipped=passages[0].is_skipped,
            )
        elif not result.answers_any_passage:
            yield regimen
        elif is_left_out(regimen, by_model):
            left_out = dict.fromkeys(_ASKED, AbsenceReason.MODEL_REFUSED)
            yield replace(regimen, questions=left_out, is_skipped=True)


def is_left_out(regimen: RegimenDraft, by_model: Sequence[Draft]) -> bool:
    """Return whether the rules are sure of an amount of a regimen that no regimen of a model
    covers. Such a regimen is kept, doubted: a short reply must not lose it.
    """
    amounts = regimen.rules.amounts.list_supported()
    is_sure = any(amount.confidence >= DOUBTFUL_BELOW for amount in amounts)
    return is_sure and not any(covers(answer, regimen) for answer in by_model)


def _confirm(parsed: ParsedRecord, answer: Draft) -> Draft:
    """Return a regimen from the model with a reading from the rules for each of its fields. The
    regimen has a higher confidence if the rules found a regimen with the same agent.
    """
    span = _place(answer)
    agent = answer.model.get("agent")
    similar = [
        regimen
        for regimen in parsed.regimens
        if agent and is_same_agent(regimen.rules.agent.value, agent.value)
    ]
    exists = weigh_answer("dosing.stands", AGREE if similar else ALONE)
    if not similar and _has_dose_of_other(answer):
        exists = min(exists, find_most(ANSWERS, Why.OTHER_OWNER))
    origin = Origin.BOTH if similar else Origin.MODEL
    rules = RegimenReadings(
        **{name: _read_beside(name, answer, similar, span) for name in _ASKED},
        stands=Reading(value=True, origin=origin, weighed=exists),
    )
    return replace(answer, span=span, rules=rules)


def _has_dose_of_other(answer: Draft) -> bool:
    """Return whether the text gives the amount of a model's regimen to another agent: "Fictumab 300
    mg given by nurses" is no regimen of nurses.
    """
    return any(
        objection.field == "amounts" and objection.why is Why.OTHER_OWNER
        for objection in answer.objections
    )


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
    near = [
        span
        for name in answer.model.keys() & _QUOTED
        for span in answer.model[name].spans
        if span != whole and whole.contains(span)
    ] or [whole]
    start = min(span.start for span in near)
    return Span(whole.section, start, max(span.end for span in near))


def _read_beside(
    name: str, answer: Draft, similar: Sequence[RegimenDraft], span: Span
) -> Reading[Any]:
    """Return the reading from the rules for a field of a model's regimen.

    - For a field in ``LINKED``, whose link to the agent was proven, it is the model's own value.
    - For any other field, it is the value from a rule-based regimen with the same agent, if that
      value agrees with the model's value.
    - A field that the model left empty is filled from a rule-based regimen that has the same agent
      and whose words overlap with the answer. If there is only one such regimen, its arms are used
      regardless of where it is stated. A field whose answer was rejected stays empty if there are
      several: the value may be that of another phase.
    - An agent that is called a placebo has the role of one.
    - All other readings are open.

    ``similar`` contains the rule-based regimens with the same agent; ``span`` covers the words of
    the answer.
    """
    model = answer.model.get(name)
    if model is None and answer.objects_to(name) and len(similar) > 1:
        return Reading.open_()
    if model and name in LINKED:
        if model.support is Support.INFERRED:
            return Reading.open_()
        return model
    for regimen in similar:
        levels = regimen.rules.amounts.list_values()
        # if each level has its own arms, it is unknown which of them receive the answered amount
        if name == "arms" and any(level.arms for level in levels):
            continue
        reading: Reading[object] | None = regimen.rules.get(name)
        if reading is None:
            continue
        if model:
            is_fitting = bool(reading.value) and agree(reading.value, model.value)
        else:
            is_only = name == "arms" and len(similar) == 1
            is_fitting = is_only or regimen.span.overlaps(span)
        if is_fitting:
            return reading
    agent = answer.model.get("agent")
    if name == "role" and agent and _is_placebo(agent.value or ""):
        return Reading(Role.PLACEBO, weighed=CERTAIN)
    return Reading.open_()


def _is_placebo(name: str) -> bool:
    words = read_text(name)
    return find_kind(words, 0, len(words)) == "placebo"


def _adds_nothing(regimen: Regimen, known: Regimen) -> bool:
    """Return whether each field of a regimen, except for its arms, is empty or the same as in an
    earlier regimen with the same agent.
    """
    for name in _SCHEDULE:
        value = getattr(regimen, name)
        if value and value != getattr(known, name):
            return False
    return not regimen.amounts or agree(regimen.amounts, known.amounts)


def covers(listed: Draft, regimen: RegimenDraft) -> bool:
    """Return whether a model's regimen states the same dose as a regimen from the rules, which is
    the case if their words overlap or if both give the same agent the same amount. Volumes and
    numbers of tablets in the rules' regimen match any amount of the agent.
    """
    rules = regimen.rules
    agent = listed.model.get("agent")
    is_same = agent is not None and is_same_agent(rules.agent.value, agent.value)
    if _has_dose_of_other(listed) and not is_same:
        return False
    if _share_words(listed, rules.amounts.spans or (regimen.span,)):
        return True
    answered = listed.model.get("amounts")
    if not answered or not is_same:
        return False
    known = {(amount.low, amount.high) for amount in answered.list_values()}
    levels = rules.amounts.list_values()
    if any((level.low, level.high) in known for level in levels):
        return True
    return all(level.unit in PORTIONS for level in levels)


def _share_words(listed: Draft, places: Iterable[Span]) -> bool:
    """Return whether the amounts or the quote of a model's regimen overlap one of the places."""
    spans: list[Span] = []
    for name in ("amounts", "quote"):
        reading = listed.model.get(name)
        if reading:
            spans += reading.spans
    return any(place.overlaps(span) for place in places for span in spans)
