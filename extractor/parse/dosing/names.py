"""Names of agents: where a text has one, what belongs to it, and the form in which two names are compared."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from extractor.text.book import find_terms, read_term, rule, terms_of
from extractor.text.lexer import Tokens, is_abbreviation, lex

Place = tuple[int, int]
"""Tokens, half open."""

_KINDS = {stem: entry.value for entry in terms_of("agent_stems") for stem in entry.terms}
_STEMS = tuple(_KINDS)
_SALTS = frozenset(term for entry in terms_of("salts") for term in entry.terms)
_SHORTEST = 3
"""Letters in front of a stem."""
_LONGEST = 60
"""No name has more tokens."""
_MARKS = ("®", "™", "©", "(r)", "(tm)", "-")
_EDGES = frozenset("-*:,.(®™")
_THERAPIES = ("mab", "nib", "ate", "ine", "til", "ide", "one", "ell")
"""Ends of drug names behind which "therapy" adds nothing."""


def name_key(name: str) -> str:
    """The form in which names are compared: lower case, no hyphens, salts or trade marks.

    >>> name_key("Doxorubicin hydrochloride") == name_key("doxorubicin"), name_key("CAR-T  cells")
    (True, 'car t cells')
    """
    folded = name.lower()
    if folded.isalnum():
        return folded
    for mark in _MARKS:
        folded = folded.replace(mark, " ")
    words = folded.split()
    while len(words) > 1 and words[-1] in _SALTS:
        words.pop()
    return " ".join(words)


def chunk_end(tokens: Tokens, first: int) -> int:
    """Behind the last token that is joined to the first one, as in "nab-paclitaxel", "TNF-alpha/IL-6".

    >>> chunk_end(lex("nab-paclitaxel, 5 mg"), 0)
    2
    """
    end = first + 1
    while end < len(tokens) and is_glued(tokens, end):
        if not tokens.words[end][0].isalnum() and not (
            tokens.words[end] in "/+.-'" and end + 1 < len(tokens) and is_glued(tokens, end + 1)
            and tokens.words[end + 1][0].isalnum()
        ):  # fmt: skip
            break
        end += 1
    return end


def is_glued(tokens: Tokens, index: int) -> bool:
    """Whether a token is joined to the one before, if only by a hyphen."""
    return tokens.text[tokens.ends[index - 1] : tokens.starts[index]] in ("", "-")


def find_general(tokens: Tokens, first: int = 0, end: int | None = None) -> list[tuple[str, int, int]]:
    """Agents that any text may name, left to right: their kind and their tokens.

    >>> find_general(read_text("Examplumab and matching placebo"))
    [('drug', 0, 1), ('placebo', 2, 4)]
    """
    end = len(tokens) if end is None else end
    terms = find_terms(tokens, "agents", first, end)
    found = [(term.value, term.first, term.end) for term in terms if stands_alone(tokens, term.first, term.end)]
    taken = {at for _, start, stop in found for at in range(start, stop)}
    for at in range(first, end):
        if at not in taken and (kind := _find_stem(tokens.words[at])) and stands_alone(tokens, at, at + 1):
            before = rule("surgery_kind").ends(tokens, at, first) if kind == "procedure" else None
            found.append((kind, before.first if before else at, at + 1))
    return sorted(found, key=lambda one: one[1])


def _find_stem(word: str) -> str | None:
    """The kind of a name that ends with a stem."""
    folded = word.lower()
    if not folded.endswith(_STEMS):
        return None
    stems = (stem for stem in _STEMS if folded.endswith(stem))
    return next((_KINDS[stem] for stem in stems if len(folded) >= len(stem) + _SHORTEST), None)


def stands_alone(tokens: Tokens, first: int, end: int) -> bool:
    """Whether tokens are no part of a longer word: "PLACEBO_COMPARATOR" names no placebo.

    >>> stands_alone(lex("PLACEBO_COMPARATOR"), 0, 1), stands_alone(lex("placebo-like"), 0, 1)
    (False, True)
    """
    before = tokens.text[tokens.starts[first] - 1 : tokens.starts[first]]
    behind = tokens.text[tokens.ends[end - 1] : tokens.ends[end - 1] + 1]
    return not any(sign.isalnum() or sign == "_" for sign in (before, behind))


def is_code(tokens: Tokens, first: int, end: int) -> bool:
    """Whether a name is a code, as companies give it: "EX-9283".

    >>> is_code(lex("EX-9283"), 0, 2), is_code(lex("Vitamin D3"), 0, 3)
    (True, False)
    """
    word = tokens.words[first]
    return (
        len(word) > 1
        and word.isupper()
        and word.isalpha()
        and chunk_end(tokens, first) == end
        and any(map(str.isdigit, tokens.read(first, end)))
    )


def is_vague(name: str) -> bool:
    """Whether a name says what is done and not with what: "oral immunotherapy".

    >>> is_vague("Peanut oral immunotherapy"), is_vague("peanut flour")
    (True, False)
    """
    return rule("vague_name").search(lex(name)) is not None


def is_given(tokens: Tokens, first: int, end: int) -> bool:
    """Whether an intervention of that name is given to people, and is no test, sampling or survey.

    >>> is_given(lex("Budesonide 1 mg"), 0, 3), is_given(lex("Blood sampling"), 0, 2)
    (True, False)
    """
    return rule("not_given").search(tokens, first, end) is None


def is_alias(tokens: Tokens, first: int, end: int) -> bool:
    """Whether tokens can stand for an agent elsewhere: a name, no dose, route or number."""
    text = tokens.read(first, end)
    if not 2 < len(text) < _LONGEST or text.isdigit() or rule("empty_name").covers(tokens, first, end):
        return False
    return rule("name_dose").search(tokens, first, end) is None and read_term("routes", tokens, first, end) is None


def list_glosses(tokens: Tokens, first: int, end: int) -> Iterator[Place]:
    """Other names that stand in brackets: "mycophenolate (MMF)".

    >>> [lex("mycophenolate (MMF)").read(*place) for place in list_glosses(lex("mycophenolate (MMF)"), 0, 4)]
    ['MMF']
    """
    opened = None
    for at in range(first, end):
        if tokens.words[at] in "([":
            opened = at
        elif tokens.words[at] in ")]" and opened is not None:
            if at > opened + 1 and is_alias(tokens, opened + 1, at):
                yield opened + 1, at
            opened = None


def split_names(tokens: Tokens, first: int, end: int) -> list[Place]:
    """The names in a range; weak joints ("and", ",") part them only where each part is a known agent.

    >>> tokens = lex("rituximab + cyclophosphamide and doxorubicin")
    >>> [tokens.read(*place) for place in split_names(tokens, 0, len(tokens))]
    ['rituximab', 'cyclophosphamide', 'doxorubicin']
    """
    result: list[Place] = []
    for place in _cut(tokens, first, end, "name_joint"):
        finer = _cut(tokens, *place, "weak_name_joint")
        known = len(finer) > 1 and all(find_general(tokens, *part) or is_code(tokens, *part) for part in finer)
        # A placebo may be named with what it is for, which goes on behind "and".
        placebo = any(last - at > 1 and "lacebo" in tokens.read(at, last) for at, last in finer)
        result += finer if known and not placebo else [place]
    return result


def _cut(tokens: Tokens, first: int, end: int, joint: str) -> list[Place]:
    pieces, position, depth, counted = [], first, 0, first
    for found in rule(joint).find(tokens, first, end):
        inside = tokens.codes[counted : found.first]
        depth, counted = depth + inside.count("(") - inside.count(")"), found.first
        if depth <= 0:
            pieces.append((position, found.first))
            position = found.end
    return [(a, b) for a, b in (*pieces, (position, end)) if b > a]


def trim_name(tokens: Tokens, first: int, end: int) -> Place | None:
    """The tokens of the bare name in a range, or None if nothing names an agent there.

    >>> tokens = lex("Oral budesonide (Bud) 1 mg tablets")
    >>> tokens.read(*trim_name(tokens, 0, len(tokens)))
    'budesonide'
    """
    first, end = _skip_doses(tokens, first, min(end, first + _LONGEST))
    if lead := rule("name_lead").starts(tokens, first, end):
        first = lead.end if lead.end < end else first
    end = min([end, *_list_cuts(tokens, first, end)])
    while trail := rule("name_trail").ends(tokens, end, first + 1) or _ends_with_therapy(tokens, first, end):
        end = trail if isinstance(trail, int) else trail.first
    while end > first and tokens.words[end - 1] in _EDGES:
        end -= 1
    if end <= first or len(tokens.read(first, end)) < 2 or rule("empty_name").covers(tokens, first, end):
        return None
    return None if read_term("routes", tokens, first, end) else (first, end)


def _ends_with_therapy(tokens: Tokens, first: int, end: int) -> int | None:
    """The place of "therapy" behind a drug's name."""
    is_therapy = end - first > 1 and tokens.words[end - 1].lower() == "therapy"
    return end - 1 if is_therapy and tokens.words[end - 2].lower().endswith(_THERAPIES) else None


def _skip_doses(tokens: Tokens, first: int, end: int) -> Place:
    """Without the doses in front, up to the first dose behind the name."""
    first = _skip_edges(tokens, first, end)
    for dose in rule("name_dose").find(tokens, first, end):
        if dose.first > first:
            return first, dose.first
        first = _skip_edges(tokens, dose.end, end)
    return first, end


def _skip_edges(tokens: Tokens, first: int, end: int) -> int:
    while first < end and (tokens.words[first] in _EDGES or tokens.codes[first] == "\n"):
        first += 1
    return first


def _list_cuts(tokens: Tokens, first: int, end: int) -> Iterator[int]:
    """Where a name can end: at brackets, at a target, at a sign of punctuation."""
    if target := rule("name_target").search(tokens, first + 1, end):
        yield target.first
    for at in range(first + 1, end):
        word = tokens.words[at]
        parts = word in ",:" and not (at + 1 < end and tokens.joined(at + 1))
        if word in "([" or parts or (word == "-" and not tokens.joined(at)):
            yield at
            return


def is_salt(tokens: Tokens, index: int) -> bool:
    """Whether a token is a salt: "phosphate" in "fludarabine phosphate"."""
    return index < len(tokens) and tokens.words[index].lower() in _SALTS


T = TypeVar("T")
"""What a name stands for."""

_SHORT = {
    term if is_abbreviation(term) else term.lower(): entry.value
    for entry in terms_of("agent_abbreviations")
    for term in entry.terms
}
_SHORTEST_aliases, _LONGEST_aliases = 3, 8
"""Letters of initials."""


def unify_name(name: str) -> str:
    """The key under which an agent is known by its short form as well.

    >>> unify_name("TBI"), unify_name("Examplumab")
    ('total body irradiation', 'examplumab')
    """
    return _SHORT.get(name) or _SHORT.get(name.lower()) or name_key(name)


def is_short_form(name: str) -> bool:
    """Whether texts say ``name`` for short, or by another name, for an agent.

    >>> is_short_form("MTX"), is_short_form("methotrexate")
    (True, False)
    """
    return unify_name(name) != name_key(name)


def list_codes(names: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """The codes at the end of longer names.

    >>> list(list_codes([("kinase inhibitor EX9283", 1), ("examplumab", 2)]))
    [('EX9283', 1)]
    """
    for name, agent in names:
        last = name.split()[-1] if " " in name else ""
        tokens = lex(last)
        if last and is_code(tokens, 0, len(tokens)) and sum(map(str.isdigit, last)) > 1:
            yield last, agent


def list_cores(names: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """The drugs after which longer names are made.

    >>> list(list_cores([("liposomal vincristine", 1), ("cisplatin and etoposide", 2)]))
    [('vincristine', 1)]
    """
    for name, agent in names:
        tokens = lex(name_key(name))
        found = find_general(tokens) if len(tokens) > 1 else []
        if len(found) == 1 and found[0][1] > 0 and found[0][2] == len(tokens):
            yield tokens.read(*found[0][1:]), agent


def list_short_forms(names: Sequence[tuple[str, T]], texts: Sequence[Tokens]) -> Iterator[tuple[str, T]]:
    """The abbreviations and the initials of names that the texts use.

    >>> list(list_short_forms([("umbilical cord blood", 1)], [lex("UCB on day 0")]))
    [('UCB', 1)]
    """
    entries = {term.entry.value: term.entry for tokens in texts for term in find_terms(tokens, "agent_abbreviations")}
    for value, entry in entries.items():
        yield from ((short, agent) for name, agent in names if name_key(name).endswith(value) for short in entry.terms)
    capitals = {
        word
        for tokens in texts
        for word in tokens.words
        if word.isupper() and _SHORTEST_aliases <= len(word) <= _LONGEST_aliases
    }
    for name, agent in names:
        initials = "".join(word[0] for word in lex(name).words if word[0].isalpha()).upper()
        tails = (
            initials[at:]
            for at in range(max(0, len(initials) - _LONGEST_aliases), len(initials) - _SHORTEST_aliases + 1)
        )
        yield from ((tail, agent) for tail in tails if tail in capitals)
