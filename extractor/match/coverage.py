"""The words around the tests of a line: how they join them, whom they mean, and which no test
covers.

A verdict may rest on a line only if each of its words is covered: by a test, by an idle word, by a
joint ("with", "or"), or by a known name of a state, such as a disease, which is tested, too.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence, Set
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from extractor.language.book import read_table, word_set
from extractor.match.words import words_of
from extractor.measures.names import spell_words

FIRST_MARK = 0xE000
"""A test's place in a line: this character, plus the position of the test."""
_LAST_MARK = 0xF8FF
_TOKEN = re.compile(
    rf"[{chr(FIRST_MARK)}-{chr(_LAST_MARK)}]+|[^\W_]+(?:['’][^\W_]+)*|[,;:.()\[\]/+&]"
)
_MARKS = re.compile(rf"[{chr(FIRST_MARK)}-{chr(_LAST_MARK)}]")
_BOTH_SEXES = re.compile(
    r"\b(?:wo)?men (?:and|or|and/or) (?:wo)?men\b"
    r"|\b(?:fe)?males?(?: ?/ ?| and | or | and/or )(?:fe)?males?\b",
    re.IGNORECASE,
)
_OLDER = re.compile(
    r"\b(?:or (?:older|above|more|greater|higher|over|less|below|lower|under|better|younger|equal)"
    r"|and (?:older|above|over|beyond|under|younger|up))\b",
    re.IGNORECASE,
)
_GROUPS_OF_PEOPLE = re.compile(
    r"\b(?:children|infants|newborns|neonates|toddlers|adolescents|teenagers|adults)\b",
    re.IGNORECASE,
)
SEXES_OF = {
    "woman": "female",
    "women": "female",
    "female": "female",
    "girl": "female",
    "man": "male",
    "men": "male",
    "male": "male",
    "boy": "male",
    "boys": "male",
}
_DISEASE = re.compile(
    r"\w{3,}(?:itis|oma|osis|emia|pathy|algia|plegia|trophy|uria|penia|ectomy|plasty|sclerosis"
    r"|iasis|ism)"
)


class Joint(StrEnum):
    """How two parts of a line are joined."""

    BOTH = "both"
    EITHER = "either"
    MUST = "must"
    BORDER = "border"
    NONE = "none"


class Item(NamedTuple):
    """A part of a line that is tested.

    Attributes:
        tests: The positions of its tests, for limits and times.
        words: The words of a name.
        sex: The sex that a word names.
        is_defined: Whether a test may define the name: "renal impairment (eGFR < 30)".
    """

    tests: tuple[int, ...] = ()
    words: str = ""
    sex: str = ""
    is_defined: bool = False


class Line(NamedTuple):
    """A line, read.

    Attributes:
        items: What is tested, in order.
        joints: The joint before each item but the first.
        rest: The words that nothing covers.
        subject: How many items stand before the verb that says what they must be.
        need: How many of the items the line asks for ("two of"); 0 if it does not say.
        names_people: Whether the first limit's condition says whom the line is about: "Patients
            over 75 years must have ECOG 0".
    """

    items: tuple[Item, ...]
    joints: tuple[Joint, ...]
    rest: tuple[str, ...]
    subject: int = 0
    need: int = 0
    names_people: bool = False


@cache
def _joints() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return a pattern for the phrases of each kind of joint, and the word that replaces them."""
    patterns = []
    for kind in ("both", "both_if", "either", "must"):
        phrases = sorted(read_table("match_phrases")[kind], key=len, reverse=True)
        shown = []
        for phrase in phrases:
            escaped = re.escape(phrase)
            if phrase[-1].isalpha():
                escaped = rf"(?<!\w){escaped}(?!\w)"
            shown.append(escaped)
        patterns.append((re.compile("|".join(shown), re.IGNORECASE), kind))
    return tuple(patterns)


@cache
def _now() -> re.Pattern[str]:
    """Return a pattern for the phrases that say that something must be true today."""
    phrases = sorted(read_table("match_phrases")["now"], key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b", re.IGNORECASE)


def drop_now(text: str) -> str:
    """Return a text with spaces for the phrases that say that something must be true today.

    >>> drop_now("Age over 18 at the time of consent").rstrip()
    'Age over 18'
    """
    return _now().sub(_blank, text)


_LONGEST_JOINT = 25
"""The number of characters of the longest joint."""
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "either": 1, "any": 1}
_COUNT = r"(?P<{}>one|two|three|four|five|[1-6])"
_K_OF = re.compile(
    rf"(?:(?P<more>more than)|at least|a minimum of|minimum of|any)?\s{{0,4}}{_COUNT.format('n')}"
    rf"(?: \(\d\))?(?: or more| or greater)?\s+(?:of|out of|from|among)\b(?: the| these| any)?"
    r"(?: following)?(?: criteria| features| findings| risk factors| factors| conditions)?\s*[:,]?",
    re.IGNORECASE,
)


def skip_joint(text: str, start: int) -> int:
    """Return the end of a joint at whose words a test seems to begin, or else ``start``: "addition
    to bilirubin > 2" in "ALT > 3 in addition to bilirubin > 2".
    """
    for pattern, _ in _joints():
        for found in pattern.finditer(text, max(0, start - _LONGEST_JOINT)):
            if found.start() > start:
                break
            if found.end() > start:
                return found.end()
    return start


def read_around_tests(masked: str, idle: frozenset[str], *, required: bool) -> Line:
    """Read the words around the tests of a line.

    Args:
        masked: The line, with a mark for each character that a test covers.
        idle: The words that need no test.
        required: Whether the line must be true to let a patient in.
    """
    need = 0
    text = _OLDER.sub(" ", _BOTH_SEXES.sub(" ", drop_now(masked)))
    counted = _K_OF.search(text)
    if counted:
        number = counted["n"].lower()
        need = int(number) if number.isdecimal() else _NUMBERS[number]
        need += bool(counted["more"])
        text = text[: counted.start()] + " " + text[counted.end() :]
    text = _GROUPS_OF_PEOPLE.sub(" people ", text.replace("and/or", "or"))
    for pattern, kind in _joints():
        text = pattern.sub(f" {kind.replace('_', '')}joint ", text)
    # in an inclusion, the words behind say when the test applies
    text = text.replace("bothifjoint", "when" if required else "bothjoint")
    return _parse(_TOKEN.findall(text), idle)._replace(need=need)


_OR_WORDS = re.compile(
    rf"(?P<before>[^{chr(FIRST_MARK)}-{chr(_LAST_MARK)}]*)"
    rf"[{chr(FIRST_MARK)}-{chr(_LAST_MARK)}]+\s*,?\s*(?:and/or|or)\s+(?P<behind>[^,;:()\[\]]+?)[\s.]*",
    re.IGNORECASE,
)
_SAYS_MORE = word_set(
    "and plus with in for who which that when while during on of by as than"
)
"""Words behind an alternative that may be about what stands before it, too."""


def is_alternative_to_words(masked: str, idle: frozenset[str]) -> bool:
    """Return whether a line is a test "or" words that say nothing about it: "Ferritin > 250 or
    stainable iron at biopsy".

    Args:
        masked: The line, with a mark for each character that a test covers.
        idle: The words that need no test.
    """
    found = _OR_WORDS.fullmatch(drop_now(masked))
    if not found or not idle.issuperset(spell_words(found["before"])):
        return False
    behind = spell_words(found["behind"])
    blocking = words_of("links", "some", "denials") | _SAYS_MORE
    # "or more", "or 2 mg/dL" belong to the number
    has_number = any(word.isdecimal() for word in behind)
    return (
        not has_number and blocking.isdisjoint(behind) and not idle.issuperset(behind)
    )


_JOINTS = {
    "bothjoint": Joint.BOTH,
    "eitherjoint": Joint.EITHER,
    "mustjoint": Joint.MUST,
}


class _LineReader:
    """Reads the tokens of a line from left to right."""

    def __init__(self, idle: frozenset[str]) -> None:
        self.idle = idle
        self.items: list[Item] = []
        self.joints: list[Joint] = []
        self.rest: dict[str, None] = {}  # a set in order
        self.subject = 0
        self.names_people = False
        self.seen: set[Joint] = set()
        self.name: list[str] = []
        self.clauses = [0]  # the number of items before each clause
        self.defines = False

    def read(self, text: str) -> None:
        if FIRST_MARK <= ord(text[0]) <= _LAST_MARK:
            self._read_test(text)
        elif text in _JOINTS:
            self._read_joint(_JOINTS[text])
        elif text in ",;.()[]":
            self.close()
            self.seen.add(Joint.BORDER)
            if text in ";.":
                self.clauses.append(len(self.items))
        else:
            for word in spell_words(text):
                self._read_word(word)

    def _read_test(self, token: str) -> None:
        places = tuple(dict.fromkeys(ord(mark) - FIRST_MARK for mark in token))
        self.close()
        # a test that continues behind a word in its middle is the same item
        if self.items and set(places) <= set(self.items[-1].tests):
            # what stands before the verb is the condition of this limit
            if self.subject == len(self.items) == 1:
                self.subject = 0
                self.names_people = True
            self.seen.clear()
            return
        self._drop_defined()
        self.defines = False
        self._add(Item(tests=places))

    def _drop_defined(self) -> None:
        """Drop a name that the next test defines."""
        joined = self.seen & {Joint.BOTH, Joint.EITHER}
        is_defined = self.defines or (self.items and self.items[-1].is_defined)
        if self.items and is_defined and not self.items[-1].tests and not joined:
            self.items.pop()
            if self.joints:
                self.seen = {self.joints.pop()}

    def _read_joint(self, joint: Joint) -> None:
        self.close()
        if joint is not Joint.MUST:
            self.seen.add(joint)
            return
        is_verb = self.items and not self.seen & {Joint.BOTH, Joint.EITHER}
        if not is_verb:
            return
        self._drop_defined()
        # as in "group 1: A; group 2: B"
        if len(self.items) > self.clauses[-1] > 0 or len(self.clauses) > 1:
            self.rest["for whom"] = None
        elif not self.subject:
            self.subject = len(self.items)

    def _read_word(self, word: str) -> None:
        describing = words_of("describing")
        if word in SEXES_OF:
            self.close()
            self._add(Item(sex=SEXES_OF[word]))
        elif word in describing or is_state(word):
            self.name.append(word)
        elif word in self.idle:
            self.close()
            # as in "diabetes, defined by its HbA1c"
            self.defines = self.defines or word == "defined"
        else:
            self.close()
            self.rest[word] = None

    def close(self) -> None:
        """End a name."""
        name, self.name = self.name, []
        if not name:
            return
        is_defined = set(name) <= self.idle
        if any(is_state(word) for word in name):
            self._add(Item(words=" ".join(name), is_defined=is_defined))
            return
        # a description alone, "newly", is no name
        self.rest |= dict.fromkeys(word for word in name if word not in self.idle)

    def _add(self, item: Item) -> None:
        if self.items:
            self.joints.append(_choose(self.seen))
        self.items.append(item)
        self.seen.clear()


def _parse(tokens: Sequence[str], idle: frozenset[str]) -> Line:
    reader = _LineReader(idle)
    for token in tokens:
        reader.read(token)
    reader.close()
    return Line(
        tuple(reader.items),
        tuple(reader.joints),
        tuple(reader.rest),
        reader.subject,
        names_people=reader.names_people,
    )


def is_state(word: str) -> bool:
    """Return whether a word names what a patient has, takes or has undergone."""
    return word in words_of("states") or bool(_DISEASE.fullmatch(word))


def _choose(seen: set[Joint]) -> Joint:
    """Return the joint between two items, given all that stand between them."""
    if {Joint.BOTH, Joint.EITHER} <= seen:
        return Joint.NONE
    for joint in (Joint.EITHER, Joint.MUST, Joint.BOTH, Joint.BORDER):
        if joint in seen:
            return joint
    return Joint.NONE


_CLAUSE = re.compile(r"[;.\n]|\band\b", re.IGNORECASE)
_CLAUSE_OF_AGE = re.compile(
    r"[;.,()\n]|\b(?:and|with|who|whose|having|plus|in whom)\b", re.IGNORECASE
)
_BEHIND_AGE = re.compile(
    r"[;.,()\n]|\b(?:and|with|who|whose|having|plus|in whom|newly|referred"
    r"|requiring|admitted|diagnosed|hospitali[sz]ed|undergoing|scheduled|presenting|suffering|receiving|attending|treated|on)\b",
    re.IGNORECASE,
)
_ONE_OF = re.compile(r"^(?:[^\w,]*+,[^;.]*|\W*+)\bor\b", re.IGNORECASE)
_CLAIMS = re.compile(
    r"\b(?:must|should|shall|needs?|required?|requires|have to|has to)\b|:"
)


_LONGEST_CLAUSE = 1000
"""The number of characters around a test that are read as its clause."""


def find_alone(masked: str, idle: frozenset[str], ages: Set[int]) -> frozenset[int]:
    """Return the positions of the tests that stand in a clause of their own, so that whoever fails
    one fails the whole line, whatever else that says: "Signed consent and ECOG 0-1".

    Args:
        masked: The line, with a mark for each character that a test covers.
        idle: The words that need no test.
        ages: The positions of the tests of ages.
    """
    plain = drop_now(masked)
    for pattern in (_OLDER, _BOTH_SEXES, _GROUPS_OF_PEOPLE):
        plain = pattern.sub(_blank, plain)
    is_of_some = not words_of("some").isdisjoint(spell_words(_unmark(plain)))
    if is_of_some or _K_OF.search(plain):
        return frozenset()
    clauses = _Clauses(plain, idle)
    return frozenset(
        place
        for place, span in _list_spans(masked).items()
        if clauses.has_alone(*span, is_age=place in ages)
    )


def _list_spans(masked: str) -> dict[int, tuple[int, int]]:
    """Return the first and the last character of each test, by its position."""
    spans: dict[int, tuple[int, int]] = {}
    for found in _MARKS.finditer(masked):
        place = ord(found[0]) - FIRST_MARK
        first, _ = spans.get(place, (found.start(), 0))
        spans[place] = (first, found.start())
    return spans


def _list_places(pattern: re.Pattern[str], plain: str) -> list[tuple[int, int]]:
    return [found.span() for found in pattern.finditer(plain)]


class _Clauses:
    """The clauses of a line, which is read once for all its tests."""

    def __init__(self, plain: str, idle: frozenset[str]) -> None:
        self.plain = plain
        self.idle = idle
        self.borders = _list_places(_CLAUSE, plain)
        self.borders_of_age = _list_places(_CLAUSE_OF_AGE, plain)
        self.ends = [start for start, _ in self.borders]
        self.ends_of_age = [start for start, _ in _list_places(_BEHIND_AGE, plain)]
        self.claims = [start for start, _ in _list_places(_CLAIMS, plain)]
        label, _, behind = plain.partition(":")
        self.first_colon = len(label)
        # whoever a line is about, stands in front of its first colon
        self.label_is_idle = set(self._spell(0, self.first_colon)) <= idle
        self.has_many_colons = ":" in behind

    def _spell(self, start: int, end: int) -> Sequence[str]:
        return spell_words(_unmark(self.plain[start:end]))

    def has_alone(self, first: int, last: int, *, is_age: bool) -> bool:
        """Return whether the test with these first and last characters stands alone."""
        idle = self.idle
        borders = self.borders
        ends = self.ends
        if is_age:
            idle = idle | words_of("around_ages")
            borders = self.borders_of_age
            ends = self.ends_of_age
        start = 0
        before = bisect_left(borders, (first, first))
        if before:
            _, start = borders[before - 1]
        end = len(self.plain)
        behind = bisect_left(ends, last + 1)
        if behind < len(ends):
            end = ends[behind]
        if end - start > _LONGEST_CLAUSE:
            return False
        words = {*self._spell(start, first), *self._spell(last + 1, end)}
        if not words <= idle | set(SEXES_OF) | {"or"}:
            return False
        if self._is_alternative(last) or self._is_claim(last, end):
            return False
        return not self._is_of(first)

    def _is_alternative(self, last: int) -> bool:
        """Return whether alternatives follow: "age >= 65 years, smoking or hypertension"."""
        rest = self.plain[last + 1 : last + 1 + _LONGEST_CLAUSE]
        return bool(_ONE_OF.search(rest.split(" and ")[0].split(" with ")[0]))

    def _is_claim(self, last: int, end: int) -> bool:
        """Return whether the words behind a test say what people with it must be: "Patients over
        70 years must have ...".
        """
        place = bisect_left(self.claims, last + 1)
        if place == len(self.claims):
            return False
        return end == len(self.plain) or self.claims[place] <= end

    def _is_of(self, first: int) -> bool:
        """Return whether the words before a colon say whom a test is about: "High risk: age over
        70 years".
        """
        if self.first_colon >= first:
            return False
        return self.has_many_colons or not self.label_is_idle


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _unmark(masked: str) -> str:
    return _MARKS.sub(" ", masked)
