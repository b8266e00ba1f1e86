"""Texts and what they say: the rules read it, and the same values stand as the answer of a model.

Each table of a TOML file is a group of cases: a text, and what is expected of it. ``_`` holds what
the group shares.

- ``reads``: fields that the rules read. One field gives all its values; several give one row for
  each item, such as "10 mg; oral; QD". Beside fields: ``criterion`` and ``line`` (the text of a
  criterion, of any line), ``section`` and ``quote``; ``route:words`` are the words of a field.
- ``at``: where the text stands, a name of ``PLACES``, or sections with ``{}`` for the text. A table
  is a section made of parts, a list of tables are numbered sections.
- ``sure``: whether the confidence of what is read is at least 0.8. ``proven = false``: the proof of
  it is a known gap.
- ``answers``: a field of which a model gives the values ``stands``, ``inferred`` and ``refused``:
  with the support of their words, as a conclusion, or not borne out. ``claims``: the same for a
  user's own field of such a type; its claim has the whole text as its words, or ``quote``.
  ``words`` are those found for all answers.
- ``gap``: cases that fail today, and are to move to another group as soon as they hold.

A case is what is read (a text or a list, empty for nothing), or a table of any of these keys.
``surer_than`` are other texts, of which the same is read with less confidence.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from extractor.assembly.check import ground_answer
from extractor.concepts.own.attributes import Attribute, AttributeType
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.value_forms import read_group_rule, read_window, show_value
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Chunk, Draft, Reading, Span
from extractor.schemas import Amount, Route, Support, Task, TimeWindow
from tests.trust import trial

PLACES: Mapping[str, Mapping[str, Any]] = {
    "inclusion": {"eligibility": "Inclusion Criteria:\n\n* {}"},
    "exclusion": {"eligibility": "Exclusion Criteria:\n\n* {}"},
    "intervention": {
        "interventions": [{"type": "DRUG", "name": "Examplumab", "description": "{}"}]
    },
    "dose": {
        "interventions": [
            {"type": "DRUG", "name": "Examplumab", "description": "5 mg {}"}
        ]
    },
    "measure": {"primary_outcomes": [{"measure": "{}"}]},
    "description": {"primary_outcomes": [{"measure": "Change", "description": "{}"}]},
    "survival": {
        "primary_outcomes": [{"measure": "Overall survival", "description": "{}"}]
    },
    "time_frame": {"primary_outcomes": [{"measure": "Change", "time_frame": "{}"}]},
}
READERS: Mapping[str, Callable[[str], Any]] = {
    "constraints": AttributeType.CONSTRAINT.read,
    "amounts": AttributeType.AMOUNT.read,
    "instrument": AttributeType.INSTRUMENT.read,
    "duration": AttributeType.DURATION.read,
    "cycle": AttributeType.DURATION.read,
    "time_points": AttributeType.TIME_POINT.read,
    "minimum_age": AttributeType.AGE.read,
    "maximum_age": AttributeType.AGE.read,
    "time_window": read_window,
    "time_windows": read_window,
    "route": Route,
    "rule": read_group_rule,
}
"""How an answer about a field becomes its value. An answer about another field is words."""
LISTS = ("constraints", "amounts", "time_points", "time_windows")
ASKED_AS = {"time_window": "time_windows"}
"""The list that a model is asked for, of which a field is one member."""
UNASKED = ("lead_in", "rank", "index")
"""What the layout says, and no model is asked."""
WAYS = ("stands", "inferred", "refused")
KEYS = {
    "at",
    "reads",
    "read",
    "sure",
    "surer_than",
    "proven",
    "answers",
    "claims",
    "quote",
    "words",
    "gap",
    *WAYS,
}
SURE = 0.8


class Case:
    """One text with what is expected of it."""

    def __init__(self, text: str, group: Mapping[str, Any], given: Any) -> None:
        own = given if isinstance(given, dict) else {"read": given}
        self.text = text
        self.said = {"at": "inclusion", **group, **own}
        if unknown := self.said.keys() - KEYS:
            raise KeyError(f"{text!r} has unknown keys: {unknown}")
        place = self.said["at"]
        self.parsed = parse_record(
            trial(**fill(PLACES[place] if isinstance(place, str) else place, text))
        )

    @property
    def fields(self) -> Sequence[str]:
        return self.said["reads"].split()

    def list_items(self) -> Sequence[Draft]:
        """The items that have the fields: criteria, regimens, outcomes, or the record itself."""
        parsed = self.parsed
        names = {name.partition(":")[0] for name in self.fields}
        if "criterion" in names:
            return [item for item in parsed.criteria if item.rules["stands"].value]
        groups = ((parsed.whole,), parsed.criteria, parsed.regimens, parsed.outcomes)
        return next(
            (items for items in groups if items and names & items[0].rules.keys()), ()
        )

    def list_readings(self) -> list[Reading[Any]]:
        return [
            item.rules[name]
            for item in self.list_items()
            for name in self.fields
            if name in item.rules
        ]

    def read(self) -> list[str]:
        """What the rules read: the values of one field, or a row for each item."""
        if len(self.fields) == 1 and self.fields != ["criterion"]:
            return [
                show(value)
                for reading in self.list_readings()
                for value in reading.list_values()
            ]
        return [
            "; ".join(self._show(item, name) for name in self.fields)
            for item in self.list_items()
        ]

    def _show(self, item: Draft, name: str) -> str:
        if name in ("criterion", "line"):
            return " ".join(item.chunk.text.split())
        if name in ("section", "quote"):
            return (
                item.span.section if name == "section" else self.parsed.raw(item.span)
            )
        field, _, is_quoted = name.partition(":")
        reading = item.rules[field]
        return " | ".join(
            map(self.parsed.raw, reading.spans)
            if is_quoted
            else map(show, reading.list_values())
        )

    def list_unproven(self) -> list[str]:
        """Which values do not stand as an answer: about their item; if of the record, about a
        criterion or a text.
        """
        parsed = self.parsed
        texts = [
            self.chunk(section.name, 0, len(section.text))
            for section in parsed.record.sections
        ]
        unproven = []
        for item in self.list_items():
            asked = [item] if item.span.section else [*parsed.criteria, *texts]
            for name in self.fields:
                reading = item.rules.get(name)
                if name in UNASKED or not reading or not reading.list_values():
                    continue
                value = (
                    reading.list_values()
                    if name in ASKED_AS
                    else self.number_arms(reading.value)
                )
                said = {"stands": True, ASKED_AS.get(name, name): value}
                answers = (
                    ground_answer(said, one, parsed, parsed.find_lead_in(one)).model
                    for one in asked
                )
                if not any(is_same(reading, answer.get(name)) for answer in answers):
                    unproven.append(f"{name}: {reading.value}")
        return unproven

    def number_arms(self, value: Any) -> Any:
        """A value as a model writes it: the arms of its amounts are numbers in the list of arms."""
        arms = [
            section.part("label")
            for section in self.parsed.record.sections
            if section.name.startswith("arms[")
        ]
        return (
            tuple(
                one.model_copy(
                    update={"arms": tuple(str(arms.index(arm) + 1) for arm in one.arms)}
                )
                if isinstance(one, Amount)
                else one
                for one in value
            )
            if isinstance(value, tuple)
            else value
        )

    def chunk(self, section: str, start: int, end: int) -> Draft:
        """A piece of text that a model is asked about."""
        span = Span(section, start, end)
        return self.parsed.draft_of(
            Task.ELIGIBILITY, Chunk(900, span, self.parsed.raw(span))
        )

    def prove(self, answer: str) -> Reading[Any] | None:
        """What the text bears out of an answer."""
        (section,) = (
            one for one in self.parsed.record.sections if self.text in one.text
        )
        start = section.text.index(self.text)
        chunk = self.chunk(section.name, start, start + len(self.text))
        if kind := self.said.get("claims"):
            attribute = Attribute(name="value", type=kind, required=True)
            field = CustomField(
                name="stated",
                definition="What the text states.",
                attributes=(attribute,),
            )
            claim = {
                "quote": self.said.get("quote", self.text),
                "value": attribute.read(answer),
            }
            found = ground_answer(
                {"stated": (claim,)}, chunk, self.parsed, fields=(field,)
            ).own.get("stated", ())
            return found[0].model["value"] if found else None
        name = self.said["answers"]
        value = READERS.get(name, str)(answer)
        asked = ASKED_AS.get(name, name)
        said = {"stands": True, asked: (value,) if asked in LISTS else value}
        return ground_answer(said, chunk, self.parsed).model.get(name)


def read_way(reading: Reading[Any] | None) -> str:
    return (
        "refused"
        if reading is None or reading.value is None
        else "inferred"
        if reading.list_supports()[0] is Support.INFERRED
        else "stands"
    )


def show(value: Any) -> str:
    if isinstance(value, TimeWindow):
        low = f"{value.value:g}"
        number = (
            f"{value.comparator.value} {low}"
            if value.value_high is None
            else f"{low}-{value.value_high:g}"
        )
        parts = (
            [words or "-" for words in (value.of, value.anchor)]
            if value.of or value.anchor
            else []
        )
        return " | ".join([value.quote, f"{number} {value.unit.value}", *parts])
    return show_value(value)


def is_same(reading: Reading[Any], proven: Reading[Any] | None) -> bool:
    """Whether all values are proven; a quote may be cut to its kernel: "infusion" of "the
    infusion".
    """
    values = reading.list_values()
    others = proven.list_values() if proven else ()
    pairs = zip(values, others, strict=False)
    shorter = [
        type(other) is str and other.casefold() in str(one).casefold()
        for one, other in pairs
    ]
    return values == others or (all(shorter) and len(values) == len(others))


def fill(content: Any, text: str) -> Any:
    """The same content with the text in the place of ``{}``."""
    if isinstance(content, str):
        return content.replace("{}", text)
    if isinstance(content, list):
        return [fill(each, text) for each in content]
    return {name: fill(each, text) for name, each in content.items()}


def list_cases() -> Iterator[Any]:
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        for name, group in tomllib.loads(path.read_text("utf-8")).items():
            for text, given in group.items():
                if text != "_":
                    shared = group["_"]
                    marks = (
                        pytest.mark.xfail(strict=True, raises=AssertionError)
                        if "gap" in shared
                        else ()
                    )
                    yield pytest.param(
                        text,
                        shared,
                        given,
                        id=f"{path.stem}, {name}: {text[:60]}",
                        marks=marks,
                    )


@pytest.mark.parametrize(("text", "group", "given"), [*list_cases()])
def test_a_text_is_read_and_proven(
    text: str, group: Mapping[str, Any], given: Any
) -> None:
    case = Case(text, group, given)
    said = case.said
    assert said.keys() & {"read", "sure", "surer_than", *WAYS}, (
        "the case expects nothing"
    )
    if "read" in said:
        expected = [said["read"]] if isinstance(said["read"], str) else said["read"]
        expect(text, case.read(), [one for one in expected if one])
        unproven = case.list_unproven()
        assert bool(unproven) is not said.get("proven", True), (
            f"{text!r}: unproven are {unproven}"
        )
    if "sure" in said:
        found = [
            reading.confidence
            for reading in case.list_readings()
            if reading.value is not None
        ]
        expect(text, {confidence >= SURE for confidence in found}, {said["sure"]})
    for other in said.get("surer_than", ()):
        sure, doubtful = (
            one.list_readings()[0] for one in (case, Case(other, group, {}))
        )
        assert (sure.value is None) == (doubtful.value is None)
        assert sure.confidence > doubtful.confidence, (
            f"{text!r} is not surer than {other!r}"
        )
    if "answers" in said or "claims" in said:
        proofs = {one: case.prove(one) for way in WAYS for one in said.get(way, ())}
        wanted = {one: way for way in WAYS for one in said.get(way, ())}
        expect(text, {one: read_way(proof) for one, proof in proofs.items()}, wanted)
        if "words" in said:
            expect(
                text,
                {case.parsed.raw(one.spans[0]) for one in proofs.values() if one},
                {said["words"]},
            )


def expect(text: str, found: object, expected: object) -> None:
    assert found == expected, (
        f"\n      text: {text}\n  expected: {expected}\n     found: {found}"
    )
