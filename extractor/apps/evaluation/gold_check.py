"""Check gold: report every problem of its files, values and quotes, with place and remedy.

Two texts are the same if they differ only in runs of white space, case, and backslashes before
punctuation. No other difference is allowed: a gold quote is copied from the text.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from textwrap import shorten
from typing import Any

from extractor.apps.evaluation.comparers import AGE_UNITS
from extractor.apps.evaluation.fields import (
    ENDPOINTS,
    Group,
    add_groups,
    choose_fields,
    list_quotes,
)
from extractor.apps.evaluation.gold_files import (
    Flaw,
    GoldPlace,
    PlacedItem,
    list_files,
    list_places,
    read_items,
)
from extractor.apps.evaluation.gold_links import check_arms, check_groups
from extractor.apps.evaluation.places import find_places, name_home, name_outcome
from extractor.apps.evaluation.text import fold_quote
from extractor.assembly.claims import find_claimed
from extractor.concepts.limits.rows import find_numbers
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.people.registered_ages import count_days
from extractor.errors import ArgumentError, RecordError
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.formats import read_records
from extractor.language.passage import read_passage, read_section
from extractor.schemas import (
    Amount,
    Comparator,
    Constraint,
    Criterion,
    CustomItem,
    Eligibility,
    ExtractedItem,
    Rank,
    Regimen,
    Task,
    TimeWindow,
    TrialRecord,
)
from extractor.schemas.arguments import suggest

_SHOWN = 90
"""Most characters of a quoted text in a message."""
_UNWRITTEN = (None, 1)
"""Bounds that words need not write as a number: "above the upper limit of normal", "a single
lesion".
"""
_ROUNDED = 1e-3
"""The greatest part of a number that is lost by rounding."""


def check_gold_files(
    gold: str | PathLike[str],
    *inputs: str | PathLike[str],
    fields: Sequence[CustomField] = (),
) -> list[Flaw]:
    """Check gold as ``check_gold`` does, against records from ``inputs``. An unreadable record is
    also a problem.

    >>> check_gold_files("seeds/gold", "seeds/records")
    []
    """
    unreadable: list[RecordError] = []
    problems = check_gold(
        gold, read_records(*inputs, on_error=unreadable.append), fields
    )
    refused = [
        Flaw(one.place or "", one.problem, one.remedy, place=GoldPlace(Path(one.path)))
        for one in unreadable
    ]
    return [*refused, *problems]


def check_gold(
    gold: str | PathLike[str],
    records: Iterable[TrialRecord],
    fields: Sequence[CustomField] = (),
) -> list[Flaw]:
    """Return every problem of all gold files, in the order of files and fields.

    ``gold`` is a folder of JSON, a JSON or JSONL file, or a run's folder. Only ``records`` with
    gold stay in memory. ``fields`` are the user's own, for the values under ``custom``. Broken
    gold raises no error; it is reported as a problem.

    >>> from extractor import read_records
    >>> check_gold("seeds/gold", read_records("seeds/records"))
    []
    """
    entries = list(_read_entries(Path(gold)))
    wanted = {_read_id(data) for _, data in entries}
    kept = {
        record.record_id: record for record in records if record.record_id in wanted
    }
    seen: dict[str, GoldPlace] = {}
    checked = (
        (place, _check_entry(place, data, kept, seen, fields))
        for place, data in entries
    )
    return [replace(flaw, place=place) for place, flaws in checked for flaw in flaws]


def _read_entries(gold: Path) -> Iterator[tuple[GoldPlace, Any]]:
    """Yield each annotation with its place: its JSON, or the flaw that makes it unreadable."""
    files = list_files(gold)
    if not files:
        yield (
            GoldPlace(gold),
            Flaw(
                "",
                "the folder holds no .json or .jsonl file",
                "name the folder with gold",
            ),
        )
    for file in files:
        try:
            for place, data in list_places(file):
                try:
                    yield (
                        place,
                        json.loads(data.decode(), object_pairs_hook=_refuse_duplicates),
                    )
                except (ValueError, RecursionError) as problem:
                    yield place, Flaw("", f"broken JSON: {problem}", "correct the JSON")
        except OSError as problem:
            yield (
                GoldPlace(file),
                Flaw("", f"cannot be read ({problem.strerror})", "check the path"),
            )


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object from these pairs, and refuse duplicate keys, which the parser would drop
    silently.
    """
    twice = [
        key for key, number in Counter(key for key, _ in pairs).items() if number > 1
    ]
    if twice:
        raise ValueError(f"the key {twice[0]!r} occurs twice in one object")
    return dict(pairs)


def _read_id(data: object) -> str | None:
    found = data.get("record_id") if isinstance(data, dict) else None
    return found if isinstance(found, str) else None


def _check_entry(
    place: GoldPlace,
    data: Any,
    records: dict[str, TrialRecord],
    seen: dict[str, GoldPlace],
    fields: Sequence[CustomField],
) -> Iterator[Flaw]:
    """Yield the flaws of one annotation. ``seen`` maps the ids so far to their places, and gets
    this one.
    """
    if isinstance(data, Flaw):
        yield data
        return
    name = _read_id(data)
    if name is not None and seen.setdefault(name, place) != place:
        yield Flaw(
            "record_id",
            f"{name!r} is annotated in {seen[name]} as well",
            "keep one of the two",
        )
    record = None if name is None else records.get(name)
    yield from check_annotation(data, record, fields)
    if name is not None and record is None:
        yield Flaw(
            "record_id",
            f"there is no record {name!r}",
            "correct the id, or add the record",
        )


def check_annotation(
    data: Any, record: TrialRecord | None, fields: Sequence[CustomField] = ()
) -> Iterator[Flaw]:
    """Yield every flaw of one annotation, given as JSON; without ``record``, only the annotation
    itself is checked.

    ``fields`` are the user's own.

    >>> [
    ...     flaw.path
    ...     for flaw in check_annotation(
    ...         {"record_id": "A", "eligibility": {"sex": "men"}}, None
    ...     )
    ... ]
    ['eligibility.sex']
    """
    flaws, items = read_items(data, fields)
    yield from flaws
    for one in items:
        yield from _check_values(one.path, one.item)
    # else groups would look like gaps
    if not any(flaw.path.startswith("eligibility.groups") for flaw in flaws):
        yield from check_groups(items)
    yield from check_arms(items, record)
    said = data if isinstance(data, dict) else {}
    alone = bool(said.get("custom")) and not any(said.get(task) for task in Task)
    yield from _check_scored(said.get("scored"), fields)
    # An item that the schema refused has a flaw of its own.
    places = {one.path for one in items} | {
        flaw.path.partition("]")[0] + "]" for flaw in flaws
    }
    yield from _check_own(said.get("custom"), items, fields, None if alone else places)
    if record is not None:
        text = _Text(record)
        for one in items:
            yield from text.check_item(*one)
        if not alone and _has_all_outcomes(data):
            yield from _check_outcomes(data["endpoints"], items, text.outcomes)


def _check_outcomes(
    listed: Any,
    items: Sequence[PlacedItem],
    registered: Sequence[tuple[Rank, int]],
) -> Iterator[Flaw]:
    endpoints = [
        (path, item) for _, path, item in items if path.startswith("endpoints")
    ]
    # Endpoints that the schema refused would look like gaps.
    if isinstance(listed, list) and len(listed) == len(endpoints):
        yield from _check_places(endpoints, registered)


def _has_all_outcomes(data: Mapping[str, Any]) -> bool:
    """Return whether gold was read for all outcomes of the record."""
    scored = data.get("scored")
    if "endpoints" not in data or not isinstance(scored or [], list):
        return False
    return not scored or ENDPOINTS.fields[0].is_named(map(str, scored))


def _check_scored(scored: Any, fields: Sequence[CustomField]) -> Iterator[Flaw]:
    """Yield names of fields that there are not, among those that gold was read for."""
    named = scored if isinstance(scored, list) else []
    groups = add_groups(fields)
    for at, name in enumerate(named):
        try:
            choose_fields([str(name)], groups)
        except ArgumentError as error:
            yield Flaw(f"scored[{at}]", str(error), "correct it, or leave it out")


def _check_values(path: str, item: ExtractedItem) -> Iterator[Flaw]:
    """Yield values that contradict each other, and numbers that the item's own words do not
    have.
    """
    if isinstance(item, Eligibility):
        ages = {
            f"{path}.{name}": age
            for name in ("minimum_age", "maximum_age")
            if (age := getattr(item, name))
        }
        for name, age in ages.items():
            if age.unit not in AGE_UNITS:
                yield Flaw(
                    f"{name}.unit",
                    f"'{age.unit}' is no unit of an age",
                    "use year, month, week or day",
                )
        days = [count_days(age) for age in ages.values() if age.unit in AGE_UNITS]
        if len(days) == 2 and days[0] > days[1]:
            yield Flaw(
                f"{path}.minimum_age",
                "is above maximum_age",
                "exchange or correct them",
            )
    elif isinstance(item, Criterion):
        for number, limit in enumerate(item.constraints):
            yield from _check_limit(f"{path}.constraints[{number}]", limit, item)
        for number, window in enumerate(item.time_windows):
            yield from _check_bounds(f"{path}.time_windows[{number}]", window)
    elif isinstance(item, Regimen):
        for number, amount in enumerate(item.amounts):
            yield from _check_amount(f"{path}.amounts[{number}]", amount)


def _check_amount(path: str, amount: Amount) -> Iterator[Flaw]:
    if amount.high is None:
        yield Flaw(
            f"{path}.high",
            "is null",
            "write the amount; only low may be null, for an 'up to' dose",
        )
    elif amount.low is not None and amount.low > amount.high:
        yield Flaw(
            f"{path}.low",
            f"low {amount.low} is above high {amount.high}",
            "exchange or correct them",
        )
    if not amount.unit.strip():
        yield Flaw(f"{path}.unit", "is empty", "write the unit")


def _check_limit(path: str, limit: Constraint, criterion: Criterion) -> Iterator[Flaw]:
    """Check that a limit names its quantity and has its bounds; warn of one that the words
    lack.
    """
    if not limit.quantity.strip():
        yield Flaw(
            f"{path}.quantity", "is empty", "write the words that name what is limited"
        )
    yield from _check_bounds(path, limit)
    words = "\n".join(filter(None, (criterion.lead_in, criterion.quote)))
    stated = {number.value for number in find_numbers(read_passage(words).tokens)}
    for name, bound in (("value", limit.value), ("value_high", limit.value_high)):
        if bound not in _UNWRITTEN and not any(
            abs(bound - one) <= _ROUNDED * abs(bound) for one in stated
        ):
            problem = (
                f"{bound:,} does not stand in the quote {_shorten(criterion.quote)}"
            )
            yield Flaw(
                f"{path}.{name}",
                problem,
                "correct the number, or quote the words that state it",
                warns=True,
            )


def _check_bounds(path: str, limit: Constraint | TimeWindow) -> Iterator[Flaw]:
    """Check that a range has a lower and a higher bound, and other limits one."""
    high = limit.value_high
    is_range = limit.comparator is Comparator.BETWEEN
    if is_range and high is None:
        yield Flaw(
            f"{path}.value_high",
            "is null with the comparator 'between'",
            "write the upper bound",
        )
    elif is_range and high is not None and limit.value >= high:
        problem = f"value {limit.value} is not below value_high {high}"
        yield Flaw(f"{path}.value", problem, "exchange or correct them")
    elif not is_range and high is not None:
        yield Flaw(
            f"{path}.value_high",
            f"is {high} with the comparator '{limit.comparator}'",
            "write null",
        )


def _check_own(
    custom: Any,
    items: Sequence[PlacedItem],
    fields: Sequence[CustomField],
    places: Collection[str] | None,
) -> Iterator[Flaw]:
    """Yield values of the user's fields that are not declared, say nothing, or are of no item
    that may have them.

    ``places`` are the paths of all items; None for gold of these fields alone, which lacks the
    items that it names.
    """
    known = {field.name: field for field in fields}
    for name in (
        sorted(custom.keys() - known.keys()) if isinstance(custom, dict) else ()
    ):
        remedy = f"name its file with --fields{suggest(name, known)}"
        yield Flaw(f"custom.{name}", "no field has this name", remedy, warns=True)
    seen: set[tuple[str, str | None]] = set()
    for group, path, item in items:
        if not isinstance(item, CustomItem):
            continue
        if (
            (group.path, item.of) in seen
            and not group.many
            and (item.of or not group.of)
        ):
            yield Flaw(path, "is stated twice", "leave one out, or declare many = true")
        seen.add((group.path, item.of))
        is_host = re.fullmatch(rf"{group.of}\[\d+\]", item.of or "") and (
            places is None or item.of in places
        )
        if item.of is not None and not is_host:
            remedy = (
                f"write one such as {group.of}[0]"
                if group.of
                else "leave it out: the field is one of the record"
            )
            yield Flaw(f"{path}.of", f"there is no item {item.of!r}", remedy)
        declared = known[group.path.partition(".")[2]].attributes
        lacking = [
            one.name for one in declared if one.required and one.name not in item.values
        ]
        if not item.values and not lacking:
            yield Flaw(path, "has no value", "fill one in, or leave the entry out")
        for name in lacking:
            yield Flaw(
                f"{path}.values.{name}",
                "is empty",
                "fill it in, or leave the entry out",
            )


def _check_places(
    endpoints: Sequence[tuple[str, Any]], registered: Sequence[tuple[Rank, int]]
) -> Iterator[Flaw]:
    """Yield differences between the endpoints' ranks and indices and those of the registered
    outcomes.
    """
    counts = Counter(rank for rank, _ in registered)
    seen: set[tuple[Rank, int]] = set()
    for path, endpoint in endpoints:
        place = endpoint.rank, endpoint.index
        if place in seen:
            yield Flaw(
                f"{path}.index",
                f"{name_outcome(*place)} is annotated twice",
                "correct rank and index",
            )
        elif place not in registered:
            problem = (
                f"there is no {name_outcome(*place)}: the record has {counts[place[0]]} "
                f"{place[0]} outcomes"
            )
            yield Flaw(
                f"{path}.index",
                problem,
                "correct rank and index, or remove the endpoint",
            )
        seen.add(place)
    for place in registered:
        if place not in seen:
            yield Flaw(
                "endpoints",
                f"{name_outcome(*place)} is not annotated",
                "add an endpoint for it",
            )


def _shorten(text: str) -> str:
    """Quote a text on one line, without its end if it is long."""
    return repr(shorten(text, _SHOWN, placeholder=" ..."))


class _Text:
    """The texts that gold can refer to: sections, and each item of a section that holds a list
    in one cell.
    """

    def __init__(self, record: TrialRecord) -> None:
        places = find_places(record)
        self.outcomes = places.outcomes
        self._record = record
        self._raw = {
            name: (record.raw_text(span.section) or "")[span.start : span.end]
            for name, span in places.spans.items()
        }
        self._folded = {name: fold_quote(text) for name, text in self._raw.items()}
        self._passages = [
            read_section(section.name, section.text).whole
            for section in record.sections
        ]

    def check_item(
        self, group: Group, path: str, item: ExtractedItem
    ) -> Iterator[Flaw]:
        """Yield quotes, a user's numbers, and offsets of an extraction's evidence that the
        record does not bear out.
        """
        if isinstance(item, Eligibility):
            lead_ins = {
                f"{path}.groups[{at}].lead_in": one.lead_in
                for at, one in enumerate(item.groups)
            }
            yield from self._check_anywhere(
                {place: quote for place, quote in lead_ins.items() if quote is not None}
            )
        else:
            yield from self._check_quotes(group, path, item)
        for field in group.fields if isinstance(item, CustomItem) else ():
            value = field.read(item)
            for one in value if isinstance(value, tuple) else (value,):
                is_number = one is not None and not isinstance(one, str | bool)
                if is_number and not any(
                    find_claimed(one, passage) for passage in self._passages
                ):
                    problem = f"nothing in the record states {show_value(one)}"
                    remedy = (
                        "correct the number or its unit, if the text does not say it in "
                        "other words"
                    )
                    yield Flaw(f"{path}.{field.attribute}", problem, remedy, warns=True)
        for number, evidence in enumerate(item.evidence):
            place = f"{path}.evidence[{number}]"
            text = self._record.raw_text(evidence.section)
            if text is None:
                problem = f"the record has no section {evidence.section!r}"
                yield Flaw(f"{place}.section", problem, "name one that it has")
            elif text[evidence.start : evidence.end] != evidence.quote:
                problem = f"{evidence.section}[{evidence.start}:{evidence.end}] is not the quote"
                yield Flaw(place, problem, "correct start and end")

    def _check_quotes(
        self, group: Group, path: str, item: ExtractedItem
    ) -> Iterator[Flaw]:
        """Yield quotes that are not in the item's section.

        The agent, the days of giving and the words of a user's field may be in any section.
        """
        section = name_home(item) or ""
        quotes = {
            name: quote for name, quote in list_quotes(group, item) if quote is not None
        }
        anywhere = (
            quotes.keys()
            if isinstance(item, CustomItem)
            else {"agent", "timing"} & quotes.keys()
        )
        if section in self._folded:
            found = (
                self._check(f"{path}.{name}", quotes[name], section)
                for name in quotes
                if name not in anywhere
            )
            yield from filter(None, found)
        # else the check of ranks and indices reports it
        elif section == getattr(item, "section", None):
            homes = [
                name
                for name in self._folded
                if not self._check(path, quotes.get("quote", ""), name)
            ]
            remedy = (
                f"the quote stands in {', '.join(homes)}"
                if homes
                else "name a section of the record"
            )
            yield Flaw(
                f"{path}.section", f"the record has no section {section!r}", remedy
            )
        yield from self._check_anywhere(
            {f"{path}.{name}": quotes[name] for name in sorted(anywhere)}
        )

    def _check_anywhere(self, quotes: Mapping[str, str]) -> Iterator[Flaw]:
        """Yield quotes, by their paths, that are in no section."""
        for path, quote in quotes.items():
            if all(self._check(path, quote, place) for place in self._folded):
                yield Flaw(
                    path,
                    f"{_shorten(quote)} stands nowhere in the record",
                    "copy it from the text",
                )

    def _check(self, path: str, quote: str, section: str) -> Flaw | None:
        """Return the flaw of a quote from an existing section, or None."""
        words = fold_quote(quote)
        text = self._folded[section]
        if not words:
            return Flaw(
                path,
                "is empty",
                "copy the words from the text, or write null where the guideline allows it",
            )
        if words in text:
            before = r"(?<!\w)" if words[0].isalnum() else ""
            after = r"(?!\w)" if words[-1].isalnum() else ""
            if re.search(before + re.escape(words) + after, text):
                return None
            return Flaw(
                path,
                f"{_shorten(words)} begins or ends inside a word or number",
                "quote whole words",
            )
        problem = f"{_shorten(quote)} does not stand in {section}"
        if elsewhere := [
            name for name, other in self._folded.items() if words in other
        ]:
            return Flaw(path, problem, f"it stands in {', '.join(elsewhere)}")
        nearest = verify_quote(quote, self._raw[section])
        stated = _shorten(self._raw[section][nearest.start : nearest.end])
        if nearest.status is QuoteStatus.FOLDED:
            return Flaw(
                path,
                f"{_shorten(quote)} is written otherwise in {section}",
                f"copy it as it stands: {stated}",
            )
        is_near = nearest.status is QuoteStatus.CONFLICT
        return Flaw(
            path,
            problem,
            f"the nearest words are {stated}" if is_near else "copy it from the text",
        )
