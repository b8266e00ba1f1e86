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
    refused = []
    for error in unreadable:
        place = GoldPlace(Path(error.path))
        refused.append(
            Flaw(error.place or "", error.problem, error.remedy, place=place)
        )
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
    wanted = {_get_id(data) for _, data in entries}
    kept = {
        record.record_id: record for record in records if record.record_id in wanted
    }
    first_places: dict[str, GoldPlace] = {}
    flaws: list[Flaw] = []
    for place, data in entries:
        checked = _check_entry(place, data, kept, first_places, fields)
        flaws += [replace(flaw, place=place) for flaw in checked]
    return flaws


def _read_entries(gold: Path) -> Iterator[tuple[GoldPlace, Any]]:
    """Yield each annotation with its place: its JSON, or the flaw that makes it unreadable."""
    files = list_files(gold)
    if not files:
        problem = "the folder holds no .json or .jsonl file"
        yield GoldPlace(gold), Flaw("", problem, "name the folder with gold")
    for file in files:
        try:
            for place, data in list_places(file):
                yield place, _parse_entry(data)
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
            yield GoldPlace(file), Flaw("", problem, "check the path")


def _parse_entry(data: bytes) -> Any:
    """Return the JSON of an annotation, or the flaw that makes it unreadable."""
    try:
        return json.loads(data.decode(), object_pairs_hook=_refuse_duplicates)
    except (ValueError, RecursionError) as error:
        return Flaw("", f"broken JSON: {error}", "correct the JSON")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object from these pairs, and refuse duplicate keys, which the parser would drop
    silently.
    """
    counts = Counter(key for key, _ in pairs)
    for key, count in counts.items():
        if count > 1:
            raise ValueError(f"the key {key!r} occurs twice in one object")
    return dict(pairs)


def _get_id(data: object) -> str | None:
    """Return the record's id in the JSON of an annotation, or None."""
    if not isinstance(data, dict):
        return None
    record_id = data.get("record_id")
    return record_id if isinstance(record_id, str) else None


def _check_entry(
    place: GoldPlace,
    data: Any,
    records: dict[str, TrialRecord],
    first_places: dict[str, GoldPlace],
    fields: Sequence[CustomField],
) -> Iterator[Flaw]:
    """Yield the flaws of one annotation: those of its content, an id that an earlier annotation
    has already, and an id without a record. ``first_places`` maps the ids so far to their places,
    and gets this one.
    """
    if isinstance(data, Flaw):
        yield data
        return
    record_id = _get_id(data)
    if record_id is None:
        yield from check_annotation(data, None, fields)
        return
    first_place = first_places.setdefault(record_id, place)
    if first_place != place:
        yield Flaw(
            "record_id",
            f"{record_id!r} is annotated in {first_place} as well",
            "keep one of the two",
        )
    record = records.get(record_id)
    yield from check_annotation(data, record, fields)
    if record is None:
        yield Flaw(
            "record_id",
            f"there is no record {record_id!r}",
            "correct the id, or add the record",
        )


def check_annotation(
    data: Any, record: TrialRecord | None, fields: Sequence[CustomField] = ()
) -> Iterator[Flaw]:
    """Yield every flaw of one annotation, given as JSON; without ``record``, only the annotation
    itself is checked, not its quotes and outcomes.

    ``fields`` are the user's own. Gold of these fields alone may name items that it does not have.

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
    for _, path, item in items:
        yield from _check_values(path, item)
    # Groups that the schema refused would look like gaps.
    if not any(flaw.path.startswith("eligibility.groups") for flaw in flaws):
        yield from check_groups(items)
    yield from check_arms(items, record)
    keys = data if isinstance(data, dict) else {}
    has_tasks = any(keys.get(task) for task in Task)
    is_of_own_fields_alone = bool(keys.get("custom")) and not has_tasks
    yield from _check_scored(keys.get("scored"), fields)
    yield from _list_undeclared(keys.get("custom"), fields)
    paths = None
    if not is_of_own_fields_alone:
        # An item that the schema refused has a flaw of its own.
        refused = {flaw.path.partition("]")[0] + "]" for flaw in flaws}
        paths = {path for _, path, _ in items} | refused
    yield from _check_own(items, fields, paths)
    if record is None:
        return
    # All below needs the text of the record.
    text = _Text(record)
    for group, path, item in items:
        yield from text.check_item(group, path, item)
    if _has_all_outcomes(data) and not is_of_own_fields_alone:
        yield from _check_outcomes(data["endpoints"], items, text.outcomes)


def _check_outcomes(
    listed: Any,
    items: Sequence[PlacedItem],
    registered: Sequence[tuple[Rank, int]],
) -> Iterator[Flaw]:
    """Yield the flaws in ranks and indices of the endpoints that gold has listed; none if an
    endpoint could not be read.
    """
    endpoints = [
        (path, item) for _, path, item in items if path.startswith("endpoints")
    ]
    # Endpoints that the schema refused would look like gaps.
    if not isinstance(listed, list) or len(listed) != len(endpoints):
        return
    yield from _check_places(endpoints, registered)


def _has_all_outcomes(data: Mapping[str, Any]) -> bool:
    """Return whether gold was read for all outcomes of the record: it lists endpoints, and if
    ``scored`` names fields, they are among them.
    """
    if "endpoints" not in data:
        return False
    scored = data.get("scored")
    if not scored:
        return True
    if not isinstance(scored, list):
        return False
    return ENDPOINTS.fields[0].is_named(map(str, scored))


def _check_scored(scored: Any, fields: Sequence[CustomField]) -> Iterator[Flaw]:
    """Yield names of fields that there are not, among those that gold was read for."""
    if not isinstance(scored, list):
        return
    groups = add_groups(fields)
    for at, name in enumerate(scored):
        try:
            choose_fields([str(name)], groups)
        except ArgumentError as error:
            yield Flaw(f"scored[{at}]", str(error), "correct it, or leave it out")


def _check_values(path: str, item: ExtractedItem) -> Iterator[Flaw]:
    """Yield what is wrong with the values of an item alone: ages, limits and amounts that
    contradict themselves, and numbers of limits that the criterion's words do not have.
    """
    if isinstance(item, Eligibility):
        yield from _check_ages(path, item)
    elif isinstance(item, Criterion):
        for number, limit in enumerate(item.constraints):
            yield from _check_limit(f"{path}.constraints[{number}]", limit, item)
        for number, window in enumerate(item.time_windows):
            yield from _check_bounds(f"{path}.time_windows[{number}]", window)
    elif isinstance(item, Regimen):
        for number, amount in enumerate(item.amounts):
            yield from _check_amount(f"{path}.amounts[{number}]", amount)


def _check_ages(path: str, people: Eligibility) -> Iterator[Flaw]:
    """Check the units of both ages, and that the lower one is not above the upper one."""
    days = []
    for name in ("minimum_age", "maximum_age"):
        age = getattr(people, name)
        if not age:
            continue
        if age.unit in AGE_UNITS:
            days.append(count_days(age))
        else:
            yield Flaw(
                f"{path}.{name}.unit",
                f"'{age.unit}' is no unit of an age",
                "use year, month, week or day",
            )
    if len(days) == 2 and days[0] > days[1]:
        yield Flaw(
            f"{path}.minimum_age",
            "is above maximum_age",
            "exchange or correct them",
        )


def _check_amount(path: str, amount: Amount) -> Iterator[Flaw]:
    """Check that an amount has a number and a unit, and its lower number first."""
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
    """Yield an empty name of a limit's quantity, and bounds that do not fit its comparator. Warn
    of a number, other than 1, that stands neither in the criterion's quote nor in its lead-in.
    """
    if not limit.quantity.strip():
        yield Flaw(
            f"{path}.quantity", "is empty", "write the words that name what is limited"
        )
    yield from _check_bounds(path, limit)
    words = "\n".join(filter(None, (criterion.lead_in, criterion.quote)))
    stated = {number.value for number in find_numbers(read_passage(words).tokens)}
    for name, bound in (("value", limit.value), ("value_high", limit.value_high)):
        if bound in _UNWRITTEN:
            continue
        rounding = _ROUNDED * abs(bound)
        if any(abs(bound - number) <= rounding for number in stated):
            continue
        yield Flaw(
            f"{path}.{name}",
            f"{bound:,} does not stand in the quote {_shorten(criterion.quote)}",
            "correct the number, or quote the words that state it",
            warns=True,
        )


def _check_bounds(path: str, limit: Constraint | TimeWindow) -> Iterator[Flaw]:
    """Yield a ``between`` without an upper bound, or with one that is not above the lower, and
    an upper bound of any other comparator.
    """
    high = limit.value_high
    if limit.comparator is not Comparator.BETWEEN:
        if high is not None:
            yield Flaw(
                f"{path}.value_high",
                f"is {high} with the comparator '{limit.comparator}'",
                "write null",
            )
        return
    if high is None:
        yield Flaw(
            f"{path}.value_high",
            "is null with the comparator 'between'",
            "write the upper bound",
        )
    elif limit.value >= high:
        problem = f"value {limit.value} is not below value_high {high}"
        yield Flaw(f"{path}.value", problem, "exchange or correct them")


def _list_undeclared(custom: Any, fields: Sequence[CustomField]) -> Iterator[Flaw]:
    """Yield the user's fields in gold that are not declared, by name."""
    if not isinstance(custom, dict):
        return
    declared = [field.name for field in fields]
    for name in sorted(custom.keys() - set(declared)):
        remedy = f"name its file with --fields{suggest(name, declared)}"
        yield Flaw(f"custom.{name}", "no field has this name", remedy, warns=True)


def _check_own(
    items: Sequence[PlacedItem],
    fields: Sequence[CustomField],
    paths: Collection[str] | None,
) -> Iterator[Flaw]:
    """Yield what is wrong with values of the user's fields: a second one of an item whose field has
    only one, an item that there is not, and required attributes without a value.

    ``paths`` are those of all items; None for gold of these fields alone, which lacks the items
    that its values belong to.
    """
    by_name = {field.name: field for field in fields}
    stated: set[tuple[str, str | None]] = set()
    for group, path, item in items:
        if not isinstance(item, CustomItem):
            continue
        is_repeated = (group.path, item.of) in stated
        stated.add((group.path, item.of))
        # An entry that does not name its item may be of any: it repeats no other.
        is_host_known = bool(item.of) or not group.of
        if is_repeated and is_host_known and not group.many:
            yield Flaw(path, "is stated twice", "leave one out, or declare many = true")
        if item.of is not None and not _may_have_value(group, item.of, paths):
            remedy = "leave it out: the field is one of the record"
            if group.of:
                remedy = f"write one such as {group.of}[0]"
            yield Flaw(f"{path}.of", f"there is no item {item.of!r}", remedy)
        field = by_name[group.path.partition(".")[2]]
        yield from _check_attributes(path, field, item)


def _may_have_value(group: Group, of: str, paths: Collection[str] | None) -> bool:
    """Return whether the item at the path ``of`` may have a value of a user's field: it is of the
    kind to which the field belongs, and among ``paths``, unless these are None.
    """
    if not re.fullmatch(rf"{group.of}\[\d+\]", of):
        return False
    return paths is None or of in paths


def _check_attributes(
    path: str, field: CustomField, item: CustomItem
) -> Iterator[Flaw]:
    """Yield required attributes without a value, and an entry without any value."""
    lacking = []
    for attribute in field.attributes:
        if not attribute.required or attribute.name in item.values:
            continue
        lacking.append(attribute.name)
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
    annotated: set[tuple[Rank, int]] = set()
    for path, endpoint in endpoints:
        rank = endpoint.rank
        outcome = (rank, endpoint.index)
        name = name_outcome(*outcome)
        if outcome in annotated:
            yield Flaw(
                f"{path}.index",
                f"{name} is annotated twice",
                "correct rank and index",
            )
        elif outcome not in registered:
            yield Flaw(
                f"{path}.index",
                f"there is no {name}: the record has {counts[rank]} {rank} outcomes",
                "correct rank and index, or remove the endpoint",
            )
        annotated.add(outcome)
    for outcome in registered:
        if outcome in annotated:
            continue
        yield Flaw(
            "endpoints",
            f"{name_outcome(*outcome)} is not annotated",
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
        self._raw: dict[str, str] = {}
        for name, span in places.spans.items():
            text = record.raw_text(span.section) or ""
            self._raw[name] = text[span.start : span.end]
        self._folded = {name: fold_quote(text) for name, text in self._raw.items()}
        self._passages = [
            read_section(section.name, section.text).whole
            for section in record.sections
        ]

    def check_item(
        self, group: Group, path: str, item: ExtractedItem
    ) -> Iterator[Flaw]:
        """Yield the quotes of an item, or the lead-ins of the groups of criteria, that the record
        does not have; the offsets of its evidence that lead to other words; and, as warnings, the
        numbers of a user's own item that no section states.
        """
        if isinstance(item, Eligibility):
            lead_ins = {}
            for at, criteria_group in enumerate(item.groups):
                if criteria_group.lead_in is not None:
                    place = f"{path}.groups[{at}].lead_in"
                    lead_ins[place] = criteria_group.lead_in
            yield from self._check_anywhere(lead_ins)
        else:
            yield from self._check_quotes(group, path, item)
        if isinstance(item, CustomItem):
            yield from self._check_own_numbers(group, path, item)
        for number, evidence in enumerate(item.evidence):
            place = f"{path}.evidence[{number}]"
            text = self._record.raw_text(evidence.section)
            if text is None:
                problem = f"the record has no section {evidence.section!r}"
                yield Flaw(f"{place}.section", problem, "name one that it has")
            elif text[evidence.start : evidence.end] != evidence.quote:
                problem = f"{evidence.section}[{evidence.start}:{evidence.end}] is not the quote"
                yield Flaw(place, problem, "correct start and end")

    def _check_own_numbers(
        self, group: Group, path: str, item: CustomItem
    ) -> Iterator[Flaw]:
        """Warn of the numbers in a user's item that no section states."""
        for field in group.fields:
            value = field.read(item)
            members = (value,)
            if isinstance(value, tuple):
                members = value
            for member in members:
                # Words are checked as quotes, and "yes" need not stand in the text.
                if member is None or isinstance(member, str | bool):
                    continue
                if any(find_claimed(member, passage) for passage in self._passages):
                    continue
                yield Flaw(
                    f"{path}.{field.attribute}",
                    f"nothing in the record states {show_value(member)}",
                    "correct the number or its unit, if the text does not say it in other words",
                    warns=True,
                )

    def _check_quotes(
        self, group: Group, path: str, item: ExtractedItem
    ) -> Iterator[Flaw]:
        """Yield quotes that are not in the item's section, and a section that the record does not
        have.

        The agent, the days of giving and the words of a user's field may be in any section.
        """
        section = name_home(item) or ""
        quotes = {
            name: quote for name, quote in list_quotes(group, item) if quote is not None
        }
        anywhere = {"agent", "timing"} & quotes.keys()
        if isinstance(item, CustomItem):
            anywhere = set(quotes)
        if section in self._folded:
            for name, quote in quotes.items():
                if name in anywhere:
                    continue
                flaw = self._find_flaw(f"{path}.{name}", quote, section)
                if flaw:
                    yield flaw
        # The check of ranks and indices reports an outcome that there is not.
        elif section == getattr(item, "section", None):
            yield self._refuse_section(path, section, quotes.get("quote", ""))
        yield from self._check_anywhere(
            {f"{path}.{name}": quotes[name] for name in sorted(anywhere)}
        )

    def _refuse_section(self, path: str, section: str, quote: str) -> Flaw:
        """Return the flaw of a section that the record does not have; its remedy names the
        sections in which the quote stands.
        """
        homes = [
            name for name in self._folded if self._find_flaw(path, quote, name) is None
        ]
        remedy = "name a section of the record"
        if homes:
            remedy = f"the quote stands in {', '.join(homes)}"
        return Flaw(f"{path}.section", f"the record has no section {section!r}", remedy)

    def _check_anywhere(self, quotes: Mapping[str, str]) -> Iterator[Flaw]:
        """Yield quotes, by their paths, that are in no section."""
        for path, quote in quotes.items():
            if all(self._find_flaw(path, quote, section) for section in self._folded):
                yield Flaw(
                    path,
                    f"{_shorten(quote)} stands nowhere in the record",
                    "copy it from the text",
                )

    def _find_flaw(self, path: str, quote: str, section: str) -> Flaw | None:
        """Return what is wrong with a quote in an existing section; None if it stands there as
        whole words. Gold quotes are copied, so only white space, case and escapes may differ. The
        remedy of a quote that stands elsewhere names the sections, else the nearest words are
        shown.
        """
        words = fold_quote(quote)
        text = self._folded[section]
        if not words:
            return Flaw(
                path,
                "is empty",
                "copy the words from the text, or write null where the guideline allows it",
            )
        if words in text:
            pattern = re.escape(words)
            if words[0].isalnum():
                pattern = r"(?<!\w)" + pattern
            if words[-1].isalnum():
                pattern += r"(?!\w)"
            if re.search(pattern, text):
                return None
            problem = f"{_shorten(words)} begins or ends inside a word or number"
            return Flaw(path, problem, "quote whole words")
        problem = f"{_shorten(quote)} does not stand in {section}"
        elsewhere = [name for name, other in self._folded.items() if words in other]
        if elsewhere:
            return Flaw(path, problem, f"it stands in {', '.join(elsewhere)}")
        # The words nearest to the quote show what was copied wrongly.
        nearest = verify_quote(quote, self._raw[section])
        stated = _shorten(self._raw[section][nearest.start : nearest.end])
        if nearest.status is QuoteStatus.FOLDED:
            problem = f"{_shorten(quote)} is written otherwise in {section}"
            return Flaw(path, problem, f"copy it as it stands: {stated}")
        if nearest.status is QuoteStatus.CONFLICT:
            return Flaw(path, problem, f"the nearest words are {stated}")
        return Flaw(path, problem, "copy it from the text")
