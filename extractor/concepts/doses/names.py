"""Find names of agents, their extent, and the form for comparing two names."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from operator import itemgetter
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
    """Return the words for salts: "hydrochloride"."""
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
    """Yield the forms under which a name is looked up: as written, and with a head such as "peg"
    apart if it is joined, joined if it is apart.

    >>> list(list_keys("Peg-interferon")), list(list_keys("Pegfictumab"))
    (['peg interferon', 'peginterferon'], ['pegfictumab', 'peg fictumab'])
    """
    key = name_key(name)
    yield key
    for head in _HEADS:
        rest = key.removeprefix(head)
        if rest == key or len(rest) <= _SHORTEST:
            continue
        if rest[0] == " ":
            yield head + rest.lstrip()
        else:
            yield f"{head} {rest}"


def unify_name(name: str) -> str:
    """Return the key of an agent: the same for its short form, if the vocabulary has that.

    >>> unify_name("TBI"), unify_name("Examplumab")
    ('total body irradiation', 'examplumab')
    """
    entry = find_entry(name, "agent_abbreviations")
    return entry.value if entry else name_key(name)


def is_salt(tokens: Tokens, index: int) -> bool:
    """Return whether a token is a salt: "phosphate" in "fludarabine phosphate"."""
    return index < len(tokens) and tokens.words[index].lower() in _salts()


def is_code(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a name is a company's code: capitals with figures joined to them, and nothing
    else: "EX-9283", but not "Vitamin D3".
    """
    word = tokens.words[first]
    if len(word) < 2 or not word.isalpha() or not word.isupper():
        return False
    if _chunk_end(tokens, first) != end:
        return False
    return any(sign.isdigit() for sign in tokens.read(first, end))


def is_vague(name: str) -> bool:
    """Return whether a name states a treatment without its substance: "oral immunotherapy"."""
    return rule("vague_name").search(lex(name)) is not None


def is_alias(tokens: Tokens, first: int, end: int) -> bool:
    r"""Return whether tokens can name an agent elsewhere: three to 59 characters with a letter, and
    no label, dose, route or frequency.

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
    if not any(sign.isalpha() for sign in text):
        return False
    # as in "Examplumab (open-label)"
    if is_label(tokens, first, end):
        return False
    for vocabulary in ("routes", "frequencies"):
        if read_term(vocabulary, tokens, first, end):
            return False
    return rule("name_dose").search(tokens, first, end) is None


def stands_alone(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether tokens are not part of a longer word: "PLACEBO_COMPARATOR" names no placebo.

    >>> (
    ...     stands_alone(lex("PLACEBO_COMPARATOR"), 0, 1),
    ...     stands_alone(lex("placebo-like"), 0, 1),
    ... )
    (False, True)
    """
    text = tokens.text
    start = tokens.starts[first]
    stop = tokens.ends[end - 1]
    for sign in (text[start - 1 : start], text[stop : stop + 1]):
        if sign.isalnum() or sign == "_":
            return False
    return True


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
    """Return the end of the tokens joined to the first one, directly, by a hyphen or by a sign
    within: "nab-paclitaxel", "TNF-alpha/IL-6".
    """
    end = first + 1
    while end < len(tokens) and _is_glued(tokens, end):
        is_word = tokens.words[end][0].isalnum()
        if not is_word and not _is_inner_sign(tokens, end):
            break
        end += 1
    return end


def _is_inner_sign(tokens: Tokens, at: int) -> bool:
    """Return whether a token is a sign inside a name: a word is joined to it."""
    behind = at + 1
    if tokens.words[at] not in "/+.-'" or behind >= len(tokens):
        return False
    return _is_glued(tokens, behind) and tokens.words[behind][0].isalnum()


def find_general(
    tokens: Tokens, first: int = 0, end: int | None = None
) -> list[tuple[str, int, int]]:
    """Return agents of the general vocabulary, left to right: kind and tokens. A word of no
    vocabulary counts by the stem at its end ("-mab").

    >>> find_general(read_text("Examplumab and matching placebo"))
    [('drug', 0, 1), ('placebo', 2, 4)]
    """
    end = len(tokens) if end is None else end
    agents: list[tuple[str, int, int]] = []
    taken: set[int] = set()
    for term in find_terms(tokens, "agents", first, end):
        if not stands_alone(tokens, term.first, term.end):
            continue
        agents.append((term.value, term.first, term.end))
        taken.update(range(term.first, term.end))
    for at in range(first, end):
        if at in taken:
            continue
        kind = _find_stem(tokens.words[at])
        if kind is None or not stands_alone(tokens, at, at + 1):
            continue
        start = at
        # "radical prostatectomy"
        if kind == "procedure":
            before = rule("surgery_kind").ends(tokens, at, first)
            start = before.first if before else at
        agents.append((kind, start, at + 1))
    return sorted(agents, key=itemgetter(1))


@lru_cache(maxsize=_KEPT)
def _find_stem(word: str) -> str | None:
    """Return the kind of a name, by the stem at its end: "examplumab" is a drug. None without a
    stem, or if fewer than three letters stand before it.
    """
    behind = word.lower()[_SHORTEST:]
    for stem, kind in _stems().items():
        if behind.endswith(stem):
            return kind
    return None


def expand_name(tokens: Tokens, first: int, end: int) -> Place:
    """Return the tokens of a whole name, of which a vocabulary has the part ``first:end``.

    >>> tokens = read_text("EMX 121974 and nab-paclitaxel 5 mg")
    >>> [tokens.read(*expand_name(tokens, *place)) for place in ((0, 1), (4, 5))]
    ['EMX 121974', 'nab-paclitaxel']
    """
    first = _find_joined_head(tokens, first)
    end = _extend_joined(tokens, end)
    if _is_numbered(tokens, first, end):
        end = _chunk_end(tokens, end)
    return first, end


def _find_joined_head(tokens: Tokens, first: int) -> int:
    """Return where the head begins that is joined to a name: "nab-", or a code with a figure.
    Other words joined to it are no part of the name; then ``first`` is returned.
    """
    head = first
    while head and _is_glued(tokens, head):
        before = tokens.words[head - 1]
        if not before.isalnum() and before != "-":
            break
        head -= 1
    words = tokens.words[head:first]
    if not words or words[0] == "-":
        return first
    if words[0].lower() in _HEADS:
        return head
    has_figure = any(word[0].isdigit() for word in words)
    return head if has_figure else first


def _is_numbered(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a name is the letters of a code whose number follows: "EMX 121974"."""
    if end - first != 1 or end >= len(tokens):
        return False
    letters = tokens.words[first]
    if not letters.isupper() or not 1 < len(letters) < 6:
        return False
    number = tokens.words[end]
    return number.isdigit() and 2 < len(number) < 8


def _extend_joined(tokens: Tokens, end: int) -> int:
    """Return the end of a name with the part that a hyphen or a slash joins to it:
    "trimethoprim-sulfamethoxazole", but not "omalizumab-treated".
    """
    joined = tokens.words[end : _chunk_end(tokens, end - 1)]
    if len(joined) == 1 and joined[0].isalpha():
        is_part = not joined[0].lower().endswith(_NO_PARTS)
        # another known agent stays an agent of its own
        if is_part and not find_general(tokens, end, end + 1):
            return end + 1
    return end + 2 if _is_second_part(tokens, end) else end


def _is_second_part(tokens: Tokens, slash: int) -> bool:
    """Return whether a slash joins another substance to a name, which no vocabulary has:
    "trimethoprim/sulfamethoxazole", but not "methotrexate/week".
    """
    behind = slash + 1
    if tokens.words[slash:behind] != ["/"] or behind >= len(tokens):
        return False
    if not tokens.joined(slash) or not tokens.joined(behind):
        return False
    word = tokens.words[behind]
    # "2-4 million CAR T cells/kg": behind the slash is a unit, and no second brand
    if not word.isalpha() or len(word) < _SHORTEST_PART:
        return False
    if word.lower().endswith(_NO_PARTS):
        return False
    if is_label(tokens, behind, behind + 1):
        return False
    return not find_general(tokens, behind, behind + 1)


def list_glosses(tokens: Tokens, first: int, end: int) -> Iterator[str]:
    """Yield the other names in brackets among the tokens ``first:end``: "mycophenolate (MMF)". Of
    nested brackets, the inner ones count.

    >>> list(list_glosses(lex("mycophenolate (MMF)"), 0, 4))
    ['MMF']
    """
    opened: int | None = None
    for at in range(first, end):
        word = tokens.words[at]
        if word in "([":
            opened = at + 1
            continue
        if word not in ")]" or opened is None:
            continue
        # as in "A0001 (alpha-examplol)"
        if at > opened and is_alias(tokens, opened, at):
            yield tokens.read(opened, at)
        opened = None


def split_names(tokens: Tokens, first: int, end: int) -> list[Place]:
    """Split a range into names. Weak joints ("and", ",") split only if each part is a known agent.

    >>> tokens = lex("rituximab + cyclophosphamide and doxorubicin")
    >>> [tokens.read(*place) for place in split_names(tokens, 0, len(tokens))]
    ['rituximab', 'cyclophosphamide', 'doxorubicin']
    """
    names: list[Place] = []
    for place in _cut(tokens, first, end, "name_joint"):
        parts = _cut(tokens, *place, "weak_name_joint")
        names += parts if _are_names(tokens, parts) else [place]
    return names


def _are_names(tokens: Tokens, parts: Sequence[Place]) -> bool:
    """Return whether what "and" or a comma separates are several names: each is a known agent or a
    code, and none a placebo with its agents ("placebo for A and B").
    """
    if len(parts) < 2:
        return False
    for first, end in parts:
        if not find_general(tokens, first, end) and not is_code(tokens, first, end):
            return False
        # The name of a placebo may include its agents, joined by "and".
        if end - first > 1 and "lacebo" in tokens.read(first, end):
            return False
    return True


def _cut(tokens: Tokens, first: int, end: int, joint: str) -> list[Place]:
    """Return the pieces of a range between the matches of the rule ``joint`` that stand outside of
    round brackets. Empty pieces are left out.
    """
    pieces: list[Place] = []
    start = first
    depth = 0
    counted = first
    for match in rule(joint).find(tokens, first, end):
        inside = tokens.codes[counted : match.first]
        depth += inside.count("(") - inside.count(")")
        counted = match.first
        if depth > 0:
            continue
        if match.first > start:
            pieces.append((start, match.first))
        start = match.end
    if end > start:
        pieces.append((start, end))
    return pieces


def trim_name(tokens: Tokens, first: int, end: int) -> Place | None:
    """Return the tokens of the bare name in a range: without labels, doses, routes, forms and uses
    beside it. None if nothing is left that names an agent.
    """
    end = min(end, first + _MAXIMUM)
    # "Cohort 1B, low dose"
    if is_label(tokens, first, end):
        return None
    # as in "Day 1: Examplumab"
    first = skip_label(tokens, first, end)
    # "oral administration of 5 mg examplumab"
    first = _skip_lead(tokens, first, end)
    first, end = _skip_doses(tokens, first, end)
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
    # a route alone is no name, but radiation from outside is a treatment
    route = read_term("routes", tokens, first, end)
    if route and route.value != Route.EXTERNAL_BEAM:
        return None
    return first, end


def _skip_lead(tokens: Tokens, first: int, end: int) -> int:
    """Return where a name begins behind words of giving and its route: "oral budesonide",
    "transdermal fictosterone", but not "vaginal brachytherapy".
    """
    lead = rule("name_lead").starts(tokens, first, end)
    if lead and lead.end < end:
        first = lead.end
    routes = find_terms(tokens, "routes", first, end)
    if not routes or routes[0].first != first:
        return first
    behind = routes[0].end
    # "intravenous injection of examplumab"
    giving = rule("giving_of").starts(tokens, behind, end)
    if giving and giving.end < end:
        return giving.end
    # the route stays part of a name that no vocabulary has
    if behind < end and find_general(tokens, behind, behind + 1):
        return behind
    return first


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
    """Return the end of a name without words about its use ("vitamin D supplementation"). They go
    only if what stands before them is one known drug.
    """
    use = rule("use_of_known").ends(tokens, end, first + 1)
    if use is None:
        return end
    known = find_general(tokens, first, use.first)
    is_one_drug = known == [("drug", first, use.first)]
    return use.first if is_one_drug else end


def _skip_doses(tokens: Tokens, first: int, end: int) -> Place:
    """Return the tokens of a range behind the doses that begin it, up to the first dose after
    them: "5 mg examplumab 300 mg" is "examplumab".
    """
    for dose in rule("name_dose").find(tokens, first, end):
        if dose.first <= first:
            first = dose.end
            continue
        # "GM-090 capsules"
        is_in_name = tokens.gap(dose.first) == "-"
        # as in "Incretin analogues: liraglutide 3 mg daily"
        if not is_in_name:
            return first, dose.first
    return first, end


def _list_cuts(tokens: Tokens, first: int, end: int) -> Iterator[int]:
    """Yield where a name can end: at its target ("CAR-T cells targeting CD19"), and at the first
    bracket or punctuation.
    """
    target = rule("name_target").search(tokens, first + 1, end)
    if target:
        yield target.first
    for at in range(first + 1, end):
        if _is_cut(tokens, at, end):
            yield at
            return


def _is_cut(tokens: Tokens, at: int, end: int) -> bool:
    """Return whether a name ends at a sign, and is not continued behind it as in "1,3-glucan"."""
    word = tokens.words[at]
    if word in "([":
        return True
    # "12-lead ECG"
    if word == "-":
        return not tokens.joined(at)
    if word not in ",:":
        return False
    is_inside = at + 1 < end and tokens.joined(at + 1)
    return not is_inside


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
    several. What cannot be a name, such as a dose, is left out.

    >>> from extractor.language.lexer import lex
    >>> tokens = lex("D2E7; Brand name: Fictira (adalimumab)")
    >>> [(one.name, one.of) for one in find_other_names(tokens, (0, len(tokens)))]
    [('D2E7; Brand name: Fictira (adalimumab)', None), ('D2E7', None), ('Fictira', 'adalimumab')]
    """
    if is_alias(tokens, *place):
        yield OtherName(tokens.read(*place), place)
    for part in _split(tokens, *place):
        trimmed = trim_name(tokens, *_skip_label(tokens, *part))
        if trimmed is None or trimmed == place:
            continue
        if not _is_name(tokens, *trimmed):
            continue
        glosses = list(list_glosses(tokens, *part))
        gloss = glosses[0] if glosses else None
        yield OtherName(tokens.read(*trimmed), trimmed, gloss)


def _split(tokens: Tokens, first: int, end: int) -> Iterator[Place]:
    """Yield the parts between separators outside of brackets. A sign without a space behind it
    separates nothing: "TMC114/r", "1,3-glucan".
    """
    start = first
    depth = 0
    for at in range(first, end):
        word = tokens.words[at]
        if word in "([":
            depth += 1
        elif word in ")]":
            # "1) Fictira (adalimumab, 40 mg)": a bracket that nothing opened
            depth = max(0, depth - 1)
        is_inside = at + 1 < end and tokens.joined(at + 1)
        if word not in _SEPARATORS or is_inside or depth > 0:
            continue
        if at > start:
            yield start, at
        start = at + 1
    if end > start:
        yield start, end


def _skip_label(tokens: Tokens, first: int, end: int) -> Place:
    """Return the tokens behind a label such as "Brand name:"; all of them without one."""
    for at in range(first, end):
        if tokens.words[at] != ":":
            continue
        if tokens.words[at - 1].lower() in _LABELS:
            return at + 1, end
    return first, end


def _is_name(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a part of a field of other names is a name of its own: it has a capital or a
    digit, or names a known agent, and is no form of giving ("injections").
    """
    if not is_alias(tokens, first, end):
        return False
    if rule("form_of_giving").covers(tokens, first, end):
        return False
    text = tokens.read(first, end)
    if text != text.lower():
        return True
    if any(sign.isdigit() for sign in text):
        return True
    return bool(find_general(tokens, first, end))


def count_name(name: str, tokens: Tokens, besides: Sequence[Place] = ()) -> int:
    """Return how often a text has a name, whatever its case and hyphens, outside of the places
    ``besides``.

    >>> from extractor.language.lexer import lex
    >>> count_name("MK-7119", lex("MK7119 or MK-7119, then mk 7119 and MK-71190"))
    3
    """
    wanted = _fold_words(lex(name_key(name)), ())
    words = _fold_words(tokens, besides)
    count = 0
    for at in range(len(words)):
        if words[at : at + len(wanted)] == wanted:
            count += 1
    return count


def _fold_words(tokens: Tokens, besides: Sequence[Place]) -> list[str]:
    """Return the words outside of some places, in lower case and without hyphens and marks."""
    skipped: set[int] = set()
    for first, end in besides:
        skipped.update(range(first, end))
    folded: list[str] = []
    for at, word in enumerate(tokens.words):
        if word in _SKIPPED or at in skipped:
            continue
        folded.append(word.lower())
    return folded
