"""Take gold, or an extraction, apart into marks, from which ``build_gold`` makes the same again."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from extractor.apps.evaluation.places import name_home
from extractor.apps.gold.homes import Homes, derive_window
from extractor.apps.gold.marks import (
    CRITERIA,
    DOSING,
    ENDPOINTS,
    ITEMS,
    NONE,
    PEOPLE,
    RECORD,
    SCORED,
    WHOLE,
    WHOLE_BEFORE,
    Labels,
    Mark,
)
from extractor.apps.gold.values import write_value
from extractor.errors import GoldError
from extractor.evidence.drafts import Span
from extractor.schemas import ExtractedItem, FieldInfo, TrialExtraction, TrialRecord

_WORDS = {"criterion": "quote", "regimen": "quote", "endpoint": "measure"}


def list_marks(
    gold: TrialExtraction, record: TrialRecord, labels: Labels | None = None
) -> list[Mark]:
    """Return gold as marks: one for the record, and one for each item, at its words.

    Raises ``GoldError`` if an item stands nowhere in the record, whose text has changed.

    >>> from extractor import read_records
    >>> record = next(read_records("seeds/records"))
    >>> gold = TrialExtraction(record_id=record.record_id, eligibility={"sex": "all"})
    >>> [(mark.label, mark.says) for mark in list_marks(gold, record)]
    [('record', ('sex: all',))]
    """
    return list(_Taker(gold, record, labels or Labels()).list_all())


class _Taker:
    """Takes the gold of one record apart."""

    def __init__(
        self, gold: TrialExtraction, record: TrialRecord, labels: Labels
    ) -> None:
        self._gold = gold
        self._data = _dump(gold)
        self._homes = Homes(record)
        self._record = record
        self._labels = labels
        self._scored = ", ".join(gold.scored) or self._name_whole()
        self._paths: dict[str, str] = {}
        self._confidences = dict(_list_confidences(gold))

    def _name_whole(self) -> str:
        """Return ``WHOLE`` if all items of gold have all keys, ``WHOLE_BEFORE`` if they have all
        keys before guideline 1.5; empty if any other key is missing.
        """
        data = self._data
        if DOSING not in data or ENDPOINTS not in data:
            return ""
        people = data["eligibility"]
        if "criteria" not in people:
            return ""
        items = [(PEOPLE, people)]
        items += [(CRITERIA, values) for values in people["criteria"]]
        items += [(DOSING, values) for values in data[DOSING]]
        items += [(ENDPOINTS, values) for values in data[ENDPOINTS]]
        lacks_later_fields = False
        for group, values in items:
            for name, info in self._labels.list_infos(group).items():
                if name in values:
                    continue
                if info.metadata.in_total:
                    return ""
                lacks_later_fields = True
        if lacks_later_fields:
            return WHOLE_BEFORE
        return WHOLE

    def _is_filled(self, info: FieldInfo) -> bool:
        """Return whether a field is empty in gold without a line."""
        if self._scored == WHOLE:
            return True
        return self._scored == WHOLE_BEFORE and info.metadata.in_total

    def list_all(self) -> Iterator[Mark]:
        """Yield the mark of the record, then those of its items."""
        yield self._mark_record()
        people = self._data["eligibility"]
        listed = [
            ("criterion", people.get("criteria", [])),
            ("regimen", self._data.get("dosing", [])),
            ("endpoint", self._data.get("endpoints", [])),
        ]
        for label, items in listed:
            for number, values in enumerate(items):
                name = f"{label}{number + 1}"
                path = f"{ITEMS[label]}[{number}]"
                self._paths[path] = name
                yield self._mark_item(label, name, values, path)
        for name, entries in self._data.get("custom", {}).items():
            for number, entry in enumerate(entries):
                yield self._mark_own(name, number, entry)

    def _make(
        self,
        label: str,
        name: str,
        span: Span,
        says: list[str],
        of: str = "",
        path: str = "",
    ) -> Mark:
        """Return a mark at a span; ``path`` is that of its item, for the confidence."""
        text = self._record.raw_text(span.section) or ""
        words = text[span.start : span.end]
        record_id = self._record.record_id
        return Mark(
            record_id,
            f"{record_id}, {name}",
            label,
            words,
            span,
            section=span.section,
            says=tuple(says),
            id=name,
            of=of,
            confidence=self._confidences.get(path),
        )

    def _mark_record(self) -> Mark:
        """Return the mark of the record: which fields were read, who may take part, and which
        lists of items are empty; gold that is whole says that already.
        """
        people = self._data["eligibility"]
        says = []
        if self._scored:
            says.append(f"{SCORED}: {self._scored}")
        says += self._write(PEOPLE, people)
        if self._scored not in (WHOLE, WHOLE_BEFORE):
            lists = {**self._data, CRITERIA: people.get("criteria")}
            for label, group in ITEMS.items():
                if lists.get(group) == []:
                    says.append(f"{label}: {NONE}")
        head = self._homes.shown.head
        return self._make(RECORD, RECORD, head, says, path=PEOPLE)

    def _write(
        self,
        group: str,
        values: Mapping[str, Any],
        derived: Mapping[str, Any] = MappingProxyType({}),
    ) -> list[str]:
        """Return a line for each value of an item; for a list, a line for each member.

        A value that ``derived`` has, too, follows from the place of the item, and has no line. An
        empty field has the line ``none``, unless gold is whole and nothing else would be derived.
        """
        lines = []
        for name, info in self._labels.list_infos(group).items():
            if name not in values:
                continue
            value = values[name]
            if name in derived and derived[name] == value:
                continue
            # Without a line, nothing would be said; "none" says that the record states none.
            if value in (None, []):
                is_derived = derived.get(name) is not None
                if is_derived or not self._is_filled(info):
                    lines.append(f"{name}: {NONE}")
                continue
            members = value if info.many else [value]
            attribute = self._labels.attribute(group, name)
            for member in members:
                written = write_value(member, info, attribute)
                lines.append(f"{name}: {written}")
        return lines

    def _mark_item(
        self, label: str, name: str, values: Mapping[str, Any], path: str
    ) -> Mark:
        """Return the mark of an item at its words: in their home, else in the first section that
        has them. An endpoint without words, or whose words stand nowhere, is marked at its home.

        Raises ``GoldError`` if the record has no such home, or if the words of another item
        stand nowhere.
        """
        record_id = self._record.record_id
        words = values.get(_WORDS[label])
        home = str(name_home(values))
        places = self._homes.shown.places
        if home not in places:
            raise GoldError(
                f"{record_id}: the record has no {home}; its text is another than "
                "that of the gold: name the records of the gold"
            )
        span = None
        if words:
            span = self._homes.shown.locate(words, home)
        if span is None and label != "endpoint":
            shown = str(words or "")[:60]
            raise GoldError(
                f"{record_id}: {shown!r} does not stand in {home}, nor elsewhere "
                "in the record; extractor evaluate --check says more"
            )
        place = span or places[home]
        derived = self._homes.derive(ITEMS[label], place)
        derived |= derive_window(values)
        # Annotators see the kind of a criterion nowhere else.
        derived.pop("kind", None)
        says = self._write(ITEMS[label], values, derived)
        return self._make(label, name, place, says, path=path)

    def _mark_own(self, name: str, number: int, entry: Mapping[str, Any]) -> Mark:
        """Return the mark of a user's value: where its first text stands in the record, else at
        the beginning of the record. Raises ``GoldError`` for a field that is not declared.
        """
        group = f"custom.{name}"
        if name not in self._labels.fields:
            raise GoldError(
                f"{self._record.record_id}: no field is declared as {name}; name its file with "
                "--fields"
            )
        values = entry["values"]
        host = self._paths.get(entry.get("of") or "", "")
        says = self._write(group, values)
        span = None
        texts = [value for value in values.values() if isinstance(value, str)]
        if texts and texts[0]:
            span = self._homes.shown.locate(texts[0])
        place = span or self._homes.shown.head
        path = f"{group}[{number}]"
        return self._make(name, f"{name}{number + 1}", place, says, host, path)


def _list_confidences(gold: TrialExtraction) -> Iterator[tuple[str, float]]:
    """Yield the path of each item with the confidence of its least certain value; gold has
    none.
    """
    for path, item in gold.list_items():
        confidences = [piece.confidence for piece in item.evidence]
        counted = [confidence for confidence in confidences if confidence is not None]
        if counted:
            yield str(path), min(counted)


def _dump(gold: TrialExtraction) -> dict[str, Any]:
    """Return the JSON of gold with only the keys that it stated: without a key, gold says
    nothing of a field.
    """
    data = gold.to_gold()
    people = _keep_set(gold.eligibility, data["eligibility"])
    if "criteria" in people:
        criteria = zip(gold.eligibility.criteria, people["criteria"], strict=True)
        people["criteria"] = [_keep_set(item, values) for item, values in criteria]
    data["eligibility"] = people
    for task in (DOSING, ENDPOINTS):
        if task not in gold.model_fields_set:
            data.pop(task)
            continue
        items = zip(getattr(gold, task), data[task], strict=True)
        data[task] = [_keep_set(item, values) for item, values in items]
    return data


def _keep_set(item: ExtractedItem, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of an item that its JSON stated: without a key, gold says nothing."""
    stated = item.model_fields_set
    return {name: value for name, value in values.items() if name in stated}
