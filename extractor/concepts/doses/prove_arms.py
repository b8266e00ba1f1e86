"""Check that the arms of a model's regimen get its agent, and its amounts.

An arm is linked if its own text gives the agent there, or if the registry links an intervention of
the agent to it. It is refused if the text says otherwise: the dose is that of another arm, or the
agent's interventions are those of other arms (where the registry links none: other arms' own texts
give it) and nothing of this one names the agent. All others stay open.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from extractor.concepts.doses.agents import Mention
from extractor.concepts.doses.arm_uses import Use
from extractor.concepts.doses.arms import replace_arms
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.equality import amount_in, kind_of
from extractor.concepts.doses.read import DosingText
from extractor.concepts.doses.sections import DosingSection
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
        """Return the label's place if an arm with it gets the regimen, why none does, or None if
        the text leaves it open. Several arms may have one label.
        """
        judged = [self._judge_arm(arm) for arm in self._list_arms(label)]
        is_open = False
        for result in judged:
            if isinstance(result, Span):
                return result
            if result is None:
                is_open = True
        return None if is_open else judged[0]

    def keep(self, amount: Amount) -> tuple[Amount, list[Refusal]]:
        """Return an amount with those of its arms whose text does not give another one, and why
        others go.
        """
        labels: list[str] = []
        wrong: dict[str, Refusal] = {}
        shown = show_value(amount)
        for label in amount.arms:
            refusal = self._refuse_amount(label, amount)
            if refusal:
                wrong[label] = replace(refusal, field="amounts", value=shown)
            else:
                labels.append(label)
        return replace_arms(amount, tuple(labels)), list(wrong.values())

    def _refuse_amount(self, label: str, amount: Amount) -> Refusal | None:
        """Return why no arm with a label gets an amount; None if one of them may."""
        refusals: list[Refusal] = []
        for arm in self._list_arms(label):
            refusal = self._find_other_dose(arm, [amount])
            if refusal is None:
                return None
            refusals.append(refusal)
        return refusals[0]

    def _list_arms(self, label: str) -> list[str]:
        """Return the arms with a label."""
        arms = self.text.arms
        return [arm for arm in arms.labels if arms.label(arm) == label]

    def _judge_arm(self, arm: str) -> Span | Refusal | None:
        """Return the label's place if an arm gets the regimen, why it does not, or None if the text
        leaves it open. A single arm gets everything; a contrary dose in the arm's text counts most.
        """
        arms = self.text.arms
        place = arms.labels[arm]
        if len(arms.labels) == 1:
            return place
        contrary = self._find_contrary_dose(arm)
        if contrary:
            return contrary
        use = arms.find_use(arm, self.key)
        is_registered = arm in self._registered and use is not Use.DENIED
        if use is Use.ALONE or is_registered:
            return place
        if self._is_open(arm, use):
            return None
        return Refusal(Why.OTHER_OWNER, place)

    def _find_contrary_dose(self, arm: str) -> Refusal | None:
        """Return a refusal with the dose that an arm's text gives, if neither it nor its
        interventions give one of the regimen's; else None.
        """
        label = self.text.arms.label(arm)
        linked = self._linked.get(arm, ())
        amounts: list[Amount] = []
        for amount in self.amounts:
            if amount.arms and label not in amount.arms:
                continue
            if amount_in(amount, linked):
                return None
            amounts.append(amount)
        return self._find_other_dose(arm, amounts)

    def _is_open(self, arm: str, use: Use) -> bool:
        """Return whether the text leaves open that an arm gets the agent. ``use`` is how its own
        text uses the agent.

        It is open if the registry links the agent to it or its text names it beside others, if
        nothing says that others get it, and if another text may be about the arm.
        """
        registered = self._registered
        if arm in registered or use is Use.BESIDE:
            return True
        if not registered and (self._is_silent(arm) or not self._is_given_in_text()):
            return True
        if self._may_be_elsewhere(arm):
            return True
        return use is not Use.DENIED and self._is_named_in_parts(arm)

    def _is_given_in_text(self) -> bool:
        """Return whether the own text of some arm gives the agent."""
        arms = self.text.arms
        return any(arms.find_use(arm, self.key) is Use.ALONE for arm in arms.labels)

    def _is_silent(self, arm: str) -> bool:
        """Return whether an arm has no text but its label."""
        first, end = self.text.arms.texts[arm].body
        return first == end

    def _find_other_dose(self, arm: str, amounts: Sequence[Amount]) -> Refusal | None:
        """Return a refusal with the dose of the agent that an arm's text gives, if all ``amounts``
        are those of other arms' texts alone; None also if it gives no dose of their kind.
        """
        here = self._doses.get(arm, {})
        kinds = {kind_of(amount) for amount in amounts}
        alike = [level for level in here if kind_of(level) in kinds]
        if not alike:
            return None
        theirs: list[Amount] = []
        for other, levels in self._doses.items():
            if other != arm:
                theirs += levels
        own = list(here)
        for amount in amounts:
            if amount_in(amount, own) or not amount_in(amount, theirs):
                return None
        return Refusal(Why.OTHER_VALUE, here[alike[0]])

    def _may_be_elsewhere(self, arm: str) -> bool:
        """Return whether another text may say that an arm gets the agent: "as in arm A", "all
        patients receive ...".
        """
        arms = self.text.arms
        if rule("as_elsewhere").search(arms.texts[arm].tokens):
            return True
        for text in self._list_linked_texts(arm):
            if any(self._find_mentions(text)):
                return True
        descriptions = [text for text in arms.texts.values() if not text.is_group]
        return any(map(self._gives_to_all, descriptions))

    def _list_linked_texts(self, arm: str) -> list[DosingSection]:
        """Return the texts of the interventions that the registry links to an arm."""
        arms = self.text.arms
        texts: list[DosingSection] = []
        for name, linked_arms in arms.links.items():
            text = arms.texts.get(name)
            if text is None or arm not in linked_arms:
                continue
            texts.append(text)
        return texts

    def _find_mentions(self, text: DosingSection) -> Iterator[Mention]:
        """Yield the mentions of the agent in a text."""
        for mention in self.text.lexicon.find(text):
            if mention.value.key == self.key:
                yield mention

    def _gives_to_all(self, text: DosingSection) -> bool:
        """Return whether a clause about the agent says that all arms get it: "both groups", but not
        "examplumab or placebo".
        """
        for mention in self._find_mentions(text):
            for first, end in text.clauses:
                if not first <= mention.first < end:
                    continue
                if rule("one_or_other").search(text.tokens, first, end):
                    continue
                if rule("in_all_arms").search(text.tokens, first, end):
                    return True
        return False

    def _is_named_in_parts(self, arm: str) -> bool:
        """Return whether an intervention linked to an arm names all parts of a combination apart:
        "1000 mg calcium and 500 IU vitamin D". A name of one long word has no parts.
        """
        parts = {word for word in self.key.split() if len(word) >= _LONG_WORD}
        if len(parts) < 2:
            return False
        for text in self._list_linked_texts(arm):
            words = {word.lower() for word in text.tokens.words}
            if parts <= words:
                return True
        return False

    @cached_property
    def _registered(self) -> Set[str]:
        """The arms of interventions that the agent names, else of those whose text names it."""
        arms = self.text.arms
        by_name = arms.list_registered(self.key)
        return by_name or arms.list_registered(self.key, whole=True)

    @cached_property
    def _doses(self) -> Mapping[str, Mapping[Amount, Span]]:
        """The amounts of the agent by arm, each with its place: of the arm's own text, else of its
        interventions.

        Without either, those of the regimen's amounts that the arm's text has: "High dose: 10 mg".
        """
        arms = self.text.arms
        stated = defaultdict[str, dict[Amount, Span]](dict)
        linked = defaultdict[str, dict[Amount, Span]](dict)
        for statement in self.own:
            name = statement.section
            for fact in statement.amounts:
                place = self.text.sections[fact.section].span(fact.first, fact.end)
                levels = dict.fromkeys(fact.value, place)
                for arm in arms.links.get(name, ()):
                    linked[arm] |= levels
                if name in arms.labels:
                    stated[name] |= levels
        return {
            arm: stated.get(arm) or linked.get(arm) or self._find_named_doses(arm)
            for arm in arms.labels
        }

    def _find_named_doses(self, arm: str) -> dict[Amount, Span]:
        """Return those of the regimen's amounts that an arm's text has, each with its place."""
        text = self.text.arms.texts[arm]
        named: dict[Amount, Span] = {}
        for fact in text.marks.amounts:
            for level in fact.value:
                if amount_in(level, self.amounts):
                    named[level] = text.span(fact.first, fact.end)
        return named

    @cached_property
    def _linked(self) -> Mapping[str, list[Amount]]:
        """The amounts of the agent in the interventions of an arm."""
        linked = defaultdict[str, list[Amount]](list)
        for statement in self.own:
            for arm in self.text.arms.links.get(statement.section, ()):
                linked[arm] += statement.levels
        return linked
