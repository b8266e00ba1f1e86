"""Check gold: the violations of the schema, quotes that the record does not have, and references
to sections, outcomes, groups, arms and fields that there are not.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from extractor.apps.evaluation.fields import FIELDS
from extractor.apps.evaluation.gold_files import (
    GoldPlace,
    add_eligibility,
    list_places,
    list_violations,
    parse_own_values,
)
from extractor.apps.evaluation.places import find_places, name_home
from extractor.apps.evaluation.text import fold_quote
from extractor.concepts.own.declaration import CustomField
from extractor.errors import GoldError
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.language.clean import fold_label
from extractor.schemas import ExtractedItem, TrialExtraction, TrialRecord
from extractor.schemas.arguments import suggest
from extractor.schemas.values import PARTS, list_values

_ANYWHERE = frozenset({"agent", "timing"})
"""Quotes that may be in another section than their item."""
_QUOTES = {field.part for field in FIELDS if field.is_words}
"""The fields whose values are words of the record."""


class Flaw(NamedTuple):
    """A flaw of an annotation, with its remedy. One that ``warns`` may be right.

    >>> print(Flaw("dosing[0].unit", "is empty; write mg", place="a.json"))
    a.json: dosing[0].unit: is empty; write mg
    """

    path: str
    problem: str
    warns: bool = False
    place: GoldPlace | str = ""

    def __str__(self) -> str:
        parts = ("warning" * self.warns, self.place, self.path, self.problem)
        return ": ".join(str(part) for part in parts if part)


def check_gold(
    gold: str | PathLike[str],
    records: Iterable[TrialRecord],
    fields: Sequence[CustomField] = (),
) -> list[Flaw]:
    """Return every problem of all gold files, in the order of files and fields.

    ``gold`` is a folder of JSON, a JSON or JSONL file, or a run's folder; ``fields`` are the
    user's own, for the values under ``custom``. Broken gold raises no error.

    >>> from extractor import read_records
    >>> check_gold("seeds/gold", read_records("seeds/records"))
    []
    """
    by_id = {record.record_id: record for record in records}
    flaws: list[Flaw] = []
    for place in list_places(Path(gold)):
        try:
            record_id, data = place.read()
        except GoldError:
            problem = "is no JSON with a record_id; correct or remove it"
            flaws.append(Flaw("", problem, place=place))
            continue
        found = list(check_annotation(data, by_id.get(record_id), fields))
        if record_id not in by_id:
            problem = "there is no such record, or it could not be read; correct it"
            found.append(Flaw("record_id", problem))
        flaws += [flaw._replace(place=place) for flaw in found]
    return flaws


def check_annotation(
    data: Any, record: TrialRecord | None, fields: Sequence[CustomField] = ()
) -> Iterator[Flaw]:
    """Yield every flaw of one annotation, given as JSON; those of the schema alone if it violates
    that. Without ``record``, its quotes and places are not checked.

    >>> [
    ...     flaw.path
    ...     for flaw in check_annotation(
    ...         {"record_id": "A", "eligibility": {"sex": "men"}}, None
    ...     )
    ... ]
    ['eligibility.sex']
    """
    try:
        text = json.dumps(add_eligibility(data))
        gold = TrialExtraction.model_validate_json(text, strict=True)
        parse_own_values(gold, fields)
    except ValidationError as error:
        for path, problem in list_violations(error).items():
            yield Flaw(path, f"{problem}; correct it")
        return
    except GoldError as error:
        yield Flaw("custom", f"{error}; correct it")
    for name in gold.custom.keys() - {field.name for field in fields}:
        problem = "no field has this name; name its file with --fields"
        yield Flaw(f"custom.{name}", problem, warns=True)
    yield from _check_references(gold)
    if record:
        yield from _check_places(gold, record)


def _check_references(gold: TrialExtraction) -> Iterator[Flaw]:
    """Yield groups and items that there are not."""
    groups = [group.id for group in gold.eligibility.groups]
    for number, group in enumerate(gold.eligibility.groups):
        path = f"eligibility.groups[{number}].parent"
        yield from _refuse(path, "group", group.parent, groups)
    items = dict(gold.list_items())
    # Gold of own fields alone has none of the items to which their values belong.
    has_items = gold.eligibility.model_fields_set or gold.dosing or gold.endpoints
    for path, item in items.items():
        in_group = getattr(item, "group", None)
        yield from _refuse(f"{path}.group", "group", in_group, groups)
        of = getattr(item, "of", None) if has_items else None
        yield from _refuse(f"{path}.of", "item", of, items)


def _check_places(gold: TrialExtraction, record: TrialRecord) -> Iterator[Flaw]:
    """Yield what the record does not have."""
    texts = {
        name: (record.raw_text(span.section) or "")[span.start : span.end]
        for name, span in find_places(record).items()
    }
    arms = {fold_label(one.part("label") or "") for one in record.sections}
    for path, item in gold.list_items():
        yield from _check_item(path, item, texts, arms)


def _refuse(
    path: str, what: str, name: str | None, known: Collection[str]
) -> Iterator[Flaw]:
    """Yield a flaw for a name that is not known."""
    if name and name not in known:
        remedy = f"write one of {', '.join(known)}" if known else "leave it out"
        problem = f"there is no {what} {name!r}{suggest(name, known)}; {remedy}"
        yield Flaw(path, problem)


def _check_item(
    path: str, item: ExtractedItem, texts: Mapping[str, str], arms: Collection[str]
) -> Iterator[Flaw]:
    """Yield section and arms of an item that there are not, and quotes that are not there."""
    home = name_home(item) or ""
    yield from _refuse(f"{path}.section", "place", home, texts)
    for arm in getattr(item, "arms", ()):
        yield from _refuse(f"{path}.arms", "arm", fold_label(arm), arms)
    for place, name, quote in _list_quotes(path, item):
        is_anywhere = name in _ANYWHERE or home not in texts
        searched = texts.values() if is_anywhere else [texts[home]]
        if not any(_has(quote, text) for text in searched):
            problem = f"{quote!r} is not in {home or 'the record'}"
            yield Flaw(place, f"{problem}; copy the words from the text")


def _has(quote: str, text: str) -> bool:
    if fold_quote(quote) in fold_quote(text):
        return True
    return verify_quote(quote, text).status is QuoteStatus.FOLDED


def _list_quotes(path: str, item: ExtractedItem) -> Iterator[tuple[str, str, str]]:
    """Yield path, field and words of each quote of an item, also in its values."""
    for value in list_values(path, item):
        if value.name in _QUOTES:
            yield value.path, value.name, value.value
        for part in ("quote", "lead_in", *PARTS.get(type(value.value), ())):
            words = getattr(value.value, part, None)
            if words is not None:
                yield f"{value.path}.{part}", value.name, words
