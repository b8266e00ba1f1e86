"""What a corpus's names mean in the guideline's terms, read from ``mapping.toml``."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from extractor.schemas import Category, CriterionKind, Sex

__all__ = ["BratMapping", "CategoryRule", "EntityUse", "RelationUse", "Setting", "load_mapping"]


class EntityUse(StrEnum):
    """What becomes of an entity."""

    DOMAIN = "domain"
    VALUE = "value"
    MODIFIER = "modifier"
    NO_CRITERION = "no_criterion"


class RelationUse(StrEnum):
    """What becomes of a relation."""

    CONSTRAINT = "constraint"
    COUNT = "count"
    TIME_WINDOW = "time_window"
    NEGATION = "negation"
    MEMBER = "member"
    PEER = "peer"
    MODIFIER = "modifier"


@dataclass(frozen=True, slots=True)
class Setting:
    """An entity as the rules for categories see it; ``time`` is the text of its Temporal."""

    type: str
    text: str
    kind: CriterionKind
    time: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class CategoryRule:
    """One entry of the mapping; a condition that is None is not asked for."""

    category: Category
    entities: frozenset[str]
    words: re.Pattern[str] | None
    time: re.Pattern[str] | None
    kind: CriterionKind | None
    negated: bool | None
    example: Mapping[str, Any]

    def applies(self, setting: Setting) -> bool:
        return (
            setting.type in self.entities
            and (self.words is None or self.words.search(setting.text) is not None)
            and (self.time is None or self.time.search(setting.time) is not None)
            and self.kind in (None, setting.kind)
            and self.negated in (None, setting.negated)
        )


@dataclass(frozen=True, slots=True)
class BratMapping:
    """The names of a corpus: suffixes of files, entities, relations, and the rules for categories."""

    suffixes: Mapping[str, CriterionKind]
    entities: Mapping[str, EntityUse]
    relations: Mapping[str, RelationUse]
    rules: tuple[CategoryRule, ...]
    sexes: Mapping[Sex, re.Pattern[str]]

    def choose_category(self, setting: Setting) -> Category | None:
        """The category of the first rule that applies, or None.

        >>> load_mapping().choose_category(Setting("Person", "Age", CriterionKind.INCLUSION)).value
        'age'
        """
        return next((rule.category for rule in self.rules if rule.applies(setting)), None)


@cache
def load_mapping() -> BratMapping:
    """The mapping of Chia-like names."""
    table = tomllib.loads((files(__package__) / "mapping.toml").read_text("utf-8"))
    return BratMapping(
        suffixes={suffix: CriterionKind(kind) for suffix, kind in table["files"].items()},
        entities={name: EntityUse(use) for use, names in table["entities"].items() for name in names},
        relations={name: RelationUse(use) for name, use in table["relations"].items()},
        rules=tuple(_read_rule(raw) for raw in table["category"]),
        sexes={Sex(sex): _whole_words(words) for sex, words in table["sexes"].items()},
    )


def _read_rule(raw: Mapping[str, Any]) -> CategoryRule:
    return CategoryRule(
        category=Category(raw["value"]),
        entities=frozenset(raw["entities"]),
        words=_beginnings(raw["words"]) if "words" in raw else None,
        time=_beginnings(raw["time"]) if "time" in raw else None,
        kind=CriterionKind(raw["list"]) if "list" in raw else None,
        negated=raw.get("negated"),
        example=raw["example"],
    )


def _beginnings(words: list[str]) -> re.Pattern[str]:
    """Words of up to four letters in capitals are abbreviations: whole, and in capitals only."""
    parts = [rf"(?-i:{re.escape(w)}(?![a-z]))" if w.isupper() and len(w) <= 4 else re.escape(w) for w in words]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})", re.IGNORECASE)


def _whole_words(words: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})s?(?!\w)", re.IGNORECASE)
