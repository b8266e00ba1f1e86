"""Texts with their values: the rules read the values, and a model's answer with the same values is
accepted.

Each table of a TOML file is a group of cases: texts with their expected values. ``_`` contains the
keys that the group shares. ``tests/case_keys.toml`` describes the keys of a case.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from extractor.assembly.check import ground_answer
from extractor.concepts.own.attributes import CLASSES, Attribute
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Chunk, Draft, Reading, Span
from extractor.formats.records import make_record
from extractor.schemas import (
    Age,
    Amount,
    Constraint,
    Instrument,
    Period,
    Route,
    Support,
    Task,
    TimePoint,
    TimeWindow,
)
from extractor.wire.value_forms import read_group_rule, read_window, show_value
from tests.trust import trial

READERS: Mapping[str, Callable[[str], Any]] = {
    "constraints": CLASSES[Constraint].read,
    "amounts": CLASSES[Amount].read,
    "instrument": CLASSES[Instrument].read,
    "duration": CLASSES[Period].read,
    "cycle": CLASSES[Period].read,
    "time_points": CLASSES[TimePoint].read,
    "minimum_age": CLASSES[Age].read,
    "maximum_age": CLASSES[Age].read,
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
SURE = 0.8
FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.toml"))
TABLES = tomllib.loads(FOLDER.with_name("case_keys.toml").read_text("utf-8"))
PLACES = TABLES["places"]
WAYS = ("stands", "inferred", "doubted", "refused")
"""What the proof may decide about a model's answer."""


class Case:
    """One text with what is expected of it."""

    def __init__(self, text: str, group: Mapping[str, Any], case: Any) -> None:
        own = case if isinstance(case, dict) else {"read": case}
        self.text = text
        self.expected = {"at": "inclusion", **group, **own}
        unknown = self.expected.keys() - TABLES["keys"].keys()
        if unknown:
            raise KeyError(
                f"{text!r} has unknown keys: {sorted(unknown)}. Known are {[*TABLES['keys']]}"
            )
        at = self.expected["at"]
        sections = PLACES[at] if isinstance(at, str) else at
        filled = fill(sections, text)
        is_text = "text" in filled
        record = make_record(filled["text"]) if is_text else trial(**filled)
        self.parsed = parse_record(record)

    @property
    def fields(self) -> Sequence[str]:
        return self.expected["reads"].split()

    def list_items(self) -> Sequence[Draft]:
        """The items that have the fields: criteria, regimens, outcomes, or the record itself."""
        parsed = self.parsed
        names = {name.partition(":")[0] for name in self.fields}
        if "criterion" in names:
            return [item for item in parsed.criteria if item.rules["stands"].value]
        groups = ((parsed.whole,), parsed.criteria, parsed.regimens, parsed.outcomes)
        for items in groups:
            if items and names & items[0].rules.keys():
                return items
        return ()

    def list_readings(self) -> list[Reading[Any]]:
        readings = []
        for item in self.list_items():
            readings += [item.rules[name] for name in self.fields if name in item.rules]
        return readings

    def list_confidences(self) -> Iterator[float]:
        """Yield the confidence of each value. No value of a regimen is surer than the regimen."""
        for item in self.list_items():
            most = item.rules["stands"].confidence if item.group == "dosing" else 1.0
            for name in self.fields:
                reading = item.read(name)
                if reading.value is not None and name in item.rules:
                    yield min(reading.confidence, most)

    def read(self) -> list[str]:
        """What the rules read: the values of one field, or a row for each item."""
        if len(self.fields) == 1 and self.fields != ["criterion"]:
            return [
                show(value)
                for reading in self.list_readings()
                for value in reading.list_values()
            ]
        rows = []
        for item in self.list_items():
            cells = [self._show(item, name) for name in self.fields]
            rows.append("; ".join(cells))
        return rows

    def _show(self, item: Draft, name: str) -> str:
        if name in ("criterion", "line"):
            return " ".join(item.chunk.text.split())
        if name == "section":
            return item.span.section
        if name == "quote":
            return self.parsed.raw(item.span)
        field, _, wants_words = name.partition(":")
        reading = item.rules[field]
        if wants_words:
            return " | ".join(self.parsed.raw(span) for span in reading.spans)
        return " | ".join(show(value) for value in reading.list_values())

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
                if not self._is_proven(name, reading, asked):
                    unproven.append(f"{name}: {reading.value}")
        return unproven

    def _is_proven(
        self, name: str, reading: Reading[Any], asked: Sequence[Draft]
    ) -> bool:
        """Whether the value stands as a model's answer about at least one of the drafts."""
        if name in ASKED_AS:  # noqa: SIM108 - longer than a line
            value = reading.list_values()
        else:
            value = self.number_arms(reading.value)
        answer = {"stands": True, ASKED_AS.get(name, name): value}
        for draft in asked:
            lead_in = self.parsed.find_lead_in(draft)
            grounded = ground_answer(answer, draft, self.parsed, lead_in)
            if is_same(reading, grounded.model.get(name)):
                return True
        return False

    def number_arms(self, value: Any) -> Any:
        """A value as a model writes it: the arms of its amounts are numbers in the list of arms."""
        if not isinstance(value, tuple):
            return value
        labels = [
            section.part("label")
            for section in self.parsed.record.sections
            if section.name.startswith("arms[")
        ]
        numbered = []
        for member in value:
            if isinstance(member, Amount):
                numbers = tuple(str(labels.index(arm) + 1) for arm in member.arms)
                member = member.model_copy(update={"arms": numbers})  # noqa: PLW2901
            numbered.append(member)
        return tuple(numbered)

    def chunk(self, section: str, start: int, end: int) -> Draft:
        """A piece of text that a model is asked about."""
        span = Span(section, start, end)
        return self.parsed.draft_of(
            Task.ELIGIBILITY, Chunk(900, span, self.parsed.raw(span))
        )

    def prove(self, answer: str) -> Reading[Any] | None:
        """What the text bears out of an answer."""
        (section,) = (
            section
            for section in self.parsed.record.sections
            if self.text in section.text
        )
        start = section.text.index(self.text)
        chunk = self.chunk(section.name, start, start + len(self.text))
        if "claims" in self.expected:
            return self._prove_claim(answer, chunk)
        name = self.expected["answers"]
        value = READERS.get(name, str)(answer)
        asked = ASKED_AS.get(name, name)
        if asked in LISTS:
            value = (value,)
        grounded = ground_answer({"stands": True, asked: value}, chunk, self.parsed)
        return grounded.model.get(name)

    def _prove_claim(self, answer: str, chunk: Draft) -> Reading[Any] | None:
        """What the text bears out of an answer to a user's own field."""
        attribute = Attribute(name="value", type=self.expected["claims"], required=True)
        field = CustomField(
            name="stated",
            definition="What the text states.",
            attributes=(attribute,),
        )
        claim = {
            "quote": self.expected.get("quote", self.text),
            "value": attribute.read(answer),
        }
        grounded = ground_answer(
            {"stated": (claim,)}, chunk, self.parsed, fields=(field,)
        )
        items = grounded.custom_values.get("stated", ())
        return items[0].model["value"] if items else None


def read_way(reading: Reading[Any] | None) -> str:
    if reading is None or reading.value is None:
        return "refused"
    if is_doubted(reading):
        return "doubted"
    if reading.list_supported()[0].support is Support.INFERRED:
        return "inferred"
    return "stands"


def is_doubted(reading: Reading[Any]) -> bool:
    """Whether the rules could not confirm the value or one of its members or parts."""
    return bool(reading.features) or any(
        any((member.features, member.parts)) for member in reading.members
    )


def show(value: Any) -> str:
    if not isinstance(value, TimeWindow):
        return show_value(value)
    if value.value_high is None:
        number = f"{value.comparator.value} {value.value:g}"
    else:
        number = f"{value.value:g}-{value.value_high:g}"
    parts = [value.quote, f"{number} {value.unit.value}"]
    if value.of or value.anchor:
        parts += [value.of or "-", value.anchor or "-"]
    return " | ".join(parts)


def is_same(reading: Reading[Any], proven: Reading[Any] | None) -> bool:
    """Whether all values are proven; a quote may be cut to its kernel: "infusion" of "the
    infusion".
    """
    read_values = reading.list_values()
    proven_values = proven.list_values() if proven and not is_doubted(proven) else ()
    if read_values == proven_values:
        return True
    if len(read_values) != len(proven_values):
        return False
    pairs = zip(read_values, proven_values, strict=True)
    return all(is_kernel(kernel, value) for value, kernel in pairs)


def is_kernel(kernel: Any, value: Any) -> bool:
    return type(kernel) is str and kernel.casefold() in str(value).casefold()


def fill(content: Any, text: str) -> Any:
    """The same content with the text in the place of ``{}``."""
    if isinstance(content, str):
        return content.replace("{}", text)
    if isinstance(content, list):
        return [fill(member, text) for member in content]
    return {name: fill(member, text) for name, member in content.items()}


def list_cases(path: Path) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    """Yield the texts of a file, each with what its group shares and what it expects itself."""
    for group in tomllib.loads(path.read_text("utf-8")).values():
        shared = group.pop("_")
        for text, given in group.items():
            yield text, shared, given


CASES = [
    pytest.param(*case, id=f"{path.stem}: {case[0]}")
    for path in FILES
    for case in list_cases(path)
]


@pytest.mark.parametrize(("text", "shared", "given"), CASES)
def test_a_text_is_read_and_proven(
    text: str, shared: Mapping[str, Any], given: Any
) -> None:
    faults = [*list_faults(Case(text, shared, given), shared)]
    if "gap" not in shared:
        assert not faults, "\n".join(faults)
    else:
        assert faults, f"{text!r} holds now: move it to a group without `gap`"


def list_faults(case: Case, group: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a text should give and does not."""
    expected = case.expected
    if not expected.keys() & {"read", "sure", "surer_than", *WAYS}:
        yield f"{case.text!r} expects nothing"
    if "read" in expected:
        yield from list_faults_of_values(case)
    if "sure" in expected:
        sure = {confidence >= SURE for confidence in case.list_confidences()}
        yield from compare(case, sure, {expected["sure"]})
    for other in expected.get("surer_than", ()):
        yield from list_faults_of_order(case, Case(other, group, {}))
    if "answers" in expected or "claims" in expected:
        yield from list_faults_of_answers(case)


def list_faults_of_values(case: Case) -> Iterator[str]:
    """The rules read the values, and these stand as an answer."""
    values = case.expected["read"]
    if isinstance(values, str):
        values = [values]
    yield from compare(case, case.read(), [value for value in values if value])
    unproven = case.list_unproven()
    is_proven = case.expected.get("proven", True)
    if unproven and is_proven:
        yield (
            f"{case.text!r}: these are read, but not proven as answers of a model: {unproven}. "
            "`proven = false` marks a known gap of the proof"
        )
    if not unproven and not is_proven:
        yield f"{case.text!r} is proven now: take `proven = false` away"


def list_faults_of_order(case: Case, other: Case) -> Iterator[str]:
    """The same is read of both, of the other with less confidence."""
    sure = case.list_readings()[0]
    doubtful = other.list_readings()[0]
    is_same_kind = (sure.value is None) == (doubtful.value is None)
    if not is_same_kind or sure.confidence <= doubtful.confidence:
        yield (
            f"{case.text!r} is not surer than {other.text!r}: {sure.value} {sure.confidence:.3f}, "
            f"{doubtful.value} {doubtful.confidence:.3f}"
        )


def list_faults_of_answers(case: Case) -> Iterator[str]:
    """Each answer stands, is inferred, doubted or refused as expected, by the expected words."""
    wanted = {}
    for way in WAYS:
        wanted |= dict.fromkeys(case.expected.get(way, ()), way)
    proofs = {answer: case.prove(answer) for answer in wanted}
    ways = {answer: read_way(proof) for answer, proof in proofs.items()}
    yield from compare(case, ways, wanted)
    if "words" in case.expected:
        words = {case.parsed.raw(proof.spans[0]) for proof in proofs.values() if proof}
        yield from compare(case, words, {case.expected["words"]})


def compare(case: Case, found: object, expected: object) -> Iterator[str]:
    if found != expected:
        yield (
            f"\n      text: {case.text}\n  expected: {expected}\n     found: {found}"
        )
