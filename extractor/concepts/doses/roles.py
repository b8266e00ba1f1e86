"""Roles: classify why an agent is given, by its arms, by the titles and by the words near it."""

from collections.abc import Sequence
from functools import cached_property

from extractor.concepts.doses.agents import Agent, Agents
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.sections import DoseText
from extractor.language.book import find_terms, rule
from extractor.language.lexer import lex
from extractor.schemas import Role

_REASONS = {
    "near_rescue": Role.RESCUE,
    "near_conditioning": Role.CONDITIONING,
    "premedication": Role.PREMEDICATION,
}
"""The roles that words near an agent state, by the rule for these words."""
_KINDS_OF_ARMS = ("experimental", "active", "placebo", "sham")
_NEAR = 100
"""Number of characters around a statement that may state why its agent is given."""


class Trial:
    """Facts about the whole record that help to classify the roles of its agents."""

    def __init__(
        self,
        titles: Sequence[DoseText],
        agents: Agents,
        arms: Arms,
        regimens: Sequence[Regimen],
    ) -> None:
        self.agents = agents
        self.arms = arms
        self._titles = titles
        self.given = {
            regimen.agent.key: frozenset(
                arms.list_linked(regimen.agent) | arms.list_naming(regimen.agent)
            )
            for regimen in regimens
        }
        self.kinds = {name: _class_arm(text) for name, text in arms.texts.items()}

    @cached_property
    def titled(self) -> frozenset[str]:
        """The given agents that a title names."""
        named = {near.agent.key for title in self._titles for near in self.agents.find(title)}
        return frozenset(named & self.given.keys())


def read_role(regimen: Regimen, trial: Trial) -> tuple[Role, str]:
    """Return the role of a regimen's agent, and what it was read from."""
    agent = regimen.agent
    if agent.is_placebo:
        return Role.PLACEBO, "its name"
    uses = trial.given[agent.key]
    kinds = {trial.kinds[arm] for arm in uses}
    is_titled = agent.key in trial.titled
    others = trial.given.keys() - {agent.key}
    stated = None if is_titled else _read_reason(regimen)
    if stated:
        return stated, "words"
    if kinds == {"placebo"}:
        return Role.PLACEBO, "arms"
    if kinds and "experimental" in {*trial.kinds.values()} - kinds:
        return Role.COMPARATOR, "arms"
    if is_titled or not others:
        return Role.INVESTIGATIONAL, "title"
    is_added_to = any(trial.given[key] < uses for key in others)
    if len(kinds) > 1 and is_added_to:
        return Role.BACKGROUND, "arms"
    if not agent.is_registered and (len(trial.kinds) < 2 or not uses):
        return Role.BACKGROUND, "title"
    if kinds == {"active"} and trial.titled:
        return Role.COMPARATOR, "title"
    return Role.INVESTIGATIONAL, "nothing"


def _read_reason(regimen: Regimen) -> Role | None:
    """Return the role that the words near an agent state."""
    main = regimen.main
    tokens = main.text.tokens
    start, stop = tokens.span(*main.find_words())
    near = lex(tokens.text[max(0, start - _NEAR) : stop + _NEAR])
    found = (role for name, role in _REASONS.items() if rule(name).occurs(near))
    return next(found, None)


def _class_arm(arm: DoseText) -> str:
    """Return the class of an arm, determined by its registered type and its label."""
    kind = next((word for word in _KINDS_OF_ARMS if word in arm.type), "other")
    is_control = rule("control_label").occurs(arm.tokens, *arm.title)
    return "active" if kind in ("other", "sham") and is_control else kind
