"""What is reviewed: the items of an extraction or of earlier gold, each by itself."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from extractor.schemas import (
    Criterion,
    Eligibility,
    Endpoint,
    Evidence,
    Item,
    Origin,
    Regimen,
    TrialExtraction,
)

__all__ = ["MODELS", "Base", "BaseItem", "ItemKind", "ItemState", "Json", "list_fields", "list_items"]

Json = dict[str, Any]


class ItemKind(StrEnum):
    """What an item is. ``people`` are the four facts on who may take part that stand beside the criteria."""

    PEOPLE = "people"
    CRITERION = "criterion"
    REGIMEN = "regimen"
    ENDPOINT = "endpoint"


class ItemState(StrEnum):
    """What became of an item: ``open`` ones nobody has looked at, ``rejected`` ones do not become gold."""

    OPEN = "open"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    ADDED = "added"
    REJECTED = "rejected"


MODELS: dict[ItemKind, type[Item]] = {
    ItemKind.PEOPLE: Eligibility,
    ItemKind.CRITERION: Criterion,
    ItemKind.REGIMEN: Regimen,
    ItemKind.ENDPOINT: Endpoint,
}


class BaseItem(BaseModel):
    """An item as the review found it."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: ItemKind
    state: ItemState
    value: Json
    evidence: tuple[Evidence, ...] = ()
    confidence: float | None = None
    origin: Origin | None = None


class Base(BaseModel):
    """A record as the review found it, and the digest of its gold file if it had one."""

    model_config = ConfigDict(frozen=True)

    items: tuple[BaseItem, ...]
    gold_sha256: str | None = None


def list_fields(kind: ItemKind) -> list[str]:
    """The fields that a curator fills in, in the order of the schema.

    >>> list_fields(ItemKind.PEOPLE)
    ['minimum_age', 'maximum_age', 'sex', 'healthy_volunteers']
    """
    return [name for name in MODELS[kind].list_gold_fields() if name != "criteria"]


def list_items(extraction: TrialExtraction, state: ItemState = ItemState.OPEN) -> tuple[BaseItem, ...]:
    """The items of an extraction, each with an id that stays the same.

    >>> [item.id for item in list_items(TrialExtraction(record_id="A", eligibility=Eligibility()))]
    ['people']
    """
    people = [_read_item("people", ItemKind.PEOPLE, extraction.eligibility, state)]
    lists = {
        ItemKind.CRITERION: extraction.eligibility.criteria,
        ItemKind.REGIMEN: extraction.dosing,
        ItemKind.ENDPOINT: extraction.endpoints,
    }
    return (*people, *(item for kind, found in lists.items() for item in _number(kind, found, state)))


def _number(kind: ItemKind, items: tuple[Item, ...], state: ItemState) -> Iterator[BaseItem]:
    for number, item in enumerate(items):
        yield _read_item(f"{kind}-{number}", kind, item, state)


def _read_item(name: str, kind: ItemKind, item: Item, state: ItemState) -> BaseItem:
    value = item.model_dump(mode="json", include=set(list_fields(kind)))
    return BaseItem(
        id=name,
        kind=kind,
        state=state,
        value=value,
        evidence=item.evidence,
        confidence=item.confidence,
        origin=item.origin,
    )
