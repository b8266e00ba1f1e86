"""Set the confidence of every value that the rules read in a record."""

from collections.abc import Mapping
from typing import TypeVar

from extractor.confidence import find_meaning, weigh
from extractor.evidence.drafts import Draft, ItemDraft, Reading, Readings
from extractor.evidence.parsed import ParsedRecord
from extractor.language.values import replace

_BORDERS = "borders in doubt"
T = TypeVar("T")
ReadingsT = TypeVar("ReadingsT", bound=Readings)


def weigh_record(parsed: ParsedRecord) -> ParsedRecord:
    """Return the record with the confidences of all readings. Open readings are unchanged."""
    return replace(
        parsed,
        whole=_weigh_item(parsed.whole),
        criteria=tuple(map(_weigh_item, parsed.criteria)),
        regimens=tuple(map(_weigh_regimen, parsed.regimens)),
        outcomes=tuple(map(_weigh_item, parsed.outcomes)),
    )


def _weigh_item(item: ItemDraft[ReadingsT]) -> ItemDraft[ReadingsT]:
    """Return an item with the confidences of its readings. No reading is surer than the borders of
    the item.
    """
    rules = item.rules.change(
        lambda name, reading: weigh_reading(f"{item.group}.{name}", reading)
    )
    # only criteria have doubtful borders, which count as those of their quotes
    if item.borders is not None:
        path = "eligibility.criteria.quote"
        most = weigh(path, (_BORDERS,), item.borders)
        reason = find_meaning(path, _BORDERS)
        rules = rules.change(lambda _, reading: reading.at_most(most, reason))
    return replace(item, rules=rules)


def _weigh_regimen(regimen: Draft) -> Draft:
    """Return a regimen with the confidences of its readings. Whether it exists depends on the
    features of its agent.
    """
    rules = {
        name: weigh_reading(f"{regimen.group}.{name}", reading)
        for name, reading in regimen.rules.items()
    }
    agent = regimen.rules["agent"].features
    stands = Reading(value=True, weighed=weigh("dosing.regimens", agent))
    return replace(regimen, rules={**rules, "stands": stands})


def weigh_reading(path: str, reading: Reading[T]) -> Reading[T]:
    """Return a reading with the confidence of the value and of the members of a list; 0 if it is
    open.

    A list is as sure as its least sure member. ``path`` is the field, such as ``dosing.route``.
    """
    if reading.is_open:
        return reading.with_confidence(0)
    if reading.member_features:
        return _weigh_members(path, reading)
    # "the text states no route" has weights of its own
    is_empty = not reading.value
    confidence = weigh(path, reading.features, reading.probability, is_empty=is_empty)
    return reading.with_confidence(confidence)


def _weigh_members(path: str, reading: Reading[T]) -> Reading[T]:
    """Return a list with a separate confidence for each member, and for each quote that is a part
    of a member. A part is at most as sure as its member: if a time window is wrong, so is the
    event that it is counted from.
    """
    member_confidences: list[float] = []
    part_confidences: list[Mapping[str, float]] = []
    for own, features_of_parts in reading.member_features:
        member = weigh(path, (*own, *reading.features), reading.probability)
        parts = {
            name: min(weigh(f"{path}.{name}", features), member)
            for name, features in features_of_parts.items()
        }
        member_confidences.append(member)
        part_confidences.append(parts)
    return replace(
        reading,
        weighed=min(member_confidences),
        member_confidences=tuple(member_confidences),
        part_confidences=tuple(part_confidences),
    )
