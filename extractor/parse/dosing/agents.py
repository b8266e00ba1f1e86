"""The agents that a record names, and where its text mentions them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from extractor.parse.vocabulary import load_vocabulary

from .marks import Mark, drop_overlaps
from .names import is_alias, is_given, list_glosses, name_key, split_names, trim_name
from .passages import Passage

__all__ = ["Agent", "Lexicon", "build_lexicon"]

_NAMES = load_vocabulary("agents")
_INACTIVE = re.compile(r"\b(?:sham|saline|vehicle|diluent)\b", re.IGNORECASE)
_GLOSS = re.compile(r"\s?\(\s?")
_JOINED_PLACEBO = re.compile(r"\s*(?:-|matching|matched|for|to|of|\()?\s*", re.IGNORECASE)
_GENERAL = 0.8
"""How surely an agent that only the general vocabulary names is the one that is given."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent. ``section`` and ``start:end`` say where its name stands; ``kind`` is an entry of the vocabulary."""

    key: str
    kind: str
    section: str
    start: int
    end: int


class Lexicon:
    """Finds mentions of a record's agents, and of agents that any text names."""

    def __init__(self, names: Iterable[tuple[str, Agent]]) -> None:
        self._agents: dict[str, Agent] = {}
        self._found: dict[str, tuple[Mark[Agent], ...]] = {}
        for name, agent in names:
            self._agents.setdefault(name_key(name), agent)
        terms = sorted((key for key in self._agents if len(key) > 1), key=len, reverse=True)
        body = "|".join(r"[\s®™-]*".join(re.escape(w) for w in key.split()) for key in terms)
        self._expression = re.compile(rf"(?<![\w])(?:{body})s?(?![\w])" if body else r"(?!)", re.IGNORECASE)
        placebos = {agent.key: agent for agent in self._agents.values() if agent.kind == "placebo"}
        cells = {agent.key: agent for agent in self._agents.values() if agent.kind == "cells"}
        self._placebo = next(iter(placebos.values())) if len(placebos) == 1 else None
        self._cells = next(iter(cells.values())) if len(cells) == 1 else None

    @property
    def agents(self) -> tuple[Agent, ...]:
        return tuple({agent.key: agent for agent in self._agents.values()}.values())

    @property
    def only(self) -> Agent | None:
        """The agent, where the record names a single one."""
        agents = self.agents
        return agents[0] if len(agents) == 1 else None

    def find(self, text: str, section: str) -> tuple[Mark[Agent], ...]:
        """Mentions of agents in a section's cleaned text, left to right; "X placebo" mentions a placebo alone."""
        if section not in self._found:
            self._found[section] = self._find(text, section)
        return self._found[section]

    def _find(self, text: str, section: str) -> tuple[Mark[Agent], ...]:
        known = [
            Mark(agent, m.start(), m.end(), 1.0)
            for m in self._expression.finditer(text)
            if (agent := self._lookup(m[0]))
        ]
        general = [
            Mark(self._general(text[m.start : m.end], m.value, section, m.start, m.end), m.start, m.end, _GENERAL)
            for m in _NAMES.find(text)
        ]
        taken = drop_overlaps(
            [*known, *(g for g in general if not any(g.start < k.end and k.start < g.end for k in known))]
        )
        return _fuse_placebos(text, taken)

    def _lookup(self, text: str) -> Agent | None:
        key = name_key(text)
        return self._agents.get(key) or self._agents.get(key.removesuffix("s"))

    def _general(self, text: str, kind: str, section: str, start: int, end: int) -> Agent:
        if kind == "placebo" and self._placebo:
            return self._placebo
        if kind == "cells" and self._cells:
            return self._cells
        return self._lookup(text) or Agent(name_key(text), kind, section, start, end)


def build_lexicon(passages: Iterable[Passage]) -> Lexicon:
    """The agents that interventions are named after, or arms where no intervention is named."""
    groups = list(passages)
    names = [name for passage in groups if passage.is_intervention for name in _read_names(passage)]
    return Lexicon(names or [name for passage in groups for name in _read_names(passage)])


def _read_names(passage: Passage) -> list[tuple[str, Agent]]:
    text = passage.text
    names: list[tuple[str, Agent]] = []
    for first, last in split_names(text, *passage.title):
        whole = text[first:last]
        bounds = trim_name(text, first, last)
        if not bounds or not is_given(whole):
            continue
        agent = Agent(name_key(text[slice(*bounds)]), _classify(whole), passage.section, *bounds)
        aliases = [alias for place in passage.aliases if is_alias(alias := text[slice(*place)])]
        names += [(name, agent) for name in (text[slice(*bounds)], *list_glosses(whole), *aliases)]
    return names


def _classify(name: str) -> str:
    found = [match.value for match in _NAMES.find(name)]
    if "placebo" in found or _INACTIVE.search(name):
        return "placebo"
    return found[0] if found else "drug"


def _fuse_placebos(text: str, mentions: tuple[Mark[Agent], ...]) -> tuple[Mark[Agent], ...]:
    """Mentions where "X placebo" and "placebo for X" are one placebo, and "X (Y)" is one X."""
    kept: list[Mark[Agent]] = []
    for mention in mentions:
        last = kept[-1] if kept else None
        if last and mention.confidence < 1 and _GLOSS.fullmatch(text, last.end, mention.start):
            continue
        placebo = last and next((m for m in (last, mention) if m.value.kind == "placebo"), None)
        if last and placebo and _JOINED_PLACEBO.fullmatch(text, last.end, mention.start):
            kept[-1] = Mark(placebo.value, last.start, mention.end, _GENERAL)
        else:
            kept.append(mention)
    return tuple(kept)
