"""Check that the arms of a model's regimen get its agent, and its amounts.

An arm is linked if its own text gives the agent there, or if the registry links an intervention of
the agent to it. It is refused if the text says otherwise: the dose is that of another arm, or the
agent's interventions are those of other arms (where the registry links none: other arms' own texts
give it) and nothing of this one names the agent. All others stay open.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from extractor.concepts.doses.arm_uses import Use
from extractor.concepts.doses.arms import replace_arms
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.equality import amount_in, kind_of
from extractor.concepts.doses.read import DosingText
from extractor.concepts.own.value_forms import show_value
from extractor.evidence.drafts import Refusal, Span, Why
from extractor.language.book import rule
from extractor.schemas import Amount

_LONG_WORD = 4
"""The fewest letters of a word that can stand for a name."""


@dataclass(frozen=True)
class ArmProof:
    """The proof of the arms of one regimen. ``key`` is that of its agent, ``own`` are its
    statements.

    ``amounts`` are those of the regimen.
    """

    text: DosingText
    key: str
    own: Sequence[Statement]
    amounts: Sequence[Amount]

    def judge(self, label: str) -> Span | Refusal | None:
        """Return the label's place if its arm gets the regimen, why it does not, or None if the
        text leaves it open.
        """
        judged = [self._judge_arm(arm) for arm in self._list_arms(label)]
        stands = [one for one in judged if not isinstance(one, Refusal)]
        return next((one for one in stands if one), None) if stands else judged[0]

    def keep(self, amount: Amount) -> tuple[Amount, list[Refusal]]:
        """Return an amount with those of its arms whose text does not give another one, and why
        others go.
        """
        judged = {
            label: [
                self._find_other_dose(arm, [amount]) for arm in self._list_arms(label)
            ]
            for label in amount.arms
        }
        wrong = {
            label: found[0]
            for label, found in judged.items()
            if found[0] and all(found)
        }
        kept = replace_arms(
            amount, tuple(label for label in amount.arms if label not in wrong)
        )
        shown = show_value(amount)
        return kept, [
            replace(one, field="amounts", value=shown) for one in wrong.values()
        ]

    def _list_arms(self, label: str) -> list[str]:
        return [
            arm for arm in self.text.arms.labels if self.text.arms.label(arm) == label
        ]

    def _judge_arm(self, arm: str) -> Span | Refusal | None:
        arms = self.text.arms
        place = arms.labels[arm]
        if len(arms.labels) == 1:
            return place
        if contrary := self._find_contrary_dose(arm):
            return contrary
        use = arms.find_use(arm, self.key)
        is_registered = arm in self._registered and use is not Use.DENIED
        if use is Use.ALONE or is_registered:
            return place
        if self._is_open(arm, use):
            return None
        return Refusal(Why.OTHER_OWNER, place)

    def _find_contrary_dose(self, arm: str) -> Refusal | None:
        """Say which dose an arm's text gives, if neither it nor its interventions give one of the
        regimen's.
        """
        label = self.text.arms.label(arm)
        amounts = [
            amount for amount in self.amounts if not amount.arms or label in amount.arms
        ]
        linked = self._linked.get(arm, ())
        if any(amount_in(amount, linked) for amount in amounts):
            return None
        return self._find_other_dose(arm, amounts)

    def _is_open(self, arm: str, use: Use) -> bool:
        """Return whether the text leaves open that an arm gets the agent: it does not name it, and
        nothing says that others alone get it.
        """
        registered = self._registered
        if arm in registered or use is Use.BESIDE:
            return True
        if not registered and self._is_silent(arm):
            return True
        is_given_elsewhere = registered or any(
            self.text.arms.find_use(other, self.key) is Use.ALONE
            for other in self.text.arms.labels
        )
        if not is_given_elsewhere or self._may_be_elsewhere(arm):
            return True
        return use is not Use.DENIED and self._is_named_in_parts(arm)

    def _is_silent(self, arm: str) -> bool:
        """Return whether an arm has no text but its label."""
        first, end = self.text.arms.texts[arm].body
        return first == end

    def _find_other_dose(self, arm: str, amounts: Sequence[Amount]) -> Refusal | None:
        """Say which dose of the agent an arm's text gives, if the amounts are those of another
        arm's text alone.
        """
        here = self._doses.get(arm, {})
        theirs = [
            level
            for other, levels in self._doses.items()
            if other != arm
            for level in levels
        ]
        kinds = {kind_of(one) for one in amounts}
        alike = {level: span for level, span in here.items() if kind_of(level) in kinds}
        if not alike:
            return None
        if any(
            amount_in(one, [*here]) or not amount_in(one, theirs) for one in amounts
        ):
            return None
        return Refusal(Why.OTHER_VALUE, next(iter(alike.values())))

    def _may_be_elsewhere(self, arm: str) -> bool:
        """Return whether another text may say that an arm gets the agent: "as in arm A", "all
        patients receive ...".
        """
        arms = self.text.arms
        own = arms.texts[arm]
        if rule("as_elsewhere").search(own.tokens):
            return True
        linked = [
            name
            for name, listed in arms.links.items()
            if arm in listed and name in arms.texts
        ]
        if any(
            one.value.key == self.key
            for name in linked
            for one in arms.lexicon.find(arms.texts[name])
        ):
            return True
        return any(
            rule("in_all_arms").search(text.tokens, *clause)
            for text in arms.texts.values()
            if not text.is_group
            for one in arms.lexicon.find(text)
            if one.value.key == self.key
            for clause in text.clauses
            if clause[0] <= one.first < clause[1]
            and not rule("one_or_other").search(text.tokens, *clause)
        )

    def _is_named_in_parts(self, arm: str) -> bool:
        """Return whether an intervention linked to an arm names all parts of a combination apart:
        "1000 mg calcium and 500 IU vitamin D".
        """
        arms = self.text.arms
        parts = {word for word in self.key.split() if len(word) >= _LONG_WORD}
        linked = [name for name, listed in arms.links.items() if arm in listed]
        texts = [arms.texts[name] for name in linked if name in arms.texts]
        return len(parts) > 1 and any(
            parts <= {word.lower() for word in text.tokens.words} for text in texts
        )

    @cached_property
    def _registered(self) -> Set[str]:
        """The arms of interventions that the agent names, else of those whose text names it."""
        arms = self.text.arms
        return arms.list_registered(self.key) or arms.list_registered(
            self.key, whole=True
        )

    @cached_property
    def _doses(self) -> Mapping[str, Mapping[Amount, Span]]:
        """The amounts of the agent by arm, each with its place: of the arm's own text, else of its
        interventions.

        Without either, those of the regimen's amounts that the arm's text has: "High dose: 10 mg".
        """
        arms = self.text.arms
        stated, linked, named = (
            defaultdict[str, dict[Amount, Span]](dict) for _ in range(3)
        )
        for one in self.own:
            for fact in one.amounts:
                levels = dict.fromkeys(
                    fact.value,
                    self.text.sections[fact.section].span(fact.first, fact.end),
                )
                for arm in arms.links.get(one.section, ()):
                    linked[arm] |= levels
                if one.section in arms.labels:
                    stated[one.section] |= levels
        for arm in arms.labels:
            text = arms.texts[arm]
            for fact in text.marks.amounts:
                found = [
                    level for level in fact.value if amount_in(level, self.amounts)
                ]
                named[arm] |= dict.fromkeys(found, text.span(fact.first, fact.end))
        return {
            arm: stated.get(arm) or linked.get(arm) or named[arm] for arm in arms.labels
        }

    @cached_property
    def _linked(self) -> Mapping[str, list[Amount]]:
        """The amounts of the agent in the interventions of an arm."""
        found = defaultdict[str, list[Amount]](list)
        for one in self.own:
            for arm in self.text.arms.links.get(one.section, ()):
                found[arm] += one.levels
        return found
