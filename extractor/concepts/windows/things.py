"""Name what a time window limits as single things, in lower case and in the singular.

"Prior chemotherapy, radiotherapy or other biologics" are three things. What cannot be cut safely
stays whole: a thing that is long is better than half a thing.
"""

import re
from functools import lru_cache

from extractor.concepts.doses.names import find_general
from extractor.language.book import read_text, rule
from extractor.language.lexer import Range, Tokens
from extractor.language.patterns import Found

_KEPT = 4096
"""How many texts' things are cached."""
_BRACKETED = re.compile(r" ?\([^()]{0,400}\)")
_OPEN_BRACKET = re.compile(r" ?\([^()]{0,400}$")
_DEEPEST = 3
"""How many brackets may stand within each other."""
_ADJECTIVES = ("al", "ous", "ed", "ular", "olar", "ory", "atic", "emic", "toxic")
"""Ends of words that need a noun behind them: "systemic or topical steroids"."""
_NOUNS = frozenset(
    {"trial", "hospital", "withdrawal", "interval", "survival", "removal", "referral"}
)
"""Nouns that end like such a word."""
_ALIKE = ("ss", "us", "is", "as", "os")
"""Ends of words that are no plurals: "status", "sepsis"."""
_UNCOUNTED = frozenset(
    [
        "diabetes",
        "herpes",
        "measles",
        "mumps",
        "rabies",
        "scabies",
        "caries",
        "ascites",
        "menses",
        "species",
        "series",
        "rickets",
        "shingles",
        "varices",
        "dialyses",
        "feces",
        "news",
    ]
)
_USES = frozenset({"therapy", "treatment", "use", "administration", "medication"})
"""Words behind a drug that do not change which drug it is."""


@lru_cache(maxsize=_KEPT)
def list_things(words: str) -> tuple[str, ...]:
    """Return the things that the words of a window name, each once, in lower case and in the
    singular. Brackets are left out. What cannot be cut safely is one thing.

    >>> list_things("Any chemotherapy, radiotherapy or other biologics (e.g. fictumab)")
    ('chemotherapy', 'radiotherapy', 'biologic')
    >>> list_things("systemic or topical corticosteroids")
    ('systemic or topical corticosteroid',)
    """
    bare = " ".join(words.split())
    for _ in range(_DEEPEST):
        bare = _BRACKETED.sub(" ", bare)
    tokens = read_text(" ".join(_OPEN_BRACKET.sub(" ", bare).split()))
    places = _cut_list(tokens)
    begins_with_donation = False
    if places:
        begins_with_donation = _match_donation(tokens, *places[0]) is not None
    things = list[str]()
    for place in places:
        donation = _name_donation(tokens, *place, in_list=begins_with_donation)
        thing = donation or _name_thing(tokens, *place)
        if thing and thing not in things:
            things.append(thing)
    return tuple(things)


def _match_donation(tokens: Tokens, first: int, end: int) -> Found | None:
    """Return the match if the tokens ``first:end`` are a donation: "donated 450 ml of blood"."""
    return rule("thing_given").covers(tokens, first, end)


def _name_donation(
    tokens: Tokens, first: int, end: int, *, in_list: bool
) -> str | None:
    """Return the name of giving blood or the like: "blood donation" for "donated 450 ml of blood".
    None if the tokens ``first:end`` are no donation.

    ``in_list``: the list begins with a donation, so that "donated blood or plasma" gives plasma,
    too.
    """
    donation = _match_donation(tokens, first, end)
    if donation:
        product = donation.read("product") or ""
    elif in_list and rule("body_product").covers(tokens, first, end):
        product = tokens.read(first, end)
    else:
        return None
    return f"{_make_singular(product.lower())} donation"


def _cut_list(tokens: Tokens) -> list[Range]:
    """Return the tokens of the things of a list, in order. A joint ("or", a comma) cuts only
    between two names, and not within one.
    """
    places = list[Range]()
    start = 0
    for joint in rule("thing_joint").find(tokens):
        if joint.first < start or not _is_cut(tokens, start, joint.first, joint.end):
            continue
        places.append((start, joint.first))
        start = joint.end
    places.append((start, len(tokens)))
    return _join_last(tokens, places)


def _is_cut(tokens: Tokens, start: int, first: int, end: int) -> bool:
    """Return whether the joint at the tokens ``first:end`` stands between two things, of which the
    first begins at token ``start``.

    It does behind a donation, or before words that open a thing of their own, unless the first
    needs the word "treatment" of the second. Otherwise it does not at a slash without a space
    before it, behind details, or behind a word that needs the noun of the next thing ("systemic or
    topical steroids"). Words in front that are no part of the thing ("participation in") do not
    count.
    """
    if first == start or end == len(tokens):
        return False
    lead = rule("thing_lead").starts(tokens, start, first)
    start = lead.end if lead and lead.end < first else start
    opens_new = rule("opens_thing").starts(tokens, end) is not None
    shares_noun = rule("needs_treatment").search(tokens, start, first) is not None
    # "hormone therapy or statins"
    if _match_donation(tokens, start, first) or (opens_new and not shares_noun):
        return True
    is_word_joined = tokens.words[first] == "/" and tokens.joined(first)
    if is_word_joined or rule("thing_detail").search(tokens, start, first):
        return False
    return not _needs_noun(tokens, first - 1)


def _needs_noun(tokens: Tokens, at: int) -> bool:
    """Return whether the word at a token cannot end the name of a thing: it is a kind or a route,
    or ends as an adjective does: "systemic", "oral". A word with "anti" in front can, unless a
    hyphen ends it.
    """
    word = tokens.words[at].lower()
    for name in ("kind_alone", "routes"):
        if rule(name).covers(tokens, at, at + 1):
            return True
    # "ongoing or previous", "long-term or"
    if rule("kind_of_course").ends(tokens, at + 1, at - 2):
        return True
    if word in _NOUNS or word.startswith("anti"):
        return word.endswith("-")
    return word.endswith(_ADJECTIVES) or word in ("systemic", "biologic", "cytotoxic")


def _join_last(tokens: Tokens, places: list[Range]) -> list[Range]:
    """Return the tokens of the things of a list, of which ``places`` are what its joints part. The
    last two are one if they share a noun ("drug or alcohol abuse"); then nothing else is cut. Else
    an "and" between two drugs cuts as well.
    """
    *before, last = places
    last_end = last[1]
    if before and rule("abuse_word").covers(tokens, last_end - 1, last_end):
        first, end = before[-1]
        if rule("shares_abuse").covers(tokens, end - 1, end):
            return [*before[:-1], (first, last_end)]
    # "and" alone may join two parts of one name, so it cuts only behind a comma or between drugs
    things = list[Range]()
    for place in places:
        things.extend(_cut_drugs(tokens, *place))
    return things


def _cut_drugs(tokens: Tokens, first: int, end: int) -> list[Range]:
    """Return the tokens of the two sides of the first "and" in ``first:end`` if both are known
    drugs, else the whole.
    """
    words = [word.lower() for word in tokens.words[first:end]]
    if "and" not in words:
        return [(first, end)]
    joint = first + words.index("and")
    are_drugs = _is_drug(tokens, first, joint) and _is_drug(tokens, joint + 1, end)
    if are_drugs:
        return [(first, joint), (joint + 1, end)]
    return [(first, end)]


def _is_drug(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the tokens ``first:end`` are exactly one known name of a drug or the like."""
    known = find_general(tokens, first, end) if end > first else []
    return [place[1:] for place in known] == [(first, end)]


def _name_thing(tokens: Tokens, first: int, end: int) -> str | None:
    """Return the name of the thing at the tokens ``first:end``, in lower case and in the singular;
    None if no word is left. Words in front that do not say what it is, signs at both ends, and
    "use" or "therapy" behind a drug are cut off.
    """
    lead = rule("thing_lead").starts(tokens, first, end)
    if lead and lead.end < end:
        first = lead.end
    while end > first and not tokens.words[end - 1][0].isalnum():
        end -= 1
    while first < end and not tokens.words[first][0].isalnum():
        first += 1
    # "aspirin use", but "steroid therapy" is a thing of its own
    if end > first + 1:
        last_word = tokens.words[end - 1].lower()
        is_use_of_drug = last_word in _USES and _is_drug(tokens, first, end - 1)
        if is_use_of_drug or last_word == "use":
            end -= 1
    if first == end:
        return None
    # "prednisone or equivalent" is prednisone
    if rule("no_thing").covers(tokens, first, end):
        return None
    text = tokens.read(first, end)
    if not any(map(str.isalpha, text)):
        return None
    head, _, last = text.rpartition(" ")
    return f"{head.lower()} {_make_singular(last)}".strip()


def _make_singular(word: str) -> str:
    """Return a word in lower case, in the singular where its end shows that safely."""
    folded = word.lower()
    if not word.endswith("s") or len(word) < 4 or folded in _UNCOUNTED:
        return folded
    if folded.endswith(_ALIKE):
        return folded
    if folded.endswith("ies"):
        return f"{folded[:-3]}y"
    if folded.endswith(("stases", "crises", "gnoses", "lyses")):
        return f"{folded[:-2]}is"
    if folded.endswith(("ches", "shes", "xes", "sses")):
        return folded[:-2]
    return folded[:-1]
