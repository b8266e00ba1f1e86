"""Compare what was registered for a trial with what its paper says.

Only what both state is compared, and what one of them states and the other should. The absence of
something from a text that does not speak of it is "not stated", with the reason.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from extractor.apps.diff.changes import Side, read_row_words
from extractor.apps.diff.outcomes import (
    SURELY_SIMILAR,
    ComparedOutcomes,
    OutcomePair,
    compare_outcomes,
    differ_in_time,
    find_similar,
    list_similar,
)
from extractor.apps.evaluation.comparers import LimitEnd, list_bounds
from extractor.apps.evaluation.text import fold_agent, fold_name, scale_quantity
from extractor.apps.pages.words import say_value
from extractor.apps.values import RowKind, ValueRow, list_values
from extractor.errors import ArgumentError
from extractor.face import GUESSED, group_pairs, list_registry_numbers, word_set
from extractor.schemas import (
    Criterion,
    CriterionKind,
    Rank,
    Regimen,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.record import PAPER_FORMATS, TEXT_FORMATS
from extractor.schemas.vocabulary import DOUBTFUL_BELOW, Comparator

KINDS = ("missing", "new", "rank", "time", "value", "not stated")
NOT_STATED = "not stated"
_CELLS = ("value", "quote", "section", "start", "end")
PUBLISHED_COLUMNS = (
    "record_id",
    "paper_id",
    "discrepancy",
    "field",
    *(f"{side}_{name}" for side in ("registered", "published") for name in _CELLS),
    "doubt",
)
_RANKS = (Rank.PRIMARY, Rank.SECONDARY)
_AGES = ("minimum_age", "maximum_age")
_ONLY_ABSTRACT = frozenset({"pubmed_xml", "medline", "pubmed_text"})
_MENTION = r"\b{rank}\b[^.\n]{{0,60}}?\b(?:outcomes?|end[ -]?points?)\b"
_LONGEST_QUOTE = 200
_OTHER_REPORT = re.compile(
    r"\b(?:secondary analys[ie]s|post[ -]?hoc|sub-?group|sub-?study|follow-?up|long-?term|extension"
    r"|pooled|meta-analys[ie]s|protocol|rationale|interim|exploratory|cost|correction|erratum)\b",
    re.IGNORECASE,
)
"""Words in the title of a paper that may report something else than the main results."""
_WORD = re.compile(r"[^\W\d_]{4,}")
_USUAL = word_set(
    "study studies trial trials with versus compared comparison treatment therapy effect effects"
    " efficacy safety patients participants adults children randomized randomised controlled double"
    " blind placebo phase evaluation evaluate from after among using"
)
"""Words that the titles of many trials have."""
_FEWEST_SHARED = 0.25
_LOWER = (Comparator.AT_LEAST, Comparator.MORE)


class Discrepancy(NamedTuple):
    """Something that was registered and published differently.

    Attributes:
        record_id: The registered record.
        paper_id: The paper.
        kind: What differs: a registered outcome is ``missing`` from the paper, a published one is
            ``new``, an outcome has another ``rank`` or another ``time``, or another ``value``
            differs; or a registered outcome is ``not stated`` in a text that does not name such
            outcomes.
        field: The path of the field or item, without positions, such as ``dosing.amounts``.
        old: The registered value, or None.
        new: The published value, or None.
        doubt: Why this may be wrong or, for what is not stated, the reason; None if nothing speaks
            against it.
    """

    record_id: str
    paper_id: str
    kind: str
    field: str
    old: ValueRow | None
    new: ValueRow | None
    doubt: str | None = None

    @property
    def cells(self) -> dict[str, object]:
        """The cells of the discrepancy, keyed by column."""
        cells: list[object] = [self.record_id, self.paper_id, self.kind, self.field]
        for row in (self.old, self.new):
            cells.append(read_row_words(row))
            cells += (getattr(row, name, None) for name in _CELLS[1:])
        return dict(zip(PUBLISHED_COLUMNS, [*cells, self.doubt], strict=True))


class _ComparedText(NamedTuple):
    """A record or paper: its extraction, its values by item, and its record if it is available."""

    extraction: TrialExtraction
    rows: dict[str, list[ValueRow]]
    record: TrialRecord | None

    def find(self, item: str, *fields: str) -> ValueRow | None:
        """Return the row of the first of these fields that an item has."""
        for field in fields:
            for row in self.rows.get(item, ()):
                if row.label == field:
                    return row
        return None


def diff_published(
    registered: TrialExtraction,
    published: TrialExtraction,
    *,
    registered_record: TrialRecord | None = None,
    published_record: TrialRecord | None = None,
) -> list[Discrepancy]:
    """Return what was registered and published differently for a trial.

    Args:
        registered: The extraction of the registered record.
        published: The extraction of the paper.
        registered_record: The record, whose registered ages are compared if its text states none.
        published_record: The paper, in which the reason is looked up why it states no outcomes.

    >>> registered, published = (
    ...     TrialExtraction.model_validate(
    ...         {
    ...             "record_id": name,
    ...             "eligibility": {},
    ...             "endpoints": [{"rank": rank, "index": 0, "measure": "Serum urate"}],
    ...         }
    ...     )
    ...     for name, rank in (("NCT90000001", "secondary"), ("PMID1", "primary"))
    ... )
    >>> [(found.kind, found.field) for found in diff_published(registered, published)]
    [('rank', 'endpoints.rank')]
    """
    ours = _read(registered, registered_record)
    theirs = _read(published, published_record)
    return [
        *_compare_outcomes(ours, theirs),
        *_compare_people(ours, theirs),
        *_compare_limits(ours, theirs),
        *_compare_doses(ours, theirs),
    ]


def _read(extraction: TrialExtraction, record: TrialRecord | None) -> _ComparedText:
    rows = group_pairs((row.item, row) for row in list_values(extraction))
    return _ComparedText(extraction, rows, record)


def _find(
    ours: _ComparedText,
    theirs: _ComparedText,
    kind: str,
    field: str,
    old: ValueRow | None,
    new: ValueRow | None,
    *doubts: str | None,
) -> Discrepancy:
    """Return a discrepancy. What is not surely read is a doubt, too."""
    all_doubts = [*doubts]
    for name, row in (("registered", old), ("published", new)):
        if row is None or row.confidence is None:
            continue
        confidence = row.confidence
        if confidence < DOUBTFUL_BELOW:
            all_doubts.append(
                f"the {name} value is doubtful ({100 * confidence:.0f} % sure)"
            )
    return Discrepancy(
        ours.extraction.record_id,
        theirs.extraction.record_id,
        kind,
        field,
        old,
        new,
        "; ".join(filter(None, all_doubts)) or None,
    )


# Outcomes.


def _compare_outcomes(
    ours: _ComparedText, theirs: _ComparedText
) -> Iterator[Discrepancy]:
    planned = ours.extraction.endpoints
    reported = theirs.extraction.endpoints
    compared = compare_outcomes(planned, reported)
    for pair in compared.pairs:
        yield from _compare_pair(ours, theirs, pair)
    for position in compared.missing:
        if planned[position].rank in _RANKS:
            yield _explain_missing(ours, theirs, position, compared)
    for position in compared.new:
        if reported[position].rank in _RANKS:
            yield _explain_new(ours, theirs, position, compared)


def _compare_pair(
    ours: _ComparedText, theirs: _ComparedText, pair: OutcomePair
) -> Iterator[Discrepancy]:
    """Yield the other rank and the other time of a registered outcome in the paper."""
    planned = ours.extraction.endpoints
    old = planned[pair.registered]
    new = theirs.extraction.endpoints[pair.published]
    doubt = None
    if pair.similarity < SURELY_SIMILAR:
        doubt = "the two outcomes share few words, and may be different ones"
    # text that gives no rank does not give another one
    gives_rank = new.rank is not Rank.OTHER
    if gives_rank and old.rank != new.rank:
        old_row = _prefix(_describe(ours, pair.registered), old.rank)
        new_row = _prefix(_describe(theirs, pair.published), new.rank)
        yield _find(ours, theirs, "rank", "endpoints.rank", old_row, new_row, doubt)
    same = [old, *list_similar(planned, new)]
    if differ_in_time(same, new):
        old_row = _show_times(ours, pair.registered)
        new_row = _show_times(theirs, pair.published)
        field = "endpoints.time_points"
        yield _find(ours, theirs, "time", field, old_row, new_row, doubt)


def _describe(text: _ComparedText, position: int) -> ValueRow:
    """Return the row of an outcome: that of its measure or, without one, its first row."""
    item = f"endpoints[{position}]"
    row = text.find(item, "measure", "description", "time_frame")
    if row:
        return row
    outcome = text.extraction.endpoints[position]
    name = outcome.measure or "an outcome without words"
    return ValueRow(RowKind.VALUE, text.extraction.record_id, item, "measure", name)


def _prefix(row: ValueRow, rank: Rank) -> ValueRow:
    return row._replace(value=f"{rank.value}: {row.text}")


def _show_times(text: _ComparedText, position: int) -> ValueRow:
    """Return the row of the times of an outcome, with what is measured in its value."""
    item = f"endpoints[{position}]"
    times = [
        say_value(row.value)
        for row in text.rows.get(item, ())
        if row.label == "time_points"
    ]
    row = text.find(item, "time_points") or _describe(text, position)
    measure = text.extraction.endpoints[position].measure or ""
    return row._replace(value=f"{', '.join(times)} ({measure})")


def _explain_missing(
    ours: _ComparedText,
    theirs: _ComparedText,
    position: int,
    compared: ComparedOutcomes,
) -> Discrepancy:
    """Return the discrepancy for a registered outcome that the paper does not have: missing, or not
    stated in a text that names no such outcomes or only some.
    """
    rank = ours.extraction.endpoints[position].rank
    row = _prefix(_describe(ours, position), rank)
    reported = theirs.extraction.endpoints
    named = sum(outcome.rank is rank for outcome in reported)
    if not named:
        reason, mention = _explain_none(theirs, rank)
        return _find(ours, theirs, NOT_STATED, "endpoints", row, mention, reason)
    is_abstract = _is_abstract(theirs)
    if is_abstract and rank is Rank.SECONDARY:
        reason = f"an abstract, which may not name each {rank.value} outcome"
        return _find(ours, theirs, NOT_STATED, "endpoints", row, None, reason)
    doubts = [_suggest(ours, position, compared.missing, theirs, compared.new)]
    if is_abstract:
        doubts.append("only the abstract was compared")
    return _find(ours, theirs, "missing", "endpoints", row, None, *doubts)


def _explain_none(theirs: _ComparedText, rank: Rank) -> tuple[str, ValueRow | None]:
    """Return why a text has no outcomes of a rank, with the words that mention some."""
    mention = _find_mention(theirs, rank)
    if mention is None:
        return f"the text does not name {rank.value} outcomes", None
    return f"the text mentions {rank.value} outcomes, but none was read", mention


def _find_mention(text: _ComparedText, rank: Rank) -> ValueRow | None:
    """Return the first words that mention outcomes of a rank, up to the end of their line."""
    if text.record is None:
        return None
    pattern = re.compile(_MENTION.format(rank=rank.value), re.IGNORECASE)
    for section in text.record.sections:
        found = pattern.search(section.text)
        if found is None:
            continue
        rest = section.text[found.start() : found.start() + _LONGEST_QUOTE]
        quote, _, _ = rest.partition("\n")
        return ValueRow(
            RowKind.VALUE,
            text.extraction.record_id,
            item="",
            field="endpoints",
            value=quote,
            quote=quote,
            section=section.name,
            start=found.start(),
            end=found.start() + len(quote),
        )
    return None


def _explain_new(
    ours: _ComparedText,
    theirs: _ComparedText,
    position: int,
    compared: ComparedOutcomes,
) -> Discrepancy:
    """Return the discrepancy for a published outcome that was not registered."""
    outcome = theirs.extraction.endpoints[position]
    row = _prefix(_describe(theirs, position), outcome.rank)
    if not ours.extraction.endpoints:
        reason = "the registered record names no outcomes"
        return _find(ours, theirs, NOT_STATED, "endpoints", None, row, reason)
    doubt = _suggest(theirs, position, compared.new, ours, compared.missing)
    return _find(ours, theirs, "new", "endpoints", None, row, doubt)


def _suggest(
    own: _ComparedText,
    position: int,
    of_own: Sequence[int],
    other: _ComparedText,
    of_other: Sequence[int],
) -> str | None:
    """Return the doubt that an outcome without a counterpart may be one of the other text: a
    similar one, which is paired with another outcome, or the only one of this rank in each text
    that has no counterpart.
    """
    outcome = own.extraction.endpoints[position]
    similar = find_similar(outcome, other.extraction.endpoints)
    if similar is not None:
        return f"“{_describe(other, similar).text}” is similar"
    candidates = _list_ranked(other, of_other, outcome.rank)
    if len(candidates) != 1 or len(_list_ranked(own, of_own, outcome.rank)) != 1:
        return None
    return f"it may be “{_describe(other, candidates[0]).text}” in other words"


def _list_ranked(
    text: _ComparedText, positions: Sequence[int], rank: Rank
) -> list[int]:
    endpoints = text.extraction.endpoints
    return [position for position in positions if endpoints[position].rank is rank]


def _is_abstract(text: _ComparedText) -> bool:
    source = text.extraction.source
    if source is None:
        return False
    if source.format in _ONLY_ABSTRACT:
        return True
    if source.format != "jats_xml" or text.record is None:
        return False
    # an article without its body
    return not text.record.section("brief_summary")


# Ages, sex, limits and doses.


def _compare_people(
    ours: _ComparedText, theirs: _ComparedText
) -> Iterator[Discrepancy]:
    for name in (*_AGES, "sex"):
        new = theirs.find("eligibility", name)
        old = ours.find("eligibility", name) or _find_registered(ours, name)
        if not old or not new:
            continue
        if _scale(old, name) != _scale(new, name):
            yield _find(ours, theirs, "value", f"eligibility.{name}", old, new)


def _find_registered(text: _ComparedText, name: str) -> ValueRow | None:
    """Return the row of a registered field of people, or None."""
    section = f"registry.{name}"
    if text.record is None:
        return None
    written = text.record.raw_text(section)
    if not written:
        return None
    value = written
    if name == "sex":
        value = written.lower()
    return ValueRow(
        RowKind.VALUE,
        text.extraction.record_id,
        item="",
        field=section,
        value=value,
        quote=written,
        section=section,
        start=0,
        end=len(written),
    )


def _scale(row: ValueRow, name: str) -> object:
    """Return an age or sex as it is compared."""
    if name not in _AGES:
        return row.text
    value = row.value
    if isinstance(value, str):
        number, _, unit = value.partition(" ")
        if not number.replace(".", "", 1).isdigit():
            return value
        return scale_quantity(float(number), unit.lower())
    return scale_quantity(value.value, str(value.unit))


class _BoundRow(NamedTuple):
    """One end of a limit on a quantity: whether it is the lower one, its value in base units, and
    its row.
    """

    is_lower: bool
    size: tuple[str | None, str]
    row: ValueRow

    def is_comparable(self, other: "_BoundRow") -> bool:
        """Return whether another limit has the same direction and kind of unit."""
        return self.is_lower == other.is_lower and self.size[1] == other.size[1]


def _compare_limits(
    ours: _ComparedText, theirs: _ComparedText
) -> Iterator[Discrepancy]:
    """Yield the limits of the paper that differ from all registered ones of the same quantity,
    direction and kind of unit.
    """
    planned = _list_limits(ours)
    told: set[object] = set()
    for quantity, bounds in _list_limits(theirs).items():
        for bound in bounds:
            registered = list(filter(bound.is_comparable, planned.get(quantity, ())))
            key = quantity, bound.is_lower, bound.size
            is_same = any(other.size == bound.size for other in registered)
            if not registered or is_same or key in told:
                continue
            told.add(key)
            doubt = None
            if len(registered) > 1:
                doubt = f"{len(registered)} limits of this quantity are registered"
            field = "eligibility.criteria.constraints"
            old = registered[0].row
            yield _find(ours, theirs, "value", field, old, bound.row, doubt)


def _list_limits(text: _ComparedText) -> dict[str, list[_BoundRow]]:
    """Return the bounds of an extraction, keyed by quantity. What an exclusion criterion limits is
    turned round: who has an eGFR below 30 is excluded, so 30 is the lower bound. Ages are compared
    on their own.
    """
    bounds: list[tuple[str, _BoundRow]] = []
    for position, criterion in enumerate(text.extraction.eligibility.criteria):
        rows = [
            row
            for row in text.rows.get(f"eligibility.criteria[{position}]", ())
            if row.label == "constraints"
        ]
        for limit, row in zip(criterion.constraints, rows, strict=False):
            quantity = limit.quantity_canonical or fold_name(limit.quantity)
            if quantity == "age":
                continue
            for end in list_bounds(limit):
                comparator = _turn(criterion, end)
                if comparator is not Comparator.EQUAL:
                    size = scale_quantity(end.value, end.unit)
                    is_lower = comparator in _LOWER
                    bounds.append((quantity, _BoundRow(is_lower, size, row)))
    return group_pairs(bounds)


def _turn(criterion: Criterion, end: LimitEnd) -> Comparator:
    if criterion.kind is CriterionKind.EXCLUSION:
        return end.comparator.opposite or end.comparator
    return end.comparator


def _compare_doses(ours: _ComparedText, theirs: _ComparedText) -> Iterator[Discrepancy]:
    """Yield the amounts, frequencies, routes and durations of the paper that differ from all
    registered ones of the same agent.
    """
    planned = group_pairs(
        (fold_agent(regimen.agent), f"dosing[{number}]")
        for number, regimen in enumerate(ours.extraction.dosing)
    )
    told: set[object] = set()
    for position, regimen in enumerate(theirs.extraction.dosing):
        agent = fold_agent(regimen.agent)
        for label in ("amounts", "frequency", "route", "duration"):
            registered = _list_rows(ours, planned.get(agent, ()), label)
            published = _list_rows(theirs, [f"dosing[{position}]"], label)
            for row in _list_others(registered, published):
                key = agent, label, _measure_dose(row)
                if key in told:
                    continue
                told.add(key)
                yield _find_other_dose(ours, theirs, regimen, registered, row)


def _list_others(
    registered: Sequence[ValueRow], published: Sequence[ValueRow]
) -> Iterator[ValueRow]:
    """Yield the published parts of doses that are not registered, if any are."""
    if not registered:
        return
    stated = set(map(_measure_dose, registered))
    for row in published:
        if _measure_dose(row) not in stated:
            yield row


def _find_other_dose(
    ours: _ComparedText,
    theirs: _ComparedText,
    regimen: Regimen,
    registered: Sequence[ValueRow],
    row: ValueRow,
) -> Discrepancy:
    """Return the discrepancy for a part of a dose; the first registered one is shown."""
    doubt = None
    if len(registered) > 1:
        words = ", ".join(dict.fromkeys(other.text for other in registered))
        doubt = f"registered are {words}"
    old = _name_agent(registered[0], regimen)
    new = _name_agent(row, regimen)
    return _find(ours, theirs, "value", f"dosing.{row.label}", old, new, doubt)


def _list_rows(text: _ComparedText, items: Sequence[str], label: str) -> list[ValueRow]:
    return [
        row for item in items for row in text.rows.get(item, ()) if row.label == label
    ]


def _measure_dose(row: ValueRow) -> object:
    """Return a part of a dose as it is compared: amounts and durations in base units."""
    value = row.value
    if row.label == "amounts":
        numbers = (value.low, value.high)
        return tuple(scale_quantity(number, value.unit) for number in numbers)
    if row.label == "duration":
        return scale_quantity(value.value, str(value.unit))
    return row.text


def _name_agent(row: ValueRow, regimen: Regimen) -> ValueRow:
    return row._replace(value=f"{regimen.agent} {row.text}")


# Which record belongs to which paper.


class PaperPair(NamedTuple):
    """A registered record and its paper, by id, and why they may not belong together, or None."""

    record_id: str
    paper_id: str
    doubt: str | None = None


class ComparedPaper(NamedTuple):
    """A registered trial and a paper about it: what differs, why they may not belong together (or
    None), and both records, which are None if they are not available.
    """

    trial_id: str
    record_id: str
    changes: Sequence[Discrepancy]
    old: TrialRecord | None
    new: TrialRecord | None
    doubt: str | None = None


def compare_papers(registered: Side, published: Side) -> Iterator[ComparedPaper]:
    """Yield each paper whose trial is among the registered records, with the discrepancies. The
    doubts of a pair are doubts of each of its discrepancies.
    """
    for trial_id, paper_id, doubt in pair_papers(registered, published):
        old = registered.records.get(trial_id)
        new = published.records.get(paper_id)
        found = diff_published(
            registered.read(trial_id),
            published.read(paper_id),
            registered_record=old,
            published_record=new,
        )
        if doubt:
            found = [
                one._replace(doubt="; ".join(filter(None, [one.doubt, doubt])))
                for one in found
            ]
        yield ComparedPaper(trial_id, paper_id, found, old, new, doubt)


def reads_papers(old: Side, new: Side) -> bool:
    """Return whether the versions are registered records and papers, rather than two versions of
    the same records. Raises ``ArgumentError`` if the papers come first.
    """
    old_papers = _list_papers(old)
    new_papers = _list_papers(new)
    if old_papers and not new_papers and _list_registered(new):
        raise ArgumentError(
            "the papers come first; pass the registered records first, then the papers"
        )
    return bool(new_papers) and not old_papers


def _find_format(side: Side, record_id: str) -> str:
    record = side.records.get(record_id)
    source = record.source if record else side.read(record_id).source
    return source.format if source else ""


def _list_papers(side: Side) -> list[str]:
    return [
        name for name in side.record_ids if _find_format(side, name) in PAPER_FORMATS
    ]


def _list_registered(side: Side) -> list[str]:
    return [
        name
        for name in side.record_ids
        if _find_format(side, name) not in {"", *TEXT_FORMATS}
    ]


def pair_papers(registered: Side, published: Side) -> Iterator[PaperPair]:
    """Yield each paper with the record of its trial, by registry number. Two single records are
    paired if neither states another number. A paper without a record is left out.
    """
    names = {
        _find_number(registered, name) or name: name for name in registered.record_ids
    }
    for paper_id in published.record_ids:
        record_id, doubt = _choose_record(names, published, paper_id)
        if record_id is None:
            continue
        doubts = [doubt, *_doubt_pair(registered, published, record_id, paper_id)]
        all_doubts = "; ".join(filter(None, doubts))
        yield PaperPair(record_id, paper_id, all_doubts or None)


def _choose_record(
    names: Mapping[str, str], published: Side, paper_id: str
) -> tuple[str | None, str | None]:
    """Return the record of a paper, or None, and a doubt, or None. ``names`` contains the records
    by registry number.
    """
    number = _find_number(published, paper_id)
    if number is not None:
        return names.get(number), None
    stated = [one for one in _list_stated(published, paper_id) if one in names]
    if len(stated) == 1:
        return names[stated[0]], "the paper states several trial numbers"
    are_single = len(names) == len(published.record_ids) == 1
    if are_single and not stated:
        [record_id] = names.values()
        return record_id, "the paper does not state the number of the trial"
    return None, None


def _find_number(side: Side, record_id: str) -> str | None:
    record = side.records.get(record_id)
    if record:
        return record.registry_id
    return side.read(record_id).registry_id


def _list_stated(side: Side, record_id: str) -> list[str]:
    record = side.records.get(record_id)
    if record is None:
        return []
    return list_registry_numbers("\n\n".join(part.text for part in record.sections))


def _doubt_pair(
    registered: Side, published: Side, record_id: str, paper_id: str
) -> Iterator[str]:
    """Yield what speaks against a pair."""
    paper = published.records.get(paper_id)
    if paper is None:
        return
    if any(GUESSED in note for note in paper.source.notes):
        yield "the paper mentions the number, but does not say that it is its own"
    title = paper.raw_text("title") or ""
    other = _OTHER_REPORT.search(title)
    if other:
        yield f"its title suggests another report than the main results (“{other[0]}”)"
    record = registered.records.get(record_id)
    named = (
        _list_compared_words(record.raw_text("title") or "") if record else frozenset()
    )
    if named:
        words = _list_compared_words(
            "\n".join(section.text for section in paper.sections)
        )
        if len(named & words) < _FEWEST_SHARED * len(named):
            yield "the paper has few words of the registered title"


def _list_compared_words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold())) - _USUAL
