"""The agents that a record names, and where its text mentions them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.text.book import rule
from extractor.text.lexer import Tokens, lex

from .marks import Mark, drop_overlaps, drop_touching
from .names import (
    Place,
    chunk_end,
    find_general,
    is_alias,
    is_given,
    is_glued,
    list_codes,
    list_cores,
    list_glosses,
    list_short_forms,
    name_key,
    split_names,
    stands_alone,
    trim_name,
    unify_name,
)
from .passages import Passage

_LONGEST, _LONGEST_BEFORE = 5, 3
"""Words of a name behind what introduces it, and of one in front of its dose."""
_HEADS = frozenset({"nab", "peg", "suba"})
_NO_PARTS = ("ed", "ing", "ive", "ant", "ory", "like", "free", "naive", "cell", "cells", "dose", "sparing", "specific")
"""Ends of words that a hyphen joins to a name of which they are no part: "omalizumab-treated"."""
_BEFORE = frozenset([*",;:+(/.\n", "and", "plus", "with", "of", "or"])
"""What parts a name in front of its dose from the words before."""


def find_introduced(tokens: Tokens) -> Iterator[Place]:
    """Names that giving introduces, left to right; words that name nothing ("treatment") are none.

    >>> tokens = read_text("Patients receive oral EX-12 on day 1 and undergo treatment")
    >>> [tokens.read(*place) for place in find_introduced(tokens)]
    ['EX-12']
    """
    for lead in rule("name_introduction").find(tokens):
        start = lead.end
        while start < len(tokens) and is_glued(tokens, start):  # the "5" of "5-EX" fills no gap
            start -= 1
        chunks = _read_chunks(tokens, start)
        if not chunks:
            continue
        first, end = chunks[0][0], chunks[-1][1]
        if _is_generic(tokens, *chunks[0]) or not _can_name(tokens, first, end):
            continue
        last = tokens.words[chunks[-1][0]].lower()
        generic = rule("generic_word").ends(tokens, end, chunks[-1][0])
        if not generic or "therapy" in last or "infusion" in last:
            yield first, end


def find_dosed(tokens: Tokens) -> Iterator[Place]:
    """Names beside doses that are weighed: "zinc oxide 80 mg", "400 IU of vitamin E"; none where one dose stands alone.

    >>> tokens = read_text("80 mg zinc oxide; vitamin E 400 IU")
    >>> [tokens.read(*place) for place in find_dosed(tokens)]
    ['zinc oxide', 'vitamin E']
    """
    doses = list(rule("weighed_dose").find(tokens))
    for dose in doses if len(doses) > 1 else ():
        gap = rule("dose_gap").starts(tokens, dose.end)
        behind = _read_chunks(tokens, gap.end if gap else dose.end)
        if behind and _names_substance(tokens, behind):
            yield behind[0][0], behind[-1][1]
        elif (ahead := _read_before(tokens, dose.first)) and _names_substance(tokens, ahead):
            yield ahead[0][0], ahead[-1][1]


def find_substance(tokens: Tokens, first: int) -> Place | None:
    """What is given, where it follows the dose that ends before ``first``: "300 mg of oat flour", "300 mg oat protein".

    >>> tokens = read_text("300 mg of oat flour daily")
    >>> tokens.read(*find_substance(tokens, 2))
    'oat flour'
    """
    gap = rule("dose_gap").starts(tokens, first)
    chunks = _read_chunks(tokens, gap.end if gap else first)
    if not chunks or _is_generic(tokens, *chunks[0]) or _is_generic(tokens, *chunks[-1]):
        return None
    place = chunks[0][0], chunks[-1][1]
    return place if gap or rule("substance_word").ends(tokens, place[1], place[1] - 1) else None


def expand_name(tokens: Tokens, first: int, end: int) -> Place:
    """The whole of a name of which a vocabulary knows only a part.

    >>> tokens = read_text("EMX 121974 and nab-paclitaxel 5 mg")
    >>> [tokens.read(*expand_name(tokens, *place)) for place in ((0, 1), (4, 5))]
    ['EMX 121974', 'nab-paclitaxel']
    """
    head = first
    while head and is_glued(tokens, head) and (tokens.words[head - 1].isalnum() or tokens.words[head - 1] == "-"):
        head -= 1
    words = tokens.words[head:first]
    if words and words[0] != "-" and (words[0].lower() in _HEADS or any(word[0].isdigit() for word in words)):
        first = head
    rest = tokens.words[end : chunk_end(tokens, end - 1)]
    joined = len(rest) == 1 and rest[0].isalpha() and not rest[0].lower().endswith(_NO_PARTS)
    if joined and not find_general(tokens, end, end + 1):  # "trimethoprim-sulfamethoxazole"
        end += 1
    is_code = end - first == 1 and tokens.words[first].isupper() and 1 < len(tokens.words[first]) < _LONGEST + 1
    if is_code and end < len(tokens) and tokens.words[end].isdigit() and 2 < len(tokens.words[end]) < 8:
        end = chunk_end(tokens, end)
    return first, end


def _read_chunks(tokens: Tokens, first: int) -> list[Place]:
    """Words, joined ones as one, from a place on, as far as a name can go."""
    chunks: list[Place] = []
    while first < len(tokens) and len(chunks) < _LONGEST:
        spaced = not chunks or tokens.text[tokens.ends[first - 1] : tokens.starts[first]] == " "
        end = chunk_end(tokens, first)
        if not spaced or not tokens.words[first][0].isalnum() or _is_stop(tokens, first, end):
            break
        chunks.append((first, end))
        first = end
    return chunks


def _read_before(tokens: Tokens, end: int) -> list[Place]:
    """The words in front of a dose that can be a name: what parts them from others stands before them."""
    end -= end > 0 and tokens.words[end - 1] in ":(,-"
    first = end
    while (
        first
        and first > end - 2 * _LONGEST
        and tokens.words[first - 1][0].isalnum()
        and not _is_stop(tokens, first - 1, first)
    ):
        first -= 1
    before = tokens.words[first - 1].lower() if first else ""
    parted = not before or before in _BEFORE or rule("giving_lead").ends(tokens, first, first - 4)
    chunks: list[Place] = []
    while parted and first < end:
        chunks.append((first, chunk_end(tokens, first)))
        first = chunks[-1][1]
    return chunks if len(chunks) <= _LONGEST_BEFORE else []


def _is_stop(tokens: Tokens, first: int, end: int) -> bool:
    """Whether a chunk ends a name: a word such as "daily", a number, a number with its unit."""
    if tokens.words[first][0].isdigit():
        return end == first + 1 or rule("name_dose").covers(tokens, first, end) is not None
    return end == first + 1 and rule("name_stop").covers(tokens, first, end) is not None


def _is_generic(tokens: Tokens, first: int, end: int) -> bool:
    found = rule("generic_word").starts(tokens, first, end)
    return found is not None or (tokens.codes[first] == "n" and not any(map(str.isupper, tokens.read(first, end))))


def _can_name(tokens: Tokens, first: int, end: int) -> bool:
    """Whether words have three letters, or letters and digits: a code."""
    words = tokens.words[first:end]
    return any(len(word) > 2 and word.isalpha() for word in words) or (
        any(word[0].isdigit() for word in words) and any(word[0].isalpha() for word in words)
    )


def _names_substance(tokens: Tokens, chunks: Sequence[Place]) -> bool:
    first, end = chunks[0][0], chunks[-1][1]
    if any(
        rule("generic_word").search(tokens, *chunk) or rule("dose_detail").search(tokens, *chunk) for chunk in chunks
    ):
        return False
    words = tokens.words[first:end]
    if words[0][0].isdigit() or any(word.endswith("ly") for word in words):
        return False
    return any(len(word) > 3 and word.isalpha() for word in words)


PROCEDURES = frozenset({"radiation", "procedure"})
"""Kinds of agents that are no substances."""
GENERAL = 0.8
"""How surely an agent that only the general vocabulary names is the one that is given."""
_INTRODUCED = 0.6
"""How surely an agent that only the words around it show is one."""
_SKIPPED = frozenset("-®™")
"""Signs between the words of a name that make no difference."""


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
        self._by_word: dict[str, list[tuple[list[str], Agent]]] = {}
        for key in sorted(filter(lambda key: len(key) > 1, self._agents), key=len, reverse=True):
            words = [word.lower() for word in lex(key).words if word not in _SKIPPED]
            for first in (words[0],) if len(words) > 1 else _list_forms(words[0]):
                self._by_word.setdefault(first, []).append((words[1:], self._agents[key]))
        firsts = {agent.section: agent for agent in reversed(self.agents)}
        self._placebos = {section: agent for section, agent in firsts.items() if agent.kind == "placebo"}
        self._placebo, self._cells = self._find_single("placebo"), self._find_single("cells")

    def _find_single(self, kind: str) -> Agent | None:
        agents = {agent.key: agent for agent in self._agents.values() if agent.kind == kind}
        return next(iter(agents.values())) if len(agents) == 1 else None

    @property
    def agents(self) -> tuple[Agent, ...]:
        return tuple({agent.key: agent for agent in self._agents.values()}.values())

    @property
    def only(self) -> Agent | None:
        """The agent, where the record names a single one."""
        return self.agents[0] if len(self.agents) == 1 else None

    def knows(self, name: str) -> bool:
        """Whether an agent has this name."""
        return name_key(name) in self._agents

    def find_known(self, tokens: Tokens) -> list[Mark[Agent]]:
        """Mentions of the record's own agents, by any of their names."""
        words = [word.lower() for word in tokens.words]
        found, done = [], 0
        for first, word in enumerate(words):
            for rest, agent in self._by_word.get(word, ()) if first >= done else ():
                end = _match_words(tokens, words, first, rest)
                if end:
                    found.append(Mark(agent, *tokens.span(first, end)))
                    done = end
                    break
        return found

    def find(self, tokens: Tokens, section: str) -> tuple[Mark[Agent], ...]:
        """Mentions of agents in a section's cleaned text, left to right; "X placebo" mentions a placebo alone."""
        if section not in self._found:
            self._found[section] = self._find(tokens, section)
        return self._found[section]

    def _find(self, tokens: Tokens, section: str) -> tuple[Mark[Agent], ...]:
        known = self.find_known(tokens)
        general = [self._mark(tokens, section, (first, end), kind) for kind, first, end in find_general(tokens)]
        taken = drop_overlaps([*known, *drop_touching(general, known)])
        dosed = [self._mark(tokens, section, place, "drug") for place in find_dosed(tokens)]
        new = drop_touching(dosed, taken)
        taken = drop_overlaps([*taken, *new]) if len({mark.value.key for mark in new}) > 1 else taken
        introduced = (
            self._mark(tokens, section, place, "introduced", _INTRODUCED) for place in find_introduced(tokens)
        )
        named = drop_overlaps([*taken, *drop_touching(introduced, taken)])
        nexts = (*named[1:], None)[: len(named)]
        parts = (m for m, other in zip(named, nexts, strict=True) if not _is_composed(tokens, m, other))
        return _fuse_mentions(tokens, section, [self._find_placebo(tokens, section, mention) for mention in parts])

    def _find_placebo(self, tokens: Tokens, section: str, mention: Mark[Agent]) -> Mark[Agent]:
        """The placebo: what its own passage says it is made of, and what is tested with "sham" in front of its name."""
        own = self._placebos.get(section)
        if own and mention.confidence == GENERAL and mention.value.kind not in PROCEDURES:
            return replace(mention, value=own)
        sham = rule("sham_word").ends(tokens, tokens.at(mention.start), tokens.at(mention.start) - 1)
        if mention.value.kind == "placebo" or not sham:
            return mention
        start = tokens.starts[sham.first]
        name = tokens.text[start : mention.end]
        agent = self._placebo or Agent(name_key(name), "placebo", section, start, mention.end)
        return Mark(agent, start, mention.end, GENERAL)

    def _mark(self, tokens: Tokens, section: str, place: Place, kind: str, sure: float = GENERAL) -> Mark[Agent]:
        start, end = tokens.span(*expand_name(tokens, *place))
        agent = self._placebo if kind == "placebo" else self._cells if kind == "cells" else None
        if not agent:
            name = tokens.text[start:end]
            agent = self._agents.get(name_key(name)) or Agent(unify_name(name), kind, section, start, end)
        return Mark(agent, start, end, sure)


def _list_forms(word: str) -> tuple[str, str, str]:
    """A word and its plural: "patch" is met by the beginning of "patches" as well."""
    return word, f"{word}s", f"{word}e"


def _match_words(tokens: Tokens, words: Sequence[str], first: int, rest: Sequence[str]) -> int | None:
    """Where a name ends that begins with a token and goes on with ``rest``; no part of a longer word is a name."""
    at = first + 1
    for number, word in enumerate(rest, start=1):
        while at < len(words) and words[at] in _SKIPPED:
            at += 1
        if at == len(words) or (words[at] != word and (number < len(rest) or words[at] not in _list_forms(word))):
            return None
        at += 1
    return at if stands_alone(tokens, first, at) else None


def build_lexicon(passages: Iterable[Passage], others: Iterable[Passage] = ()) -> Lexicon:
    """The agents that interventions are named after, or arms where no intervention is named.

    What the text of these passages, and of ``others``, puts in brackets behind a name, or by its initials, is that
    agent as well.
    """
    groups = list(passages)
    names = [name for passage in groups if passage.is_intervention for name in _read_names(passage)]
    names = _shorten_placebo(names or [name for passage in groups for name in _read_names(passage)], groups)
    names += [*list_codes(names), *list_cores((name, agent) for name, agent in names if agent.kind == "drug")]
    texts = [passage.tokens for passage in (*groups, *others)]
    lexicon = Lexicon(names)
    glosses = [*_find_glosses(lexicon, texts), *list_short_forms(names, texts)]
    return lexicon if all(map(lexicon.knows, (gloss for gloss, _ in glosses))) else Lexicon([*names, *glosses])


def _shorten_placebo(names: list[tuple[str, Agent]], groups: Sequence[Passage]) -> list[tuple[str, Agent]]:
    """The names, where the only placebo of a record has this name: "placebo for examplumab" is needed beside others."""
    placebos = {agent for _, agent in names if agent.kind == "placebo"}
    if len({agent.key for agent in placebos}) != 1:
        return names
    short: dict[Agent, Agent] = {}
    for agent in placebos:
        tokens = next(group.tokens for group in groups if group.section == agent.section)
        found = rule("placebo_of").search(tokens, tokens.at(agent.start), tokens.before(agent.end))
        if found:
            start, end = tokens.span(found.first, found.first + 1)
            short[agent] = replace(agent, start=start, end=end)
    return [(name, short.get(agent, agent)) for name, agent in names]


def _find_glosses(lexicon: Lexicon, texts: Iterable[Tokens]) -> Iterator[tuple[str, Agent]]:
    """Short names that the text gives to an agent: "ifinatamab deruxtecan (I-DXd)"."""
    for tokens in texts:
        for mention in lexicon.find_known(tokens) if "(" in tokens.codes else ():
            first = tokens.at(mention.end)
            found = rule("short_name").starts(tokens, first)
            if found and is_alias(tokens, first + 1, found.end - 1):
                name = tokens.read(first + 1, found.end - 1)
                if len(name) < _LONGEST_SHORT and any(map(str.isupper, name)) and " " not in name:
                    yield name, mention.value


_LONGEST_SHORT = 13


def _read_names(passage: Passage) -> list[tuple[str, Agent]]:
    tokens, names = passage.tokens, list[tuple[str, Agent]]()
    start, end = passage.title
    places = [(tokens.at(start), tokens.before(end)) for start, end in passage.aliases]
    aliases = [tokens.read(*place) for place in places if is_alias(tokens, *place)]
    for first, last in split_names(tokens, tokens.at(start), tokens.before(end)):
        place = trim_name(tokens, first, last)
        if not place or not is_given(tokens, first, last):
            continue
        kind = _classify(tokens, first, last, passage.kind)
        agent = Agent(name_key(tokens.read(*place)), kind, passage.section, *tokens.span(*place))
        glosses = [tokens.read(*gloss) for gloss in list_glosses(tokens, first, last)]
        names += [(name, agent) for name in (tokens.read(*place), *glosses, *aliases)]
    return names


def _classify(tokens: Tokens, first: int, end: int, registered: str) -> str:
    """The kind of a name; what no vocabulary knows is of the kind as which it is registered."""
    found = [kind for kind, *_ in find_general(tokens, first, end)]
    if "placebo" in found or rule("inactive_name").search(tokens, first, end):
        return "placebo"
    return found[0] if found else registered if registered in PROCEDURES else "drug"


def _is_composed(tokens: Tokens, name: Mark[Agent], following: Mark[Agent] | None) -> bool:
    """Whether the name is that of a regimen whose agents follow: "CHOP chemotherapy comprising ...", "CHOP: ..."."""
    if name.value.kind in PROCEDURES:
        return False
    if following and following.value.key != name.value.key and tokens.text[name.end : following.start].strip() == ":":
        return True
    return rule("composed_of").starts(tokens, tokens.at(name.end)) is not None


def _fuse_mentions(tokens: Tokens, section: str, mentions: Iterable[Mark[Agent]]) -> tuple[Mark[Agent], ...]:
    """Mentions where "X placebo" and "placebo for X" are one placebo, "X (Y)" is one X, and "X/Y" is one agent."""
    kept: list[Mark[Agent]] = []
    glosses: dict[str, Agent] = {}
    for found in mentions:
        last = kept[-1] if kept else None
        gap = tokens.text[last.end : found.start] if last else ""
        behind = tokens.at(found.end)
        if last and found.confidence < 1 and gap.strip() == "(" and tokens.codes[behind : behind + 1] == ")":
            glosses[found.value.key] = last.value
            continue
        mention = replace(found, value=glosses[found.value.key]) if found.value.key in glosses else found
        placebo = last and next((m for m in (last, mention) if m.value.kind == "placebo"), None)
        if last and not placebo and gap == "/" and min(last.confidence, mention.confidence) < 1:
            joined = tokens.text[last.start : mention.end]
            both = Agent(name_key(joined), last.value.kind, section, last.start, mention.end)
            kept[-1] = Mark(both, last.start, mention.end, GENERAL)
        elif last and placebo and (gap == "" or is_joint("placebo_joint", tokens, last.end, mention.start)):
            kept[-1] = Mark(placebo.value, last.start, mention.end, GENERAL)
        else:
            kept.append(mention)
    return tuple(kept)


def is_joint(name: str, tokens: Tokens, start: int, end: int) -> bool:
    """Whether a rule covers all that stands, if anything does, in ``text[start:end]``."""
    first, last = tokens.at(start), tokens.before(end)
    return first == last or (first < last and rule(name).covers(tokens, first, last) is not None)
