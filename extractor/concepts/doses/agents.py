"""Agents: what a record registers as given, and where a text names it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from extractor.concepts.doses.marks import Mark, Place
from extractor.concepts.doses.names import (
    find_general,
    is_salt,
    is_same_agent,
    is_vague,
    split_names,
    trim_name,
    unify_name,
)
from extractor.concepts.doses.sections import DoseText
from extractor.language.book import find_terms, rule
from extractor.language.lexer import UNKNOWN, Tokens, lex

_LONGEST_ALIAS = 60
_MOST_LINKED = 4
_SHORTEST_ALIAS = 3
_SIGNS_IN_NAMES = frozenset("®™-")


@dataclass(eq=False)
class Agent:
    """Something that participants are given.

    ``source`` and ``place`` are where its name stands; ``sections`` are those of the interventions
    that register it, none if only a text names it.
    """

    name: str
    key: str
    kind: str
    source: DoseText
    place: Place
    sections: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    is_only: bool = False
    """Whether it is the only placebo that the record registers."""

    def is_called(self, name: str) -> bool:
        """Return whether a name is, holds or is in one of the agent's names."""
        return any(is_same_agent(name, own) for own in (self.name, *self.names))

    @property
    def is_registered(self) -> bool:
        return bool(self.sections)

    @property
    def is_placebo(self) -> bool:
        return self.kind == "placebo"


@dataclass(frozen=True, slots=True)
class Mention:
    """``tokens.words[first:end]`` of a text names an agent. ``is_new``: no list has the name, but
    an amount stands beside it.
    """

    agent: Agent
    first: int
    end: int
    is_new: bool = False

    @property
    def place(self) -> Place:
        return self.first, self.end


class Agents:
    """The agents of a record by their names."""

    def __init__(
        self, texts: Sequence[DoseText], links: Mapping[str, Sequence[str]]
    ) -> None:
        self._links = links
        self.registered: list[Agent] = []
        self._by_key: dict[str, Agent] = {}
        self._by_words: dict[str, list[tuple[tuple[str, ...], Agent]]] = defaultdict(
            list
        )
        for text in texts:
            if text.is_intervention:
                self._register(text)
        self._add_aliases(texts)
        placebos = [agent for agent in self.registered if agent.is_placebo]
        self._only_placebo = placebos[0] if len(placebos) == 1 else None
        if self._only_placebo:
            self._only_placebo.is_only = True

    def _register(self, text: DoseText) -> None:
        tokens = text.tokens
        first, end = text.title
        if rule("not_given").search(tokens, first, end):
            return
        names = [trim_name(tokens, *place) for place in split_names(tokens, first, end)]
        for place in filter(None, names):
            agent = self._add(text, place)
            agent.sections.append(text.name)

    def _add(self, text: DoseText, place: Place) -> Agent:
        """Return the agent with a name, a new one if no agent has it."""
        tokens = text.tokens
        name = text.raw(*place)
        kind = find_kind(tokens, *place)
        key = unify_name(" ".join(name.split()))
        agent = self._by_key.get(key)
        if agent is None:
            agent = Agent(name, key, kind, text, place)
            self._by_key[key] = agent
            self.registered.append(agent)
        words = tokens.words[slice(*place)]
        self._name(agent, words)
        while len(words) > 1 and is_salt(words[-1]):
            words.pop()
            self._name(agent, words)
        return agent

    def _add_aliases(self, texts: Iterable[DoseText]) -> None:
        """Add the other names of interventions, and short forms in brackets behind names."""
        for text in texts:
            agents = self.list_of(text)
            if not text.is_intervention or len(agents) != 1:
                continue
            [agent] = agents
            for place in [*text.aliases, *_list_glosses(text)]:
                for piece in split_names(text.tokens, *place):
                    self._add_alias(agent, text.tokens, piece)

    def _add_alias(self, agent: Agent, tokens: Tokens, place: Place) -> None:
        trimmed = trim_name(tokens, *place)
        if trimmed is None:
            return
        alias = tokens.read(*trimmed)
        if not _SHORTEST_ALIAS <= len(alias) < _LONGEST_ALIAS or is_vague(alias):
            return
        is_placebo = find_kind(tokens, *trimmed) == "placebo"
        if is_placebo == agent.is_placebo and unify_name(alias) not in self._by_key:
            self._by_key[unify_name(alias)] = agent
            agent.names.append(alias)
            self._name(agent, tokens.words[slice(*trimmed)])

    def _name(self, agent: Agent, words: Iterable[str]) -> None:
        folded = _fold(words)
        if folded:
            self._by_words[folded[0]].append((folded, agent))

    def name_agent(self, name: str, texts: Sequence[DoseText]) -> None:
        """Let a name be that of an agent, if no agent has it; the texts find it then."""
        if not texts or self.find_called(name):
            return
        tokens = lex(name)
        kind = find_kind(tokens, 0, len(tokens))
        agent = Agent(name, unify_name(name), kind, texts[0], (0, 0))
        self._by_key[agent.key] = agent
        self._name(agent, tokens.words)

    def find_called(self, name: str) -> Agent | None:
        """Return the agent with a name, or else the first one that may have it."""
        known = self._by_key.get(unify_name(name))
        if known:
            return known
        called = (agent for agent in self._by_key.values() if agent.is_called(name))
        return next(called, None)

    def list_of(self, text: DoseText) -> list[Agent]:
        """Return the agents that an intervention registers."""
        return [agent for agent in self.registered if text.name in agent.sections]

    def list_topics(self, text: DoseText) -> list[Agent]:
        """Return what a section is about: the agents of an intervention, those in the label of an
        arm, or else those that the registry links to it.
        """
        if not text.is_arm:
            return self.list_of(text)
        _, end = text.title
        named = [one.agent for one in self.find(text) if one.end <= end]
        if named:
            return named
        linked = [
            agent
            for agent in self.registered
            if any(text.name in self._links.get(one, ()) for one in agent.sections)
        ]
        return linked[:_MOST_LINKED]

    def find(self, text: DoseText) -> list[Mention]:
        """Return the mentions of agents in a section, from left to right."""
        tokens = text.tokens
        mentions = list(self._find_registered(tokens))
        taken: set[int] = set()
        for mention in mentions:
            taken.update(range(mention.first, mention.end))
        # "10^6 T cells/kg" of what is infused
        for mark in text.marks:
            if mark.field == "amounts" and "cells" in mark.value[0].unit:
                taken.update(range(mark.first, mark.end))
        for kind, first, end in _find_known(tokens):
            if taken.isdisjoint(range(first, end)):
                agent = self._recognise(text, kind, first, end)
                mentions.append(Mention(agent, first, end))
                taken.update(range(first, end))
        for first, end in _find_new(tokens, text.marks, taken):
            agent = self._recognise(text, "new", first, end)
            mentions.append(Mention(agent, first, end, is_new=True))
            taken.update(range(first, end))
        return sorted(_keep_given(tokens, mentions), key=lambda mention: mention.place)

    def _find_registered(self, tokens: Tokens) -> Iterator[Mention]:
        at = 0
        folded = [_fold_word(word) for word in tokens.words]
        while at < len(folded):
            best: tuple[int, Agent] | None = None
            for words, agent in self._by_words.get(folded[at], ()):
                end = _match(folded, at, words)
                if end and (best is None or end > best[0]):
                    best = end, agent
            if best is None:
                at += 1
                continue
            end, agent = best
            yield Mention(agent, at, end)
            at = end

    def _recognise(self, text: DoseText, kind: str, first: int, end: int) -> Agent:
        """Return the agent of a name that the registry has not: a known one with the same key, the
        record's only placebo, or a new one.
        """
        if kind == "placebo" and self._only_placebo:
            return self._only_placebo
        name = text.raw(first, end)
        key = unify_name(name)
        agent = self._by_key.get(key) or self._find_longer(key, kind)
        if agent is None:
            agent = Agent(name, key, kind, text, (first, end))
            self._by_key[key] = agent
        return agent

    def _find_longer(self, key: str, kind: str) -> Agent | None:
        """Return the only registered agent of whose name a known name is a part."""
        if kind == "placebo":
            return None
        padded = f" {key} "
        longer = [
            agent
            for agent in self.registered
            if padded in f" {agent.key} " and agent.kind != "placebo"
        ]
        return longer[0] if len(longer) == 1 else None


def find_kind(tokens: Tokens, first: int, end: int) -> str:
    """Return the kind of agent that a name names: that of its last known word, "placebo" if it
    names one at all; "other" if no vocabulary knows it.
    """
    kinds = [kind for kind, _, _ in find_general(tokens, first, end)]
    if "placebo" in kinds or rule("sham_word").search(tokens, first, end):
        return "placebo"
    return kinds[-1] if kinds else "other"


def _find_known(tokens: Tokens) -> list[tuple[str, int, int]]:
    """Return the names of the general vocabularies in a text, longer ones first."""
    found = find_general(tokens)
    for term in find_terms(tokens, "agent_abbreviations"):
        found.append(("drug", term.first, term.end))
    return sorted(found, key=lambda one: one[1] - one[2])


def _find_new(
    tokens: Tokens, marks: Iterable[Mark], taken: set[int]
) -> Iterator[Place]:
    """Yield the places of names that no list has, beside an amount: "5 mg of fictizide"."""
    for mark in marks:
        if mark.field != "amounts":
            continue
        behind = rule("new_name_behind").starts(tokens, mark.end)
        before = rule("new_name_before").ends(tokens, mark.first)
        for found in (behind, before):
            place = found.part("name") if found else None
            if place is None or not taken.isdisjoint(range(*place)):
                continue
            is_unknown = tokens.codes[place[0]] == UNKNOWN
            if is_unknown and len(tokens.words[place[0]]) > 3:
                yield place
                break


def _keep_given(tokens: Tokens, mentions: Iterable[Mention]) -> Iterator[Mention]:
    """Yield the mentions that are no fluid in which a drug is dissolved."""
    for mention in mentions:
        is_fluid = rule("inactive_fluid").starts(tokens, mention.first) is not None
        if is_fluid and rule("diluent_before").ends(tokens, mention.first):
            continue
        yield mention


def _list_glosses(text: DoseText) -> Iterator[Place]:
    """Yield what stands in brackets in the title of an intervention."""
    first, end = text.title
    opened = None
    for at in range(first, end):
        if text.tokens.words[at] == "(":
            opened = at + 1
        if text.tokens.words[at] == ")" and opened is not None:
            yield opened, at
            opened = None


def _fold(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(_fold_word(word) for word in words if word not in _SIGNS_IN_NAMES)


def _fold_word(word: str) -> str:
    folded = word.lower()
    is_plural = len(folded) > 4 and folded.endswith("s") and not folded.endswith("ss")
    return folded[:-1] if is_plural else folded


def _match(folded: Sequence[str], at: int, words: Sequence[str]) -> int | None:
    """Return the token behind a name that begins at a token; None if it does not stand there."""
    place = 0
    while at < len(folded):
        if folded[at] == words[place]:
            place += 1
            if place == len(words):
                return at + 1
        elif folded[at] not in _SIGNS_IN_NAMES or place == 0:
            return None
        at += 1
    return None
