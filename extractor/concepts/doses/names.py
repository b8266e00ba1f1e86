"""Find names of agents, their extent, and the form for comparing two names."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from extractor.concepts.aliases import find_entry
from extractor.concepts.doses.labels import find_label_behind, is_label, skip_label
from extractor.concepts.doses.marks import Place
from extractor.language.book import find_terms, read_term, rule, terms_of, word_set
from extractor.language.lexer import Tokens, lex
from extractor.schemas import Route

_SHORTEST = 3
"""The least number of letters before a stem."""
_SHORTEST_PART = 7
"""The least letters of the second substance of a combination."""
_KEPT = 50_000
"""How many words' kinds are cached."""
_MAXIMUM = 60
"""The most tokens of a name."""
_EDGES = frozenset("-*:,.(®™\n")
_HEADS = frozenset({"nab", "peg", "suba"})
_NO_PARTS = (
    "ed",
    "ing",
    "ive",
    "ant",
    "ory",
    "like",
    "free",
    "naive",
    "cell",
    "cells",
    "dose",
    "sparing",
    "specific",
)
"""Ends of words that a hyphen joins to a name but that are no part of it: "omalizumab-treated"."""


@cache
def _stems() -> Mapping[str, str]:
    """Return the kind of agent that each stem names."""
    return {
        stem: entry.value for entry in terms_of("agent_stems") for stem in entry.terms
    }


@cache
def _salts() -> frozenset[str]:
    return frozenset(term for entry in terms_of("salts") for term in entry.terms)


def name_key(name: str) -> str:
    """Return the form for comparing names: lower case, without hyphens, salts and trade marks.

    >>> (
    ...     name_key("Doxorubicin hydrochloride") == name_key("doxorubicin"),
    ...     name_key("CAR-T  cells"),
    ... )
    (True, 'car t cells')
    """
    folded = name.lower()
    if folded.isalnum():
        return folded
    for mark in ("®", "™", "©", "(r)", "(tm)", "-"):
        folded = folded.replace(mark, " ")
    words = folded.split()
    while len(words) > 1 and words[-1] in _salts():
        words.pop()
    return " ".join(words)


def list_keys(name: str) -> Iterator[str]:
    """Yield the forms under which a name is looked up: with its first syllable joined, and apart.

    >>> list(list_keys("Peg-interferon")), list(list_keys("Pegfictumab"))
    (['peg interferon', 'peginterferon'], ['pegfictumab', 'peg fictumab'])
    """
    key = name_key(name)
    yield key
    for head in _HEADS:
        rest = key.removeprefix(head)
        if rest != key and len(rest) > _SHORTEST:
            yield head + rest.lstrip() if rest[0] == " " else f"{head} {rest}"


def unify_name(name: str) -> str:
    """Return the key of an agent, the same for its short form.

    >>> unify_name("TBI"), unify_name("Examplumab")
    ('total body irradiation', 'examplumab')
    """
    entry = find_entry(name, "agent_abbreviations")
    return entry.value if entry else name_key(name)


def is_salt(tokens: Tokens, index: int) -> bool:
    """Return whether a token is a salt: "phosphate" in "fludarabine phosphate"."""
    return index < len(tokens) and tokens.words[index].lower() in _salts()


def is_code(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a name is a company's code: "EX-9283", but not "Vitamin D3"."""
    word = tokens.words[first]
    coded = (
        len(word) > 1
        and word.isupper()
        and word.isalpha()
        and _chunk_end(tokens, first) == end
    )
    return coded and any(map(str.isdigit, tokens.read(first, end)))


def is_vague(name: str) -> bool:
    """Return whether a name states a treatment without its substance: "oral immunotherapy"."""
    return rule("vague_name").search(lex(name)) is not None


def is_alias(tokens: Tokens, first: int, end: int) -> bool:
    r"""Return whether tokens can name an agent elsewhere: words, and no dose, route or frequency.

    >>> (
    ...     is_alias(lex("MMF"), 0, 1),
    ...     is_alias(lex("1 234"), 0, 2),
    ...     is_alias(lex("\n \n"), 0, 2),
    ... )
    (True, False, False)
    """
    text = tokens.read(first, end)
    if not 2 < len(text) < _MAXIMUM:
        return False
    if not any(map(str.isalpha, text)):
        return False
    if is_label(tokens, first, end):
        return False
    coded = any(
        read_term(vocabulary, tokens, first, end)
        for vocabulary in ("routes", "frequencies")
    )
    return not coded and rule("name_dose").search(tokens, first, end) is None


def stands_alone(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether tokens are not part of a longer word: "PLACEBO_COMPARATOR" names no placebo.

    >>> (
    ...     stands_alone(lex("PLACEBO_COMPARATOR"), 0, 1),
    ...     stands_alone(lex("placebo-like"), 0, 1),
    ... )
    (False, True)
    """
    before = tokens.text[tokens.starts[first] - 1 : tokens.starts[first]]
    behind = tokens.text[tokens.ends[end - 1] : tokens.ends[end - 1] + 1]
    return not any(sign.isalnum() or sign == "_" for sign in (before, behind))


def _is_glued(tokens: Tokens, index: int) -> bool:
    """Return whether a token is joined to the one before, directly or by a hyphen."""
    return tokens.gap(index) in ("", "-")


def find_chunk(tokens: Tokens, first: int) -> Place:
    """Return the place of the tokens joined to the first one: "ABC-12".

    >>> find_chunk(lex("ABC-12 daily"), 0)
    (0, 2)
    """
    return first, _chunk_end(tokens, first)


def _chunk_end(tokens: Tokens, first: int) -> int:
    """Return the end of the tokens joined to the first one, as in "nab-paclitaxel",
    "TNF-alpha/IL-6".
    """
    words = tokens.words
    end = first + 1
    while end < len(tokens) and _is_glued(tokens, end):
        continues = (
            end + 1 < len(tokens)
            and _is_glued(tokens, end + 1)
            and words[end + 1][0].isalnum()
        )
        if not (words[end][0].isalnum() or (words[end] in "/+.-'" and continues)):
            break
        end += 1
    return end


def find_general(
    tokens: Tokens, first: int = 0, end: int | None = None
) -> list[tuple[str, int, int]]:
    """Return agents of the general vocabulary, left to right: kind and tokens.

    >>> find_general(read_text("Examplumab and matching placebo"))
    [('drug', 0, 1), ('placebo', 2, 4)]
    """
    end = len(tokens) if end is None else end
    terms = find_terms(tokens, "agents", first, end)
    found = [
        (term.value, term.first, term.end)
        for term in terms
        if stands_alone(tokens, term.first, term.end)
    ]
    taken = {at for _, start, stop in found for at in range(start, stop)}
    for at in range(first, end):
        if (
            at not in taken
            and (kind := _find_stem(tokens.words[at]))
            and stands_alone(tokens, at, at + 1)
        ):
            before = (
                rule("surgery_kind").ends(tokens, at, first)
                if kind == "procedure"
                else None
            )
            found.append((kind, before.first if before else at, at + 1))
    return sorted(found, key=lambda one: one[1])


@lru_cache(maxsize=_KEPT)
def _find_stem(word: str) -> str | None:
    """Return the kind of a name, by the stem at its end."""
    behind = word.lower()[_SHORTEST:]
    return next(
        (kind for stem, kind in _stems().items() if behind.endswith(stem)), None
    )


def expand_name(tokens: Tokens, first: int, end: int) -> Place:
    """Expand a name from the part that a vocabulary has.

    >>> tokens = read_text("EMX 121974 and nab-paclitaxel 5 mg")
    >>> [tokens.read(*expand_name(tokens, *place)) for place in ((0, 1), (4, 5))]
    ['EMX 121974', 'nab-paclitaxel']
    """
    head = first
    while (
        head
        and _is_glued(tokens, head)
        and (tokens.words[head - 1].isalnum() or tokens.words[head - 1] == "-")
    ):
        head -= 1
    words = tokens.words[head:first]
    if (
        words
        and words[0] != "-"
        and (words[0].lower() in _HEADS or any(word[0].isdigit() for word in words))
    ):
        first = head
    end = _extend_joined(tokens, end)
    word = tokens.words[first]
    number = tokens.words[end] if end < len(tokens) else ""
    if (
        end - first == 1
        and word.isupper()
        and 1 < len(word) < 6
        and number.isdigit()
        and 2 < len(number) < 8
    ):
        end = _chunk_end(tokens, end)
    return first, end


def _extend_joined(tokens: Tokens, end: int) -> int:
    """Return the end of a name with the part that a hyphen or a slash joins to it."""
    rest = tokens.words[end : _chunk_end(tokens, end - 1)]
    joined = (
        len(rest) == 1 and rest[0].isalpha() and not rest[0].lower().endswith(_NO_PARTS)
    )
    # "trimethoprim-sulfamethoxazole"
    if joined and not find_general(tokens, end, end + 1):
        return end + 1
    return end + 2 if _is_second_part(tokens, end) else end


def _is_second_part(tokens: Tokens, slash: int) -> bool:
    """Return whether a slash joins another substance to a name, which no vocabulary has:
    "trimethoprim/sulfamethoxazole", but not "methotrexate/week".
    """
    if tokens.words[slash : slash + 1] != ["/"] or slash + 1 >= len(tokens):
        return False
    if not (tokens.joined(slash) and tokens.joined(slash + 1)):
        return False
    word = tokens.words[slash + 1]
    if not word.isalpha() or len(word) < _SHORTEST_PART:
        return False
    is_other = is_label(tokens, slash + 1, slash + 2) or find_general(
        tokens, slash + 1, slash + 2
    )
    return not is_other and not word.lower().endswith(_NO_PARTS)


def list_glosses(tokens: Tokens, first: int, end: int) -> Iterator[str]:
    """Other names in brackets: "mycophenolate (MMF)".

    >>> list(list_glosses(lex("mycophenolate (MMF)"), 0, 4))
    ['MMF']
    """
    opened = None
    for at in range(first, end):
        if tokens.words[at] in "([":
            opened = at + 1
        elif tokens.words[at] in ")]" and opened is not None:
            if at > opened and is_alias(tokens, opened, at):
                yield tokens.read(opened, at)
            opened = None


def split_names(tokens: Tokens, first: int, end: int) -> list[Place]:
    """Split a range into names. Weak joints ("and", ",") split only if each part is a known agent.

    >>> tokens = lex("rituximab + cyclophosphamide and doxorubicin")
    >>> [tokens.read(*place) for place in split_names(tokens, 0, len(tokens))]
    ['rituximab', 'cyclophosphamide', 'doxorubicin']
    """
    result: list[Place] = []
    for place in _cut(tokens, first, end, "name_joint"):
        finer = _cut(tokens, *place, "weak_name_joint")
        known = len(finer) > 1 and all(
            find_general(tokens, *part) or is_code(tokens, *part) for part in finer
        )
        # The name of a placebo may include its agents, joined by "and".
        placebo = any(
            last - at > 1 and "lacebo" in tokens.read(at, last) for at, last in finer
        )
        result += finer if known and not placebo else [place]
    return result


def _cut(tokens: Tokens, first: int, end: int, joint: str) -> list[Place]:
    pieces = []
    position = first
    depth = 0
    counted = first
    for found in rule(joint).find(tokens, first, end):
        inside = tokens.codes[counted : found.first]
        depth = depth + inside.count("(") - inside.count(")")
        counted = found.first
        if depth <= 0:
            pieces.append((position, found.first))
            position = found.end
    return [(a, b) for a, b in (*pieces, (position, end)) if b > a]


def trim_name(tokens: Tokens, first: int, end: int) -> Place | None:
    """Return the tokens of the bare name in a range, or None if it names no agent."""
    end = min(end, first + _MAXIMUM)
    if is_label(tokens, first, end):
        return None
    first = skip_label(tokens, first, end)
    # "oral administration of 5 mg examplumab"
    first, end = _skip_doses(tokens, _skip_lead(tokens, first, end), end)
    first = _skip_lead(tokens, first, end)
    end = min([end, *_list_cuts(tokens, first, end)])
    end = _skip_trail(tokens, first, end)
    while end > first and tokens.words[end - 1] in _EDGES:
        end -= 1
    end = _skip_use(tokens, first, end)
    if end <= first:
        return None
    if len(tokens.read(first, end)) < 2:
        return None
    if is_label(tokens, first, end):
        return None
    route = read_term("routes", tokens, first, end)
    return None if route and route.value != Route.EXTERNAL_BEAM else (first, end)


def _skip_lead(tokens: Tokens, first: int, end: int) -> int:
    lead = rule("name_lead").starts(tokens, first, end)
    if lead and lead.end < end:
        first = lead.end
    routes = find_terms(tokens, "routes", first, end)
    if not routes or routes[0].first != first:
        return first
    behind = routes[0].end
    giving = rule("giving_of").starts(tokens, behind, end)
    if giving and giving.end < end:
        return giving.end
    # "transdermal fictosterone", but not "vaginal brachytherapy"
    is_named = behind < end and bool(find_general(tokens, behind, behind + 1))
    return behind if is_named else first


def _skip_trail(tokens: Tokens, first: int, end: int) -> int:
    """Return the end of a name without the form, schedule, use or label behind it."""
    while True:
        border = find_label_behind(tokens, first, end)
        trail = rule("name_trail").ends(tokens, border, first + 1)
        if trail:
            border = trail.first
        if border == end:
            return end
        end = border


def _skip_use(tokens: Tokens, first: int, end: int) -> int:
    """Return the end of a known name without words about its use: "vitamin D supplementation"."""
    use = rule("use_of_known").ends(tokens, end, first + 1)
    if use is None:
        return end
    known = find_general(tokens, first, use.first)
    is_whole = len(known) == 1 and known[0][1:] == (first, use.first)
    return use.first if is_whole and known[0][0] == "drug" else end


def _skip_doses(tokens: Tokens, first: int, end: int) -> Place:
    """Narrow a range to the name: after the doses before it, up to the first dose after it."""
    for dose in rule("name_dose").find(tokens, first, end):
        if dose.first > first and tokens.gap(dose.first) == "-":  # "GM-090 capsules"
            continue
        if dose.first > first:
            return first, dose.first
        first = dose.end
    return first, end


def _list_cuts(tokens: Tokens, first: int, end: int) -> Iterator[int]:
    """Where a name can end: at brackets, a target or punctuation."""
    target = rule("name_target").search(tokens, first + 1, end)
    if target:
        yield target.first
    for at in range(first + 1, end):
        word = tokens.words[at]
        parts = word in ",:" and not (at + 1 < end and tokens.joined(at + 1))
        if word in "([" or parts or (word == "-" and not tokens.joined(at)):
            yield at
            return


_SKIPPED = frozenset("-®™")
"""Signs to ignore between the words of a name."""
_SEPARATORS = frozenset(",;|/")
_LABELS = word_set("name names brand trade generic code synonym synonyms aka known")
"""Words of a label in front of a name: "Brand name: Fictira"."""


class OtherName(NamedTuple):
    """Another name, and its place. ``of`` is the name in brackets beside it: "Fictira
    (adalimumab)".
    """

    name: str
    place: Place
    of: str | None = None


def find_other_names(tokens: Tokens, place: Place) -> Iterator[OtherName]:
    """Yield the names in a field of other names: the whole field, and its parts if it lists
    several.

    >>> from extractor.language.lexer import lex
    >>> tokens = lex("D2E7; Brand name: Fictira (adalimumab)")
    >>> [(one.name, one.of) for one in find_other_names(tokens, (0, len(tokens)))]
    [('D2E7; Brand name: Fictira (adalimumab)', None), ('D2E7', None), ('Fictira', 'adalimumab')]
    """
    if is_alias(tokens, *place):
        yield OtherName(tokens.read(*place), place)
    for part in _split(tokens, *place):
        trimmed = trim_name(tokens, *_skip_label(tokens, *part))
        if trimmed is None or trimmed == place or not _is_name(tokens, *trimmed):
            continue
        glosses = list(list_glosses(tokens, *part))
        yield OtherName(tokens.read(*trimmed), trimmed, glosses[0] if glosses else None)


def _split(tokens: Tokens, first: int, end: int) -> Iterator[Place]:
    """Yield the parts between separators, of which those inside a name ("TMC114/r",
    "1,3-glucan") are none.
    """
    start = first
    depth = 0
    for at in range(first, end):
        word = tokens.words[at]
        depth += (word in "([") - (word in ")]")
        is_inside = at + 1 < end and tokens.joined(at + 1)
        if word in _SEPARATORS and depth <= 0 and not is_inside:
            if at > start:
                yield start, at
            start = at + 1
    if end > start:
        yield start, end


def _skip_label(tokens: Tokens, first: int, end: int) -> Place:
    for at in range(first, end):
        if tokens.words[at] == ":" and tokens.words[at - 1].lower() in _LABELS:
            return at + 1, end
    return first, end


def _is_name(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a part of a field is a name of its own: it has a capital or a digit, or
    names a known agent.
    """
    if not is_alias(tokens, first, end) or rule("form_of_giving").covers(
        tokens, first, end
    ):
        return False
    text = tokens.read(first, end)
    if text != text.lower():
        return True
    if any(map(str.isdigit, text)):
        return True
    return bool(find_general(tokens, first, end))


def count_name(name: str, tokens: Tokens, besides: Sequence[Place] = ()) -> int:
    """Return how often a text has a name, whatever its case and hyphens, outside of some places.

    >>> from extractor.language.lexer import lex
    >>> count_name("MK-7119", lex("MK7119 or MK-7119, then mk 7119 and MK-71190"))
    3
    """
    wanted = _fold_words(lex(name_key(name)), ())
    found = _fold_words(tokens, besides)
    return sum(found[at : at + len(wanted)] == wanted for at in range(len(found)))


def _fold_words(tokens: Tokens, besides: Sequence[Place]) -> list[str]:
    return [
        word.lower()
        for at, word in enumerate(tokens.words)
        if word not in _SKIPPED and not any(first <= at < end for first, end in besides)
    ]
