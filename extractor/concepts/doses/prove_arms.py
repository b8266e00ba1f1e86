"""Check that the arms of a model's regimen get it, and that its amounts are those of their arms.

An arm is linked to an agent if the registry or its own text gives the agent to it. It is refused if
its own text gives the agent in another amount, or if it names other agents alone, while other arms
get this one. All others stay open.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.concepts.doses.arms import replace_arms
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.equality import amount_in
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.read import DosingText
from extractor.concepts.own.value_forms import show_value
from extractor.evidence.drafts import Refusal, Span, Why
from extractor.language.book import rule
from extractor.schemas import Amount


@dataclass(frozen=True)
class ArmProof:
    """The proof of the arms of a regimen: ``agent`` is the key of its agent, ``own`` are the
    agent's statements, ``amounts`` those of the answer.
    """

    text: DosingText
    agent: str
    own: Sequence[Statement]
    amounts: Sequence[Amount]

    def judge(self, label: str) -> Span | Refusal | None:
        """Return the label of an arm that gets the agent, why the arm does not get the regimen, or
        None if the text leaves it open.
        """
        arms = self.text.arms
        arm = self._find_arm(label)
        other = self._find_other_amount(arm, self.amounts)
        if other:
            return Refusal(Why.OTHER_VALUE, self._span(other))
        registered = arms.list_registered(self.agent)
        naming = arms.list_naming(self.agent)
        is_linked = arm in registered and not arms.is_denied(arm, self.agent)
        if arm in naming or is_linked:
            return arms.labels[arm]
        if arm in registered or not (registered or naming):
            return None
        names_others = bool(arms.list_named(arm) - {self.agent})
        if not names_others or self._may_get_it(arm):
            return None
        return Refusal(Why.OTHER_OWNER, arms.labels[arm])

    def keep(self, amount: Amount) -> tuple[Amount, list[Refusal]]:
        """Return an amount without the arms whose own texts give another one, and why they go."""
        kept: list[str] = []
        refused: list[Refusal] = []
        for label in amount.arms:
            other = self._find_other_amount(self._find_arm(label), [amount])
            if other is None:
                kept.append(label)
                continue
            refusal = Refusal(Why.OTHER_VALUE, self._span(other))
            shown = show_value(amount)
            refused.append(replace(refusal, field="amounts", value=shown))
        return replace_arms(amount, tuple(kept)), refused

    def _find_arm(self, label: str) -> str:
        arms = self.text.arms
        return next(arm for arm in arms.labels if arms.label(arm) == label)

    def _span(self, fact: Fact) -> Span:
        return self.text.sections[fact.section].span(fact.first, fact.end)

    def _find_other_amount(self, arm: str, levels: Sequence[Amount]) -> Fact | None:
        """Return the mark of the agent's amount in an arm's own text, if that has none of some
        amounts, and the text of another arm has one; else None.
        """
        own = list(self._list_amounts(arm))
        if not own or any(_states(own, level) for level in levels):
            return None
        for other in self.text.arms.labels:
            stated = list(self._list_amounts(other))
            if other != arm and any(_states(stated, level) for level in levels):
                return own[0]
        return None

    def _list_amounts(self, arm: str) -> Iterator[Fact]:
        for statement in self.own:
            if statement.section == arm:
                yield from statement.amounts

    def _may_get_it(self, arm: str) -> bool:
        """Return whether an arm's text refers to another one, or a description speaks of all."""
        for section in self.text.sections.values():
            if section.name == arm and rule("as_elsewhere").search(section.tokens):
                return True
            if not section.is_group and rule("in_all_arms").search(section.tokens):
                return True
        return False


def _states(facts: Sequence[Fact], level: Amount) -> bool:
    return any(amount_in(level, fact.value) for fact in facts)
