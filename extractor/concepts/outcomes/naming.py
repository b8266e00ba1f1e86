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
    has that anywhere. None if it names no instrument; then the confidence depends on words such
    as "according to".

    ``record`` are all texts of the record. A scale that no vocabulary knows counts if it stands
    before the first known one.

    >>> text = "graded by the Common Terminology Criteria for Adverse Events (CTCAE, Version 5.0)"
    >>> read_instrument(read_section("outcomes", text).whole).value
    Instrument(name='CTCAE', version='5.0')
    """
    tokens = body.tokens
    terms = find_terms(tokens, "instruments", body.first, body.end)
    # a Likert scale is how questions are answered, not an instrument
    answer_formats = word_list("answer_formats")
    instruments = [term for term in terms if term.value not in answer_formats]
    # a visual analogue or numeric rating scale is often only part of a named instrument
    if not instruments or instruments[0].value in word_list("ratings"):
        unknown = _find_unknown(body)
        if unknown and (not instruments or unknown[1] <= instruments[0].first):
            return _read_unknown(body, *unknown)
    if not terms:
        case = "no instrument"
        if body.search("may_name_instrument"):
            case = "perhaps an instrument"
        return Reading(None, measured("outcome", case))
    term = instruments[0] if instruments else terms[0]
    same = [other for other in terms if other.value == term.value]
    name = _read_closer_name(body, term) or _read_edition(tokens, same)
    if name is None:
        name = _read_name(tokens, term, same, record)
    # The version may follow the long name or its abbreviation.
    versions = filter(None, (_read_version(body, other) for other in same))
    case = _find_case(tokens, term, same, len(terms))
    words = body.part(term.first, term.end)
    return Reading(
        Instrument(name=name, version=next(versions, None)),
        min(term.entry.confidence, measured("outcome", case)),
        (span_of(words),),
        Support.PARSED,
    )


def _read_unknown(
    body: Passage, first: int, end: int, case: str
) -> Reading[Instrument | None]:
    """Return an instrument that is in no vocabulary, by its words in ``first:end``. ``case`` is how
    it was found.
    """
    words = body.part(first, end)
    return Reading(
        Instrument(name=words.text),
        measured("outcome", case),
        (span_of(words),),
        Support.PARSED,
    )


def _find_case(tokens: Tokens, term: Term, same: Sequence[Term], count: int) -> str:
    """Return how an instrument is named, to look up how often such a reading is right.

    ``same`` are the terms that mean this instrument, ``count`` is the number of all terms.
    """
    if len(same) < count:
        return "one of several instruments"
    # "CGI - I"
    is_joined = tokens.codes[term.end : term.end + 1] in ("-", "/")
    if is_joined and term.end + 1 < len(tokens):
        return "part of a name"
    written = [tokens.read(other.first, other.end).lower() for other in same]
    if term.value.lower() not in written:
        return "instrument, long name"
    if _is_versioned(term):
        return "instrument, versioned"
    return "instrument, abbreviated"


def _is_versioned(term: Term) -> bool:
    """Return whether an instrument is known by its versions, as RECIST 1.1 is."""
    return term.value in word_list("versioned_instruments")


def _fold(name: str) -> str:
    """Return the letters and digits of a name in lower case."""
    return "".join(filter(str.isalnum, name.lower()))


def _read_name(
    tokens: Tokens, first: Term, same: Sequence[Term], record: Iterable[str]
) -> str:
    """Return the usual short form if the record has it, else the name as written.

    ``first`` is the first of the terms ``same`` that mean the instrument. The record has a short
    form only as a whole word.
    """
    usual = first.value
    # criteria go by the short form of the body that issues them: "NCCN"
    if usual in word_list("issuing_bodies"):
        return usual
    written = [_fold(tokens.read(term.first, term.end)) for term in same]
    if _fold(usual) in written:
        return usual
    short = re.compile(rf"(?<!\w){re.escape(usual)}(?!\w)")
    texts = (tokens.text, *record)
    if any(short.search(text) for text in texts):
        return usual
    return tokens.read(first.first, first.end)


def _read_edition(tokens: Tokens, same: Sequence[Term]) -> str | None:
    """Return the short form with a number joined by a hyphen, which is part of the name: "IIEF-5",
    "ADHD-RS-IV". None if no term of the instrument has one.
    """
    for term in same:
        # "CTCAE-5" is a version of one instrument, "IIEF-5" an instrument of its own
        if _is_versioned(term):
            continue
        if term.end >= len(tokens) or not _is_joined(tokens, term.end):
            continue
        is_short = _fold(tokens.read(term.first, term.end)) == _fold(term.value)
        if is_short and _EDITION.fullmatch(tokens.words[term.end]):
            return tokens.read(term.first, term.end + 1)
    return None


def _read_closer_name(body: Passage, term: Term) -> str | None:
    """Return the more specific name in brackets after a long one: "Food Allergy Quality of Life
    Questionnaire, Adult Form (FAQLQ-AF)". It contains the usual short form, or its initial. None if
    there is none, or only the usual short form itself.
    """
    closer = rule("closer_name").starts(body.tokens, term.end, body.end)
    name = closer.read("name") if closer else None
    if not name:
        return None
    usual = term.value.lower()
    if name.lower() == usual:
        return None
    if " " in name or "." in name:
        return None  # "(RECIST 1.1)" is a version
    if usual in name.lower():
        return name
    is_long = term.end - term.first > 2
    first_word = body.tokens.words[term.first].capitalize()
    if is_long and _is_short_for(name, first_word):
        return name
    return None


def _read_version(body: Passage, term: Term) -> str | None:
    """Return the version behind a term, such as "5.0"; None without one. Without "version" in
    front, a number is the version only of instruments that are known by their versions.
    """
    tokens = body.tokens
    may_be_limit = False
    stated = rule("stated_version").starts(tokens, term.end, body.end)
    if not stated and _is_versioned(term):
        stated = rule("bare_version").starts(tokens, term.end, body.end)
        may_be_limit = stated is not None and stated.has("limit")
    if not stated:
        return None
    written = stated.read("version") or ""
    # a bare whole number may be a limit: "CTC 3 or higher", "RECIST 2 weeks"
    if may_be_limit and "." not in written:
        return None
    version = written.lstrip(".")
    is_whole = "." not in version
    # "IWCLL1" is the first of two names with a footnote, or another name
    if is_whole and term.end < body.end and _is_name(tokens, term.end):
        return None
    if not _VERSION.fullmatch(version):
        return None
    return version


def _find_unknown(body: Passage) -> tuple[int, int, str] | None:
    """Return the tokens ``first, end`` and the case of an instrument that is in no vocabulary, or
    None. The ways to name it are tried from the surest to the least sure.
    """
    tokens = body.tokens
    limits = (body.first, body.end)
    for name, accepts, case in _NAMINGS:
        for naming in rule(name).find(tokens, *limits):
            first, end = naming.place("name")
            # "ADHD-RS-IV"
            while first > 0 and _is_joined(tokens, first):
                first -= 1
            if accepts(tokens.read(first, end)):
                return first, end, case
    # any "... Scale" with a title, but a "... Score" or "... Index" only with a longer one
    for name, least in (("titled_scale", 1), ("titled_score", 2)):
        for naming in rule(name).find(tokens, *limits):
            first, end = _find_title(tokens, *naming.place("name"))
            if end - first <= least:
                continue
            # "Insulin Sensitivity Index" is a measurement, not an instrument
            if not rule("measured_index").search(tokens, first, end):
                return _find_short_form(body, first, end)
    # "using the vegetable neophobia scale"
    plain = rule("plain_scale").search(tokens, *limits)
    if not plain:
        return None
    first, end = plain.place("name")
    return first, end, "unknown instrument, any scale"


def _find_short_form(body: Passage, first: int, end: int) -> tuple[int, int, str]:
    """Return the tokens and the case of the short form of the title ``first:end``: in brackets
    after it, or elsewhere in the passage; else of the title itself.
    """
    words = body.tokens.words
    closer = rule("closer_name").starts(body.tokens, end, body.end)
    if closer and _is_short_for(closer.read("name") or "", words[first]):
        return *closer.place("name"), _SHORT_NAME
    capitalised = [word for word in words[first:end] if word[0].isupper()]
    initials = "".join(word[0] for word in capitalised)
    if len(initials) > 2 and initials in words[body.first : body.end]:
        at = words.index(initials, body.first)
        return at, at + 1, _SHORT_NAME
    return first, end, "unknown instrument, title"


def _is_abbreviation(name: str) -> bool:
    """Return whether a name reads as the short form of an instrument: "EORTC", "WOMAC". It begins
    with a capital and has another one near its beginning.
    """
    if " " in name or len(name) > 14:
        return False
    # "BMI"
    if name in word_list("computed_indexes"):
        return False
    has_more_capitals = any(letter.isupper() for letter in name[1:6])
    return name[0].isupper() and has_more_capitals


def _is_short_for(name: str, word: str) -> bool:
    """Return whether letters in brackets abbreviate a title that begins with a word."""
    return _is_abbreviation(name) and name[0] == word[0]


def _is_scale(name: str) -> bool:
    """Return whether a name in capitals may be that of a scale: one word, and not an abbreviation
    that is known to be none.
    """
    if " " in name or len(name) < 2:
        return False
    if not name[:2].isupper():
        return False
    before_hyphen = name.upper().split("-")[0]
    return before_hyphen not in word_list("no_scales")


_NAMINGS: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("named_scale", _is_abbreviation, _SHORT_NAME),
    ("spelt_out_scale", _is_abbreviation, _SHORT_NAME),
    ("abbreviated_scale", _is_scale, _CAPITALS),
    ("described_scale", _is_scale, _CAPITALS),
)
"""Rules that find an instrument, what its name must be, and the case of ``measured``."""


def _find_title(tokens: Tokens, first: int, end: int) -> tuple[int, int]:
    """Return the capitalised words before "scale", with small words between them and the noun
    itself: "Self-rating Scale". ``first:end`` is where they may stand, with the noun at its end.

    ``(end, end)`` if there are none, or if they name a kind of scale.
    """
    noun = end - 1
    start = noun
    while start > first and _continues_title(tokens, start - 1):
        start -= 1
    while start < noun and _opens_no_title(tokens.words[start]):
        start += 1
    lead = " ".join(tokens.words[start:noun])
    # "Quality of Life scale" and "Body Mass Index" are kinds, not instruments
    if not lead or lead.endswith(("of Life", "Body Mass")):
        return end, end
    return start, end


def _opens_no_title(word: str) -> bool:
    return word in _SMALL or word in word_list("no_scale_titles")


def _continues_title(tokens: Tokens, at: int) -> bool:
    """Return whether a title may contain the word at token ``at``: a capitalised or small word, or
    "rating" in "Self-rating Scale". Capitals alone ("BMI"), and a prefix joined to a title by a
    hyphen, are no part of it.
    """
    word = tokens.words[at]
    is_prefix = _is_joined(tokens, at + 1)
    if is_prefix and not tokens.words[at + 1].islower():
        return False
    if word in _SMALL:
        return True
    if word[0].isupper():
        return word[1:2].islower()
    # "rating" in "Self-rating"
    return word.islower() and at > 0 and _is_joined(tokens, at)


def _is_joined(tokens: Tokens, at: int) -> bool:
    """Return whether a hyphen joins the word at token ``at`` to the one before."""
    return tokens.gap(at) == "-"


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
    """Return what a passage names of a vocabulary, as written; () without any. Then the confidence
    depends on whether the rule ``hint`` matches.

    ``name`` is the singular of the vocabulary's name: "specimen", "method".
    """
    names = _find_names(body, f"{name}s")
    if not names:
        case = f"no {name}s"
        if body.search(hint):
            case = f"perhaps {name}s"
        return Reading((), measured("outcome", case))
    case = name if len(names) == 1 else f"several {name}s"
    written = tuple(words.raw for words in names)
    spans = tuple(span_of(words) for words in names)
    return Reading(written, measured("outcome", case), spans)


def _find_names(body: Passage, vocabulary: str) -> list[Passage]:
    """Return every name once, by its first mention. Names whose words are part of a longer name in
    the passage are left out, and plural and singular are one name.
    """
    tokens = body.tokens
    names: dict[str, Passage] = {}
    for term in find_terms(tokens, vocabulary, body.first, body.end):
        # "CT1192" is no CT
        if term.end < body.end and _is_name(tokens, term.end):
            continue
        first = term.first
        end = _find_end_with_short_form(body, term)
        # include words of the name: "hand-held dynamometer", "Cutometer MPA580"
        if vocabulary == "methods":
            first, end = _widen_method(body, first, end)
        singulars = [word.lower().removesuffix("s") for word in tokens.words[first:end]]
        # spaces around the words, so that only whole words are inside a longer name
        key = "".join(f" {word} " for word in singulars)
        names.setdefault(key, body.part(first, end))

    longest = []
    for key, words in names.items():
        others = [other for other in names if other != key]
        if not any(key in other for other in others):
            longest.append(words)
    return longest


def _find_end_with_short_form(body: Passage, term: Term) -> int:
    """Return the end of a term, with its short form in brackets: "polymerase chain reaction (PCR)".
    A term that is itself a short form takes no brackets.
    """
    tokens = body.tokens
    brackets = rule("short_form").starts(tokens, term.end, body.end)
    if not brackets:
        return term.end
    if len(tokens.read(term.first, term.end)) <= _SHORT_FORM:
        return term.end
    short = brackets.text[1:-1]
    if not 2 <= len(short) <= 9:
        return term.end
    # "qPCR" begins with a small letter
    if short[0].isupper() or short[1].isupper():
        return brackets.end
    return term.end


def _widen_method(body: Passage, first: int, end: int) -> tuple[int, int]:
    """Return the place of a method with the words before and behind that belong to its name:
    "hand-held goniometer", "Cutometer MPA580".
    """
    earliest = max(body.first, first - _LONGEST_MODIFIER)
    modifier = rule("method_modifier").ends(body.tokens, first, earliest)
    tail = rule("method_tail").starts(body.tokens, end, body.end)
    if modifier:
        first = modifier.first
    if tail:
        end = tail.end
    return first, end


def _is_name(tokens: Tokens, behind: int) -> bool:
    """Return whether a number joined to a term makes it another name: "CT1192"."""
    return tokens.joined(behind) and tokens.words[behind][0].isdigit()
