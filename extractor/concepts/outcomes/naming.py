"""Read the instrument with its version, the specimens and the methods that an outcome names."""

import re
from collections.abc import Callable, Iterable, Sequence

from extractor.evidence.drafts import Reading, span_of
from extractor.evidence.scoring import measured
from extractor.language.book import Term, find_terms, rule, word_list
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage
from extractor.schemas import Instrument, Support

_SMALL = frozenset({"of", "and", "for", "in"})
_VERSION = re.compile(r"(?:19|20)\d\d|\d{1,2}(?:\.\d{1,4}){0,2}")
_EDITION = re.compile(r"[1-9]\d?|II|III|IV")

_SHORT_FORM = 5
"""A name with so few letters is itself a short form."""
_LONGEST_MODIFIER = 4
"""The most tokens before a method that belong to it."""
_SHORT_NAME = "unknown instrument, short name"
_CAPITALS = "unknown instrument, capitals"


def read_instrument(
    body: Passage, record: Iterable[str] = ()
) -> Reading[Instrument | None]:
    """Return the first instrument that a passage names, by its usual short form if the ``record``
    has that anywhere.

    >>> text = "graded by the Common Terminology Criteria for Adverse Events (CTCAE, Version 5.0)"
    >>> read_instrument(read_section("outcomes", text).whole).value
    Instrument(name='CTCAE', version='5.0')
    """
    tokens = body.tokens
    terms = find_terms(tokens, "instruments", body.first, body.end)
    named = [term for term in terms if term.value not in word_list("answer_formats")]
    unknown = (
        _find_unknown(body)
        if not named or named[0].value in word_list("ratings")
        else None
    )
    if unknown and (not named or unknown[1] <= named[0].first):
        first, end, case = unknown
        place = body.part(first, end)
        return Reading(
            Instrument(name=place.text),
            measured("outcome", case),
            (span_of(place),),
            Support.PARSED,
        )
    if not terms:
        case = (
            "perhaps an instrument"
            if body.search("may_name_instrument")
            else "no instrument"
        )
        return Reading(None, measured("outcome", case))
    term = (named or terms)[0]
    # The version may follow the long name or its abbreviation.
    same = [other for other in terms if other.value == term.value]
    versions = filter(None, (_read_version(body, other) for other in same))
    name = (
        _read_closer_name(body, term)
        or _read_edition(tokens, same)
        or _read_name(tokens, term, same, record)
    )
    place = body.part(term.first, term.end)
    confidence = min(
        term.entry.confidence,
        measured("outcome", _shape(tokens, term, same, len(terms))),
    )
    return Reading(
        Instrument(name=name, version=next(versions, None)),
        confidence,
        (span_of(place),),
        Support.PARSED,
    )


def _shape(tokens: Tokens, term: Term, same: Sequence[Term], count: int) -> str:
    if len(same) < count:
        return "one of several instruments"
    # "CGI - I"
    if (
        tokens.codes[term.end : term.end + 1] in ("-", "/")
        and tokens.words[term.end + 1 : term.end + 2]
    ):
        return "part of a name"
    if all(
        tokens.read(other.first, other.end).lower() != term.value.lower()
        for other in same
    ):
        return "instrument, long name"
    return "instrument, versioned" if _is_versioned(term) else "instrument, abbreviated"


def _is_versioned(term: Term) -> bool:
    return term.value in word_list("versioned_instruments")


def _fold(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _read_name(
    tokens: Tokens, first: Term, same: Sequence[Term], record: Iterable[str]
) -> str:
    """Return the usual short form if the record has it, else the name as written."""
    written = (_fold(tokens.read(term.first, term.end)) for term in same)
    if first.value in word_list("issuing_bodies") or _fold(first.value) in written:
        return first.value
    short = re.compile(rf"(?<!\w){re.escape(first.value)}(?!\w)")
    if any(map(short.search, (tokens.text, *record))):
        return first.value
    return tokens.read(first.first, first.end)


def _read_edition(tokens: Tokens, same: Sequence[Term]) -> str | None:
    """Return the short form with a number joined by a hyphen: "IIEF-5", "ADHD-RS-IV"."""
    for term in same:
        if (
            _is_versioned(term)
            or term.end >= len(tokens)
            or not _is_joined(tokens, term.end)
        ):
            continue
        short = _fold(tokens.read(term.first, term.end)) == _fold(term.value)
        if short and _EDITION.fullmatch(tokens.words[term.end]):
            return tokens.read(term.first, term.end + 1)
    return None


def _read_closer_name(body: Passage, term: Term) -> str | None:
    """Return the more specific name in brackets after a long one. It contains the usual short
    form, or its initial.
    """
    found = rule("closer_name").starts(body.tokens, term.end, body.end)
    name = (found.read("name") or "") if found else ""
    usual = term.value.lower()
    # "(RECIST 1.1)" is a version
    if not name or not set(" .").isdisjoint(name) or name.lower() == usual:
        return None
    long = term.end - term.first > 2 and _is_short_for(
        name, body.tokens.words[term.first].capitalize()
    )
    return name if long or usual in name.lower() else None


def _read_version(body: Passage, term: Term) -> str | None:
    found = rule("stated_version").starts(body.tokens, term.end, body.end)
    if not found and _is_versioned(term):
        found = rule("bare_version").starts(body.tokens, term.end, body.end)
        if found and found.has("limit") and "." not in (found.read("version") or ""):
            return None  # a bare whole number may be a limit: "CTC 3 or higher", "RECIST 2 weeks"
    version = (found.read("version") or "").lstrip(".") if found else ""
    if term.end < body.end and _is_name(body.tokens, term.end) and "." not in version:
        return (
            None  # "IWCLL1" is the first of two names with a footnote, or another name
        )
    return version if _VERSION.fullmatch(version) else None


def _find_unknown(body: Passage) -> tuple[int, int, str] | None:
    """Return tokens and case of an instrument that is in no vocabulary."""
    tokens = body.tokens
    place = (body.first, body.end)
    for name, accepts, case in _NAMINGS:
        for found in rule(name).find(tokens, *place):
            first, end = found.place("name")
            while first > 0 and _is_joined(tokens, first):  # "ADHD-RS-IV"
                first -= 1
            if accepts(tokens.read(first, end)):
                return first, end, case
    for name, least in (("titled_scale", 1), ("titled_score", 2)):
        for found in rule(name).find(tokens, *place):
            first, end = _find_title(tokens, *found.place("name"))
            # "Insulin Sensitivity Index" is a measurement, not an instrument
            if end - first > least and not rule("measured_index").search(
                tokens, first, end
            ):
                return _read_title(body, first, end)
    plain = rule("plain_scale").search(tokens, *place)
    return (*plain.place("name"), "unknown instrument, any scale") if plain else None


def _read_title(body: Passage, first: int, end: int) -> tuple[int, int, str]:
    """Return the place of a title's short form, in brackets after it or elsewhere; else of the
    title itself.
    """
    words = body.tokens.words
    closer = rule("closer_name").starts(body.tokens, end, body.end)
    if closer and _is_short_for(closer.read("name") or "", words[first]):
        return *closer.place("name"), _SHORT_NAME
    initials = "".join(word[0] for word in words[first:end] if word[0].isupper())
    if len(initials) > 2 and initials in words[body.first : body.end]:
        at = words.index(initials, body.first)
        return at, at + 1, _SHORT_NAME
    return first, end, "unknown instrument, title"


def _is_abbreviation(name: str) -> bool:
    short = (
        " " not in name
        and len(name) <= 14
        and name not in word_list("computed_indexes")
    )
    return short and name[0].isupper() and any(map(str.isupper, name[1:6]))


def _is_short_for(name: str, word: str) -> bool:
    """Return whether letters in brackets abbreviate a title that begins with a word."""
    return _is_abbreviation(name) and name[0] == word[0]


def _is_scale(name: str) -> bool:
    capitals = " " not in name and name[:2].isupper() and len(name) > 1
    return capitals and name.upper().split("-")[0] not in word_list("no_scales")


_NAMINGS: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("named_scale", _is_abbreviation, _SHORT_NAME),
    ("spelt_out_scale", _is_abbreviation, _SHORT_NAME),
    ("abbreviated_scale", _is_scale, _CAPITALS),
    ("described_scale", _is_scale, _CAPITALS),
)


def _find_title(tokens: Tokens, first: int, end: int) -> tuple[int, int]:
    """Return the capitalised words before "scale", with small words between them; an empty place
    without any.
    """
    start = end - 1
    while start > first and _continues_title(tokens, start - 1):
        start -= 1
    while start < end - 1 and (
        tokens.words[start] in _SMALL
        or tokens.words[start] in word_list("no_scale_titles")
    ):
        start += 1
    lead = " ".join(tokens.words[start : end - 1])
    return (
        (start, end)
        if lead and not lead.endswith(("of Life", "Body Mass"))
        else (end, end)
    )


def _continues_title(tokens: Tokens, place: int) -> bool:
    """Whether a title may contain this word: "Self-rating Scale", but not a prefix joined to a
    title by a hyphen.
    """
    word = tokens.words[place]
    behind = tokens.words[place + 1]
    if _is_joined(tokens, place + 1) and not behind.islower():
        return False
    second = word.islower() and place > 0 and _is_joined(tokens, place)
    return second or word in _SMALL or (word[0].isupper() and word[1:2].islower())


def _is_joined(tokens: Tokens, place: int) -> bool:
    """Return whether a hyphen joins a word to the one before."""
    return tokens.gap(place) == "-"


def read_specimens(body: Passage) -> Reading[tuple[str, ...] | None]:
    """Return the specimens in a passage, each once, in order.

    >>> read_specimens(
    ...     read_section(
    ...         "outcomes", "IgE in serum and in nasal lavage; serum was frozen"
    ...     ).whole
    ... ).value
    ('serum', 'nasal lavage')
    """
    return _read_named(body, "specimen", "may_name_specimen")


def read_methods(body: Passage) -> Reading[tuple[str, ...] | None]:
    """Return the methods of measuring in a passage, each once, in order.

    >>> text = (
    ...     "copies by quantitative polymerase chain reaction (qPCR), cells by flow cytometry, "
    ...     "again by qPCR"
    ... )
    >>> read_methods(read_section("outcomes", text).whole).value
    ('quantitative polymerase chain reaction (qPCR)', 'flow cytometry')
    """
    return _read_named(body, "method", "may_name_method")


def _read_named(body: Passage, name: str, hint: str) -> Reading[tuple[str, ...] | None]:
    found = _find_once(body, f"{name}s")
    if not found:
        return Reading(
            (),
            measured("outcome", f"{'perhaps' if body.search(hint) else 'no'} {name}s"),
        )
    case = name if len(found) == 1 else f"several {name}s"
    return Reading(
        tuple(each.raw for each in found),
        measured("outcome", case),
        tuple(map(span_of, found)),
    )


def _find_once(body: Passage, vocabulary: str) -> list[Passage]:
    """Return every name once, without names inside longer ones."""
    tokens = body.tokens
    found = dict[str, Passage]()
    for term in find_terms(tokens, vocabulary, body.first, body.end):
        first = term.first
        end = term.end
        if end < body.end and _is_name(tokens, end):
            continue
        brackets = rule("short_form").starts(tokens, end, body.end)
        if brackets and len(tokens.read(first, end)) > _SHORT_FORM:
            short = brackets.text[1:-1]
        else:
            short = ""
        if (
            brackets
            and 2 <= len(short) <= 9
            and (short[0].isupper() or short[1].isupper())
        ):
            end = brackets.end
        # include words of the name: "hand-held dynamometer", "Cutometer MPA580"
        if vocabulary == "methods":
            front = rule("method_modifier").ends(
                tokens, first, max(body.first, first - _LONGEST_MODIFIER)
            )
            tail = rule("method_tail").starts(tokens, end, body.end)
            first = front.first if front else first
            end = tail.end if tail else end
        words = "".join(
            f" {word.lower().removesuffix('s')} " for word in tokens.words[first:end]
        )
        found.setdefault(words, body.part(first, end))
    return [
        place
        for words, place in found.items()
        if not any(words in other for other in found if other != words)
    ]


def _is_name(tokens: Tokens, behind: int) -> bool:
    """Return whether a number joined to a term makes it another name: "CT1192"."""
    return tokens.joined(behind) and tokens.words[behind][0].isdigit()
