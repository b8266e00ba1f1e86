"""The agents that a record names, and their mentions in its text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

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
"""Confidence in an agent that only the general vocabulary indicates. That in the record's own
agents is 1.
"""
_SKIPPED = frozenset("-®™")
"""Signs to ignore between the words of a name."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent. ``section`` and the tokens ``first:end`` of it locate its name; ``key`` is the
    form of its name for comparing, ``kind`` an entry of the vocabulary or a registered type:
    "drug", "placebo", "procedure", ...
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
    if agent.kind == "radiation" or "transplant" in agent.key:
        return True
    return agent.kind not in _REGISTERED


Names = Sequence[tuple[str, Agent]]
Mention = Mark[Agent]


class AgentNames:
    """Finds mentions of a record's agents, and of agents that any text names.

    ``names`` are all names of the record's agents, the best first; ``others`` are names that a
    model found, which count where they are none of these.
    """

    def __init__(self, names: Names, others: Iterable[str] = ()) -> None:
        # by each form of each name; the first agent of a form keeps it
        self._agents: dict[str, Agent] = {}
        self._found: dict[str, tuple[Mention, ...]] = {}
        for name, agent in names:
            for key in list_keys(name):
                self._agents.setdefault(key, agent)
        by_key = {agent.key: agent for agent in self._agents.values()}
        self.agents = tuple(by_key.values())
        for name in others:
            agent = Agent(unify_name(name), "drug", "", 0, 0)
            self._agents.setdefault(name_key(name), agent)
        self._by_word = _index_names(self._agents)
        # the placebos that are the first agent of their section
        firsts = {agent.section: agent for agent in reversed(self.agents)}
        self._placebos: dict[str, Agent] = {}
        for section, agent in firsts.items():
            if agent.kind == "placebo":
                self._placebos[section] = agent
        # "placebo" and "cells" mean the record's own, if it has only one
        self._single: dict[str, Agent] = {}
        for kind in ("placebo", "cells"):
            alike = [agent for agent in self.agents if agent.kind == kind]
            if len(alike) == 1:
                self._single[kind] = alike[0]

    def key_of(self, name: str) -> str:
        """Return the key of the agent that goes by a name, or by the first part of one; for a name
        of no agent, the key that its agent would have.
        """
        agent = self._agents.get(name_key(name))
        if agent:
            return agent.key
        mentions = self.find_known(lex(name))
        if mentions:
            return mentions[0].value.key
        return unify_name(name)

    @property
    def only(self) -> Agent | None:
        """The agent of a record that names only one, else None."""
        return self.agents[0] if len(self.agents) == 1 else None

    def find_known(self, tokens: Tokens) -> list[Mention]:
        """Return mentions of the record's own agents, by any of their names, left to right and
        without overlaps. Of several names at one place, the longest one counts.
        """
        words = [word.lower() for word in tokens.words]
        mentions: list[Mention] = []
        done = 0
        for first, word in enumerate(words):
            if first < done:
                continue
            for rest, agent in self._by_word.get(word, ()):
                end = _match_words(tokens, words, first, rest)
                if end:
                    mentions.append(Mark(agent, first, end))
                    done = end
                    break
        return mentions

    def find(self, section: DosingSection) -> tuple[Mention, ...]:
        """Return mentions of agents in a section, left to right: the record's own, and those of the
        general vocabulary. "X placebo" mentions only a placebo. The result is kept for each
        section.
        """
        if section.name not in self._found:
            self._found[section.name] = self._find(section.tokens, section.name)
        return self._found[section.name]

    def _find(self, tokens: Tokens, section: str) -> tuple[Mention, ...]:
        """Return what ``find`` does, for the tokens of the section of this name. Fluids that only
        dilute an agent, and names of regimens before their agents, are no mentions.
        """
        known = self.find_known(tokens)
        general: list[Mention] = []
        for kind, first, end in find_general(tokens):
            # "dissolved in saline"
            if _is_diluent(tokens, first):
                continue
            general.append(self._mark(tokens, section, (first, end), kind))
        named = drop_overlaps([*known, *drop_touching(general, known)])
        mentions: list[Mention] = []
        for mention, following in zip_longest(named, named[1:]):
            # the name of a regimen before its agents, as in "CHOP: ..."
            if _is_composed(tokens, mention, following):
                continue
            mentions.append(self._find_placebo(tokens, section, mention))
        return _fuse_mentions(tokens, section, mentions)

    def _find_placebo(self, tokens: Tokens, section: str, mention: Mention) -> Mention:
        """Return the mention of a placebo for one that stands for it: an ingredient in the section
        of a placebo, or an agent after "sham". Any other mention is returned as it is.
        """
        agent = mention.value
        own = self._placebos.get(section)
        is_procedure = agent.kind in PROCEDURES
        # what a placebo is made of, by the general vocabulary
        if own and mention.confidence == _GENERAL and not is_procedure:
            # "Placebo and standard metformin 1000 mg daily": the dose is that of metformin
            if _is_other_than_placebo(tokens, mention):
                return mention
            return replace(mention, value=own)
        if agent.kind == "placebo":
            return mention
        # "sham stimulation"
        if not rule("sham_word").ends(tokens, mention.first, mention.first - 1):
            return mention
        first = mention.first - 1
        end = mention.end
        placebo = self._single.get("placebo")
        if placebo is None:
            key = name_key(tokens.read(first, end))
            placebo = Agent(key, "placebo", section, first, end)
        return Mark(placebo, first, end, _GENERAL)

    def _mark(self, tokens: Tokens, section: str, place: Place, kind: str) -> Mention:
        """Return the mention of an agent that the general vocabulary has at ``place``: the record's
        own one of its kind or name, else a new one of this kind.
        """
        first, end = expand_name(tokens, *place)
        name = tokens.read(first, end)
        agent = self._single.get(kind) or self._agents.get(name_key(name))
        if agent is None:
            agent = Agent(unify_name(name), kind, section, first, end)
        return Mark(agent, first, end, _GENERAL)


def _index_names(
    agents: Mapping[str, Agent],
) -> dict[str, list[tuple[list[str], Agent]]]:
    """Return the names of agents by their first word in lower case: the words behind it, and the
    agent. Longer names come first; names of one letter are left out.
    """
    by_word: dict[str, list[tuple[list[str], Agent]]] = {}
    for key in sorted(agents, key=len, reverse=True):
        if len(key) < 2:
            continue
        words = [word.lower() for word in lex(key).words if word not in _SKIPPED]
        first, *rest = words
        # a name of one word may stand in the plural
        forms = (first,) if rest else _list_forms(first)
        for form in forms:
            by_word.setdefault(form, []).append((rest, agents[key]))
    return by_word


def _is_diluent(tokens: Tokens, first: int) -> bool:
    """Return whether a fluid only dissolves or dilutes an agent: "dissolved in saline"."""
    if not rule("inactive_fluid").starts(tokens, first):
        return False
    return rule("diluent_before").ends(tokens, first, first - 10) is not None


def _is_other_than_placebo(tokens: Tokens, mention: Mention) -> bool:
    """Return whether words before an agent, on the same line, say that the placebo is given
    beside it.
    """
    earliest = max(mention.first - 8, 0)
    beside = rule("other_than_placebo").ends(tokens, mention.first, earliest)
    if beside is None:
        return False
    return "\n" not in tokens.codes[beside.first : mention.first]


def _list_forms(word: str) -> tuple[str, str, str]:
    """Return a word, its plural, and the stem of a plural in "-es", as in "patches"."""
    return word, f"{word}s", f"{word}e"


def _match_words(
    tokens: Tokens, words: Sequence[str], first: int, rest: Sequence[str]
) -> int | None:
    """Return the end of a name that begins at token ``first`` and continues with the words
    ``rest``; None if the text goes on otherwise. A part of a longer word is no name.

    ``words`` are all of the text, in lower case.
    """
    at = first + 1
    for number, word in enumerate(rest, start=1):
        while at < len(words) and words[at] in _SKIPPED:
            at += 1
        if at == len(words):
            return None
        # the last word may stand in the plural
        is_last = number == len(rest)
        forms = _list_forms(word) if is_last else (word,)
        if words[at] not in forms:
            return None
        at += 1
    return at if stands_alone(tokens, first, at) else None


def _is_composed(tokens: Tokens, name: Mention, following: Mention | None) -> bool:
    """Return whether a name is that of a regimen with its agents behind it: "CHOP chemotherapy
    comprising ...", "CHOP: ...". ``following`` is the next mention, if there is one.
    """
    if name.value.kind in PROCEDURES:
        return False
    if rule("composed_of").starts(tokens, name.end) is not None:
        return True
    if following is None or following.value.key == name.value.key:
        return False
    return tokens.codes[name.end : following.first] == ":"


def _fuse_mentions(
    tokens: Tokens, section: str, mentions: Iterable[Mention]
) -> tuple[Mention, ...]:
    """Return the mentions, with one for each agent that two neighbours name: "X placebo" and
    "placebo for X" are one placebo, "X (Y)" is X, and "X/Y" is one agent.

    A name that once stood in brackets behind X is X's wherever it follows. Of "X (Y)", a registered
    Y counts before an X of the general vocabulary.
    """
    kept: list[Mention] = []
    glosses: dict[str, Agent] = {}
    for mention in mentions:
        if not kept:
            kept.append(mention)
            continue
        last = kept[-1]
        if _is_in_brackets(tokens, last, mention):
            is_registered = mention.confidence == 1
            if not is_registered:
                glosses[mention.value.key] = last.value
                continue
            # as in "vitamin D3 (colecalciferol)"
            if last.confidence < 1:
                kept[-1] = mention
                continue
        glossed = glosses.get(mention.value.key, mention.value)
        renamed = replace(mention, value=glossed)
        fused = _fuse(tokens, section, last, renamed)
        if fused is None:
            kept.append(renamed)
        else:
            kept[-1] = fused
    return tuple(kept)


def _is_in_brackets(tokens: Tokens, before: Mention, mention: Mention) -> bool:
    """Return whether a mention stands alone in brackets, directly behind another one."""
    gap = tokens.codes[before.end : mention.first]
    behind = tokens.codes[mention.end : mention.end + 1]
    return gap == "(" and behind == ")"


def _fuse(
    tokens: Tokens, section: str, first: Mention, second: Mention
) -> Mention | None:
    """Return the mention of the one agent that two neighbouring mentions name together: a placebo
    with its agent ("placebo for X"), or an unregistered "X/Y". None if they name two agents.
    """
    placebos = [m for m in (first, second) if m.value.kind == "placebo"]
    if placebos:
        if not is_joint("placebo_joint", tokens, first.end, second.first):
            return None
        return Mark(placebos[0].value, first.first, second.end, _GENERAL)
    if tokens.codes[first.end : second.first] != "/":
        return None
    is_glued = tokens.joined(first.end) and tokens.joined(second.first)
    # two registered agents stay two
    are_registered = min(first.confidence, second.confidence) == 1
    if not is_glued or are_registered:
        return None
    key = name_key(tokens.read(first.first, second.end))
    agent = Agent(key, first.value.kind, section, first.first, second.end)
    return Mark(agent, first.first, second.end, _GENERAL)


def is_joint(name: str, tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a range is empty or a rule covers all its tokens."""
    if first == end:
        return True
    return first < end and rule(name).covers(tokens, first, end) is not None


def build_lexicon(
    groups: Sequence[DosingSection], others: Iterable[str] = ()
) -> AgentNames:
    """Return the agents that interventions name, or the labels of arms if no intervention names
    one, with all of their other names.

    ``groups`` are the arms and interventions. ``others`` are names that a model found in the
    record. They count as agents where they are not among these.
    """
    interventions = [section for section in groups if section.is_intervention]
    own = {section.name: _read_names(section) for section in interventions}
    if not any(own.values()):
        own = {section.name: _read_names(section) for section in groups}
    named: list[tuple[str, Agent]] = []
    for names in own.values():
        named += names
    others_of: list[tuple[OtherName, Agent]] = []
    for section in interventions:
        # The titles are no names, such as "Drug A", and nothing else is one: then the other names
        # are.
        if own[section.name] or not named:
            others_of += _read_other_names(section, own[section.name])
    names = _shorten_placebo([*named, *_separate_shared(others_of, named)], groups)
    return AgentNames([*names, *_list_abbreviations(names)], others)


def _list_abbreviations(names: Names) -> Iterator[tuple[str, Agent]]:
    """Yield the abbreviations of the vocabulary that name one of these agents."""
    for entry in terms_of("agent_abbreviations"):
        for name, agent in names:
            if not name_key(name).endswith(entry.value):
                continue
            for short in entry.terms:
                yield short, agent


def _read_names(section: DosingSection) -> list[tuple[str, Agent]]:
    """Return the agents of a title, each by name, by glosses in brackets ("mycophenolate (MMF)")
    and by what stands before a slash. What is only examined or measured is no agent.

    ISRCTN names drugs alone: other interventions have what the general vocabulary finds in their
    description.
    """
    tokens = section.tokens
    names: list[tuple[str, Agent]] = []
    # an examination gives nothing
    if section.type.startswith("diagnostic") and not section.marks.amounts:
        return names
    is_nameless = section.is_intervention and section.title[0] == section.title[1]
    if is_nameless:
        general = find_general(tokens, *section.body)
        places = [(first, end) for _, first, end in general]
    else:
        places = split_names(tokens, *section.title)
    for first, last in places:
        place = trim_name(tokens, first, last)
        # "Blood sampling"
        if place is None or rule("not_given").search(tokens, first, last):
            continue
        kind = _find_kind(section, first, last)
        name = tokens.read(*place)
        agent = Agent(name_key(name), kind, section.name, *place)
        shorts = _list_before_slash(tokens, *place)
        glosses = list_glosses(tokens, first, last)
        names += [(other, agent) for other in (*shorts, name, *glosses)]
    return names


def _find_kind(section: DosingSection, first: int, end: int) -> str:
    """Return the kind of the agent that the tokens ``first:end`` of a title name: a placebo if one
    is named, else that of the vocabulary, else the registered type, else a drug.
    """
    tokens = section.tokens
    kinds = [kind for kind, *_ in find_general(tokens, first, end)]
    if "placebo" in kinds or rule("inactive_name").search(tokens, first, end):
        return "placebo"
    if kinds:
        return kinds[0]
    return section.type if section.type in _REGISTERED else "drug"


def _read_other_names(
    section: DosingSection, own: Names
) -> Iterator[tuple[OtherName, Agent]]:
    """Yield the other names that the registry gives an intervention, with the agent that each one
    names. ``own`` are the names in its title.

    Of an intervention of several agents, a name is that of the agent in brackets beside it, else
    an agent of its own. If the title is no name ("Drug A"), the first other name is the agent.
    """
    by_key = {name_key(name): agent for name, agent in own}
    agents = list({agent.key: agent for _, agent in own}.values())
    if not agents and not _gives_something(section):
        return
    for place in section.aliases:
        for other in find_other_names(section.tokens, place):
            if not agents:
                key = name_key(other.name)
                agents = [Agent(key, "drug", section.name, *other.place)]
            # as in "Fictira (adalimumab)"
            agent = by_key.get(name_key(other.of or ""))
            if agent is None:
                is_of_only = len(agents) == 1
                agent = agents[0] if is_of_only else _stand_alone(other, agents[0])
            yield other, agent


def _gives_something(section: DosingSection) -> bool:
    """Return whether an intervention is one that gives an agent, by its type and title."""
    if section.type in _REGISTERED:
        return False
    return rule("not_given").search(section.tokens, *section.title) is None


def _stand_alone(other: OtherName, agent: Agent) -> Agent:
    """Return the agent of another name that is not surely that of the intervention's agent."""
    first, end = other.place
    return replace(agent, key=name_key(other.name), first=first, end=end)


def _separate_shared(
    others: Sequence[tuple[OtherName, Agent]], own: Names
) -> list[tuple[str, Agent]]:
    """Return the other names with their agents. A name that several agents have, and that is none
    of the names in titles (``own``), is an agent of its own.
    """
    own_keys = {name_key(name) for name, _ in own}
    claimed = defaultdict[str, set[str]](set)
    for other, agent in others:
        claimed[name_key(other.name)].add(agent.key)
    names: list[tuple[str, Agent]] = []
    for other, agent in others:
        key = name_key(other.name)
        is_shared = len(claimed[key]) > 1 and key not in own_keys
        owner = _stand_alone(other, agent) if is_shared else agent
        names.append((other.name, owner))
    return names


def _list_before_slash(tokens: Tokens, first: int, end: int) -> Iterator[str]:
    """Yield the substance before another name of it: "montelukast/ Examplair", but not "vitamin
    C/zinc". The space behind the slash is what tells the two apart.
    """
    known = find_general(tokens, first, end)
    if len(known) != 1:
        return
    _, known_first, slash = known[0]
    if known_first != first:
        return
    if slash + 1 >= end or tokens.words[slash] != "/":
        return
    if not tokens.joined(slash + 1):
        yield tokens.read(first, slash)


def _shorten_placebo(
    names: list[tuple[str, Agent]], groups: Sequence[DosingSection]
) -> list[tuple[str, Agent]]:
    """Return the names; the only placebo of a record is named by the word "placebo" alone. Several
    placebos need names like "placebo for examplumab", and keep them.
    """
    placebos = {agent for _, agent in names if agent.kind == "placebo"}
    keys = {agent.key for agent in placebos}
    if len(keys) != 1:
        return names
    tokens = {group.name: group.tokens for group in groups}
    short: dict[Agent, Agent] = {}
    for agent in placebos:
        text = tokens[agent.section]
        match = rule("placebo_of").search(text, agent.first, agent.end)
        if match:
            first = match.first
            short[agent] = replace(agent, first=first, end=first + 1)
    return [(name, short.get(agent, agent)) for name, agent in names]
