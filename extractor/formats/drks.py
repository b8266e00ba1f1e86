"""Trials of the German register, DRKS, in its download as JSON.

Each text stands there in German and in English. The English one is read; a text without one is
kept, and marked as German.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from extractor.formats.found import (
    RecordContent,
    UnreadableSource,
    criteria_section,
    find_trial_id,
    join_parts,
    list_items,
    take_sections,
    text_section,
)
from extractor.formats.json_fields import Node, find_nodes, read_texts
from extractor.schemas import OtherLanguage, RegistryFields, Section

_ID = re.compile(r"DRKS\d{8}", re.ASCII)
_LANGUAGE = "German"
_AGES = ("DAYS", "WEEKS", "MONTHS", "YEARS")
"""Units of an age. Others say that there is no limit, or count weeks of pregnancy."""
_TITLES = "trialDescriptions[]"
_DESCRIPTIONS = {
    "title": "title",
    "brief_summary": "summary",
    "detailed_description": "scientificSummary",
}
_POPULATION = "recruitment.recruitmentDescriptions[]"
_OUTCOMES = "studyCharacteristic.characteristicDescriptions[]"


class _Text(NamedTuple):
    """A text, and whether it is in German because there is none in English."""

    text: str
    is_german: bool


class _Trial:
    """Reads the fields of a trial. ``german`` collects the names of the fields that are in German
    only.
    """

    def __init__(self, trial: Node) -> None:
        self.trial = trial
        self.german: dict[str, None] = {}

    def list_sections(self) -> Iterator[Section]:
        for section, name in _DESCRIPTIONS.items():
            text = self._choose(find_nodes(self.trial, _TITLES), name)
            yield from _mark(text_section(section, text.text), text)
        yield from self._list_conditions()
        yield from self._list_criteria()
        for number, arm in enumerate(self._list_arms()):
            yield from _mark(
                join_parts(f"arms[{number}]", [("description", arm.text)]), arm
            )
        for section, name in (
            ("primary_outcomes", "primaryOutcome"),
            ("secondary_outcomes", "secondaryOutcome"),
        ):
            text = self._choose(find_nodes(self.trial, _OUTCOMES), name)
            yield from _mark(list_items(section, text.text), text)

    def _choose(self, descriptions: Iterable[Node], name: str) -> _Text:
        """Return a text in English, or the one in German if it is the only one."""
        by_locale: dict[str, str] = {}
        for description in descriptions:
            locale = _read(description, "idLocale.locale") or "en"
            text = (_read(description, name) or "").replace("\r\n", "\n").strip()
            by_locale.setdefault(locale, text)
        if by_locale.get("en"):
            return _Text(by_locale["en"], is_german=False)
        german = by_locale.get("de", "")
        if german:
            self.german[name] = None
        return _Text(german, is_german=bool(german))

    def _list_conditions(self) -> Iterator[Section]:
        """Yield the section of conditions in English, and a section of those in German only: they
        are keywords if there are English ones, else the conditions.
        """
        path = "studiedHealthConditionDescriptions[]"
        english: list[str] = []
        german: list[str] = []
        has_english = False
        for condition in find_nodes(self.trial, "studiedHealthConditions[]"):
            if condition.value is None:
                continue
            chosen = self._choose(find_nodes(condition, path), "comment")
            if chosen.is_german:
                german.append(chosen.text)
                continue
            has_english = True
            if chosen.text:
                english.append(chosen.text)
        yield from text_section("conditions", "\n".join(english))
        # A section is in one language. Beside English conditions, the German ones are keywords.
        name = "keywords" if has_english else "conditions"
        in_german = _Text("", is_german=True)
        yield from _mark(text_section(name, "\n".join(german)), in_german)

    def _list_criteria(self) -> Iterator[Section]:
        """Yield the section of inclusion and exclusion criteria, in which a list that is in German
        only is marked.
        """
        descriptions = find_nodes(self.trial, _POPULATION)
        inclusion = self._choose(descriptions, "inclusionCriteria")
        exclusion = self._choose(descriptions, "exclusionCriteria")
        for section in criteria_section(inclusion.text, exclusion.text):
            spans: list[OtherLanguage] = []
            for criteria in (inclusion, exclusion):
                start = section.text.find(criteria.text)
                if not criteria.is_german or start < 0:
                    continue
                end = start + len(criteria.text)
                spans.append(OtherLanguage(start=start, end=end, language=_LANGUAGE))
            yield section.model_copy(update={"other_languages": tuple(spans)})

    def _list_arms(self) -> Iterator[_Text]:
        """Yield what is done in each arm, in the order of their numbers. The register has an entry
        for each arm and language.
        """
        by_number: dict[str, list[Node]] = {}
        for group in find_nodes(self.trial, "observationalGroups[]"):
            if group.value is None:
                continue
            [arm] = find_nodes(group, "idArm")
            locale = _read(arm, "locale") if arm.value is not None else "en"
            number = arm.value.get("arm") if isinstance(arm.value, dict) else None
            text = {"comment": _read(group, "comment"), "idLocale": {"locale": locale}}
            by_number.setdefault(str(number), []).append(Node(text, group.place))
        # Numbers are texts here: "9" is before "10".
        for number in sorted(by_number, key=lambda written: (len(written), written)):
            yield self._choose(by_number[number], "comment")

    def read_registry(self) -> RegistryFields:
        recruitment = "recruitment"
        design = "studyCharacteristic"
        # After the end of recruitment, the number who took part counts.
        planned = _read_number(self.trial, f"{recruitment}.plannedParticipants")
        actual = _read_number(self.trial, f"{recruitment}.totalParticipants")
        phase = _read(self.trial, f"{design}.phase")
        return RegistryFields(
            minimum_age=self._read_age(f"{recruitment}.minimumAge"),
            maximum_age=self._read_age(f"{recruitment}.maximumAge"),
            sex=_read(self.trial, f"{recruitment}.gender"),
            healthy_volunteers=_read(self.trial, f"{recruitment}.healthyVolunteers"),
            enrollment=actual or planned,
            phases=(phase,) if phase else (),
            study_type=_read(self.trial, f"{design}.type"),
            allocation=_read(self.trial, f"{design}.allocation"),
            assignment=_read(self.trial, f"{design}.assignment"),
            masking=_read(self.trial, f"{design}.blindingType"),
            primary_purpose=_read(self.trial, f"{design}.purpose"),
            status=_read(self.trial, f"{recruitment}.status"),
            start_date=self._read_date("StartDate"),
            completion_date=self._read_date("CompletionDate"),
        )

    def _read_age(self, path: str) -> str | None:
        """Return an age with its unit, "18 Years"; None without a limit."""
        amount = _read_number(self.trial, f"{path}.amount")
        unit = _read(self.trial, f"{path}.unit")
        return f"{amount} {unit.capitalize()}" if amount and unit in _AGES else None

    def _read_date(self, name: str) -> str | None:
        """Return a date as it was, or as it is planned."""
        actual = _read(self.trial, f"recruitment.actual{name}")
        return actual or _read(self.trial, f"recruitment.scheduled{name}")


def build_drks(trial: Node) -> RecordContent:
    """Build the content of a trial. Raises ``UnreadableSource`` for a field of a wrong type.

    >>> titles = [
    ...     {"idLocale": {"locale": "de"}, "title": "Eine Studie"},
    ...     {"idLocale": {"locale": "en"}, "title": "A"},
    ... ]
    >>> content = build_drks(
    ...     Node({"drksId": "DRKS00000001", "trialDescriptions": titles}, "trial")
    ... )
    >>> content.trial_id, content.sections[0].text
    ('DRKS00000001', 'A')
    """
    reader = _Trial(trial)
    sections = take_sections(reader.list_sections())
    names = ", ".join(reader.german)
    notes = (f"given in {_LANGUAGE} only, which is not read: {names}",) if names else ()
    number = find_trial_id(_read(trial, "drksId"), _ID)
    return RecordContent(
        sections, "drks_json", number, reader.read_registry(), notes=notes
    )


def _read(node: Node, path: str) -> str | None:
    """Return the first text at a path that is not blank."""
    for text in read_texts(node, path):
        if text.strip():
            return text.strip()
    return None


def _read_number(node: Node, path: str) -> str | None:
    """Return a number as text. Raises ``UnreadableSource`` for what is none."""
    for value, place in find_nodes(node, path):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnreadableSource(
                "something else where a number is expected",
                "download the record again",
                place=place,
            )
        return f"{value:g}"
    return None


def _mark(sections: Iterable[Section], text: _Text) -> Iterator[Section]:
    """Yield the sections, marked if the text is in German."""
    for section in sections:
        if not text.is_german:
            yield section
            continue
        span = OtherLanguage(start=0, end=len(section.text), language=_LANGUAGE)
        yield section.model_copy(update={"other_languages": (span,)})
