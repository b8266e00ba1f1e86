"""Read what an exclusion is about at most: who has none of it, is not kept out by it.

"Active infection requiring antibiotics within 2 weeks, except cystitis" is about an infection. The
words that narrow it, a time, a limit or an exception, need not be read for one who had none. What
may be more than narrower is not read: other people, plans, negations and lacks.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import NamedTuple

from extractor.language.book import read_table
from extractor.match.coverage import SEXES_OF, is_state
from extractor.match.examples import find_examples, put_examples_last
from extractor.match.synonyms import is_known_name, join_prefixes, make_key, spell_key
from extractor.match.tests import Test, of_name
from extractor.match.words import drop_combined, find_phrase, has_phrase, words_of
from extractor.measures.names import spell_words

_LONGEST_LINE = 1_000
"""The number of characters of a line that is read."""
_MOST_PIECES = 25
_MOST_WORDS = 9
"""The number of words of a name."""
_BRACKETS = re.compile(r"[(\[]([^()\[\]]{0,300})[)\]]")
_ABBREVIATION = re.compile(r"[A-Z][\w-]{1,6}")
_MORE_IN_BRACKETS = re.compile(r"\W*(?:or|and|and/or|plus)\b", re.IGNORECASE)
_JUDGED = re.compile(
    r",? ?\b(?:(?:as )?(?:determined|assessed|judged|deemed|considered|evaluated|confirmed|defined)"
    r" by|in the (?:opinion|judge?ment) of|according to) (?:the |an? )?(?:[\w-]{1,20} ){0,2}"
    r"(?:investigators?|physicians?|clinicians?|doctors?|criteria|guidelines?)\b",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(
    r",? ?\b(?:except(?:ing| for)?|unless|excluding|apart from|aside from|other than|but not"
    r"|with the exceptions? of|not including|does not include)\b",
    re.IGNORECASE,
)
_EXCLUDED_IN_BRACKETS = re.compile(
    r"\([^()]{0,200}\b(?:excluded|ineligible|not eligible|also|not allowed)\b",
    re.IGNORECASE,
)
_MOTHERS = re.compile(
    r"\b(nursing|lactating|breast-?feeding|pregnant) (?:mothers?|women|females?)\b",
    re.IGNORECASE,
)
_OTHER_TRIALS = re.compile(
    r"\b(?:participat(?:ed|ing|ion)|participates|enrol(?:led|ment|lment)) in "
    r"(?:(?:an|any|other|another|a|clinical|interventional|drug|therapeutic|research) ){1,4}"
    r"(?:trials?|stud(?:y|ies))\b",
    re.IGNORECASE,
)
_THIS_TRIAL = re.compile(
    r"\b(?:(?:already|previously|has|have|been|previous|prior|earlier) ){0,4}"
    r"(?:participat(?:ed|ion)|enrol(?:led|ment|lment)) in this (?:trial|study)\b",
    re.IGNORECASE,
)
_EXPOSURE = re.compile(
    r"(^\W*|[,;:] |\b(?:or|and|any|prior|previous|recent|known|history of) )exposure to "
    r"(?=(?:[\w-]{1,20} ){0,2}[\w-]{0,20}"
    r"(?:mab|nib|phosphonates?|statins?|prils?|sartans?|steroids?|corticoids?|antibiotics?"
    r"|estrogens?|azoles?|mycins?|cillins?|inhibitors?|drugs?|therapy)\b)",
    re.IGNORECASE,
)
"""What is said before the name of a drug. Other exposures, as to a germ, are no illnesses."""
_SENTENCE = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)[.](?=\s|$)|[;:\n]")
_PARTS = re.compile(
    r"[,/]|\band/or\b|\band\b|\bor\b|\bplus\b|\bas well as\b", re.IGNORECASE
)
_TYPE = re.compile(r"[a-e1-4]|ii|iii|iv")
"""What stands for the last word of the name before it: "C" of "hepatitis B or C"."""
_ADJECTIVE = re.compile(
    r"\w{3,}(?:al|ic|ous|ular|oid|ative|ary|genic)|(?:non|peri|intra|extra|sub|post)[\w-]{3,}"
)
_ARTICLES = frozenset({"the", "a", "an", "any"})
_LINKS = frozenset({"of", "to", "for"})
_MOST_NARROWING = 4
"""The number of words that are left out of a name in all combinations."""
_OF_CANCER = re.compile(
    r"cancer|carcinoma|melanoma|tumou?r|malignan|neoplas|situ\b|\bCIN\b",
    re.IGNORECASE,
)


class _Piece(NamedTuple):
    """What stands between commas or conjunctions.

    Attributes:
        words: The words of a name, without those around it.
        tail: The words behind it.
        short: An abbreviation in brackets.
        behind: How many words stand behind the abbreviation.
    """

    words: list[str]
    tail: list[str]
    short: str = ""
    behind: int = 0


def plan_absence(quote: str, *, required: bool) -> Test | None:
    """Return the test that is met by who has nothing of what a line excludes; None if that is not
    read from its words.

    Args:
        quote: The line.
        required: Whether the line must be true to let a patient in: "No asthma".
    """
    if len(quote) > _LONGEST_LINE or _EXCLUDED_IN_BRACKETS.search(quote):
        return None
    quote = drop_combined(quote)
    text = join_prefixes(_drop_brackets(_JUDGED.sub(" ", quote)))
    text = _OTHER_TRIALS.sub(" trial participation ", _MOTHERS.sub(r"\1", text))
    text = _THIS_TRIAL.sub(" earlier trial part ", text)
    text = _EXPOSURE.sub(r"\1use of ", text)
    if has_phrase("match_to_come", text):
        return None
    words = set(spell_words(text))
    denied = find_phrase("match_denied", text)
    if (denied is not None) is not required or has_phrase("match_not_denied", text):
        return None
    if denied:
        text = text[denied.span[1] :]
    is_past = not words.isdisjoint(words_of("past", "of_past", "of_ever"))
    tests: list[Test] = []
    for sentence in _SENTENCE.split(text):
        if not sentence.strip(" .-*") or _is_permission(sentence):
            continue
        found = _read_sentence(sentence, is_past=is_past)
        if not found:
            return None
        tests += found
    if not tests:
        return None
    return Test("", parts=tuple(tests))


def _is_permission(sentence: str) -> bool:
    if has_phrase("match_forbids", sentence):
        return False
    return has_phrase("match_permits", sentence)


def _drop_brackets(text: str) -> str:
    """Return a line without its brackets: they explain what stands before them."""

    def read(found: re.Match[str]) -> str:
        inside = found[1].strip()
        if _MORE_IN_BRACKETS.match(inside):
            return f", {inside},"
        # an abbreviation stays as a mark behind its name
        if _ABBREVIATION.fullmatch(inside):
            return f" {_MARK}{inside}{_MARK} "
        return " "

    return _BRACKETS.sub(read, text)


_MARK = "\ue000"
_MARKED = re.compile(f"{_MARK}([^{_MARK}]+){_MARK}")


def _read_sentence(sentence: str, *, is_past: bool) -> list[Test]:
    """Return a test for each thing that a sentence names; nothing if one of them is not read."""
    exception = _EXCEPTION.search(sentence)
    if exception:
        left_out = sentence[exception.end() :]
        sentence = sentence[: exception.start()]
        if not _is_one_exception(sentence, left_out):
            return []
    if not words_of("others", "not_theirs").isdisjoint(spell_words(sentence)):
        return []
    sentence = put_examples_last(sentence)
    example = find_examples(sentence)
    if example:
        # examples are of what stands before them
        sentence = sentence[: example.start()]
    parts = _PARTS.split(sentence)
    if len(parts) > _MOST_PIECES:
        return []
    pieces = [_read_piece(part) for part in parts]
    verb = "had" if is_past else "has"
    tests = []
    for place, piece in enumerate(pieces):
        if piece is None:
            return []
        is_last = place == len(pieces) - 1
        # "drug" of "drug or alcohol abuse" is a noun
        idle = words_of("narrowing") - (words_of("narrowing_nouns") - words_of("past"))
        if idle.issuperset(piece.words) and not (piece.tail or is_last):
            # "history of" in "current or history of asthma"; "regular" in "regular, systemic"
            continue
        if not piece.words:
            return []
        if _continues(pieces[:place], piece):
            continue
        names = list(_list_names(pieces, place))
        if not names:
            return []
        tests.append(of_name(verb, names[0], names[1:], has_it=False))
    return tests


def _is_one_exception(sentence: str, left_out: str) -> bool:
    """Return whether all that stands behind an exception is excepted."""
    if not re.search(r",|\bor\b|\band\b", left_out):
        return True
    if not _OF_CANCER.search(sentence):
        return False
    parts = [part for part in re.split(r",? (?:or|and) |, ", left_out) if part.strip()]
    narrowing = words_of("narrowing", "neutral", "describing")
    for part in parts:
        if not _OF_CANCER.search(part) and not narrowing.issuperset(spell_words(part)):
            return False
    return True


def _read_piece(text: str) -> _Piece | None:
    """Return the name of a piece; None if it may say that something is missing, or is to come."""
    short = _MARKED.search(text)
    behind = 0
    if short:
        behind = len(spell_words(text[short.end() :]))
    words = list(spell_words(_MARKED.sub(" ", text)))
    front = words_of("opening", "past", "taken", "before_names") | set(SEXES_OF)
    while words and words[0] in front:
        if words == ["drug"] or is_known_name(" ".join(words)):
            break
        if words[0] == "infection" and words[1:2] not in (["with"], ["by"]):
            break
        words.pop(0)
    borders = words_of("details", "other_details", "tails")
    narrowing = words_of("narrowing")
    end = 0
    # "uncontrolled" ends "diabetes uncontrolled", but not "uncontrolled diabetes"
    while end < len(words) and words[end] in narrowing:
        end += 1
    while end < len(words) and words[end] not in borders:
        end += 1
    name, tail = words[:end], words[end:]
    blocking = words_of("lacks", "denials", "links", "barred")
    allowed = words_of("past", "disturbed_names", "allergies")
    if not blocking.isdisjoint(set(words) - allowed):
        return None
    if len(name) > _MOST_WORDS:
        return None
    if not short:
        return _Piece(name, tail)
    return _Piece(name, tail, short[1], max(0, behind - len(tail)))


def _continues(before: Sequence[_Piece | None], piece: _Piece) -> bool:
    """Return whether a piece belongs to the words behind the name before it: "hospitalization" of
    "asthma requiring steroids or hospitalization".
    """
    named = [one for one in before if one and one.words]
    if not named or words_of("demanding").isdisjoint(named[-1].tail):
        return False
    last = piece.words[-1]
    return not is_state(last) or last in words_of("therapies")


def _list_names(pieces: Sequence[_Piece | None], place: int) -> Iterator[str]:
    """Yield the keys of which none may be the patient's: of a name, and of wider ones."""
    piece = pieces[place]
    if piece is None:
        return
    seen = set()
    for words in (*_list_whole_names(pieces, place), *_list_shortened(piece)):
        for key in _widen(words):
            if key and key not in seen:
                seen.add(key)
                yield key
    # "medications that interact with antibiotics" are not about antibiotics
    second = _find_second(piece.tail) if is_state(piece.words[-1]) else []
    for key in _widen(second):
        if key and key not in seen:
            seen.add(key)
            yield key


def _list_whole_names(
    pieces: Sequence[_Piece | None], place: int
) -> Iterator[list[str]]:
    """Yield the words of a name, with those that it shares with the pieces around it."""
    piece = pieces[place]
    if piece is None:
        return
    words = piece.words
    later = [one for one in pieces[place + 1 :] if one and one.words]
    tail = piece.tail
    links_of_it = ["of"]
    if words[-1] in words_of("allergies"):
        links_of_it += ["to", "for"]
        if later and not tail:
            # "allergy or intolerance to aspirin"
            tail = later[-1].tail
    if tail:
        link, *behind = tail
        of_what = _cut([word for word in behind if word not in _ARTICLES])
        if link in links_of_it:
            yield [*words, link, *of_what]
            # "cancer of the breast"
            yield [*of_what, *words]
        is_idle = words[-1] in words_of("before_names", "opening", "taken", "past")
        if is_idle and link in ("of", "with"):
            # "systemic administration of corticosteroids"
            yield of_what
    yield words
    if later and not is_state(words[-1]):
        shared = _strip_behind(later[-1].words)
        yield [*words, *shared[-1:]]
        if is_known_name(" ".join([*words, *shared[-2:]])):
            yield [*words, *shared[-2:]]
    before = [one for one in pieces[:place] if one and one.words]
    if not before:
        return
    first = before[-1].words
    if len(words) > 1 or len(first) < 2:
        return
    [word] = words
    if _TYPE.fullmatch(word):
        yield [*first[:-1], word]
        # "chronic hepatitis B or C"; the plural's end is taken from the word
        if first[-2] == "hepatiti":
            yield ["hepatiti", word]
    elif not is_state(word):
        yield [*first[:-1], *words]


def _strip_behind(words: Sequence[str]) -> Sequence[str]:
    """Return the words of a name without "therapy" behind them."""
    behind = words_of("taken")
    while len(words) > 1 and words[-1] in behind:
        words = words[:-1]
    return words


def _list_shortened(piece: _Piece) -> Iterator[list[str]]:
    """Yield the words of a name with its abbreviation instead of the words that it stands for."""
    if not piece.short:
        return
    letters = spell_key(piece.short).split()
    words = piece.words
    behind = words[len(words) - piece.behind :]
    yield [*letters, *behind]
    front = words[: len(words) - piece.behind]
    count = len(re.sub(r"\W", "", piece.short))
    if len(front) > count:
        yield [*front[:-count], *letters, *behind]


def _cut(words: Sequence[str]) -> list[str]:
    borders = words_of("details", "other_details", "tails")
    for at, word in enumerate(words):
        if word in borders:
            return list(words[:at])
    return list(words)


def _find_second(tail: Sequence[str]) -> list[str]:
    """Return what must be there, too: "bleeding" of "anemia with active bleeding"."""
    if not tail or tail[0] not in words_of("demanding") | {"with"}:
        return []
    rest = list(tail[1:])
    front = words_of("opening", "taken", "before_names")
    while rest and rest[0] in front:
        rest.pop(0)
    if rest and rest[0][0].isdecimal():
        return []
    return _cut(rest)


def _widen(words: Sequence[str]) -> Iterator[str]:
    """Yield the keys of a name and of wider ones, without the words that narrow it."""
    behind = words_of("behind_names")
    words = list(words)
    while words:
        yield from _drop_front(words)
        if not _LINKS.isdisjoint(words):
            return
        is_idle = len(words) > 1 and words[-1] in behind
        # a medication against epilepsy is not epilepsy
        is_treatment = is_idle and words[-1] in words_of("taken")
        is_of_disease = is_treatment and is_state(words[-2])
        is_therapy = is_idle and words[-2] in words_of("therapies")
        if not is_idle or (is_of_disease and not is_therapy):
            return
        words = words[:-1]


def _drop_front(words: Sequence[str]) -> Iterator[str]:
    """Yield the keys of a name without some of the words in front that narrow it."""
    if not set(words) <= words_of("narrowing", "too_general"):
        yield make_key(" ".join(words))
    front = 0
    head = len(words)
    for at, word in enumerate(words):
        if at and word in _LINKS:
            head = at
            break
    other_things = _other_things().get(words[head - 1], frozenset())
    # the noun stays: "failure" of "heart failure of the left side"
    for word in words[: head - 1]:
        if not is_narrowing(word) or word in other_things:
            break
        front += 1
    rest = list(words[front:])
    kept = list(words[max(0, front - _MOST_NARROWING) : front])
    for left_out in range(1, len(kept) + 1):
        for chosen in combinations(kept, len(kept) - left_out):
            name = [*chosen, *rest]
            if not set(name) <= words_of("too_general"):
                yield make_key(" ".join(name))


@cache
def _other_things() -> dict[str, frozenset[str]]:
    """Return the words before a name that make it another thing, by the name: "portal" before
    "hypertension", or an organ that is no usual place of a disease, as in "cardiac asthma".
    """
    table = read_table("match_phrases")
    things = {
        spell_key(name): frozenset(spell_words(before))
        for name, before in table["other_things"].items()
    }
    organs = words_of("organs")
    for name, places in table["usual_places"].items():
        key = spell_key(name)
        elsewhere = organs - frozenset(spell_words(places))
        things[key] = things.get(key, frozenset()) | elsewhere
    return things


def is_narrowing(word: str) -> bool:
    """Return whether a word before a name makes it a narrower one."""
    if word in words_of("lacks", "denials"):
        return False
    known = words_of("narrowing", "describing", "of_heads", "narrowing_names")
    return word in known or is_state(word) or bool(_ADJECTIVE.fullmatch(word))
