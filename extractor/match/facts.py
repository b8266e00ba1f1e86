"""Read a patient's data, and give them the names and units that limits have."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from math import floor, inf
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, StringConstraints, field_validator

from extractor.concepts.people.registered_ages import (
    OLDEST,
    count_days,
    read_registered_age,
)
from extractor.language.book import read_words
from extractor.language.numbers import DAYS, find_durations
from extractor.language.shown import show_line
from extractor.match.quantities import SEXES, Units, describe_unused
from extractor.match.synonyms import (
    Synonyms,
    is_lasting,
    list_class_members,
    list_keys,
)
from extractor.match.values import read_values
from extractor.match.wider import list_wider, strip_event
from extractor.match.words import words_of
from extractor.measures.names import spell_words
from extractor.schemas.base import FrozenModel

_SEX_WORDS = {
    "f": "female", "w": "female", "woman": "female", "women": "female", "girl": "female",
    "m": "male", "man": "male", "men": "male", "boy": "male",
}  # fmt: skip
_TIME = re.compile(
    r"(?:\d+(?:[.,]\d+)?|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)[ -]?"
    r"(?:d|days?|weeks?|wks?|w|months?|mos?|years?|yrs?|y|hours?|hrs?|h)(?: ago)?",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\d{1,3}(?:[.,]\d+)?\s?(?:(?:d|days?|weeks?|wks?|w|months?|mos?|m|years?|yrs?|y)\b\.?"
    r"(?:[ -]?(?:old|of age))?)?",
    re.IGNORECASE,
)
_TIMES = ("since", "after", "ended")
"""What is said of the time of an event."""
_TRUE: Units = {None: (1.0,)}
"""The number for a name that the patient's data contain."""
_FALSE: Units = {None: (0.0,)}
"""The number for a name that the patient does not have."""


_MOST = 5_000
"""Maximum number of names, values or events of a patient."""
_Text = Annotated[str, StringConstraints(max_length=300)]
_Texts = Annotated[tuple[_Text, ...], Field(max_length=_MOST)]
_Values = Annotated[Mapping[_Text, float | int | _Text], Field(max_length=_MOST)]


class Patient(FrozenModel):
    """What is known of a patient. What is missing is not known; only what is ``absent`` or was
    ``never`` there is taken as absent.

    >>> Patient(age=70, values={"eGFR": "45 mL/min/1.73m2"}).age
    70
    """

    id: _Text = Field(default="patient", description="The name in results.")
    age: float | int | _Text | None = Field(
        default=None, description="In years, or with a unit: '6 months'."
    )
    birth_date: date | None = Field(
        default=None, description="The date of birth; with ``on``, it gives the age."
    )
    on: date | None = Field(
        default=None, description="The date of the data, from which dates are counted."
    )
    sex: Literal["female", "male"] | None = Field(
        default=None, description="female or male; F and M are read, too."
    )
    values: _Values = Field(
        default={}, description="Numbers with their units, by quantity."
    )
    upper_limits: _Values = Field(
        default={},
        description="The upper limits of the normal range, by quantity: '40 U/L'.",
    )
    drugs: _Texts = Field(default=(), description="What the patient takes.")
    conditions: _Texts = Field(default=(), description="What the patient has.")
    had: _Texts = Field(
        default=(), description="What the patient had, took or underwent at any time."
    )
    absent: _Texts = Field(
        default=(), description="What the patient does not have or take."
    )
    never: _Texts = Field(
        default=(), description="What the patient never had, took or underwent."
    )
    facts: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=2_000)], ...],
        Field(max_length=200),
    ] = Field(
        default=(),
        description="Sentences of the patient's chart, which only a model reads.",
    )
    since: Annotated[Mapping[_Text, _Text], Field(max_length=_MOST)] = Field(
        default={},
        description="The time since an event, by event: '3 weeks', or its date.",
    )

    @field_validator("values", "upper_limits", mode="before")
    @classmethod
    def _keep_yes(cls, values: Any) -> Any:
        """Keep true and false apart from 1 and 0."""
        if not isinstance(values, Mapping):
            return values
        return {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in values.items()
        }

    @field_validator("sex", mode="before")
    @classmethod
    def _read_sex(cls, sex: Any) -> Any:
        if not isinstance(sex, str):
            return sex
        word = sex.strip().casefold()
        return _SEX_WORDS.get(word, word)


class Facts(NamedTuple):
    """A patient's data in the form that limits have.

    Attributes:
        id: The patient's id.
        values: The numbers that each value can mean, by quantity and unit. An age has several: 1
            year can be 12 to 23 months. A sex, a drug and a condition are numbers, too.
        names: The keys of drugs, conditions and events.
        unused: The values that no limit can be compared with, each with the reason.
        keys: The quantities, also without the words that make them other ones.
        said: The words of the patient's data, by quantity.
        sentences: The sentences of the chart.
        stated: All other data, a sentence for each statement, as a model reads them.
        bare: The numbers that are stated without a unit, by quantity.
    """

    id: str
    values: Mapping[str, Units]
    names: tuple[str, ...]
    unused: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()
    said: Mapping[str, str] = MappingProxyType({})
    sentences: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()
    bare: Mapping[str, float] = MappingProxyType({})

    def list_said(self, quantities: Collection[str]) -> list[str]:
        """Return what the patient's data say of these quantities, as written."""
        lines = [line for key, line in self.said.items() if key in quantities]
        return list(dict.fromkeys(lines))


ONLY_A_MODEL = "facts: only a model reads them"
"""What is told of the sentences of a chart, unless a model is asked."""
NOTHING = Facts("", {}, ())
"""The facts of a patient of whom nothing is known."""


def read_facts(patient: Patient, synonyms: Synonyms | None = None) -> Facts:
    """Return a patient's data in the form that limits have.

    What cannot be read without a guess is ``unused``, with the reason: a missing or unknown unit,
    a negative age, two values of one quantity, a time such as "more than 3 weeks".

    >>> read_facts(Patient(values={"creatinine": "177 umol/L"})).values
    {'serum_creatinine': {'mg/dL': (2.002224,)}}
    >>> read_facts(Patient(drugs=("Xalatan",))).names
    ('xalatan', 'latanoprost')
    """
    numbers = {
        name: value
        for name, value in patient.values.items()
        if _read_pregnancy_test(name, value) is None
    }
    values, said, unused, bare = read_values(numbers, patient.upper_limits)
    names = _read_names(patient, synonyms or Synonyms())
    unused += [*names.unread, *names.clashes]
    sentences = tuple(filter(str.strip, patient.facts))
    if sentences:
        unused.append(ONLY_A_MODEL)
    values |= names.values
    said |= names.said
    if patient.sex:
        said["sex"] = f"sex: {patient.sex}"
        values["sex"] = {None: (float(SEXES.index(patient.sex)),)}
    ages = _find_ages(patient)
    if isinstance(ages, str):
        unused.append(ages)
    else:
        values |= ages
        said["age"] = _show_age(patient)
    keys = frozenset(values) | {key.partition(" (")[0] for key in values}
    return Facts(
        patient.id,
        values,
        tuple(names.names),
        tuple(unused),
        keys,
        said,
        sentences,
        _write_sentences(patient),
        bare,
    )


_PAST = re.compile(
    r"(?:any |known )?(?:history of|prior|previous|past)(?: history of)? (?P<name>\S.*)",
    re.IGNORECASE,
)
_ALTERNATIVES = re.compile(r",? or |[,;/] ?", re.IGNORECASE)


def _read_past(name: str) -> str:
    """Return what a patient has had, without the words that say so; empty for anything else.

    >>> _read_past("history of stroke"), _read_past("stroke")
    ('stroke', '')
    """
    found = _PAST.fullmatch(name.strip())
    return found["name"] if found else ""


def _split_absent(name: str) -> list[str]:
    """Return a name, and the alternatives that it lists: without "A or B", there is neither.

    >>> _split_absent("stroke or TIA"), _split_absent("HIV/AIDS")
    (['stroke or TIA', 'stroke', 'TIA'], ['HIV/AIDS', 'HIV', 'AIDS'])
    """
    past = _PAST.fullmatch(name.strip())
    parts = _ALTERNATIVES.split(past["name"] if past else name)
    if len(parts) < 2:
        return [name]
    begin = "history of " if past else ""
    return [name, *(f"{begin}{part.strip()}" for part in parts if part.strip())]


def _read_names(patient: Patient, synonyms: Synonyms) -> "_Names":
    """Return the names of what a patient has, takes, and has never had."""
    names = _Names(synonyms)
    for name, value in patient.values.items():
        is_pregnant = _read_pregnancy_test(name, value)
        if is_pregnant:
            names.add("pregnancy", is_drug=False)
        elif is_pregnant is False:
            names.deny("pregnancy", ever=False)
    for name, time in patient.since.items():
        days = _read_days(time, patient.on)
        if isinstance(days, str):
            names.unread.append(describe_unused(f"since {name}", time, days))
        else:
            names.add_event(name, days, time)
    for name in patient.drugs:
        names.add(name, is_drug=True)
    for name in patient.conditions:
        past = _read_past(name)
        if past:
            names.recall(past)
        else:
            names.add(name, is_drug=False)
    for name in patient.had:
        names.recall(name)
    for name in patient.absent:
        for one in _split_absent(name):
            past = _read_past(one)
            names.deny(past or one, ever=bool(past))
    for name in patient.never:
        for one in _split_absent(name):
            names.deny(_read_past(one) or one, ever=True)
    return names


_PREGNANCY_TEST = re.compile(
    r"(?:(?:serum|urine|blood|beta|β|b)[ -])*(?:β|b)?(?P<test>hcg|pregnancy test)(?: test)?",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"(?P<no>neg(?:ative)?|.*\(negative\))|pos(?:itive)?", re.IGNORECASE
)


def _read_pregnancy_test(name: str, value: object) -> bool | None:
    """Return whether a test says that a patient is pregnant; None if it does not say. Not only the
    pregnant have hCG.

    >>> _read_pregnancy_test("urine hCG", "negative")
    False
    """
    test = _PREGNANCY_TEST.fullmatch(name.strip())
    result = _RESULT.fullmatch(str(value).strip())
    if test is None or result is None:
        return None
    if result["no"]:
        return False
    return True if test["test"].casefold() != "hcg" else None


def _show_age(patient: Patient) -> str:
    """Return the words of an age."""
    if patient.age is None:
        return f"birth date: {patient.birth_date}"
    return f"age: {patient.age}"


class _Names:
    """The names of what a patient has, takes, and has never had.

    The quantities of ``plan`` are "has" and "had" a disease, "takes" and "took" a drug, and the
    days "since" an event, "after" it, and since a drug "ended".
    """

    def __init__(self, synonyms: Synonyms) -> None:
        self.synonyms = synonyms
        self.values: dict[str, Units] = {}
        self.names: dict[str, None] = {}  # a set in order
        self.said: dict[str, str] = {}
        self.clashes: list[str] = []
        self.unread: list[str] = []  # events, each with the reason
        # the days since the last event of a name, and since one of its kinds
        self.exact: dict[str, float] = {}
        self.latest: dict[str, float] = {}

    def add(self, name: str, *, is_drug: bool) -> None:
        said = f"takes: {name}" if is_drug else f"has: {name}"
        keys = list_keys(name, self.synonyms)
        wider = list_wider(keys, name, self.synonyms)
        for key in (*keys, *wider):
            self.names[key] = None
            self._state(f"had {key}", _TRUE, name, said)
            self._state(f"has {key}", _TRUE, name, said)
            if is_drug:
                self._state(f"takes {key}", _TRUE, name, said)
                self._state(f"took {key}", _TRUE, name, said)
                # a drug that is taken was taken 0 days ago, unless an event says otherwise
                self._add_time(f"since {key}", 0.0, said)
                self._add_time(f"after {key}", 0.0, said)
        if is_drug:
            for key in keys:
                # no time within which it was stopped contains today
                self._add_time(f"ended {key}", inf, said)

    def recall(self, name: str) -> None:
        """Add what the patient had, but perhaps has no more."""
        said = f"had: {name}"
        keys = list_keys(name, self.synonyms)
        for key in (*keys, *list_wider(keys, name, self.synonyms)):
            self.names[key] = None
            self._state(f"had {key}", _TRUE, name, said)
            self._state(f"took {key}", _TRUE, name, said)

    def add_event(self, name: str, days: float, written: str) -> None:
        said = f"since {name}: {written}"
        plain = " ".join(strip_event(name))
        keys = list_keys(name, self.synonyms)
        keys += [key for key in list_keys(plain, self.synonyms) if key not in keys]
        for key in keys:
            self._recall_key(key, name, said)
            for verb in _TIMES:
                self._add_exact_time(f"{verb} {key}", days, said)
        ended = words_of("no_longer")
        words = spell_words(name)
        if not ended.isdisjoint(words):
            # who stopped smoking is no smoker
            for key in list_keys(plain, self.synonyms):
                self._state(f"has {key}", _FALSE, name, said)
        for key in list_wider(keys, plain, self.synonyms):
            self._recall_key(key, name, said)
            for verb in _TIMES:
                self._add_latest(f"{verb} {key}", days, said)

    def _recall_key(self, key: str, name: str, said: str) -> None:
        self.names[key] = None
        self._state(f"had {key}", _TRUE, name, said)
        self._state(f"took {key}", _TRUE, name, said)

    def _add_exact_time(self, quantity: str, days: float, said: str) -> None:
        """Add the time since the last event of a name."""
        self.exact[quantity] = days
        latest = self.latest.get(quantity, days)
        self.values[quantity] = {"day": tuple(sorted({latest, days}))}
        if latest >= days:
            self.values[quantity] = {"day": (days,)}
        self.said[quantity] = said

    def _add_latest(self, quantity: str, days: float, said: str) -> None:
        """Add the time since an event of a kind, of which there may have been a later one. If the
        patient's data state that the last one was earlier, it may be either.
        """
        latest = min(days, self.latest.get(quantity, inf))
        self.latest[quantity] = latest
        exact = self.exact.get(quantity)
        if exact is None:
            self.values[quantity] = {"day": (0.0, latest)}
            self.said.setdefault(quantity, said)
        elif exact > latest:
            self.values[quantity] = {"day": (latest, exact)}

    def deny(self, name: str, *, ever: bool) -> None:
        keys = list_keys(name, self.synonyms)
        keys += [
            key for key in list_class_members(keys, self.synonyms) if key not in keys
        ]
        never = ever or is_lasting(keys)
        said = f"never: {name}" if ever else f"absent: {name}"
        for key in keys:
            self._state(f"has {key}", _FALSE, name, said)
            self._state(f"takes {key}", _FALSE, name, said)
            if never:
                self._state(f"had {key}", _FALSE, name, said)
                self._state(f"took {key}", _FALSE, name, said)
            if ever:
                self._add_time(f"since {key}", inf, said)
                self._add_time(f"ended {key}", inf, said)

    def _add_time(self, quantity: str, days: float, said: str) -> None:
        """Add a time, unless an event has stated it."""
        if quantity in self.exact:
            return
        if days == 0 or quantity not in self.latest:
            self.values[quantity] = {"day": (days,)}
        self.said.setdefault(quantity, said)

    def _state(self, quantity: str, value: Units, name: str, said: str) -> None:
        before = self.values.get(quantity)
        if before and before != value:
            # both are taken back: whoever says both is not believed in either
            self.values[quantity] = {None: (0.0, 1.0)}
            clash = f"{show_line(name)}: is both stated and absent; keep one"
            if clash not in self.clashes:
                self.clashes.append(clash)
            return
        self.values[quantity] = value
        self.said.setdefault(quantity, said)


def _read_days(written: str, on: date | None) -> float | str:
    """Return a time in days, or the reason why it cannot be read."""
    text = str(written).strip()
    try:
        event = (
            date.fromisoformat(text[:10])
            if re.match(r"\d{4}-\d\d-\d\d", text)
            else None
        )
    except ValueError:
        return "is not a date"
    if event:
        if on is None:
            return "is a date; state the date of the data (on)"
        days = (on - event).days
        return float(days) if days >= 0 else "lies in the future"
    if not _TIME.fullmatch(text):
        return "is not a time such as '3 weeks'"
    times = [one.days for one in find_durations(read_words(text.removesuffix(" ago")))]
    if len(times) != 1 or times[0] is None:
        return "is not a time such as '3 weeks'"
    return float(times[0])


def _find_ages(patient: Patient) -> dict[str, Units] | str:
    """Return the ages of a patient, or why they cannot be read."""
    if patient.birth_date and patient.age is None:
        if patient.on is None:
            return describe_unused(
                "birth_date", patient.birth_date, "state the date of the data (on)"
            )
        days = (patient.on - patient.birth_date).days
        if not 0 <= days <= OLDEST:
            return describe_unused(
                "birth_date", patient.birth_date, "is not the birth of a patient"
            )
        return _list_ages(float(days), days + 1 - 1e-6)
    if patient.age is None:
        return {}
    written = str(patient.age).strip()
    age = read_registered_age(written) if _AGE.fullmatch(written) else None
    if isinstance(patient.age, bool) or age is None or count_days(age) > OLDEST:
        return describe_unused("age", written, "is not an age such as 70 or '6 months'")
    fewest_days = most_days = count_days(age)
    if age.value % 1 == 0:
        # until just before the next birthday
        most_days += DAYS[age.unit] * (1 - 1e-6)
    return _list_ages(fewest_days, most_days)


def _list_ages(fewest_days: float, most_days: float) -> dict[str, Units]:
    """Return the numbers that an age can mean in each unit, in ascending order. Texts count
    completed units, so 30 months are 2 or 2.5 years; the ages in exact units do not.
    """
    ages: Units = {}
    for unit, days in DAYS.items():
        exact = round(fewest_days / days, 6)
        ages[unit] = tuple(
            sorted({exact, float(floor(exact)), float(floor(most_days / days))})
        )
        ages[f"exact {unit}"] = (exact, max(exact, most_days / days))
    return {"age": ages}


_OPENINGS = {
    "conditions": "Has",
    "drugs": "Takes",
    "had": "Had, took or underwent at some time:",
    "absent": "Does not have or take",
    "never": "Never had, took or underwent",
}
"""How a sentence about a name begins. Each name has a sentence of its own, so that the negation
stands in front of it: a quote without it is refused.
"""


def _write_sentences(patient: Patient) -> tuple[str, ...]:
    """Return what is stated of a patient, apart from ``facts``, a sentence for each statement.

    >>> _write_sentences(Patient(age=61, sex="male", absent=("HIV",)))
    ('Age: 61.', 'Sex: male.', 'Does not have or take HIV.')
    """
    sentences = []
    if patient.age is not None:
        sentences.append(f"Age: {patient.age}.")
    if patient.birth_date is not None:
        sentences.append(f"Date of birth: {patient.birth_date}.")
    if patient.sex is not None:
        sentences.append(f"Sex: {patient.sex}.")
    for field, opening in _OPENINGS.items():
        sentences += [f"{opening} {name}." for name in getattr(patient, field)]
    for event, time in patient.since.items():
        sentences.append(f"Time since {event}, or its date: {time}.")
    for quantity, value in patient.values.items():
        sentences.append(f"{quantity}: {value}.")
    for quantity, value in patient.upper_limits.items():
        sentences.append(f"Upper limit of the normal range, {quantity}: {value}.")
    if patient.on is not None:
        sentences.append(f"Date of these data: {patient.on}.")
    return tuple(sentences)
