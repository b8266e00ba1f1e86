"""Set the confidence of every value that the rules read in a record."""

from typing import TypeVar

from extractor.confidence import find_meaning, weigh
from extractor.evidence.drafts import ItemDraft, Reading, Readings, ValuePart
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
        regimens=tuple(map(_weigh_item, parsed.regimens)),
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


def weigh_reading(path: str, reading: Reading[T]) -> Reading[T]:
    """Return a reading with the confidence of the value and of the members of a list; 0 if it is
    open.

    A list is as sure as its least sure member. ``path`` is the field, such as ``dosing.route``.
    """
    if reading.is_open:
        return reading
    if reading.members:
        return _weigh_members(path, reading)
    # "the text states no route" has weights of its own
    is_empty = not reading.value
    confidence = weigh(path, reading.features, reading.probability, is_empty=is_empty)
    return replace(reading, weighed=confidence)


def _weigh_members(path: str, reading: Reading[T]) -> Reading[T]:
    """Return a list with a separate confidence for each member, and for each quote that is a part
    of a member. A part is at most as sure as its member: if a time window is wrong, so is the
    event that it is counted from.
    """
    members = []
    for member in reading.members:
        features = (*member.features, *reading.features)
        sure = weigh(path, features, reading.probability)
        parts = {
            name: ValuePart(of, min(weigh(f"{path}.{name}", of), sure))
            for name, (of, _) in member.parts.items()
        }
        members.append(replace(member, confidence=sure, parts=parts))
    least = min(member.confidence for member in members)
    return replace(reading, weighed=least, members=tuple(members))
