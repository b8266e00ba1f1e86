"""Read the instrument and its version, the specimens and the methods that an outcome names."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from extractor.evidence.drafts import Reading, span_of, support_words
from extractor.evidence.items import Read
from extractor.language.book import Term, find_terms, rule, word_list
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage
from extractor.schemas import Instrument, Support

_VERSION = re.compile(r"\.?((?:19|20)\d\d|\d{1,2}(?:\.\d{1,4}){0,2}[a-c]?)(?!\w)")
_SHORT = re.compile(r"\(\w?[A-Z]\S{0,7}\)")
"""Matches an abbreviation in brackets. It may begin with a lower-case letter, like "qPCR"."""

_EDITION = re.compile(r"[1-9]\d?|II|III|IV")
# Without it reads "Thickness by optical coherence tomography (OCT)" otherwise.
_SHORT_FORM = 5
"""A name with at most this many letters is itself an abbreviation."""

_SHORT_NAME = "unknown instrument, short name"
_CAPITALS = "unknown instrument, capitals"


def find_first_instrument(
    body: Passage, record: Iterable[str] = ()
) -> Read[Instrument]:
    """Return the first instrument that a passage names. The instrument's usual abbreviation is
    returned if the ``record`` contains it anywhere. If the passage does not name an instrument,
    the value is None, and the confidence depends on words such as "according to".

    ``record`` contains all texts of the record. A scale that is not in a vocabulary is returned if
    it precedes the first known instrument.

    >>> text = "graded by the Common Terminology Criteria for Adverse Events (CTCAE, Version 5.0)"
    >>> find_first_instrument(read_section("outcomes", text).whole).value
    Instrument(name='CTCAE', version='5.0')
    """
    terms = find_terms(body.tokens, "instruments", body.first, body.end)
    # a Likert scale is an answer format, and is returned only if nothing else is named
    answer_formats = word_list("answer_formats")
    instruments = [term for term in terms if term.value not in answer_formats]
    known = None
    if instruments:
        known = instruments[0]
    # a visual analogue or numeric rating scale is often only part of a named instrument
    if known is None or known.value in word_list("ratings"):
        unknown = _find_unknown(body)
        if unknown:
            words, case = unknown
            if known is None or words.first < known.first:
                return _make_reading(Instrument(name=words.text), words, case)
    if not terms:
        case = "no instrument"
        if body.search("may_name_instrument"):
            case = "perhaps an instrument"
        return Reading(None, features=(case,))
    return _read_known(body, known or terms[0], terms, record)


def _read_known(
    body: Passage, term: Term, terms: Sequence[Term], record: Iterable[str]
) -> Read[Instrument]:
    """Return the instrument that a term names, with its version, which may follow the long name or
    the abbreviation. ``terms`` contains all terms of the passage.
    """
    tokens = body.tokens
    mentions = [mention for mention in terms if mention.value == term.value]
    written = [tokens.read(mention.first, mention.end) for mention in mentions]
    is_versioned = term.value in word_list("versioned_instruments")
    name = _read_closer_name(body, term)
    # "CTCAE-5" is a version of an instrument, but "IIEF-5" is a separate instrument
    if name is None and not is_versioned:
        name = _read_edition(tokens, mentions)
    is_alone = len(mentions) == len(terms)
    if name is None and _is_cut_out(tokens, term):
        case = "part of a name"
    elif not is_alone:
        case = "one of several instruments"
    else:
        case = _describe_name(tokens, term, written)
    if name is None:
        name = _read_name(term.value, written, (tokens.text, *record))
    versions = filter(None, (_read_version(body, mention) for mention in mentions))
    instrument = Instrument(name=name, version=next(versions, None))
    words = body.part_at(term)
    return _make_reading(instrument, words, case, term.entry.confidence)


def _describe_name(tokens: Tokens, term: Term, written: Sequence[str]) -> str:
    """Return the feature of the only instrument of a passage, which is ``written`` so."""
    # "CGI - I"
    if tokens.code_at(term.end) in ("-", "/"):
        return "part of a name"
    if term.value.casefold() not in [words.casefold() for words in written]:
        return "instrument, long name"
    if term.value in word_list("versioned_instruments"):
        return "instrument, versioned"
    return "instrument, abbreviated"


def _is_cut_out(tokens: Tokens, term: Term) -> bool:
    """Return whether a hyphen joins a term to a word in capitals: "NSCLC-SAQ", "CAINS-MAP"."""
    has_front = tokens.gap(term.first) == "-" and tokens.words[term.first - 1].isupper()
    has_tail = tokens.gap(term.end) == "-" and tokens.words[term.end].isupper()
    return has_front or has_tail


def _make_reading(
    instrument: Instrument, words: Passage, case: str, probability: float = 1.0
) -> Read[Instrument]:
    places = (span_of(words),)
    return Reading(instrument, probability, places, Support.PARSED, features=(case,))


def _fold_abbreviation(name: str) -> str:
    """Return the letters and digits of a name in lower case."""
    return "".join(filter(str.isalnum, name.lower()))


def _read_name(usual: str, written: Sequence[str], texts: Iterable[str]) -> str:
    """Return the usual abbreviation of an instrument if the record's ``texts`` contain it as a
    whole word; otherwise, return the name as first ``written``.
    """
    # criteria are known by the abbreviation of the body that issues them: "NCCN"
    if usual in word_list("issuing_bodies"):
        return usual
    if _fold_abbreviation(usual) in map(_fold_abbreviation, written):
        return usual
    short = re.compile(rf"(?<!\w){re.escape(usual)}(?!\w)")
    is_in_record = any(map(short.search, texts))
    if is_in_record:
        return usual
    return written[0]


def _read_edition(tokens: Tokens, mentions: Sequence[Term]) -> str | None:
    """Return a name that includes a number after a hyphen: "IIEF-5", "ADHD-RS-IV". Return None if
    no mention of the instrument is followed by such a number.
    """
    for term in mentions:
        # "IIEF-5", "ADHD-RS-IV"
        if tokens.gap(term.end) == "-" and _EDITION.fullmatch(tokens.words[term.end]):
            return tokens.read(term.first, term.end + 1)
    return None


def _read_closer_name(body: Passage, term: Term) -> str | None:
    """Return the more specific name in brackets after a long name: "Food Allergy Quality of Life
    Questionnaire, Adult Form (FAQLQ-AF)". The name in brackets must contain the usual abbreviation
    or start with the same letter as the long name. Return None if the name is missing or is itself
    the usual abbreviation.
    """
    closer = rule("closer_name").starts(body.tokens, term.end, body.end)
    name = ""
    if closer:
        name = closer.read("name")
    usual = term.value.lower()
    # "(RECIST 1.1)" states a version
    if name.lower() == usual or " " in name or "." in name:
        return None
    if usual in name.lower():
        return name
    is_long = term.end - term.first > 2
    initial = body.tokens.words[term.first][0].upper()
    if not is_long or not name.startswith(initial) or not _is_abbreviation(name):
        return None
    return name


def _read_version(body: Passage, term: Term) -> str | None:
    """Return the version after a term, such as "5.0", or None. Without the word "version", a
    number is treated as a version only if the instrument is known to have versions and the number
    is not a limit such as the one in "CTC 3 or higher".
    """
    tokens = body.tokens
    stated = rule("stated_version").starts(tokens, term.end, body.end)
    if not stated and term.value in word_list("versioned_instruments"):
        stated = rule("bare_version").starts(tokens, term.end, body.end)
        # "CTC 3 or higher" states a grade
        if stated and stated.has("limit") and "." not in stated.text:
            return None
    if not stated:
        return None
    # the words of "2.1a" and "v.5.0" are several tokens
    first, _ = stated.place("version")
    version = _VERSION.match(tokens.text, tokens.starts[first])
    if version:
        return version[1]
    return None


def _find_unknown(body: Passage) -> tuple[Passage, str] | None:
    """Return the name of an instrument that is not in a vocabulary, with its feature; None if
    the passage does not name one. The most reliable rules are tried first.
    """
    tokens = body.tokens
    for name, accepts, case in _NAMINGS:
        for naming in rule(name).find(tokens, body.first, body.end):
            first, end = naming.place("name")
            # "ADHD-RS-IV"
            while tokens.gap(first) == "-":
                first -= 1
            if accepts(tokens.read(first, end)):
                return body.part(first, end), case
    return None


def _is_abbreviation(name: str) -> bool:
    """Return whether a name looks like the abbreviation of an instrument, such as "EORTC" or
    "WOMAC": it begins with a capital letter and has another capital near its beginning.
    """
    if " " in name or len(name) > 14:
        return False
    has_more_capitals = any(map(str.isupper, name[1:6]))
    is_index = name in word_list("computed_indexes")  # "BMI"
    if not name[0].isupper() or not has_more_capitals:
        return False
    return not is_index


def _is_scale(name: str) -> bool:
    """Return whether a name in capitals may be a scale: a single word that is not known to
    abbreviate something else.
    """
    if " " in name or len(name) < 2 or not name[:2].isupper():
        return False
    # "MRI" is the name of a method
    return name.upper().split("-")[0] not in word_list("no_scales")


_NAMINGS: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("named_scale", _is_abbreviation, _SHORT_NAME),
    ("spelt_out_scale", _is_abbreviation, _SHORT_NAME),
    ("abbreviated_scale", _is_scale, _CAPITALS),
    ("described_scale", _is_scale, _CAPITALS),
    ("measured_scale", _is_scale, _CAPITALS),
    # "using the vegetable neophobia scale"
    ("plain_scale", bool, "unknown instrument, any scale"),
)
"""Rules that find an instrument, each with a check of the name and with its feature."""


class _NameCase(NamedTuple):
    """A vocabulary of names, the rule for words that may name one, and the features of a text that
    has none, perhaps some, one and several of them.
    """

    vocabulary: str
    hint: str
    none: str
    perhaps: str
    one: str
    several: str


SPECIMENS = _NameCase(
    "specimens",
    "may_name_specimen",
    "no specimens",
    "perhaps specimens",
    "specimen",
    "several specimens",
)
METHODS = _NameCase(
    "methods",
    "may_name_method",
    "no methods",
    "perhaps methods",
    "method",
    "several methods",
)


def read_named(body: Passage, kind: _NameCase) -> Read[tuple[str, ...]]:
    """Return the distinct names from a vocabulary that a passage contains, as written and in order.
    If there are none, the value is ().

    >>> text = (
    ...     "copies in serum by quantitative polymerase chain reaction (qPCR), cells by flow "
    ...     "cytometry, again by qPCR; serum was frozen"
    ... )
    >>> body = read_section("outcomes", text).whole
    >>> read_named(body, METHODS).value, read_named(body, SPECIMENS).value
    (('quantitative polymerase chain reaction (qPCR)', 'flow cytometry'), ('serum',))
    """
    names = _find_names(body, kind.vocabulary)
    if not names:
        case = kind.perhaps if body.search(kind.hint) else kind.none
        return Reading((), features=(case,))
    case = kind.one if len(names) == 1 else kind.several
    return Reading((), features=(case,)).with_supported(map(support_words, names))


def _find_names(body: Passage, vocabulary: str) -> list[Passage]:
    """Return the first mention of each distinct name, with its abbreviation in brackets and with
    words such as "hand-held" before a method. Names that are part of a longer name in the passage
    are omitted; the plural and the singular are treated as the same name.
    """
    tokens = body.tokens
    names: dict[str, Passage] = {}
    for term in find_terms(tokens, vocabulary, body.first, body.end):
        words = _widen(body, term, is_method=vocabulary == "methods")
        singulars = [
            word.lower().removesuffix("s")
            for word in tokens.words[words.first : words.end]
        ]
        # spaces around the words, so that only whole words match within a longer name
        key = "".join(f" {word} " for word in singulars)
        names.setdefault(key, words)
    # "blood" is omitted beside "peripheral blood"
    text = "|".join(names)
    return [words for key, words in names.items() if text.count(key) == 1]


def _widen(body: Passage, term: Term, *, is_method: bool) -> Passage:
    """Return a term with the words that should be quoted with it: its abbreviation in brackets, as
    in "polymerase chain reaction (PCR)", and the type and model of a method.
    """
    tokens = body.tokens
    first = term.first
    end = term.end
    # a term that is itself an abbreviation has no brackets
    is_long = len(tokens.read(first, end)) > _SHORT_FORM
    brackets = rule("short_form").starts(tokens, end, body.end)
    # the brackets of "polymerase chain reaction (PCR)"
    if is_long and brackets and _SHORT.fullmatch(brackets.text):
        end = brackets.end
    if is_method:
        modifier = rule("method_modifier").ends(tokens, first, body.first)
        tail = rule("method_tail").starts(tokens, end, body.end)
        if modifier:
            first = modifier.first
        if tail:
            end = tail.end
    return body.part(first, end)
