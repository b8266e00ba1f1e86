"""The second question about a record: values that were refused or could not be read, and lines without an answer.

Copies of worked examples are dropped before, without asking.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel

from extractor.fields.declaration import CustomField
from extractor.fields.value_forms import show_value
from extractor.llm.calls import estimate_tokens
from extractor.schemas import Constraint, FindingKind, Instrument, Task
from extractor.stages.parse.drafts import Chunk, ConflictKind, Draft, Reading, Refusal, Span
from extractor.stages.parse.parsed import ParsedRecord
from extractor.stages.proof.check import ground_answer
from extractor.stages.proof.regimens import prove_regimens

from .prompt import load_prompt, render_line
from .questions import Question
from .reply_models import Item, Reply, keys_asked, read_values

LINE_TOKENS = 1000
"""Estimated tokens of all lines of a record's recheck; what does not fit is not asked."""
_SHOWN_AROUND = 160
"""Characters shown on either side of the text that is nearest to a rejected value."""
_LONGEST_VALUE, _LONGEST_REASON = 80, 160
_INVENTED = frozenset({"agent", "quote"})
"""Fields whose example values are invented: no record has them by chance."""
_DISTINCTIVE = 6
"""Words from which on a quote is not in both an example and a record by chance."""


def drop_repeated(draft: Draft) -> Draft:
    """Drop all values of a draft if one of its refused values was copied from a worked example.

    Small models copy what they were shown. Such an answer was not read from its line, so its other values, even words
    of closed sets, are worth nothing.
    """
    known = _example_values(draft.group)
    refused = tuple(
        replace(one, kind=FindingKind.EXAMPLE_REPEATED) if (one.field, one.value.casefold()) in known else one
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
    reply = Reply.model_validate({"items": prompt.answer}, context=Reply.context_of(prompt.questions))
    task = Task(group.partition(".")[0])
    said = (values for asked, values in read_values(prompt.questions, reply.items) if asked.task is task)
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


class Recheck(NamedTuple):
    """A question of a recheck, and the chunk that it is about.

    ``place`` is that of the draft that the answer completes; without one, the answer is another draft.
    """

    question: Question
    chunk: Chunk
    place: int | None = None


def plan_recheck(
    parsed: ParsedRecord,
    drafts: Sequence[Draft],
    missing: Iterable[Question] = (),
    custom: Sequence[CustomField] = (),
) -> list[Recheck]:
    """What is asked once more, as lines of one call: refused values, those that contradict the text first; then
    ``missing``, the questions whose lines got no item.

    A line shows the text that is nearest to its values. All lines together take at most ``LINE_TOKENS``.
    """
    own = {field.name: field for field in custom}
    planned: list[tuple[bool, Recheck]] = []
    for place, draft in enumerate(drafts):
        if refused := [one for one in draft.refused if one.field in Item.model_fields or one.field in own]:
            question = _ask_again(parsed, draft, refused, own)
            planned.append((any(one.conflicts for one in refused), Recheck(question, draft.chunk, place)))
    planned += ((False, Recheck(question, question.chunk)) for question in missing)
    kept: list[Recheck] = []
    room = LINE_TOKENS
    for _, line in sorted(planned, key=lambda each: not each[0]):
        question = replace(line.question, chunk=replace(line.question.chunk, number=len(kept) + 1))
        size = estimate_tokens(render_line(question))
        if size <= room:
            kept.append(line._replace(question=question))
            room -= size
    return kept


def merge_recheck(
    parsed: ParsedRecord, drafts: Sequence[Draft], rechecks: Sequence[Recheck], items: Iterable[BaseModel]
) -> list[Draft]:
    """Return the drafts, completed by what the text supports of the second answers; ``items`` are those of the reply.

    Withdrawn values stay out: the model was not asked whether there is none.
    """
    merged = list(drafts)
    for question, values in read_values([recheck.question for recheck in rechecks], items, complete=False):
        _, chunk, place = rechecks[question.chunk.number - 1]
        first = None if place is None else merged[place]
        draft = parsed.draft_of(question.task, chunk)
        said = {name: value for name, value in values.items() if name != "lead_in"}  # lines have other numbers here
        again = ground_answer(said, draft, parsed, parsed.find_lead_in(draft), question.custom)
        again = replace(again, model={**(first.model if first else {}), **again.model})
        (again,) = prove_regimens([again], parsed)
        if first is None or place is None:
            merged.append(again)
        else:
            merged[place] = _merge(first, again, question.fields)
    return merged


def _ask_again(
    parsed: ParsedRecord, draft: Draft, refused: Sequence[Refusal], own: Mapping[str, CustomField]
) -> Question:
    """Return the question for what is refused of a draft."""
    fields = tuple(dict.fromkeys(one.field for one in refused))
    shown = _shorten(parsed, draft.chunk, [one.nearest for one in refused])
    task = Task(draft.group.partition(".")[0])
    question = Question(task, shown, fields, custom=tuple(own[name] for name in fields if name in own))
    keys = dict(zip(fields, keys_asked(question), strict=True))
    return replace(question, hint="refused: " + "; ".join(_explain(keys[one.field], one, parsed) for one in refused))


def _explain(key: str, refusal: Refusal, parsed: ParsedRecord) -> str:
    """What was answered, what is wrong with it, and what the text has instead."""
    answered = f'{key} "{refusal.value[:_LONGEST_VALUE]}"'
    if refusal.reason:
        return f"{answered}: {refusal.reason[:_LONGEST_REASON]}"
    if refusal.nearest is None:
        return f"{answered} is not in the text"
    stated = parsed.raw(refusal.nearest)
    wrong = refusal.conflicts[0] if refusal.conflicts else None
    if wrong and wrong.stated not in stated:  # the number alone was found: show the sign before it, the unit behind it
        is_sign = wrong.kind is ConflictKind.COMPARATOR
        stated = f"{wrong.stated} {stated}" if is_sign else f"{stated} {wrong.stated}"
    kind = f": wrong {wrong.kind.value.replace('_', ' ')}" if wrong else ""
    return f'{answered}{kind}, the text has "{stated[:_LONGEST_VALUE]}"'


def _shorten(parsed: ParsedRecord, chunk: Chunk, places: Sequence[Span | None]) -> Chunk:
    """Return the chunk; of a long one the words around these places, if each is in its section."""
    near = [span for span in places if span and span.section == chunk.span.section]
    if len(near) < len(places):
        return chunk
    first, last = min(span.start for span in near), max(span.end for span in near)
    text = parsed.raw(replace(chunk.span, start=0))
    # Whole words only: a number that is cut is another number.
    before = text.find(" ", max(chunk.span.start, first - _SHOWN_AROUND), first)
    behind = text.rfind(" ", last, last + _SHOWN_AROUND)
    start = chunk.span.start if before < 0 or first - _SHOWN_AROUND <= chunk.span.start else before + 1
    end = chunk.span.end if behind < 0 or last + _SHOWN_AROUND >= chunk.span.end else behind
    span = replace(chunk.span, start=start, end=end)
    return replace(chunk, span=span, text=parsed.sections[span.section].between(span.start, span.end).text)


def _merge(first: Draft, again: Draft, fields: Iterable[str]) -> Draft:
    """Return the first answer, completed by what the second one supports of the fields that were asked again."""
    model, own = dict(first.model), dict(first.own)
    resolved: set[str] = set()
    for field in fields:
        refused = sum(one.field == field for one in first.refused)
        if claims := again.own.get(field):
            before = first.own.get(field, ())
            own[field], model[field] = (*before, *(one for one in claims if one not in before)), again.model[field]
            is_resolved = len(own[field]) >= refused + len(before)
        elif field not in again.own and (found := again.model.get(field)) and found.value not in (None, ()):
            known = model.get(field)
            model[field] = _unite(known, found) if known and known.value else found
            stated = len(known.list_values()) if known else 0
            is_resolved = not isinstance(found.value, tuple) or len(model[field].value) >= refused + stated
        else:
            is_resolved = False
        resolved |= {field} if is_resolved else set()
    remaining = (
        replace(one, again=tuple(dict.fromkeys(each.value for each in again.refused if each.field == one.field)))
        if one.field in fields
        else one
        for one in first.refused
        if one.field not in resolved
    )
    return replace(first, model=model, own=own, refused=tuple(remaining))


def _unite(one: Reading[Any], other: Reading[Any]) -> Reading[Any]:
    """Both readings of a list, in the order of the text, each member once."""
    members = {
        member: (span, support)
        for each in (one, other)
        for member, span, support in zip(each.value, each.spans, each.list_supports(), strict=True)
    }
    ordered = sorted(members, key=lambda member: members[member][0].start)
    spans, supports = zip(*(members[member] for member in ordered), strict=True) if ordered else ((), ())
    return replace(one, value=tuple(ordered), spans=spans, supports=supports)
