"""Create a draft for each regimen, with a typed reading, evidence and signs for each field."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from extractor.concepts.doses.linking import Linked
from extractor.concepts.doses.marks import Place, within
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.names import is_salt
from extractor.concepts.doses.roles import Trial, read_role
from extractor.concepts.doses.sections import DoseText
from extractor.concepts.doses.signs import (
    describe_agent,
    describe_amount,
    describe_around,
    describe_link,
    describe_rhythm,
    list_limits,
)
from extractor.evidence.drafts import Draft, Reading, Readings, Signs
from extractor.language.book import rule
from extractor.language.values import value_class
from extractor.schemas import Amount, Frequency, Period, Role, Route, Support

_FEW_ARMS = 2
"""Maximum number of arms that counts as "few"."""
_LEAST_SURE = 0.02
"""The lowest confidence of a value."""
T = TypeVar("T")


@value_class()
class RegimenReadings(Readings):
    """A regimen as the rules read it. ``stands`` states whether it is one."""

    agent: Reading[str]
    role: Reading[Role]
    amounts: Reading[tuple[Amount, ...]]
    arms: Reading[tuple[str, ...]]
    frequency: Reading[Frequency | None]
    timing: Reading[str | None]
    route: Reading[Route | None]
    cycle: Reading[Period | None]
    duration: Reading[Period | None]
    stands: Reading[bool] = Reading(value=True, confidence=1.0)


def make_draft(
    regimen: Regimen, siblings: Sequence[Regimen], trial: Trial, number: int
) -> Draft:
    """Return the draft of a regimen. ``siblings`` contains the other regimens with the same
    agent.
    """
    main = regimen.main
    return Draft(
        "dosing",
        main.text.chunk(number, *main.clause),
        main.text.span(*main.find_words()),
        _Reader(regimen, siblings, trial).read(),
    )


class _Reader:
    """Reads the fields of a regimen. The signs of the regimen are among those of each value."""

    def __init__(
        self, regimen: Regimen, siblings: Sequence[Regimen], trial: Trial
    ) -> None:
        self._regimen = regimen
        self._siblings = siblings
        self._trial = trial
        self._around = tuple(describe_around(regimen, len(siblings)))

    def read(self) -> RegimenReadings:
        text, place = _find_name(self._regimen)
        span = text.span(*place)
        role, probability, rivals = read_role(self._regimen, self._trial)
        return RegimenReadings(
            agent=Reading(
                text.raw(*place),
                1.0,
                (span,),
                signs=(self._sign(describe_agent(self._regimen)),),
            ),
            role=Reading(
                role,
                probability,
                (span,),
                Support.INFERRED,
                alternatives=rivals,
                signs=(self._sign([f"role {role}"]),),
            ),
            amounts=self._read_amounts(),
            arms=self._read_arms(),
            frequency=self._read_frequency(),
            timing=self._read_timing(),
            route=self._read_mark("route"),
            cycle=self._read_mark("cycle"),
            duration=self._read_mark("duration"),
        )

    def _sign(self, signs: Iterable[str]) -> Signs:
        """Return the signs of a value, with those that limit its confidence."""
        own = tuple(signs)
        return {"": (*own, *list_limits(own), *self._around)}

    def _read_amounts(self) -> Reading[tuple[Amount, ...]]:
        """Return the dose levels, with their places and signs."""
        links = [level.link for level in self._regimen.levels.values()]
        if not links:
            return self._read_nothing("amounts", ())
        amounts = self._trial.arms.find_of_amounts(self._regimen)
        signs = [
            self._sign(describe_amount(amount, link, self._regimen))
            for amount, link in zip(amounts, links, strict=True)
        ]
        return Reading(
            tuple(amounts),
            min(map(_estimate, links)),
            tuple(link.span for link in links),
            Support.PARSED,
            signs=tuple(signs),
        )

    def _read_arms(self) -> Reading[tuple[str, ...]]:
        """Return the labels of the arms that receive the regimen, with the places of the labels."""
        arms = self._trial.arms
        # how the arms were found ("linked", "own text") determines the confidence
        how, receiving = arms.find(self._regimen, self._siblings)
        if not receiving:
            return Reading((), 1.0, features=("no arm",))
        count = "many arms"
        if len(receiving) <= _FEW_ARMS:
            count = "few arms"
        return Reading(
            tuple(map(arms.read_label, receiving)),
            1.0,
            tuple(arms.places[arm] for arm in receiving),
            Support.PARSED,
            signs=(self._sign([how, count]),) * len(receiving),
        )

    def _read_frequency(self) -> Reading[Frequency | None]:
        rhythm = self._regimen.frequency()
        if rhythm is None:
            return self._read_nothing("frequency", None)
        code, link = rhythm
        return self._read_link(code, link, describe_rhythm(code, link))

    def _read_timing(self) -> Reading[str | None]:
        """Return the words that state the days or times of administration."""
        link = self._regimen.best("days") or self._regimen.best("timing")
        if link is None:
            return self._read_nothing("timing", None)
        words = link.text.raw(*link.mark.place)
        return self._read_link(words, link, support=Support.LITERAL)

    def _read_mark(self, name: str) -> Reading[T | None]:
        """Return the value of the most likely mark of a field."""
        link = self._regimen.best(name)
        if link is None:
            return self._read_nothing(name, None)
        return self._read_link(link.mark.value, link)

    def _read_link(
        self,
        value: T,
        link: Linked,
        signs: Iterable[str] = (),
        support: Support = Support.PARSED,
    ) -> Reading[T]:
        """Return the reading of a value that a mark states. ``signs`` are further signs for or
        against it.
        """
        signed = self._sign([*describe_link(link, self._regimen), *signs])
        return Reading(value, _estimate(link), (link.span,), support, signs=(signed,))

    def _read_nothing(self, name: str, value: T) -> Reading[T]:
        """Return the reading of an empty field, which is less certain if the clause or the section
        contains other marks of the field.
        """
        main = self._regimen.main
        where = "nowhere"
        if any(mark.field == name for mark in within(main.text.marks, *main.clause)):
            where = "in clause"
        elif name in main.text.fields:
            where = "in record"
        return Reading(value, 1.0, features=(where,))


def _estimate(link: Linked) -> float:
    return round(max(link.probability, _LEAST_SURE), 2)


def _find_name(regimen: Regimen) -> tuple[DoseText, Place]:
    """Return the text and the tokens of the agent's name: the name as registered or, if available,
    a mention of the agent without its salt. If the record's only placebo has a name such as
    "placebo of Examplumab", only the first word is returned.
    """
    agent = regimen.agent
    tokens = agent.source.tokens
    first, end = agent.place
    if agent.is_only and rule("placebo_of").starts(tokens, first, end):
        return agent.source, (first, first + 1)
    if end - first > 1 and is_salt(tokens.words[end - 1]):
        bare = tokens.read(first, end - 1).lower()
        for statement in regimen.statements:
            place = statement.owner.place
            is_named = statement.owner.how == "named"
            if is_named and statement.text.raw(*place).lower() == bare:
                return statement.text, place
    return agent.source, (first, end)
