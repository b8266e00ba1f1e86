"""Agents: find the agents registered in a record, and the places where a text names them."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from extractor.concepts.doses.amounts import find_amounts
from extractor.concepts.doses.marks import Place, within
from extractor.concepts.doses.names import (
    find_drugs,
    find_general,
    find_substance,
    is_salt,
    is_same_agent,
    name_key,
    split_names,
    trim_name,
    unify_name,
)
from extractor.concepts.doses.sections import DoseText
from extractor.language.book import find_terms, rule
from extractor.language.lexer import NAME_NUMBER, UNKNOWN, Tokens, lex

_ALIAS_LENGTHS = range(3, 60)
"""The lengths, in characters, that an alias may have."""
_MOST_LINKED = 4
"""Maximum number of linked agents that are treated as the topic of an arm."""
_SIGNS_IN_NAMES = "®™-"
"""Characters that are optional in names."""
_LONGEST_NEW_NAME = 3
"""Maximum number of tokens in a name that neither the record nor a vocabulary contains."""
_DRUG_KINDS = ("drug", "other")
"""The kinds of registered agents that may be drugs."""
_COMBINING = ("/", "and", "plus", "+", "&", "", ",", ",and")
"""What joins the names of a fixed combination; a hyphen is no token."""
_CODE = re.compile(r"[A-Z]{2,6}-?[A-Z]?\d{3,}[A-Z]?")
"""The code of a drug that does not have a name yet."""
_BORDER = "\n"
"""The character that precedes each word when a text is searched for names."""
_LONG_WORD = 4
"""In words with more letters than this, a final "s" is treated as a plural ending."""


@dataclass(eq=False)
class Agent:
    """A drug, placebo or other treatment that participants receive. ``kind`` is the value of its
    vocabulary entry, such as "drug" or "procedure". ``source`` and ``place`` locate its name;
    ``names`` lists its aliases; ``sections`` lists the interventions that register it, and is empty
    if only a text names it. ``is_only`` is true for the only placebo that the record registers, and
    ``is_extra`` for an agent that only a text names although the record registers others.
    """

    name: str
    key: str
    kind: str
    source: DoseText
    place: Place
    sections: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    is_only: bool = False
    is_extra: bool = False

    def is_called(self, name: str) -> bool:
        """Return whether a name equals, contains or is part of one of the agent's names."""
        return any(
            is_same_agent(name, known_name) for known_name in (self.name, *self.names)
        )

    @property
    def is_registered(self) -> bool:
        return bool(self.sections)

    @property
    def is_placebo(self) -> bool:
        return self.kind == "placebo"


@dataclass(frozen=True, slots=True)
class Mention:
    """The tokens ``first:end`` of a text that name an agent."""

    agent: Agent
    first: int
    end: int

    @property
    def place(self) -> Place:
        return self.first, self.end


class Agents:
    """The agents of a record, indexed by their names. ``links`` maps each intervention to the arms
    that the registry links to it.
    """

    def __init__(
        self, texts: Sequence[DoseText], links: Mapping[str, Sequence[str]]
    ) -> None:
        self.registered: list[Agent] = []
        self.linked = defaultdict[str, dict[Agent, None]](dict)
        """The agents that the registry links to each arm."""
        self._by_key: dict[str, Agent] = {}
        self._by_words: dict[str, Agent] = {}
        self._lengths = defaultdict[str, set[int]](set)
        self._by_section = defaultdict[str, list[Agent]](list)
        self._found: dict[str, list[Mention]] = {}
        interventions = [text for text in texts if text.is_intervention]
        for text in interventions:
            self._register(text)
        self._link(links)
        for text in interventions:
            self._add_aliases(text)
        # beside registered names, brands and parts of combinations would be further agents
        self._names_drugs = not any(
            agent.kind in _DRUG_KINDS for agent in self.registered
        )
        if self._names_drugs:
            for text in texts:
                self._add_new_names(text)
        placebos = [agent for agent in self.registered if agent.is_placebo]
        if len(placebos) == 1:
            placebos[0].is_only = True
        for text in texts:
            self._name_combinations(text)

    def _link(self, links: Mapping[str, Sequence[str]]) -> None:
        """List the registered agents by their interventions, and by the arms linked to these."""
        for agent in self.registered:
            for section in dict.fromkeys(agent.sections):
                self._by_section[section].append(agent)
                for arm in links.get(section, ()):
                    self.linked[arm][agent] = None

    def _register(self, text: DoseText) -> None:
        """Register the agents named by an intervention so that they are also found without their
        salts.
        """
        tokens = text.tokens
        if rule("not_given").search(tokens, *text.title):
            return
        for piece in split_names(tokens, *text.title):
            place = trim_name(tokens, *piece)
            if place is None:
                continue
            agent = self._recognise(text, find_kind(tokens, *place), place)
            if not agent.is_registered:
                self.registered.append(agent)
            agent.sections.append(text.name)
            words = tokens.words[slice(*place)]
            self._name(agent, words)
            while len(words) > 1 and is_salt(words[-1]):
                words.pop()
                self._name(agent, words)

    def _add_new_names(self, text: DoseText) -> None:
        """Add the unknown names that take a dose. In an arm or an intervention, they begin a
        clause: "solatrigin 10 mg once daily". Elsewhere, words tell that they are given: "receive
        solatrigin 10 mg".
        """
        tokens = text.tokens
        for first, end in text.clauses:
            starts = [
                lead.end for lead in rule("new_name_lead").find(tokens, first, end)
            ]
            marks = within(text.marks, first, end)
            if text.is_prose:
                leads = rule("assigned_to").find(tokens, first, end)
                starts += [lead.end for lead in leads]
            if text.is_group:
                starts.append(first)
            for start in starts:
                for mark in marks:
                    if mark.first <= start:
                        continue
                    place = trim_name(tokens, start, mark.first)
                    if place and _is_new_name(tokens, *place):
                        agent = self._recognise(text, "other", place)
                        self._name(agent, tokens.words[slice(*place)])
                        break
                    # the "oral" in "daily oral solatrigin 10 mg" may precede the name
                    if mark.field != "route":
                        break

    def _name_combinations(self, text: DoseText) -> None:
        """Name each fixed combination as one agent: "A/B 875/125 mg", "a fixed-dose combination of
        A 5 mg, B 160 mg and C 10 mg". If an intervention registers all parts, its name is that of
        the combination.
        """
        tokens = text.tokens
        registered = {*self.list_of(text)}
        for parts in self._list_joined(text):
            first, end = parts[0].first, parts[-1].end
            start = text.find_clause(first)[0]
            is_joined = rule("joined_amounts").starts(tokens, end)
            is_fixed = rule("fixed_combination").search(tokens, start, first)
            is_whole = registered == {part.agent for part in parts}
            # "A 50 mg/B 1000 mg" in an entry of the name "A/B"
            between = tokens.codes[parts[0].end : parts[1].first]
            is_slashed = is_whole and between != "/" and between.endswith("/")
            if not (is_joined or is_fixed or is_slashed):
                continue
            name = text.title if is_whole else (first, end)
            agent = self._recognise(text, parts[0].agent.kind, name)
            if is_whole:
                agent.sections.append(text.name)
            self._name(agent, tokens.words[first:end])
            self._found.clear()

    def _list_joined(self, text: DoseText) -> Iterator[Sequence[Mention]]:
        """Yield the drugs that follow each other with nothing but amounts and joints between."""
        taken: set[int] = set()
        for mark in find_amounts(text.tokens):
            taken.update(range(*mark.place))
        parts: list[Mention] = []
        end = 0
        for mention in self.find(text):
            words = [
                text.tokens.words[at]
                for at in range(end, mention.first)
                if at not in taken
            ]
            is_next = "".join(words).lower() in _COMBINING
            if mention.agent.is_placebo or not is_next:
                if len(parts) > 1:
                    yield parts
                parts = []
            parts.append(mention)
            end = mention.end
        if len(parts) > 1:
            yield parts

    def _recognise(self, text: DoseText, kind: str, place: Place) -> Agent:
        """Return the agent with this name; a new agent if the name is unknown."""
        name = text.raw(*place)
        key = unify_name(" ".join(name.split()))
        new = Agent(name, key, kind, text, place, is_extra=bool(self.registered))
        return self._by_key.setdefault(key, new)

    def _add_aliases(self, text: DoseText) -> None:
        """Add the aliases of an intervention, unless they are the agents of a combination."""
        agents = self.list_of(text)
        if len(agents) != 1:
            return
        tokens = text.tokens
        aliases: list[Place] = []
        for names in text.aliases:
            for name in split_names(tokens, *names):
                place = trim_name(tokens, *name)
                if place:
                    aliases.append(place)
        substances = {find_substance(tokens.read(*place)) for place in aliases}
        if len(substances - {None}) > 1:
            return
        agent = agents[0]
        for place in aliases:
            alias = tokens.read(*place)
            if len(alias) not in _ALIAS_LENGTHS:
                continue
            key = unify_name(alias)
            if key in self._by_key:
                continue
            # "matching placebo" is no other name of the drug
            is_placebo = find_kind(tokens, *place) == "placebo"
            if is_placebo != agent.is_placebo:
                continue
            self._by_key[key] = agent
            agent.names.append(alias)
            self._name(agent, tokens.words[slice(*place)])

    def _name(self, agent: Agent, words: Sequence[str]) -> None:
        pieces = list(filter(None, map(_fold, words)))
        if pieces:
            folded = "".join(pieces)
            self._by_words.setdefault(folded, agent)
            self._lengths[pieces[0]].add(len(folded))

    def name_agent(self, name: str, texts: Sequence[DoseText]) -> None:
        """Register a name for an agent so that it is found in the texts, unless another agent
        already has this name.
        """
        if not texts or self.find_called(name):
            return
        tokens = lex(name)
        kind = find_kind(tokens, 0, len(tokens))
        # the agent's own name is not quoted, so any text and place will do
        agent = Agent(name, unify_name(name), kind, texts[0], (0, 0))
        self._by_key[agent.key] = agent
        self._name(agent, tokens.words)
        self._found.clear()

    def find_called(self, name: str) -> Agent | None:
        """Return the agent with exactly this name or, failing that, the first agent to which the
        name may refer; None if there is no match.
        """
        candidates = (agent for agent in self._by_key.values() if agent.is_called(name))
        return self._by_key.get(unify_name(name)) or next(candidates, None)

    def list_of(self, text: DoseText) -> list[Agent]:
        """Return the agents that an intervention registers."""
        return self._by_section[text.name]

    def list_topics(self, text: DoseText) -> list[Agent]:
        """Return the agents that are the topic of a section. For an intervention, these are its
        agents; for an arm, the agents named in its label or, if its label does not name any, the
        agents that the registry links to it.
        """
        if not text.is_arm:
            return self.list_of(text)
        in_label = [
            mention.agent for mention in self.find(text) if mention.end <= text.title[1]
        ]
        return in_label or [*self.linked[text.name]][:_MOST_LINKED]

    def find(self, text: DoseText) -> list[Mention]:
        """Return the mentions of agents in a section, from left to right."""
        if text.name not in self._found:
            self._found[text.name] = self._find(text)
        return self._found[text.name]

    def _find(self, text: DoseText) -> list[Mention]:
        tokens = text.tokens
        mentions = [
            mention
            for mention in self._find_registered(tokens)
            if not _is_inactive(tokens, mention.first)
        ]
        taken: set[int] = set()
        for mention in mentions:
            taken.update(range(*mention.place))
        for mark in find_amounts(tokens):
            # in "10^6 T cells/kg", the cells are part of the amount
            if "cells" in mark.value[0].unit:
                taken.update(range(*mark.place))
        for kind, first, end in self._list_known(tokens):
            place = range(first, end)
            if not taken.isdisjoint(place):
                continue
            if _is_inactive(tokens, first):
                continue
            # the name in "LX-4477 (solatrigin)" is that of the code
            is_bracketed = tokens.codes[end : end + 1] == ")"
            if is_bracketed and rule("code_before").ends(tokens, first):
                continue
            taken.update(place)
            agent = self._find_known_agent(text, kind, (first, end))
            mentions.append(Mention(agent, first, end))
        return sorted(mentions, key=lambda mention: mention.place)

    def _find_registered(self, tokens: Tokens) -> Iterator[Mention]:
        """Yield the mentions of registered agents, matching the longest name at each position."""
        if not self._by_words:
            return
        pieces = list(map(_fold, tokens.words))
        starts = list(accumulate(map(len, pieces), initial=0))
        folded = "".join(pieces)
        last = 0
        for first, (piece, start) in enumerate(zip(pieces, starts, strict=False)):
            if start < last or piece not in self._lengths:
                continue
            for length in sorted(self._lengths[piece], reverse=True):
                name = folded[start : start + length]
                stop = start + len(name)
                agent = self._by_words.get(name)
                if agent and folded[stop : stop + 1] in ("", _BORDER):
                    last = stop
                    yield Mention(agent, first, bisect_left(starts, stop))
                    break

    def _find_known_agent(self, text: DoseText, kind: str, place: Place) -> Agent:
        """Return the agent for a name that no intervention registers: the record's only placebo,
        the only registered agent whose name contains it, or a new agent.
        """
        name = " ".join(text.raw(*place).split())
        key = unify_name(name)
        words = f" {name_key(name)} "
        candidates: list[Agent] = []
        if kind == "placebo":
            candidates = [agent for agent in self.registered if agent.is_only]
        elif key not in self._by_key:
            candidates = [
                agent
                for agent in self.registered
                if not agent.is_placebo and words in f" {name_key(agent.name)} "
            ]
        if len(candidates) == 1:
            return candidates[0]
        return self._recognise(text, kind, place)

    def _list_known(self, tokens: Tokens) -> list[tuple[str, int, int]]:
        """Return the names in a text that are in the vocabularies, as (kind, start, end) tuples,
        longest first. If the record does not register any drug, the text names the drugs, and
        names in the list of drugs and codes count too, except those of measured substances.
        """
        names = find_general(tokens)
        for term in find_terms(tokens, "agent_abbreviations"):
            names.append(("drug", term.first, term.end))
        if self._names_drugs:
            for first, end in (*find_drugs(tokens), *_find_codes(tokens)):
                if rule("substance_measured").starts(tokens, end) is None:
                    names.append(("drug", first, end))
        return sorted(names, key=lambda name: name[1] - name[2])


def find_kind(tokens: Tokens, first: int, end: int) -> str:
    """Return the kind of agent to which a name refers: "placebo" if the name includes a placebo,
    otherwise the kind of its last known word, or "other" if none of its words is known.
    """
    kinds = [kind for kind, _, _ in find_general(tokens, first, end)]
    if "placebo" in kinds or rule("sham_word").search(tokens, first, end):
        return "placebo"
    if kinds:
        return kinds[-1]
    return "other"


def _find_codes(tokens: Tokens) -> Iterator[Place]:
    """Yield the places of drugs that have only a code: "LX-4477", "SHR-A1811"."""
    for code in rule("drug_code").find(tokens):
        if _CODE.fullmatch(code.text):
            yield code.first, code.end


def _is_new_name(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a name consists of a few words that no rule contains and that may name a drug:
    "solatrigin", "LX-4477".
    """
    if end - first > _LONGEST_NEW_NAME:
        return False
    if find_kind(tokens, first, end) != "other":
        return False
    codes = set(tokens.codes[first:end])
    is_long = len(tokens.words[first]) > _LONG_WORD
    return codes <= {UNKNOWN, NAME_NUMBER} and (is_long or NAME_NUMBER in codes)


def _is_inactive(tokens: Tokens, first: int) -> bool:
    """Return whether a name is that of a fluid that dilutes a dose, "in 100 mL normal saline", or
    of what a food contains, "2 kiwifruit (6 g fibre)".
    """
    if rule("nutrient_after").starts(tokens, first):
        return True
    fluid = rule("inactive_fluid").starts(tokens, first)
    return bool(fluid and rule("diluent_before").ends(tokens, first))


@lru_cache(maxsize=4096)
def _fold(word: str) -> str:
    """Return a word in the form used to compare names: in the singular and preceded by a border
    character. Return an empty string for a character that is optional in names.
    """
    folded = word.lower()
    if word in _SIGNS_IN_NAMES:
        return ""
    if len(folded) > _LONG_WORD and folded[-1] == "s" and folded[-2] != "s":
        folded = folded[:-1]
    return _BORDER + folded
