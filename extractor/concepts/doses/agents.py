"""The agents that a record names, and their mentions in its text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.concepts.doses.marks import Mark, Place, drop_overlaps, drop_touching
from extractor.concepts.doses.names import (
    OtherName,
    expand_name,
    find_general,
    find_other_names,
    list_glosses,
    list_keys,
    name_key,
    split_names,
    stands_alone,
    trim_name,
    unify_name,
)
from extractor.concepts.doses.sections import DosingSection
from extractor.language.book import rule, terms_of
from extractor.language.lexer import Tokens, lex

PROCEDURES = frozenset({"radiation", "procedure"})
"""Kinds of agents that are treatments without a substance."""
_REGISTERED = PROCEDURES | {"behavioral", "device", "diagnostic_test"}
"""Registered types that are the kind of a name that is in no vocabulary."""
_GENERAL = 0.8
_INTRODUCED = 0.6
"""Confidence in an agent that only the general vocabulary, or only the words around it,
indicate.
"""
_SKIPPED = frozenset("-®™")
"""Signs to ignore between the words of a name."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent. ``section`` and ``first:end`` locate its name; ``kind`` is an entry of the
    vocabulary.
    """

    key: str
    kind: str
    section: str
    first: int
    end: int


def is_substance(agent: Agent) -> bool:
    """Return whether an agent can have a dose and a route: a substance, the cells of a
    transplant, or radiation.
    """
    return (
        agent.kind == "radiation"
        or agent.kind not in _REGISTERED
        or "transplant" in agent.key
    )


Names = Sequence[tuple[str, Agent]]
Mention = Mark[Agent]


class AgentNames:
    """Finds mentions of a record's agents, and of agents that any text names."""

    def __init__(self, names: Names, others: Iterable[str] = ()) -> None:
        self._agents: dict[str, Agent] = {}
        self._found: dict[str, tuple[Mention, ...]] = {}
        for name, agent in names:
            for key in list_keys(name):
                self._agents.setdefault(key, agent)
        self.agents = tuple(
            {agent.key: agent for agent in self._agents.values()}.values()
        )
        for name in others:
            self._agents.setdefault(
                name_key(name), Agent(unify_name(name), "drug", "", 0, 0)
            )
        self._by_word: dict[str, list[tuple[list[str], Agent]]] = {}
        for key in sorted(
            filter(lambda key: len(key) > 1, self._agents), key=len, reverse=True
        ):
            words = [word.lower() for word in lex(key).words if word not in _SKIPPED]
            for first in (words[0],) if len(words) > 1 else _list_forms(words[0]):
                self._by_word.setdefault(first, []).append(
                    (words[1:], self._agents[key])
                )
        firsts = {agent.section: agent for agent in reversed(self.agents)}
        self._placebos = {
            section: agent
            for section, agent in firsts.items()
            if agent.kind == "placebo"
        }
        kinds = (
            [agent for agent in self.agents if agent.kind == kind]
            for kind in ("placebo", "cells")
        )
        self._single = {
            agents[0].kind: agents[0] for agents in kinds if len(agents) == 1
        }

    def key_of(self, name: str) -> str:
        """Return the key of the agent that goes by a name, or by the first part of one."""
        agent = self._agents.get(name_key(name))
        found = [] if agent else self.find_known(lex(name))
        if agent:
            return agent.key
        if found:
            return found[0].value.key
        return unify_name(name)

    @property
    def only(self) -> Agent | None:
        """The agent of a record that names only one."""
        return self.agents[0] if len(self.agents) == 1 else None

    def find_known(self, tokens: Tokens) -> list[Mention]:
        """Return mentions of the record's own agents, by any of their names."""
        words = [word.lower() for word in tokens.words]
        found = []
        done = 0
        for first, word in enumerate(words):
            for rest, agent in self._by_word.get(word, ()) if first >= done else ():
                end = _match_words(tokens, words, first, rest)
                if end:
                    found.append(Mark(agent, first, end))
                    done = end
                    break
        return found

    def find(self, section: DosingSection) -> tuple[Mention, ...]:
        """Return mentions of agents in a section, left to right. "X placebo" mentions only a
        placebo.
        """
        if section.name not in self._found:
            self._found[section.name] = self._find(section.tokens, section.name)
        return self._found[section.name]

    def _find(self, tokens: Tokens, section: str) -> tuple[Mention, ...]:
        known = self.find_known(tokens)
        general = [
            self._mark(tokens, section, (first, end), kind)
            for kind, first, end in find_general(tokens)
            if not (
                rule("inactive_fluid").starts(tokens, first)
                and rule("diluent_before").ends(tokens, first, first - 10)
            )
        ]
        taken = drop_overlaps([*known, *drop_touching(general, known)])
        nexts = (*taken[1:], None)[: len(taken)]
        parts = (
            m
            for m, other in zip(taken, nexts, strict=True)
            if not _is_composed(tokens, m, other)
        )
        return _fuse_mentions(
            tokens,
            section,
            [self._find_placebo(tokens, section, mention) for mention in parts],
        )

    def _find_placebo(self, tokens: Tokens, section: str, mention: Mention) -> Mention:
        """Replace a mention by the placebo: for an ingredient in the placebo's section, or an
        agent after "sham".
        """
        own = self._placebos.get(section)
        if (
            own
            and mention.confidence == _GENERAL
            and mention.value.kind not in PROCEDURES
        ):
            beside = rule("other_than_placebo").ends(
                tokens, mention.first, max(mention.first - 8, 0)
            )
            is_other = (
                beside is not None
                and "\n" not in tokens.codes[beside.first : mention.first]
            )
            return mention if is_other else replace(mention, value=own)
        if mention.value.kind == "placebo":
            return mention
        if not rule("sham_word").ends(tokens, mention.first, mention.first - 1):
            return mention
        first = mention.first - 1
        end = mention.end
        agent = self._single.get("placebo") or Agent(
            name_key(tokens.read(first, end)), "placebo", section, first, end
        )
        return Mark(agent, first, end, _GENERAL)

    def _mark(
        self,
        tokens: Tokens,
        section: str,
        place: Place,
        kind: str,
        confidence: float = _GENERAL,
    ) -> Mention:
        first, end = expand_name(tokens, *place)
        name = tokens.read(first, end)
        agent = self._single.get(kind) or self._agents.get(name_key(name))
        return Mark(
            agent or Agent(unify_name(name), kind, section, first, end),
            first,
            end,
            confidence,
        )


def _list_forms(word: str) -> tuple[str, str, str]:
    """Return a word, its plural, and the stem of a plural in "-es", as in "patches"."""
    return word, f"{word}s", f"{word}e"


def _match_words(
    tokens: Tokens, words: Sequence[str], first: int, rest: Sequence[str]
) -> int | None:
    """The end of a name that begins with a token and continues with ``rest``. A part of a longer
    word is no name.
    """
    at = first + 1
    for number, word in enumerate(rest, start=1):
        while at < len(words) and words[at] in _SKIPPED:
            at += 1
        if at == len(words):
            return None
        if words[at] != word and (
            number < len(rest) or words[at] not in _list_forms(word)
        ):
            return None
        at += 1
    return at if stands_alone(tokens, first, at) else None


def _is_composed(tokens: Tokens, name: Mention, following: Mention | None) -> bool:
    """Whether the name is a regimen with its agents after it: "CHOP chemotherapy comprising
    ...", "CHOP: ...".
    """
    if name.value.kind in PROCEDURES:
        return False
    if (
        following
        and following.value.key != name.value.key
        and tokens.codes[name.end : following.first] == ":"
    ):
        return True
    return rule("composed_of").starts(tokens, name.end) is not None


def _fuse_mentions(
    tokens: Tokens, section: str, mentions: Iterable[Mention]
) -> tuple[Mention, ...]:
    """Merge mentions: "X placebo" and "placebo for X" are one placebo, "X (Y)" is X, and "X/Y"
    is one agent.
    """
    kept: list[Mention] = []
    glosses: dict[str, Agent] = {}
    for found in mentions:
        if not kept:
            kept.append(found)
            continue
        last = kept[-1]
        mention = replace(found, value=glosses.get(found.value.key, found.value))
        gap = tokens.codes[last.end : found.first]
        behind = tokens.codes[found.end : found.end + 1]
        if found.confidence < 1 and gap == "(" and behind == ")":
            glosses[found.value.key] = last.value
            continue
        # Such as "vitamin D3 (colecalciferol)"
        if found.confidence == 1 > last.confidence and gap == "(" and behind == ")":
            kept[-1] = found
            continue
        placebo = next((m for m in (last, mention) if m.value.kind == "placebo"), None)
        slashed = gap == "/" and tokens.joined(last.end) and tokens.joined(found.first)
        if placebo and is_joint("placebo_joint", tokens, last.end, mention.first):
            kept[-1] = Mark(placebo.value, last.first, mention.end, _GENERAL)
        elif not placebo and slashed and min(last.confidence, mention.confidence) < 1:
            joined = name_key(tokens.read(last.first, mention.end))
            both = Agent(joined, last.value.kind, section, last.first, mention.end)
            kept[-1] = Mark(both, last.first, mention.end, _GENERAL)
        else:
            kept.append(mention)
    return tuple(kept)


def is_joint(name: str, tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a range is empty or a rule covers all its tokens."""
    return first == end or (
        first < end and rule(name).covers(tokens, first, end) is not None
    )


def build_lexicon(
    groups: Sequence[DosingSection], others: Iterable[str] = ()
) -> AgentNames:
    """Return the agents in the names of interventions, or in labels of arms if no intervention
    names one.

    ``others`` are names that a model found in the record. They count as agents where they are not
    among these.
    """
    interventions = [section for section in groups if section.is_intervention]
    own = {section.name: _read_names(section) for section in interventions}
    if not any(own.values()):
        own = {section.name: _read_names(section) for section in groups}
    named = [name for names in own.values() for name in names]
    # The titles are no names, such as "Drug A", and nothing else is one: then the other names are.
    of_nameless = not named
    others_of = [
        name
        for section in interventions
        if own[section.name] or of_nameless
        for name in _read_other_names(section, own[section.name])
    ]
    names = _shorten_placebo([*named, *_separate_shared(others_of, named)], groups)
    shorts = [
        (short, agent)
        for entry in terms_of("agent_abbreviations")
        for name, agent in names
        if name_key(name).endswith(entry.value)
        for short in entry.terms
    ]
    return AgentNames([*names, *shorts], others)


def _read_names(section: DosingSection) -> list[tuple[str, Agent]]:
    """Return the agents of a title, by name and by glosses in brackets.

    ISRCTN names drugs alone: other interventions have what the general vocabulary finds in their
    description.
    """
    tokens = section.tokens
    names = list[tuple[str, Agent]]()
    # an examination gives nothing
    if section.type.startswith("diagnostic") and not section.marks.amounts:
        return names
    known = ((first, end) for _, first, end in find_general(tokens, *section.body))
    nameless = section.is_intervention and section.title[0] == section.title[1]
    for first, last in known if nameless else split_names(tokens, *section.title):
        place = trim_name(tokens, first, last)
        if place and not rule("not_given").search(tokens, first, last):
            name = tokens.read(*place)
            known_kinds = [kind for kind, *_ in find_general(tokens, first, last)]
            kind = next(
                iter(known_kinds),
                section.type if section.type in _REGISTERED else "drug",
            )
            if "placebo" in known_kinds or rule("inactive_name").search(
                tokens, first, last
            ):
                kind = "placebo"
            agent = Agent(name_key(name), kind, section.name, *place)
            names += [(short, agent) for short in _list_before_slash(tokens, *place)]
            names += [
                (each, agent) for each in (name, *list_glosses(tokens, first, last))
            ]
    return names


def _read_other_names(
    section: DosingSection, own: Names
) -> Iterator[tuple[OtherName, Agent]]:
    """Yield the other names that the registry gives an intervention, with the agent that each one
    names.

    Of an intervention of several agents, a name is of the one in brackets beside it, else an agent
    of its own.
    """
    by_key = {name_key(name): agent for name, agent in own}
    agents = list({agent.key: agent for _, agent in own}.values())
    is_given = section.type not in _REGISTERED and not rule("not_given").search(
        section.tokens, *section.title
    )
    for place in section.aliases if agents or is_given else ():
        for found in find_other_names(section.tokens, place):
            if not agents:  # the title is no name: "Drug A"
                agents = [
                    Agent(name_key(found.name), "drug", section.name, *found.place)
                ]
            agent = by_key.get(name_key(found.of or "")) or (
                agents[0] if len(agents) == 1 else None
            )
            yield found, agent or _stand_alone(found, agents[0])


def _stand_alone(other: OtherName, agent: Agent) -> Agent:
    """Return the agent of another name that is not surely that of the intervention's agent."""
    first, end = other.place
    return replace(agent, key=name_key(other.name), first=first, end=end)


def _separate_shared(
    others: Sequence[tuple[OtherName, Agent]], own: Names
) -> list[tuple[str, Agent]]:
    """Return the other names; one that several agents have, and that is no agent's own, is an
    agent of its own.
    """
    own_keys = {name_key(name) for name, _ in own}
    claimed = defaultdict[str, set[str]](set)
    for other, agent in others:
        claimed[name_key(other.name)].add(agent.key)
    shared = {key for key, agents in claimed.items() if len(agents) > 1} - own_keys
    return [
        (
            other.name,
            _stand_alone(other, agent) if name_key(other.name) in shared else agent,
        )
        for other, agent in others
    ]


def _list_before_slash(tokens: Tokens, first: int, end: int) -> Iterator[str]:
    """Yield the substance before another name of it: "montelukast/ Examplair", but not "vitamin
    C/zinc".
    """
    known = find_general(tokens, first, end)
    slash = known[0][2] if len(known) == 1 and known[0][1] == first else end
    if slash + 1 < end and tokens.words[slash] == "/" and not tokens.joined(slash + 1):
        yield tokens.read(first, slash)


def _shorten_placebo(
    names: list[tuple[str, Agent]], groups: Sequence[DosingSection]
) -> list[tuple[str, Agent]]:
    """The names, with a record's only placebo as "placebo": only several need names like
    "placebo for examplumab".
    """
    placebos = {agent for _, agent in names if agent.kind == "placebo"}
    if len({agent.key for agent in placebos}) != 1:
        return names
    tokens = {group.name: group.tokens for group in groups}
    places = {
        agent: rule("placebo_of").search(tokens[agent.section], agent.first, agent.end)
        for agent in placebos
    }
    short = {
        agent: replace(agent, first=at.first, end=at.first + 1)
        for agent, at in places.items()
        if at
    }
    return [(name, short.get(agent, agent)) for name, agent in names]
