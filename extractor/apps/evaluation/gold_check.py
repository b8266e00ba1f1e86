"""Check gold for schema violations, quotes that are not in the record, limits whose numbers are not
in their criterion, and references to missing items.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from extractor.apps.evaluation.comparers import AGENT, EXTENT, TEXT
from extractor.apps.evaluation.fields import FIELDS
from extractor.apps.evaluation.gold_files import (
    complete_eligibility,
    list_gold_places,
    list_violations,
    parse_custom_values,
)
from extractor.apps.values import (
    find_section,
    list_values,
    name_home,
    split_path,
)
from extractor.errors import GoldError
from extractor.face import (
    CustomField,
    QuoteStatus,
    clean_text,
    find_numbers,
    fold_label,
    read_text,
    verify_quote,
)
from extractor.schemas import Criterion, FieldRef, TrialExtraction, TrialRecord
from extractor.schemas.base import StrPath

_QUOTES = {field.name for field in FIELDS if field.comparer in (TEXT, AGENT, EXTENT)}
"""Fields whose values are words taken from the record."""


class Flaw(NamedTuple):
    """A problem in an annotation, with a remedy. ``path`` is the field, and ``place`` is the file.

    >>> print(Flaw("dosing[0].unit", "is empty; write mg", "a.json"))
    a.json: dosing[0].unit: is empty; write mg
    """

    path: str
    problem: str
    place: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.place, self.path, self.problem)))


def check_gold(
    gold: StrPath,
    records: Iterable[TrialRecord],
    fields: Sequence[CustomField] = (),
) -> list[Flaw]:
    """Return all problems in gold files, sorted by file and field.

    ``gold`` is a folder of JSON files, a JSON or JSONL file, or a run's folder; ``fields`` are the
    custom fields, which are needed to check the values under ``custom``. Invalid gold does not
    raise an error.

    >>> from extractor import read_records
    >>> check_gold("seeds/gold", read_records("seeds/records"))
    []
    """
    by_id = {record.record_id: record for record in records}
    flaws: list[Flaw] = []
    for place in list_gold_places(Path(gold)):
        try:
            record_id, data = place.read()
        except GoldError as error:
            flaws.append(Flaw("", str(error)))
            continue
        record_flaws = check_annotation(data, by_id.get(record_id), fields)
        flaws += [flaw._replace(place=place.name) for flaw in record_flaws]
    return flaws


def check_annotation(
    data: object, record: TrialRecord | None, fields: Sequence[CustomField] = ()
) -> Iterator[Flaw]:
    """Yield every problem in one annotation, which is given as JSON. If the annotation violates the
    schema, only the violations are reported.

    >>> [
    ...     flaw.path
    ...     for flaw in check_annotation(
    ...         {"record_id": "A", "eligibility": {"sex": "men"}}, None
    ...     )
    ... ]
    ['eligibility.sex']
    """
    try:
        gold = TrialExtraction.model_validate_json(
            json.dumps(complete_eligibility(data)), strict=True
        )
        parse_custom_values(gold, fields)
    except ValidationError as error:
        for path, problem in list_violations(error).items():
            yield Flaw(path, f"{problem}; correct it")
        return
    except GoldError as error:
        yield Flaw("custom", f"{error}; correct it")
    for undeclared in gold.custom.keys() - {field.name for field in fields}:
        yield Flaw(
            f"custom.{undeclared}",
            "no custom field has this name; specify the file that declares it with --fields",
        )
    if record is None:
        yield Flaw(
            "record_id",
            "no such record, or the record could not be read; correct the id",
        )
        return
    for reference in _list_references(gold, record):
        if reference.name in (None, "", *reference.known_names):
            continue
        remedy = "leave it out"
        if reference.known_names:
            remedy = f"write one of {', '.join(map(str, reference.known_names))}"
        problem = f"there is no {reference.noun} {reference.name!r}; {remedy}"
        yield Flaw(reference.path, problem)
    yield from _check_quotes(gold, record)


class _Reference(NamedTuple):
    """A name in an annotation at ``path``, such as the arm "high dose" at ``dosing[0].arms``. It
    should be one of the ``known_names``, unless it is None or empty; ``noun`` is what it names.
    """

    path: str
    noun: str
    name: object
    known_names: Collection[object]


def _list_references(
    gold: TrialExtraction, record: TrialRecord
) -> Iterator[_Reference]:
    """Yield the references in an annotation: to groups, to items, to sections and to arms. The
    numbers in a limit are treated as references to the numbers in its criterion.
    """
    group_ids = [group.id for group in gold.eligibility.groups]
    for number, group in enumerate(gold.eligibility.groups):
        path = f"eligibility.groups[{number}].parent"
        yield _Reference(path, "group", group.parent, group_ids)
    items = dict(gold.list_items())
    # gold that covers only custom fields has none of the items that their values belong to
    covers_items = gold.eligibility.model_fields_set or gold.dosing or gold.endpoints
    sections: list[str] = []
    arms: list[str] = []
    for section in record.sections:
        sections.append(section.name)
        label = section.part("label")
        if label:
            arms.append(fold_label(label))
    for path, item in items.items():
        group_id = getattr(item, "group", None)
        yield _Reference(f"{path}.group", "group", group_id, group_ids)
        if covers_items:
            owner = getattr(item, "of", None)
            yield _Reference(f"{path}.of", "item", owner, items)
        home = name_home(item)
        # in a flat record, "arms[1]" is found in the section "arms", although it is no name
        if find_section(record, home) is None:
            yield _Reference(f"{path}.section", "place", home, sections)
        for arm in getattr(item, "arms", ()):
            yield _Reference(f"{path}.arms", "arm", fold_label(arm), arms)
        if isinstance(item, Criterion):
            yield from _list_numbers(path, item)


def _list_numbers(path: str, item: Criterion) -> Iterator[_Reference]:
    """Yield the numbers in the limits of a criterion, each as a reference to those in its text."""
    words = clean_text(f"{item.lead_in} {item.quote}").text
    numbers = [number.value for number in find_numbers(read_text(words))]
    # "above normal" has no number, and means above 1 ULN
    numbers.append(1)
    for limit in item.constraints:
        yield _Reference(f"{path}.constraints", "number", limit.value, numbers)


def _check_quotes(gold: TrialExtraction, record: TrialRecord) -> Iterator[Flaw]:
    """Yield the quotes that are missing from the section of their item. Agents and timings, and
    quotes of an item without a section, may be anywhere in the record.
    """
    all_texts = [section.text for section in record.sections]
    items = dict(gold.list_items())
    for path, quote in _list_quotes(gold):
        item_path, _ = split_path(path)
        section = find_section(record, name_home(items[item_path]))
        # another section may name the agent, or say when it is given
        if FieldRef(path).path in ("dosing.agent", "dosing.timing"):
            section = None
        texts = all_texts
        if section:
            texts = [record.raw_text(section) or ""]
        statuses = {verify_quote(quote, text).status for text in texts}
        if statuses.isdisjoint((QuoteStatus.EXACT, QuoteStatus.FOLDED)):
            place = section or "the record"
            yield Flaw(
                path, f"{quote!r} is not in {place}; copy the words from the text"
            )


def _list_quotes(gold: TrialExtraction) -> Iterator[tuple[str, str]]:
    """Yield a (path, words) pair for each quote."""
    for row in list_values(gold):
        if FieldRef(row.path).path in _QUOTES:
            yield row.path, row.value
        # The quoted words in limits, time windows and groups.
        for part in ("quote", "lead_in", "condition", "of", "anchor"):
            words = getattr(row.value, part, None)
            if words is not None:
                yield f"{row.path}.{part}", words
