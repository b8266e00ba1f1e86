"""How the own text of an arm uses an agent: as given, beside others, or as not given."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from extractor.concepts.doses.agents import AgentNames, Mention
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.sections import DosingSection
from extractor.language.book import rule

_REACH = 6
"""How many tokens beside an agent can say that it is not given."""
_CONTROLS = ("placebo", "sham", "no_intervention")
"""Parts of the registered types of arms that get nothing of their own."""


class Use(IntEnum):
    """How an arm's own text uses an agent, the strongest last: not at all, as not given, beside
    others, given.
    """

    NONE, DENIED, BESIDE, ALONE = range(4)


@dataclass(frozen=True)
class ArmUses:
    """The uses of agents in the texts of arms.

    ``arms`` are the names of their sections, ``texts`` the sections that can state doses.
    """

    arms: Collection[str]
    texts: Mapping[str, DosingSection]
    lexicon: AgentNames

    def list_uses(self, agent: str) -> Mapping[str, Use]:
        """Return how each arm that names an agent uses it."""
        return self._by_agent.get(agent, {})

    @cached_property
    def _by_agent(self) -> Mapping[str, Mapping[str, Use]]:
        """The uses of each agent by arm: the strongest one of its mentions in the arm's text. What
        a control arm does not name in its label it uses beside others at most.
        """
        uses = defaultdict[str, dict[str, Use]](dict)
        for arm in self.arms:
            text = self.texts[arm]
            mentions = self.lexicon.find(text)
            titled = [mention for mention in mentions if mention.end <= text.title[1]]
            label_names = {mention.value.key for mention in titled}
            compares = _is_control(text, titled)
            for mention in mentions:
                key = mention.value.key
                use = _read_use(text, mention)
                # a control arm says what it is compared with
                if compares and key not in label_names:
                    use = min(use, Use.BESIDE)
                earlier = uses[key].get(arm, Use.NONE)
                uses[key][arm] = max(use, earlier)
        return uses


def _is_control(text: DosingSection, titled: Sequence[Mention]) -> bool:
    """Return whether an arm is registered as a control, or labelled as a placebo. ``titled`` are
    the agents in its label.
    """
    if any(word in text.type for word in _CONTROLS):
        return True
    return any(mention.value.kind == "placebo" for mention in titled)


def _read_use(text: DosingSection, mention: Mention) -> Use:
    """Return how the words around an agent in an arm's text use it: denied, beside others, else
    alone.
    """
    tokens = text.tokens
    first = mention.first
    # "without additional examplumab"
    if rule("not_given_before").ends(tokens, first, max(0, first - _REACH)):
        return Use.DENIED
    # "examplumab-naive"
    if rule("not_given_after").starts(tokens, mention.end):
        return Use.DENIED
    clauses = [place for place in text.clauses if place[0] <= first < place[1]]
    # the label is no clause
    if not clauses:
        return Use.ALONE
    clause = clauses[0]
    # "may cross over to examplumab"
    if "experimental" not in text.type and rule("may_switch").search(tokens, *clause):
        return Use.DENIED
    # "examplumab or placebo"
    if rule("one_or_other").search(tokens, *clause):
        return Use.BESIDE
    return Use.ALONE


def may_switch(part: Statement, text: DosingSection) -> bool:
    """Return whether a statement of an arm's text is what its participants may switch to: "may
    cross over to". What an experimental arm states is what it studies.
    """
    if "experimental" in text.type:
        return False
    clause = part.clause
    return bool(rule("may_switch").search(clause.tokens, clause.first, clause.end))
