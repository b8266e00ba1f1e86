"""Check gold: the violations of the schema, quotes that the record does not have, and references
to sections, outcomes, groups, arms, items and fields that there are not.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractor.apps.evaluation.fields import FIELDS
from extractor.apps.evaluation.gold_files import (
    Flaw,
    add_eligibility,
    list_flaws,
    list_places,
    parse_own_values,
)
from extractor.apps.evaluation.places import find_places, name_home
from extractor.apps.evaluation.text import fold_quote
from extractor.concepts.own.declaration import CustomField
from extractor.errors import GoldError
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.formats import read_records
from extractor.language.clean import fold_label
from extractor.schemas import ExtractedItem, TrialExtraction, TrialRecord
from extractor.schemas.arguments import suggest
from extractor.schemas.values import PARTS, list_values

_ANYWHERE = frozenset({"agent", "timing"})
"""Quotes that may be in another section than their item."""
_QUOTES = {field.part for field in FIELDS if field.is_words}
"""The fields whose values are words of the record."""


def check_gold_files(
    gold: str | PathLike[str],
    *inputs: str | PathLike[str],
    fields: Sequence[CustomField] = (),
) -> list[Flaw]:
    """Check gold as ``check_gold`` does, against the readable records of ``inputs``.

    >>> check_gold_files("seeds/gold", "seeds/records")
    []
    """
    return check_gold(gold, read_records(*inputs, on_error=lambda _: None), fields)


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
            data = place.read()
            record = by_id.get(data["record_id"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            found = [Flaw("", f"is no JSON with a record_id ({error})", "correct it")]
        else:
            found = list(check_annotation(data, record, fields))
            if record is None:
                problem = "there is no such record, or it could not be read"
                found.append(Flaw("record_id", problem, "correct it"))
        flaws += [replace(flaw, place=place) for flaw in found]
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
        yield from list_flaws(error)
        return
    except GoldError as error:
        yield Flaw("custom", str(error), "correct it")
    yield from _check_references(gold, fields)
    if record:
        yield from _check_places(gold, record)


def _refuse(path: str, what: str, name: str, known: Collection[str]) -> Iterator[Flaw]:
    """Yield a flaw for a name that is not known."""
    if name not in known:
        remedy = f"write one of {', '.join(known)}" if known else "leave it out"
        yield Flaw(path, f"there is no {what} {name!r}{suggest(name, known)}", remedy)


def _check_references(
    gold: TrialExtraction, fields: Sequence[CustomField]
) -> Iterator[Flaw]:
    """Yield groups, items and fields that there are not."""
    declared = {field.name for field in fields}
    for name in gold.custom.keys() - declared:
        remedy = "name its file with --fields"
        yield Flaw(f"custom.{name}", "no field has this name", remedy, warns=True)
    items = dict(gold.list_items())
    # Gold of own fields alone has none of the items to which their values belong.
    has_items = gold.eligibility.model_fields_set or gold.dosing or gold.endpoints
    for path, item in items.items():
        of = getattr(item, "of", None)
        if of is not None and has_items:
            yield from _refuse(f"{path}.of", "item", of, items)
    groups = [group.id for group in gold.eligibility.groups]
    named = [
        (f"{path}.group", getattr(item, "group", None)) for path, item in items.items()
    ]
    for number, group in enumerate(gold.eligibility.groups):
        named.append((f"eligibility.groups[{number}].parent", group.parent))
    for path, group_id in named:
        if group_id is not None:
            yield from _refuse(path, "group", group_id, groups)


def _check_places(gold: TrialExtraction, record: TrialRecord) -> Iterator[Flaw]:
    """Yield what the record does not have, and outcomes without an endpoint."""
    texts = {
        name: (record.raw_text(span.section) or "")[span.start : span.end]
        for name, span in find_places(record).items()
    }
    labels = [section.part("label") or "" for section in record.sections]
    arms = {fold_label(label) for label in labels}
    for path, item in gold.list_items():
        yield from _check_item(path, item, texts, arms)
    if gold.endpoints and not gold.scored:
        outcomes = [name for name in texts if "_outcomes[" in name]
        for name in sorted(set(outcomes).difference(map(name_home, gold.endpoints))):
            yield Flaw("endpoints", f"{name} is not annotated", "add an endpoint")


def _check_item(
    path: str, item: ExtractedItem, texts: Mapping[str, str], arms: Collection[str]
) -> Iterator[Flaw]:
    """Yield section and arms of an item that there are not, and quotes that are not there."""
    home = name_home(item) or ""
    if home:
        yield from _refuse(f"{path}.section", "place", home, texts)
    for arm in getattr(item, "arms", ()):
        yield from _refuse(f"{path}.arms", "arm", fold_label(arm), arms)
    for place, name, quote in _list_quotes(path, item):
        is_anywhere = name in _ANYWHERE or home not in texts
        searched = texts.values() if is_anywhere else [texts[home]]
        if not any(_has(quote, text) for text in searched):
            problem = f"{quote!r} is not in {home or 'the record'}"
            yield Flaw(place, problem, "copy the words from the text")


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
