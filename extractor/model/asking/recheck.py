"""The second question about a record: values that the text contradicts, if another answer can
change the result.

What was left out, is unreadable, or stands nowhere in the text is a finding for people. Copies of
worked examples are dropped before, without asking.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import BaseModel

from extractor.assembly.check import ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.resolve import agree, resolve
from extractor.concepts.windows.prove import take_first
from extractor.evidence.drafts import Draft, Reading, Refusal
from extractor.evidence.parsed import ParsedRecord
from extractor.model.asking.prompt import load_prompt, render_line
from extractor.model.asking.questions import Question
from extractor.model.asking.reply_models import Item, Reply, keys_asked, read_values
from extractor.model.calls import estimate_tokens
from extractor.schemas import (
    AbsenceReason,
    Constraint,
    FindingKind,
    Instrument,
    Support,
    Task,
    TimeWindow,
)

LINE_TOKENS = 1000
"""Estimated tokens of all lines of a record's recheck; what does not fit is not asked."""
_LONGEST_VALUE = 80
_INVENTED = frozenset({"agent", "quote"})
"""Fields whose example values are invented: no record has them by chance."""
_DISTINCTIVE = 6
"""Words from which on a quote is not in both an example and a record by chance."""


def drop_repeated(draft: Draft) -> Draft:
    """Drop all values of a draft if one of its refused values was copied from a worked example.

    Small models copy what they were shown. Such an answer was not read from its line, so its other
    values, even words of closed sets, are worth nothing.
    """
    known = _example_values(draft.group)
    refused = tuple(
        replace(one, kind=FindingKind.EXAMPLE_REPEATED)
        if (one.field, one.value.casefold()) in known
        else one
        for one in draft.refused
    )
    return draft if refused == draft.refused else replace(draft, model={}, own={}, refused=refused)


@cache
def _example_values(group: str) -> frozenset[tuple[str, str]]:
    """Field and value of what the worked example says, where a record cannot share it by chance.

    >>> ("agent", "testimab") in _example_values("dosing")
    True
    """
    prompt = load_prompt()
    reply = Reply.model_validate(
        {"items": prompt.answer}, context=Reply.context_of(prompt.questions)
    )
    task = Task(group.partition(".")[0])
    said = (
        values for asked, values in read_values(prompt.questions, reply.items) if asked.task is task
    )
    return frozenset(
        # As in a refusal.
        (field, show_value(member).casefold())
        for values in said
        for field, value in values.items()
        for member in (value if isinstance(value, tuple) else (value,))
        if _is_distinctive(field, member)
    )


def _is_distinctive(field: str, value: Any) -> bool:
    if isinstance(value, str):
        return field in _INVENTED or len(value.split()) >= _DISTINCTIVE
    if isinstance(value, Constraint):
        return len(value.quantity.split()) >= _DISTINCTIVE // 2
    return isinstance(value, Instrument) and value.version is not None


def plan_recheck(
    parsed: ParsedRecord, drafts: Sequence[Draft], custom: Sequence[CustomField] = ()
) -> dict[int, Question]:
    """Plan what is asked once more, as lines of one call of at most ``LINE_TOKENS``: by the place
    of its draft.

    A line asks for the values that the text contradicts and that nothing else in the result
    replaces. Lines are numbered anew, because several regimens may stand in one.
    """
    own = {field.name: field for field in custom}
    planned: dict[int, Question] = {}
    room = LINE_TOKENS
    for place, draft in enumerate(drafts):
        askable = (
            one for one in draft.refused if one.field in Item.model_fields or one.field in own
        )
        refused = [one for one in askable if _is_worth_asking(one, draft, parsed)]
        if not refused:
            continue
        fields = tuple(dict.fromkeys(one.field for one in refused))
        chunk = replace(draft.chunk, number=len(planned) + 1)
        asked = tuple(own[name] for name in fields if name in own)
        question = Question(Task(draft.group.partition(".")[0]), chunk, fields, custom=asked)
        keys = dict(zip(fields, keys_asked(question), strict=True))
        reasons = (_explain(keys[one.field], one, parsed) for one in refused)
        question = replace(question, hint="refused: " + "; ".join(reasons))
        size = estimate_tokens(render_line(question))
        if size <= room:
            planned[place] = question
            room -= size
    return planned


def _is_worth_asking(refusal: Refusal, draft: Draft, parsed: ParsedRecord) -> bool:
    """Return whether the text contradicts a value, and the result has no value of the field from
    the words that do.

    Those may have become another member of a list, or a value of the rules that stands.
    """
    field = refusal.field
    words = refusal.nearest
    readings = [
        resolve(one.read(field), one.model.get(field), AbsenceReason.MODEL_REFUSED, field)
        for one in (draft, parsed.whole, *parsed.regimens)
    ]
    readings += (
        claim
        for one in draft.own.get(field, ())
        for claim in one.model.values()
        if claim.support
        is not Support.INFERRED  # a conclusion rests on a quote with words of other values
    )
    if words is not None and refusal.part:
        members = [member for one in readings for member in one.list_values()]
        return not any(
            agree(getattr(member, refusal.part, None), parsed.raw(words)) for member in members
        )
    return words is not None and not any(
        span.overlaps(words) for one in readings for span in one.spans
    )


def _explain(key: str, refusal: Refusal, parsed: ParsedRecord) -> str:
    """Say what was answered, what is wrong with it, and where the text says otherwise."""
    words = (
        f'; the text has "{parsed.raw(refusal.nearest)[:_LONGEST_VALUE]}"'
        if refusal.nearest
        else ""
    )
    return f'{key} "{refusal.value[:_LONGEST_VALUE]}": {refusal.why.value}{words}'


def merge_recheck(
    parsed: ParsedRecord,
    drafts: Sequence[Draft],
    asked: Mapping[int, Question],
    items: Iterable[BaseModel],
) -> list[Draft]:
    """Return the drafts, with what the text supports of the second answers; ``items`` are those
    of the reply.
    """
    merged = list(drafts)
    places = list(asked)
    for question, values in read_values(list(asked.values()), items, complete=False):
        place = places[question.chunk.number - 1]
        first = merged[place]
        again = ground_answer(values, first, parsed, parsed.find_lead_in(first), question.custom)
        (again,) = prove_regimens([replace(again, model={**first.model, **again.model})], parsed)
        merged[place] = _merge(first, again, question.fields, parsed)
    return merged


def _merge(first: Draft, again: Draft, fields: Iterable[str], parsed: ParsedRecord) -> Draft:
    """Return the first answer with the values of the second one, without the refusals that these
    settle.
    """
    model = dict(first.model)
    own = dict(first.own)
    for field in fields:
        found = again.model.get(field)
        known = model.get(field)
        if claims := again.own.get(field):
            before = own.get(field, ())
            own[field] = (*before, *(one for one in claims if one not in before))
            model[field] = again.model[field]
        elif found and found.list_values() and field not in again.own:
            model[field] = _unite(known, found) if known and known.value else found
    if "time_windows" in model:
        earliest = take_first(model["time_windows"], parsed.passage(first.chunk.span))
        model = {name: one for name, one in model.items() if name != "time_window"}
        model |= {"time_window": earliest} if earliest else {}
    merged = replace(first, model=model, own=own)
    settled = [
        one
        for one in first.refused
        if _is_worth_asking(one, first, parsed) and not _is_worth_asking(one, merged, parsed)
    ]
    return replace(merged, refused=tuple(one for one in first.refused if one not in settled))


def _unite(one: Reading[Any], other: Reading[Any]) -> Reading[Any]:
    """Return both readings of a list as one, in the order of the text, each member once.

    Of two time windows in the same words, the second one counts, in which the other quotes were
    corrected.
    """
    if not isinstance(one.value, tuple):
        return other
    members = {
        (_name_member(member), span.start if isinstance(member, TimeWindow) else 0): (
            member,
            span,
            support,
        )
        for each in (one, other)
        for member, span, support in zip(each.value, each.spans, each.list_supports(), strict=True)
    }
    ordered = sorted(members.values(), key=lambda found: found[1].start)
    values, spans, supports = zip(*ordered, strict=True)
    return replace(one, value=values, spans=spans, supports=supports)


def _name_member(member: Any) -> Any:
    return (
        member.model_copy(update={"of": None, "anchor": None})
        if isinstance(member, TimeWindow)
        else member
    )
