"""Decide whether a number belongs to a given quantity, to a different quantity, or possibly to
either.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, cached_property, lru_cache

from extractor.concepts.limits.mentions import NumberMention, find_mentions
from extractor.concepts.limits.quantity_names import get_quantity, list_named
from extractor.concepts.limits.written_numbers import NumberRole
from extractor.language.book import read_table, rule, word_list, word_set
from extractor.language.lexer import NUMBER, Range, Tokens, cover, keep, lex
from extractor.language.units import read_unit
from extractor.measures.names import fold_words, spell_words

_SIDES = frozenset({"systolic", "diastolic"})
AGE_WORDS = frozenset({"age", "ages", "aged", "old"})
"""Words that name an age."""
# Chosen by hand.
_COUNTED_REACH = 4
"""Maximum number of tokens between a number and the noun that it counts."""
# Chosen by hand.
_AGE_PHRASE = 4
"""A quantity whose name includes "age" and has fewer words than this is treated as a person's
age.
"""
_ROLE_WORDS = {NumberRole.CHANGE: "change_word", NumberRole.AIM: "aim_word"}
"""Rules for the words that a quantity's name must contain for a number with this role to belong to
it.
"""
_NUMBERED = re.compile(r"\b(group|cohort|arm|part|phase|stage|stratum) (\w+)")
_RATIOS = ("ratio_of_two", "divided_by", "part_of_fraction")

WordSet = frozenset[str]


class Ownership(Enum):
    """Whether a number belongs to a quantity."""

    OWN = auto()
    """It belongs to the quantity."""
    OPEN = auto()
    """It may belong to the quantity or to another one."""
    OTHER = auto()
    """It belongs to another quantity."""


def judge_owner(quantity: str, mention: NumberMention, tokens: Tokens) -> Ownership:
    """Return whether a mention belongs to a quantity. ``quantity`` is the name that a model or a
    rule stated; ``tokens`` contains the line. The first of ``_JUDGES`` that decides wins.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ANC >= 1.5, platelets >= 100")
    >>> for mention in find_mentions(tokens):
    ...     print(judge_owner("platelets", mention, tokens))
    Ownership.OTHER
    Ownership.OWN
    """
    claim = _Claim(quantity, mention, tokens)
    for judge in _JUDGES:
        verdict = judge(claim)
        if verdict is not None:
            return verdict
    return Ownership.OPEN


@dataclass(frozen=True)
class _Claim:
    """A number that is said to belong to a quantity, and what its line says of both.

    Each fact is read when a judge first asks for it.
    """

    quantity: str
    mention: NumberMention
    tokens: Tokens

    @cached_property
    def words(self) -> WordSet:
        """The words of the quantity, without generic ones."""
        return _fold_quantity(self.quantity)

    @cached_property
    def spelled(self) -> WordSet:
        """All words of the quantity."""
        return frozenset(spell_words(_join(self.quantity)))

    @cached_property
    def names(self) -> WordSet:
        """The known quantities that the quantity names; none if it is unknown."""
        return _find_quantities(self.quantity)

    @cached_property
    def adjacent(self) -> WordSet:
        """The words directly next to the number."""
        return self.read(_find_adjacent(len(self.words), self.mention, self.tokens))

    @cached_property
    def front(self) -> WordSet:
        """The words before the number, in its clause or in the name of its quantity."""
        return self.read(self._front)

    @cached_property
    def inherited(self) -> WordSet:
        """The words of the clause, and of earlier ones that may name the number's quantity."""
        places = (*self.mention.inherited, self._front, self.mention.clause)
        return frozenset[str]().union(*map(self.read, places))

    @cached_property
    def line(self) -> WordSet:
        """The words of the line."""
        return self.read((0, len(self.tokens)))

    @cached_property
    def subject(self) -> str:
        """The text that the rules read as the name of the number's quantity; "" without one."""
        if self.mention.subject is None:
            return ""
        return self.tokens.read(*self.mention.subject)

    @cached_property
    def is_foreign(self) -> bool:
        """Whether the name before the number says more than the quantity; units do not count."""
        further = _fold_quantity(self.subject) - self.words - _idle()
        return any(not read_unit(word) for word in further)

    @cached_property
    def has_own_limit(self) -> bool:
        """Whether the line limits the quantity elsewhere, as the platelets in "ANC >= 1.5,
        platelets >= 100".
        """
        return self.words in _list_subjects(self.tokens) - {
            _fold_quantity(self.subject)
        }

    @property
    def _front(self) -> Range:
        first = self.mention.clause[0]
        if self.mention.subject:
            first = min(first, self.mention.subject[0])
        return first, self.mention.number[0]

    def read(self, place: Range) -> WordSet:
        """Return the words of a range of tokens that are not negated."""
        return _list_words(self.tokens, *place)


def _judge_role(claim: _Claim) -> Ownership | None:
    """A change or an aim is that of another quantity, unless the name speaks of one: "a drop in SBP
    of 20 mmHg" limits the drop, not the pressure.
    """
    role_words = _ROLE_WORDS.get(claim.mention.role)
    if role_words and not rule(role_words).search(lex(claim.quantity)):
        return Ownership.OTHER
    return None


def _judge_contrast(claim: _Claim) -> Ownership | None:
    """A number of other people, or of another side of the body, is that of another quantity. It
    belongs to the last group named before it in its clause or, failing that, to the first group
    named after it.
    """
    tokens, mention = claim.tokens, claim.mention
    before = spell_words(tokens.read(mention.clause[0], mention.number[0]))
    behind = spell_words(tokens.read(mention.number[1], mention.clause[1]))
    nearest_first = (*reversed(before), *behind)
    for groups in _list_contrasts():
        own = [group for group in groups if not group.isdisjoint(claim.spelled)]
        if not own:
            continue
        every = frozenset[str]().union(*groups)
        nearest = next((word for word in nearest_first if word in every), None)
        if nearest and not any(nearest in group for group in own):
            return Ownership.OTHER
    return None


def _judge_negation(claim: _Claim) -> Ownership | None:
    """A quantity that the line names only in a negation has no number in it."""
    is_named = claim.words <= _spell(claim.tokens.text)
    if is_named and not claim.words <= claim.line:
        return Ownership.OTHER
    return None


def _judge_ratio(claim: _Claim) -> Ownership | None:
    """The number of a ratio is that of neither part: "LH:FSH of 2 or more". A colon followed by a
    space ends a heading, and "AST/ALT" is not treated as a ratio.
    """
    tokens, mention = claim.tokens, claim.mention
    for name in _RATIOS:
        for ratio in rule(name).find(tokens, mention.clause[0], mention.number[0]):
            if name == "part_of_fraction":
                is_apart = not tokens.joined(ratio.place("one")[1] + 1)
                if is_apart or len(_find_quantities(ratio.text)) > 1:
                    continue
            one = _spell(ratio.read("one"))
            other = _spell(ratio.read("other"))
            # the parts of "E/e'" have the same folded spelling
            if one == other == claim.words:
                return Ownership.OTHER
            # the quantity is one of the two parts, but not both
            if (claim.words <= one) is not (claim.words <= other):
                return Ownership.OTHER
    return None


def _judge_age(claim: _Claim) -> Ownership | None:
    """An age has the numbers that are called so, and none of another quantity. It is open if only
    the adjacent words make a number an age ("has turned 18"), or if it has no name.
    """
    tokens, mention = claim.tokens, claim.mention
    # "age at onset of the disease" is more than an age
    if len(claim.words) >= _AGE_PHRASE or AGE_WORDS.isdisjoint(claim.spelled):
        return None
    if mention.is_age or not AGE_WORDS.isdisjoint(claim.read(mention.clause)):
        return Ownership.OWN
    if rule("aged_after").starts(tokens, mention.number[1]):
        return Ownership.OPEN
    if mention.subject or _find_quantities(tokens.read(*mention.clause)):
        return Ownership.OTHER
    return Ownership.OPEN


def _judge_side(claim: _Claim) -> Ownership | None:
    """A systolic or a diastolic pressure has the numbers of its own side."""
    sides = _SIDES & claim.spelled
    if not sides:
        return None
    side = _read_side(claim.mention, claim.tokens)
    if side is None:
        return None
    if side in sides:
        return Ownership.OWN
    return Ownership.OTHER


def _read_side(mention: NumberMention, tokens: Tokens) -> str | None:
    """Return the blood pressure that a number states, "systolic" or "diastolic": the word after the
    number or, failing that, the number's position in a pair such as "140/90". Return None if
    neither is available.
    """
    # "over 95 mmHg diastolic"
    for word in tokens.words[mention.end : mention.end + 1]:
        if word.lower() in _SIDES:
            return word.lower()
    near = max(0, mention.first - 2), min(len(tokens), mention.end + 2)
    for pair in rule("pressure_pair").find(tokens, *near):
        # a mention of "140/90" contains both pressures: the first one is compared
        for side in ("systolic", "diastolic"):
            if mention.first <= pair.place(side)[0] < mention.end:
                return side
    return None


def _judge_further_words(claim: _Claim) -> Ownership | None:
    """A known quantity with words that stand elsewhere in the line is named there, not here."""
    if not claim.names:
        return None
    near = claim.adjacent | claim.front
    subject = claim.mention.subject
    # after a name of its own, a number does not inherit the words of earlier clauses
    if subject is None or subject[0] >= claim.mention.first:
        near |= claim.inherited
    further = claim.words - _list_name_words(claim.names)
    if (further - near).isdisjoint(claim.line):
        return None
    return Ownership.OTHER


def _judge_adjacent(claim: _Claim) -> Ownership | None:
    """A quantity has the number that stands next to all of its words."""
    if claim.words <= claim.adjacent:
        return Ownership.OWN
    return None


def _judge_weight(claim: _Claim) -> Ownership | None:
    """A weight has the number behind words for people, which do not name it: "men > 90 kg"."""
    if claim.names != {"body_weight"}:
        return None
    place = claim.mention.clause[0], claim.mention.first
    if rule("names_only_people").covers(claim.tokens, *place) is None:
        return None
    return Ownership.OWN


def _judge_subject(claim: _Claim) -> Ownership | None:
    """A known quantity has the numbers that the rules give to it, and none that they give to
    another one.
    """
    subject_names = _find_quantities(claim.subject)
    if not claim.names or not subject_names:
        return None
    if subject_names >= claim.names:
        # the words that are missing here stand elsewhere in the line
        missing = claim.words - (claim.adjacent | claim.front)
        if claim.is_foreign and not missing.isdisjoint(claim.line):
            return Ownership.OTHER
        return Ownership.OWN
    if subject_names.isdisjoint(claim.names):
        return Ownership.OTHER
    return None


def _judge_clause(claim: _Claim) -> Ownership | None:
    """A quantity has the number of the clause that names it, unless the name before the number says
    more, and the line limits the quantity elsewhere.
    """
    tokens, mention = claim.tokens, claim.mention
    is_in_clause = claim.words <= claim.front | claim.read(mention.clause)
    clause_names = _find_quantities(tokens.read(*mention.clause))
    is_known_there = bool(claim.names) and claim.names <= clause_names
    if not is_in_clause and not is_known_there:
        return None
    # in "Hb > 9 g/dL ALT < 40", the word after the unit names the next limit
    has_unit = mention.number[1] < mention.end
    names_next = has_unit and is_in_clause and not claim.words <= claim.front
    if claim.is_foreign and (claim.has_own_limit or names_next):
        return Ownership.OTHER
    return Ownership.OWN


def _judge_earlier_clauses(claim: _Claim) -> Ownership | None:
    """A quantity that only earlier clauses name has a number without a name of its own."""
    if not claim.words <= claim.inherited:
        return None
    if claim.is_foreign:
        return Ownership.OTHER
    return Ownership.OWN


def _judge_line(claim: _Claim) -> Ownership | None:
    """A quantity that the line does not name, or limits elsewhere, has no further number. One that
    it names elsewhere may have a number that has no name, or whose comparator is not stated.
    """
    if claim.has_own_limit or not claim.words <= claim.line:
        return Ownership.OTHER
    if claim.mention.stated and claim.is_foreign:
        return Ownership.OTHER
    return Ownership.OPEN


_JUDGES: tuple[Callable[[_Claim], Ownership | None], ...] = (
    # whose number it cannot be
    _judge_role,
    _judge_contrast,
    _judge_negation,
    _judge_ratio,
    # quantities whose numbers show what they are
    _judge_age,
    _judge_side,
    # the name, from the words next to the number to the whole line
    _judge_further_words,
    _judge_adjacent,
    _judge_weight,
    _judge_subject,
    _judge_clause,
    _judge_earlier_clauses,
    _judge_line,
)
"""Who decides whether a number belongs to a quantity, in this order."""


def _find_adjacent(length: int, mention: NumberMention, tokens: Tokens) -> Range:
    """Return the tokens of a number and of the following words that may name its quantity, whose
    name has ``length`` words: "10 or more cigarettes". They contain at most four more words than
    the name, and end before the first of these.

    - A conjunction.
    - A bracket, if a name precedes the number: "Hb > 9 (transfusion allowed)".
    - Another number. If this one has a unit, the words between the two belong to the other: in "3
      mg ALT > 5", only "3 mg" is returned.
    """
    first = mention.first
    end = mention.end
    stop = min(len(tokens), end + _COUNTED_REACH + length)
    # the mention of a number with a unit goes on behind the number
    has_unit = mention.number[1] < end
    is_named = mention.subject is not None and mention.subject[0] < first
    for at in range(end, stop):
        # "10 or more cigarettes, and ..."
        if rule("clause_joint").starts(tokens, at):
            return first, at
        if is_named and tokens.codes[at] == "(":
            return first, at
        if tokens.codes[at] == NUMBER:
            if has_unit:
                return first, end
            return first, at
    return first, stop


@keep
def _list_words(tokens: Tokens, first: int, end: int) -> WordSet:
    """Return the words of the tokens ``first:end``, except for negated words such as "hip" in "the
    waist, not the hip".
    """
    negated = cover(rule("not_meant").find(tokens, first, end))
    if not negated:
        return _spell(tokens.read(first, end))
    meant = (tokens.words[at] for at in range(first, end) if at not in negated)
    return _spell(" ".join(meant))


def _join(text: str) -> str:
    """Return text in which a group's type and its number or letter are joined into one word:
    "group A".
    """
    return _NUMBERED.sub(r"\1\2", text.lower())


@lru_cache(maxsize=256)
def _spell(text: str) -> WordSet:
    return frozenset(spell_words(_join(text)))


def _fold_quantity(text: str) -> WordSet:
    return frozenset(fold_words(_join(text)))


@keep
def _list_subjects(tokens: Tokens) -> frozenset[WordSet]:
    """Return the words, excluding generic words, of each quantity that is limited in a line."""
    subjects = [mention.subject for mention in find_mentions(tokens) if mention.subject]
    return frozenset(_fold_quantity(tokens.read(*place)) for place in subjects)


@lru_cache(maxsize=1024)
def _find_quantities(text: str) -> WordSet:
    """Return the names of all known quantities in a text. A combined quantity is replaced with its
    parts; for example, transaminases are replaced with ALT and AST.
    """
    parts = (quantity.both or {quantity.name} for quantity in list_named(text))
    return frozenset[str]().union(*parts)


@lru_cache(maxsize=1024)
def _list_name_words(names: WordSet) -> WordSet:
    """Return all words in the names of the given known quantities, together with generic words."""
    words = {*word_list("idle_words"), *word_list("function_words")}
    for name in names:
        words.update(*map(fold_words, get_quantity(name).names))
    return frozenset(words)


@cache
def _idle() -> WordSet:
    """Words that do not distinguish quantities."""
    lists = ("people", "idle_words", "function_words")
    return frozenset({"score", "scale"}).union(*map(word_list, lists))


@cache
def _list_contrasts() -> list[list[WordSet]]:
    """Return rows of contrasting word groups. A clause refers to one group in a row at a time, such
    as men or women.
    """
    rows = read_table("mentions")["contrasts"]["groups"]
    return [[word_set(group) for group in row] for row in rows]
