"""Names of agents: known ones in a text, and the bare name in a longer one."""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from operator import itemgetter

from extractor.concepts.aliases import find_entry
from extractor.concepts.doses.marks import Place
from extractor.language.book import find_terms, read_term, rule, terms_of
from extractor.language.lexer import NAME_NUMBER, NUMBER, Tokens, lex
from extractor.schemas import Route

_LONGEST = 40
"""The most tokens of a name."""
_SHORTEST_STEM = 3
"""The fewest letters before the stem of a drug's name."""
_SIGNS = (
    ".",
    ",",
    ":",
    ";",
    "-",
    "+",
    "/",
    "*",
    "&",
    "\n",
    ")",
    "(",
    "'",
    '"',
    "[",
    "]",
)
_LABEL_SIGNS = frozenset(".,:;-+/()[]&'\n#")
_TRADE_MARKS = ("®", "™", "©", "(r)", "(tm)", "-")


@cache
def _stems() -> Mapping[str, str]:
    """Return the kind of agent that each stem names."""
    return {
        stem: entry.value for entry in terms_of("agent_stems") for stem in entry.terms
    }


@cache
def _salts() -> frozenset[str]:
    return frozenset(term for entry in terms_of("salts") for term in entry.terms)


def is_salt(word: str) -> bool:
    """Return whether a word names a salt: "phosphate" in "fludarabine phosphate"."""
    return word.lower() in _salts()


@lru_cache(maxsize=65536)
def name_key(name: str) -> str:
    """Return the form for comparing names: lower case, without hyphens, salts and trade marks.

    >>> (
    ...     name_key("Doxorubicin hydrochloride") == name_key("doxorubicin"),
    ...     name_key("CAR-T  cells"),
    ... )
    (True, 'car t cells')
    """
    folded = name.lower()
    for mark in _TRADE_MARKS:
        folded = folded.replace(mark, " ")
    words = folded.split()
    while len(words) > 1 and words[-1] in _salts():
        words.pop()
    return " ".join(words)


def unify_name(name: str) -> str:
    """Return the key of an agent: the same for its short form, if the vocabulary has that.

    >>> unify_name("TBI"), unify_name("Examplumab")
    ('total body irradiation', 'examplumab')
    """
    entry = find_entry(name, "agent_abbreviations")
    return entry.value if entry else name_key(name)


def is_vague(name: str) -> bool:
    """Return whether a name states a treatment without its substance: "oral immunotherapy"."""
    return rule("vague_name").search(lex(name)) is not None


def is_same_agent(one: str | None, other: str | None) -> bool:
    """Return whether two names may be of one agent: one is in the other, but for what stands in
    brackets.

    >>> (
    ...     is_same_agent("Examplumab (EX-1)", "high-dose examplumab"),
    ...     is_same_agent("placebo", "Examplumab"),
    ... )
    (True, False)
    """
    keys = [unify_name((name or "").partition("(")[0].strip()) for name in (one, other)]
    if not all(keys):
        return False
    return keys[0] in keys[1] or keys[1] in keys[0]


def find_general(
    tokens: Tokens, first: int = 0, end: int | None = None
) -> list[tuple[str, int, int]]:
    """Return agents of the general vocabulary, left to right: kind and tokens. A word of no
    vocabulary counts by the stem at its end ("-mab").

    >>> from extractor.language.book import read_text
    >>> find_general(read_text("Examplumab and matching placebo"))
    [('drug', 0, 1), ('placebo', 2, 4)]
    """
    end = len(tokens) if end is None else end
    agents: list[tuple[str, int, int]] = []
    taken: set[int] = set()
    for term in find_terms(tokens, "agents", first, end):
        if _is_inside_name(tokens, term.first, term.end):
            continue
        agents.append((term.value, term.first, term.end))
        taken.update(range(term.first, term.end))
    for at in range(first, end):
        kind = _find_stem(tokens.words[at])
        if kind is None or at in taken or _is_inside_name(tokens, at, at + 1):
            continue
        start = at
        # "radical prostatectomy"
        before = rule("surgery_kind").ends(tokens, at, first)
        if kind == "procedure" and before:
            start = before.first
        agents.append((kind, start, at + 1))
    return sorted(agents, key=itemgetter(1))


@lru_cache(maxsize=65536)
def _find_stem(word: str) -> str | None:
    folded = word.lower()
    if not folded.isalpha():
        return None
    for stem, kind in _stems().items():
        if folded.endswith(stem) and len(folded) >= len(stem) + _SHORTEST_STEM:
            return kind
    return None


def _is_inside_name(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a hyphen joins a name to a word before or behind it that changes it:
    "anti-insulin", "insulin-dependent".
    """
    if first > 0 and tokens.gap(first) == "-":
        return tokens.words[first - 1].lower() in ("anti", "non", "pre", "post")
    if end < len(tokens) and tokens.gap(end) == "-":
        return rule("compound_tail").starts(tokens, end) is not None
    return False


def trim_name(tokens: Tokens, first: int, end: int) -> Place | None:
    """Return the tokens of the bare name in a range: without labels, doses, routes, forms and uses
    beside it. None if nothing is left that names an agent.
    """
    end = min(end, first + _LONGEST)
    first, end = _trim_signs(tokens, first, end)
    if _is_label(tokens, first, end):
        return None
    first = _skip_lead(tokens, first, end)
    end = min([end, *_list_cuts(tokens, first, end)])
    end = _skip_trail(tokens, first, end)
    first, end = _trim_signs(tokens, first, end)
    end = _skip_use(tokens, first, end)
    if end <= first or len(tokens.read(first, end)) < 2:
        return None
    if _is_label(tokens, first, end):
        return None
    # a route alone is no name, but radiation from outside is a treatment
    route = read_term("routes", tokens, first, end)
    if route and route.value != Route.EXTERNAL_BEAM:
        return None
    return first, end


def _trim_signs(tokens: Tokens, first: int, end: int) -> Place:
    while first < end and tokens.words[first] in _SIGNS:
        first += 1
    while end > first and tokens.words[end - 1] in _SIGNS:
        # brackets inside a name: "natural killer (NK)"
        if tokens.words[end - 1] == ")" and "(" in tokens.words[first:end]:
            break
        end -= 1
    return first, end


def _is_label(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a text is a label of an arm or a part, and names no agent: "Cohort 2"."""
    at = first
    has_word = False
    while at < end:
        word = rule("label_word").starts(tokens, at, end)
        if word and word.end > at:
            at = word.end
            has_word = True
        elif _is_in_label(tokens, at, end) or (
            has_word and _is_counter(tokens.words[at])
        ):
            at += 1
        else:
            return False
    return True


def _is_in_label(tokens: Tokens, at: int, end: int) -> bool:
    """Return whether a token may stand in any label: a number, a sign, a dose."""
    if tokens.codes[at] in NUMBER + NAME_NUMBER or tokens.words[at] in _LABEL_SIGNS:
        return True
    return rule("name_dose").starts(tokens, at, end) is not None


def _is_counter(word: str) -> bool:
    """Return whether a word counts parts of a trial: "A", "IV", "b"."""
    if len(word) == 1:
        return True
    return word.isupper() and len(word) <= 3 and not set(word) - set("ABIVX")


def _skip_lead(tokens: Tokens, first: int, end: int) -> int:
    """Return where a name begins behind labels, doses and words for giving."""
    while first < end:
        label = _find_label_end(tokens, first, end)
        lead = rule("name_lead").starts(tokens, first, end)
        dose = rule("name_dose").starts(tokens, first, end)
        behind = [label, *(found.end for found in (lead, dose) if found)]
        of = rule("giving_of").starts(tokens, first, end)
        if of:
            behind.append(of.end)
        farthest = max(behind)
        if farthest <= first or farthest >= end:
            return first
        first = farthest
        while first < end and tokens.words[first] in (
            *_SIGNS,
            "of",
            "the",
            "a",
            "with",
        ):
            first += 1
    return first


def _find_label_end(tokens: Tokens, first: int, end: int) -> int:
    """Return the token behind a label that opens a name, "Day 1: Examplumab"; ``first`` without
    one.
    """
    if rule("label_opening").starts(tokens, first, end) is None:
        return first
    for at in range(first + 1, min(end, first + 9)):
        if tokens.words[at] in (":", "-") and _is_label(tokens, first, at):
            return at + 1
    return first


def _list_cuts(tokens: Tokens, first: int, end: int) -> Iterator[int]:
    """Yield the tokens at which a name ends: a dose, a bracket, a label, a target."""
    for name in ("name_dose", "name_target"):
        found = rule(name).search(tokens, first + 1, end)
        if found:
            yield found.first
    for at in range(first + 1, end):
        if tokens.words[at] in ("(", "[") and not _is_inner_bracket(tokens, at, end):
            yield at
        if tokens.words[at] == ",":
            yield at
        label = rule("label_opening").starts(tokens, at, end)
        if label and _is_label(tokens, at, end):
            yield at


def _is_inner_bracket(tokens: Tokens, at: int, end: int) -> bool:
    """Return whether a short form in brackets stands inside a name: "natural killer (NK) cells"."""
    is_short = tokens.codes[at + 2 : at + 3] == ")" and at + 3 < end
    return is_short and rule("cell_word").starts(tokens, at + 3, end) is not None


def _skip_trail(tokens: Tokens, first: int, end: int) -> int:
    while end > first:
        trail = rule("name_trail").ends(tokens, end, first + 1)
        if trail is None or trail.first >= end:
            return end
        end = max(trail.first, first + 1)
        while end > first and tokens.words[end - 1] in _SIGNS:
            end -= 1
    return end


def _skip_use(tokens: Tokens, first: int, end: int) -> int:
    """Return the end of a known name before words about its use: "Vitamin D supplementation"."""
    for kind, start, behind in find_general(tokens, first, end):
        if start != first or behind >= end or kind in ("physical", "radiation"):
            continue
        if rule("use_of_known").covers(tokens, behind, end):
            return behind
    return end


def split_names(tokens: Tokens, first: int, end: int) -> list[Place]:
    """Return the places of the single names in a name of several agents: "A + B"."""
    places = [(first, end)]
    for joint in ("name_joint", "weak_name_joint"):
        pieces: list[Place] = []
        for place in places:
            cut = list(_cut(tokens, *place, joint))
            is_strong = joint == "name_joint" and len(cut) <= 6
            if len(cut) > 1 and (is_strong or _are_known(tokens, cut)):
                pieces += cut
            else:
                pieces.append(place)
        places = pieces
    return places


def _cut(tokens: Tokens, first: int, end: int, joint: str) -> Iterator[Place]:
    at = first
    depth = 0
    for found in rule(joint).find(tokens, first, end):
        codes = tokens.codes[at : found.first]
        depth = codes.count("(") - codes.count(")")
        if depth > 0 or found.first <= at:
            continue
        yield at, found.first
        at = found.end
    if end > at:
        yield at, end


def _are_known(tokens: Tokens, places: list[Place]) -> bool:
    """Return whether all parts of a name are names of the general vocabulary."""
    for first, end in places:
        place = trim_name(tokens, first, end)
        if place is None or not find_general(tokens, *place):
            return False
    return True
