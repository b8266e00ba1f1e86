"""The agents that a record names, and where its text mentions them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from extractor.parse.values import value
from extractor.parse.vocabulary import load_vocabulary
from extractor.text.lexer import Tokens

from .aliases import list_codes, list_cores, list_short_forms, unify_name
from .amounts import find_amounts
from .introduced import find_dosed, find_introduced
from .marks import Mark, drop_overlaps, drop_touching
from .names import is_alias, is_given, list_glosses, name_key, split_names, trim_name
from .passages import Passage
from .strengths import drop_explaining
from .units import COUNTED
from .widening import widen_name

__all__ = ["GENERAL", "PROCEDURES", "Agent", "Lexicon", "build_lexicon"]

_NAMES = load_vocabulary("agents")
_INACTIVE = re.compile(r"\b(?:sham|saline|vehicle|diluent)\b", re.IGNORECASE)
_GAP = r"[\s®-]*"
_COMPOSED = re.compile(r"\s(?:[\w-]+\s){0,2}(?:comprising|consisting\sof|comprised\sof)\b", re.IGNORECASE)
_COLON = re.compile(r"\s?:\s?")
_GLOSS = re.compile(r"\s?\(\s?")
_CLOSING = re.compile(r"\s*\)")
_SHORT_NAME = re.compile(r"\s?\(\s?([A-Z][\w-]{1,11}|\d+[\w-]*[A-Z]\w*)\s?\)")
_JOINED_PLACEBO = re.compile(r"[^\S\n]*(?:-|matching|matched|for|to|of|\()?[^\S\n]*", re.IGNORECASE)
PROCEDURES = frozenset({"radiation", "procedure"})
"""Kinds of agents that are no substances."""
GENERAL = 0.8
"""How surely an agent that only the general vocabulary names is the one that is given."""
_INTRODUCED = 0.6
"""How surely an agent that only the words around it show is one."""


@value(frozen=True, slots=True)
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
        body = "|".join(_GAP.join(re.escape(w) for w in key.split()) for key in terms)
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

    def knows(self, name: str) -> bool:
        """Whether an agent is called so."""
        return name_key(name) in self._agents

    def find(self, tokens: Tokens, section: str) -> tuple[Mark[Agent], ...]:
        """Mentions of agents in a section's cleaned text, left to right; "X placebo" mentions a placebo alone."""
        if section not in self._found:
            self._found[section] = self._find(tokens, section)
        return self._found[section]

    def find_known(self, tokens: Tokens) -> list[Mark[Agent]]:
        """Mentions of the record's own agents, by any of their names."""
        return [
            Mark(agent, m.start(), m.end(), 1.0)
            for m in self._expression.finditer(tokens.text.replace("™", "®"))  # a class with ™ takes long to compile
            if (agent := self._lookup(m[0]))
        ]

    def _find(self, tokens: Tokens, section: str) -> tuple[Mark[Agent], ...]:
        text = tokens.text
        known = self.find_known(tokens)
        general = [
            Mark(self._general(text[start:end], match.value, section, start, end), start, end, GENERAL)
            for match in _NAMES.find(text)
            for start, end in (widen_name(text, match.start, match.end),)
        ]
        taken = drop_overlaps([*known, *drop_touching(general, known)])
        taken = drop_overlaps([*taken, *_list_dosed(text, section, taken)])
        introduced = (
            Mark(Agent(name_key(text[start:end]), "introduced", section, start, end), start, end, _INTRODUCED)
            for start, end in (widen_name(text, *place) for place in find_introduced(text))
        )
        named = drop_overlaps([*taken, *drop_touching(introduced, taken)])
        nexts = (*named[1:], None)[: len(named)]
        parts = (m for m, other in zip(named, nexts, strict=True) if not _is_composed(text, m, other))
        return _fuse_mentions(text, section, parts)

    def _lookup(self, text: str) -> Agent | None:
        key = name_key(text)
        return self._agents.get(key) or self._agents.get(key.removesuffix("s").removesuffix("e"))

    def _general(self, text: str, kind: str, section: str, start: int, end: int) -> Agent:
        if kind == "placebo" and self._placebo:
            return self._placebo
        if kind == "cells" and self._cells:
            return self._cells
        return self._lookup(text) or Agent(unify_name(text), kind, section, start, end)


def _list_dosed(text: str, section: str, taken: Sequence[Mark[Agent]]) -> list[Mark[Agent]]:
    """The agents of a list in which names that no vocabulary knows stand beside doses: "X 80 mg, Y 2 mg"."""
    doses = [mark for mark in drop_explaining(text, find_amounts(text)) if mark.value[0].unit not in COUNTED]
    if len(doses) < 2:
        return []
    found = [
        Mark(Agent(name_key(text[start:end]), "drug", section, start, end), start, end, GENERAL)
        for start, end in find_dosed(text, ((mark.start, mark.end) for mark in doses))
    ]
    new = drop_touching(found, taken)
    return list(new) if len({mark.value.key for mark in new}) > 1 else []


def build_lexicon(passages: Iterable[Passage], others: Iterable[Passage] = ()) -> Lexicon:
    """The agents that interventions are named after, or arms where no intervention is named.

    What the text of these passages, and of ``others``, puts in brackets behind a name, or by its initials, is that
    agent as well.
    """
    groups = list(passages)
    names = [name for passage in groups if passage.is_intervention for name in _read_names(passage)]
    names = names or [name for passage in groups for name in _read_names(passage)]
    names += [*list_codes(names), *list_cores((name, agent) for name, agent in names if agent.kind == "drug")]
    texts = [passage.tokens for passage in (*groups, *others)]
    lexicon = Lexicon(names)
    glosses = [*_find_glosses(lexicon, texts), *list_short_forms(names, [tokens.text for tokens in texts])]
    return lexicon if all(map(lexicon.knows, (gloss for gloss, _ in glosses))) else Lexicon([*names, *glosses])


def _find_glosses(lexicon: Lexicon, texts: Iterable[Tokens]) -> Iterator[tuple[str, Agent]]:
    """Short names that the text gives to an agent: "ifinatamab deruxtecan (I-DXd)"."""
    for tokens in texts:
        text = tokens.text
        for mention in lexicon.find_known(tokens) if "(" in text else ():
            if (gloss := _SHORT_NAME.match(text, mention.end)) and is_alias(gloss[1]):
                yield gloss[1], mention.value


def _read_names(passage: Passage) -> list[tuple[str, Agent]]:
    text = passage.text
    names: list[tuple[str, Agent]] = []
    for first, last in split_names(text, *passage.title):
        whole = text[first:last]
        bounds = trim_name(text, first, last)
        if not bounds or not is_given(whole):
            continue
        agent = Agent(name_key(text[slice(*bounds)]), _classify(whole, passage.kind), passage.section, *bounds)
        aliases = [alias for place in passage.aliases if is_alias(alias := text[slice(*place)])]
        names += [(name, agent) for name in (text[slice(*bounds)], *list_glosses(whole), *aliases)]
    return names


def _classify(name: str, registered: str) -> str:
    """The kind of a name; what no vocabulary knows is of the kind as which it is registered."""
    found = [match.value for match in _NAMES.find(name)]
    if "placebo" in found or _INACTIVE.search(name):
        return "placebo"
    return found[0] if found else registered if registered in PROCEDURES else "drug"


def _is_composed(text: str, name: Mark[Agent], following: Mark[Agent] | None) -> bool:
    """Whether the name is that of a regimen whose agents follow: "CHOP chemotherapy comprising ...", "CHOP: ..."."""
    if name.value.kind in PROCEDURES:
        return False
    if following and following.value.key != name.value.key and _COLON.fullmatch(text, name.end, following.start):
        return True
    return _COMPOSED.match(text, name.end) is not None


def _is_gloss(text: str, name: Mark[Agent], other: Mark[Agent]) -> bool:
    """Whether brackets behind a name hold nothing but another name for it."""
    return bool(_GLOSS.fullmatch(text, name.end, other.start) and _CLOSING.match(text, other.end))


def _is_unsure(*mentions: Mark[Agent]) -> bool:
    return any(mention.confidence < 1 for mention in mentions)


def _fuse_mentions(text: str, section: str, mentions: Iterable[Mark[Agent]]) -> tuple[Mark[Agent], ...]:
    """Mentions where "X placebo" and "placebo for X" are one placebo, "X (Y)" is one X, and "X/Y" is one agent."""
    kept: list[Mark[Agent]] = []
    glosses: dict[str, Agent] = {}
    for found in mentions:
        last = kept[-1] if kept else None
        if last and found.confidence < 1 and _is_gloss(text, last, found):
            glosses[found.value.key] = last.value
            continue
        mention = replace(found, value=glosses[found.value.key]) if found.value.key in glosses else found
        placebo = last and next((m for m in (last, mention) if m.value.kind == "placebo"), None)
        if last and not placebo and text[last.end : mention.start] == "/" and _is_unsure(last, mention):
            joined = text[last.start : mention.end]
            both = Agent(name_key(joined), last.value.kind, section, last.start, mention.end)
            kept[-1] = Mark(both, last.start, mention.end, GENERAL)
        elif last and placebo and _JOINED_PLACEBO.fullmatch(text, last.end, mention.start):
            kept[-1] = Mark(placebo.value, last.start, mention.end, GENERAL)
        else:
            kept.append(mention)
    return tuple(kept)
