"""Name what a time window limits as single things, in lower case and in the singular.

"Prior chemotherapy, radiotherapy or other biologics" are three things. What cannot be cut safely
stays whole: a thing that is long is better than half a thing.
"""

import re
from functools import lru_cache

from extractor.concepts.doses.names import find_general
from extractor.concepts.limits.conditions import find_sex_words
from extractor.language.book import read_text, rule
from extractor.language.lexer import Range, Tokens
from extractor.language.patterns import Found
from extractor.schemas import Sex

_KEPT = 4096
"""How many texts' things are cached."""
_MAY_NAME_A_SEX = re.compile(
    r"\b(?:fe)?male|\bw?o?m[ae]n\b|\b(?:boy|girl|pregnan|lactat|breast|post.?partum|post.?meno"
    r"|menopaus|menses|amenorr|childbearing|tubal)",
    re.IGNORECASE,
)
"""A sentence without these words need not be read for the sex."""
_BRACKETED = re.compile(r" ?\([^()]{0,400}\)")
_OPEN_BRACKET = re.compile(r" ?\([^()]{0,400}$")
_LONGEST_SENTENCE = 1000
"""How many characters before and behind a window its sentence may reach."""
_DEEPEST = 3
"""How many brackets may stand within each other."""
_SENTENCE_END = re.compile(r"(?:[.;]\s+|\n)(?=\S)")
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
    """Return the things that the words of a window name, each once.

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
    gives = bool(places) and _find_given(tokens, *places[0]) is not None
    things = list[str]()
    for place in places:
        given = _name_given(tokens, *place, gives=gives)
        thing = given or _name_thing(tokens, *place)
        if thing and thing not in things:
            things.append(thing)
    return tuple(things)


def _find_given(tokens: Tokens, first: int, end: int) -> Found | None:
    return rule("thing_given").covers(tokens, first, end)


def _name_given(tokens: Tokens, first: int, end: int, *, gives: bool) -> str | None:
    """Return the name of giving blood or the like: "blood donation" for "donated 450 ml of blood".

    ``gives``: the list begins with it, so that "donated blood or plasma" gives plasma, too.
    """
    given = _find_given(tokens, first, end)
    bare = rule("body_product").covers(tokens, first, end) if gives else None
    if given is None and bare is None:
        return None
    product = given.read("product") if given else tokens.read(first, end)
    return f"{_make_singular((product or '').lower())} donation"


def _cut_list(tokens: Tokens) -> list[Range]:
    """Return the places of things: a joint cuts between two names, and not within one."""
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
    """Return whether a joint stands between two things: not behind a word that only describes, and
    not behind a word that needs the noun of the next thing. Words in front that are no part of the
    thing ("participation in") do not count.
    """
    if first == start or end == len(tokens):
        return False
    lead = rule("thing_lead").starts(tokens, start, first)
    start = lead.end if lead and lead.end < first else start
    is_new = rule("opens_thing").starts(tokens, end) is not None
    needs = rule("needs_treatment").search(tokens, start, first) is not None
    if _find_given(tokens, start, first) or (is_new and not needs):
        return True
    is_word_joined = tokens.words[first] == "/" and tokens.joined(first)
    if is_word_joined or rule("thing_detail").search(tokens, start, first):
        return False
    return not _needs_noun(tokens, first - 1)


def _needs_noun(tokens: Tokens, at: int) -> bool:
    """Return whether a word is none that can end the name of a thing: "systemic", "upper"."""
    word = tokens.words[at].lower()
    kinds = (rule("kind_alone"), rule("routes"))
    if any(kind.covers(tokens, at, at + 1) for kind in kinds):
        return True
    if word in _NOUNS or word.startswith("anti"):
        return word.endswith("-")
    return word.endswith(_ADJECTIVES) or word in ("systemic", "biologic", "cytotoxic")


def _join_last(tokens: Tokens, places: list[Range]) -> list[Range]:
    """Return the things of a list. "Drug or alcohol abuse" is left whole: both share a noun."""
    *before, last = places
    if before and rule("abuse_word").covers(tokens, last[1] - 1, last[1]):
        first, end = before[-1]
        if rule("shares_abuse").covers(tokens, end - 1, end):
            return [*before[:-1], (first, last[1])]
    # "and" alone may join two parts of one name, so it cuts only behind a comma or between drugs
    things = list[Range]()
    for place in places:
        things.extend(_cut_drugs(tokens, *place))
    return things


def _cut_drugs(tokens: Tokens, first: int, end: int) -> list[Range]:
    """Return the two sides of "and" if both are known drugs, else the whole."""
    words = [word.lower() for word in tokens.words[first:end]]
    if "and" not in words:
        return [(first, end)]
    joint = first + words.index("and")
    are_drugs = _is_drug(tokens, first, joint) and _is_drug(tokens, joint + 1, end)
    if are_drugs:
        return [(first, joint), (joint + 1, end)]
    return [(first, end)]


def _is_drug(tokens: Tokens, first: int, end: int) -> bool:
    known = find_general(tokens, first, end) if end > first else []
    return [place[1:] for place in known] == [(first, end)]


def _name_thing(tokens: Tokens, first: int, end: int) -> str | None:
    """Return the name of a thing without the words in front that do not say what it is."""
    lead = rule("thing_lead").starts(tokens, first, end)
    if lead and lead.end < end:
        first = lead.end
    while end > first and not tokens.words[end - 1][0].isalnum():
        end -= 1
    while first < end and not tokens.words[first][0].isalnum():
        first += 1
    if end > first + 1:
        last_word = tokens.words[end - 1].lower()
        is_use_of_drug = last_word in _USES and _is_drug(tokens, first, end - 1)
        if is_use_of_drug or last_word == "use":
            end -= 1
    if first == end:
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


def find_sex(quote: str, criterion: str) -> Sex | None:
    """Return the sex of which the sentence with a window tells; None if it tells of both, or of
    nobody's.

    >>> find_sex(
    ...     "within 3 months", "Women within 3 months postpartum. Nobody has asthma"
    ... ).value
    'female'
    """
    at = max(criterion.find(quote), 0)
    nearest = max(0, at - _LONGEST_SENTENCE)
    ends = _SENTENCE_END.finditer(criterion, nearest, at)
    start = max((end.end() for end in ends), default=nearest)
    behind = at + len(quote)
    end = _SENTENCE_END.search(criterion, behind, behind + _LONGEST_SENTENCE)
    return _read_sex(
        criterion[start : end.start() if end else behind + _LONGEST_SENTENCE]
    )


@lru_cache(maxsize=_KEPT)
def _read_sex(sentence: str) -> Sex | None:
    """Return the only sex that a sentence names."""
    if not _MAY_NAME_A_SEX.search(sentence):
        return None
    tokens = read_text(sentence)
    if rule("of_partners").search(tokens):
        return None
    sexes = {*find_sex_words(tokens).values()}
    if rule("only_of_women").search(tokens):
        sexes.add(Sex.FEMALE)
    return sexes.pop() if len(sexes) == 1 else None
