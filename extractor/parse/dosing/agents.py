"""The agents that a record names, and where its text mentions them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from extractor.parse.vocabulary import load_vocabulary

from .introduced import find_introduced
from .marks import Mark, drop_overlaps
from .names import is_alias, is_given, list_glosses, name_key, split_names, trim_name
from .passages import Passage

__all__ = ["GENERAL", "Agent", "Lexicon", "build_lexicon"]

_NAMES = load_vocabulary("agents")
_ABBREVIATIONS = load_vocabulary("agent_abbreviations")
_INACTIVE = re.compile(r"\b(?:sham|saline|vehicle|diluent)\b", re.IGNORECASE)
_GLOSS = re.compile(r"\s?\(\s?")
_LONGEST_INITIALS = 8
_CAPITALS = re.compile(rf"\b[A-Z]{{3,{_LONGEST_INITIALS}}}\b")
_LETTERS = re.compile(r"[A-Za-z]+")
_SHORT_NAME = re.compile(r"\s?\(\s?([A-Z][\w-]{1,11}|\d+[\w-]*[A-Z]\w*)\s?\)")
_JOINED_PLACEBO = re.compile(r"\s*(?:-|matching|matched|for|to|of|\()?\s*", re.IGNORECASE)
GENERAL = 0.8
"""How surely an agent that only the general vocabulary names is the one that is given."""
_INTRODUCED = 0.6
"""How surely an agent that only the words around it show is one."""


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
        self._expression = re.compile(rf"(?<![\w])(?:{body})[es]?(?![\w])" if body else r"(?!)", re.IGNORECASE)
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

    def find_known(self, text: str) -> list[Mark[Agent]]:
        """Mentions of the record's own agents, by any of their names."""
        return [
            Mark(agent, m.start(), m.end(), 1.0)
            for m in self._expression.finditer(text)
            if (agent := self._lookup(m[0]))
        ]

    def _find(self, text: str, section: str) -> tuple[Mark[Agent], ...]:
        known = self.find_known(text)
        general = [
            Mark(self._general(text[m.start : m.end], m.value, section, m.start, m.end), m.start, m.end, GENERAL)
            for m in _NAMES.find(text)
        ]
        taken = drop_overlaps(
            [*known, *(g for g in general if not any(g.start < k.end and k.start < g.end for k in known))]
        )
        introduced = (
            Mark(Agent(name_key(text[start:end]), "introduced", section, start, end), start, end, _INTRODUCED)
            for start, end in find_introduced(text)
            if not any(start < mark.end and mark.start < end for mark in taken)
        )
        return _fuse_mentions(text, section, drop_overlaps([*taken, *introduced]))

    def _lookup(self, text: str) -> Agent | None:
        key = name_key(text)
        return self._agents.get(key) or self._agents.get(key.removesuffix("s").removesuffix("e"))

    def _general(self, text: str, kind: str, section: str, start: int, end: int) -> Agent:
        if kind == "placebo" and self._placebo:
            return self._placebo
        if kind == "cells" and self._cells:
            return self._cells
        return self._lookup(text) or Agent(name_key(text), kind, section, start, end)


def build_lexicon(passages: Iterable[Passage], others: Iterable[Passage] = ()) -> Lexicon:
    """The agents that interventions are named after, or arms where no intervention is named.

    What the text of these passages, and of ``others``, puts in brackets behind a name, or by its initials, is that
    agent as well.
    """
    groups = list(passages)
    names = [name for passage in groups if passage.is_intervention for name in _read_names(passage)]
    names = names or [name for passage in groups for name in _read_names(passage)]
    texts = [passage.text for passage in (*groups, *others)]
    lexicon = Lexicon(names)
    glosses = list(_find_glosses(lexicon, names, texts))
    return Lexicon([*names, *glosses]) if glosses else lexicon


def _find_glosses(
    lexicon: Lexicon, names: Sequence[tuple[str, Agent]], texts: Sequence[str]
) -> Iterator[tuple[str, Agent]]:
    """Short names that the text gives to an agent: "ifinatamab deruxtecan (I-DXd)", "UCBT" by its initials."""
    for text in texts:
        for mention in lexicon.find_known(text) if "(" in text else ():
            if (gloss := _SHORT_NAME.match(text, mention.end)) and is_alias(gloss[1]):
                yield gloss[1], mention.value
    entries = dict.fromkeys((match.value, match.entry.terms) for text in texts for match in _ABBREVIATIONS.find(text))
    for value, terms in entries:
        yield from ((short, agent) for name, agent in names if name_key(name).endswith(value) for short in terms)
    capitals = {found for text in texts for found in _CAPITALS.findall(text)}
    for name, agent in names:
        initials = "".join(word[0] for word in _LETTERS.findall(name)).upper()
        tails = (initials[at:] for at in range(max(0, len(initials) - _LONGEST_INITIALS), len(initials) - 2))
        yield from ((tail, agent) for tail in tails if tail in capitals)


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


def _is_gloss(text: str, name: Mark[Agent], other: Mark[Agent]) -> bool:
    """Whether brackets behind a name hold nothing but another name for it."""
    return bool(_GLOSS.fullmatch(text, name.end, other.start)) and text[other.end :].lstrip()[:1] == ")"


def _fuse_mentions(text: str, section: str, mentions: Iterable[Mark[Agent]]) -> tuple[Mark[Agent], ...]:
    """Mentions where "X placebo" and "placebo for X" are one placebo, "X (Y)" is one X, and "X/Y" is one agent."""
    kept: list[Mark[Agent]] = []
    for mention in mentions:
        last = kept[-1] if kept else None
        if last and mention.confidence < 1 and _is_gloss(text, last, mention):
            continue
        if last and text[last.end : mention.start] == "/" and min(last.confidence, mention.confidence) < 1:
            joined = text[last.start : mention.end]
            both = Agent(name_key(joined), last.value.kind, section, last.start, mention.end)
            kept[-1] = Mark(both, last.start, mention.end, GENERAL)
            continue
        placebo = last and next((m for m in (last, mention) if m.value.kind == "placebo"), None)
        if last and placebo and _JOINED_PLACEBO.fullmatch(text, last.end, mention.start):
            kept[-1] = Mark(placebo.value, last.start, mention.end, GENERAL)
        else:
            kept.append(mention)
    return tuple(kept)
