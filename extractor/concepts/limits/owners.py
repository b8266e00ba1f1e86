"""Of what a number is said: of a quantity, of another one, or perhaps of either."""

import re
from functools import cache, lru_cache

from extractor.concepts.limits.mentions import Measured, Mention, find_mentions
from extractor.concepts.limits.quantity_names import (
    fold_words,
    get_quantity,
    list_named,
    spell_words,
)
from extractor.concepts.limits.roles import NumberRole
from extractor.language.book import read_table, rule, word_list, word_set
from extractor.language.lexer import NUMBER, Range, Tokens, lex
from extractor.language.patterns import Found
from extractor.language.units import read_unit

SIDES = frozenset({"systolic", "diastolic"})
_AGE = frozenset({"age", "ages", "aged", "old"})
_AGE_PHRASE = 4
"""A quantity with fewer words, one of which is "age", is the age of a person."""
_COUNTED_REACH = 4
"""How many tokens behind a number the name of what it counts may begin."""
_ROLE_WORDS = {NumberRole.CHANGE: "change_word", NumberRole.AIM: "aim_word"}
"""Rules for words without which a quantity has no number of a role."""
_NUMBERED = re.compile(r"\b(group|cohort|arm|part|phase|stage|stratum) (\w+)")
_RATIOS = ("ratio_of_two", "divided_by", "part_of_fraction")
_UNIT_TOKENS = 3
"""A number with more tokens behind it limits no ratio."""


def is_own(quantity: str, mention: Mention, tokens: Tokens) -> bool | None:
    """Return whether a mention of a line is said of a quantity: True; None if it is said of another
    one, and False if that is open.

    ``quantity`` is its name as a model or a rule gave it, ``tokens`` are the line.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ANC >= 1.5, platelets >= 100")
    >>> [is_own("platelets", mention, tokens) for mention in find_mentions(tokens)]
    [None, True]
    """
    # "a drop in SBP of 20 mmHg" is said of the drop, and not of the pressure
    name = _ROLE_WORDS.get(mention.role)
    if name and not rule(name).search(lex(quantity)):
        return None
    case = _Case(quantity, mention, tokens)
    if case.is_of_other_people() or case.is_of_other_thing():
        return None
    if "respectively" in tokens.words:
        return False if case.words <= case.line else None
    if not _AGE.isdisjoint(case.spelled) and len(case.words) < _AGE_PHRASE:
        return case.is_age()
    # "BP > 140/90 mmHg"
    side = case.read_side()
    if side is not None:
        return side or None
    return case.compare_names()


class _Case:
    """The words of a quantity, and those around a number.

    ``words`` are those of the quantity without idle ones, ``spelled`` all of them, ``extra`` those
    that are in no name of a known quantity. ``named`` are those in the place of a quantity before
    the number, ``front`` those from there to the number, ``direct`` those directly behind it,
    ``here`` those of its clause and its front, ``inherited`` these and those of the clauses before
    that may name its quantity. ``ours`` and ``theirs`` are the names of the known quantities that
    ``words`` and ``named`` name.
    """

    def __init__(self, quantity: str, mention: Mention, tokens: Tokens) -> None:
        subject = mention.subject or (mention.first, mention.first)
        front = min(mention.clause[0], subject[0]), mention.number[0]
        self.mention = mention
        self.tokens = tokens
        self.words = frozenset(fold_words(_join(quantity)))
        self.spelled = frozenset(spell_words(_join(quantity)))
        self.ours = _name(quantity)
        self.extra = self.spelled - _list_name_words(self.ours)
        self.named = frozenset(fold_words(tokens.read(*subject)))
        self.theirs = _name(tokens.read(*subject))
        self.front = _list_words(tokens, *front)
        self.direct = _list_words(tokens, *self._find_direct())
        self.here = self.front | _list_words(tokens, *mention.clause)
        before = (_list_words(tokens, *place) for place in mention.inherited)
        self.inherited = self.here.union(*before)
        self.line = frozenset(spell_words(_join(tokens.text)))
        foreign = self.named - self.words - _idle()
        self.is_foreign = any(not read_unit(word) for word in foreign)
        """Whether the words in the place of a quantity have one that ours has not."""

    def _find_direct(self) -> Range:
        """Return the tokens of a number, and those behind it that may name what it counts, up to a
        joint or a number, and at most four tokens further than the quantity is long; also up to a
        bracket, if a name stands in front of the number.

        Of a number with a unit, the words belong to the next number if they end at it.
        """
        mention = self.mention
        codes = self.tokens.codes
        stop = min(len(codes), mention.end + _COUNTED_REACH + len(self.words))
        is_named = mention.subject is not None and mention.subject[0] < mention.first
        barred = NUMBER + "(" if is_named else NUMBER
        end = mention.end
        while end < stop and codes[end] not in barred:
            if rule("clause_joint").starts(self.tokens, end):
                break
            end += 1
        is_bare = mention.number[1] == mention.end
        is_of_next = not is_bare and codes[end : end + 1] == NUMBER
        return mention.first, mention.end if is_of_next else end

    def is_of_other_people(self) -> bool:
        """Return whether the quantity is of one group of people, or of one side of the body, and
        the number of another one.

        A number is of the last group that its clause names before it, else of the first one behind
        it. If the clause names none, the number is of no other people.
        """
        mention = self.mention
        front = spell_words(self.tokens.read(mention.clause[0], mention.number[0]))
        behind = spell_words(self.tokens.read(mention.number[1], mention.clause[1]))
        nearest_first = (*reversed(front), *behind)
        for groups in _list_contrasts():
            every = frozenset[str]().union(*groups)
            ours = [group for group in groups if not group.isdisjoint(self.spelled)]
            nearest = next((word for word in nearest_first if word in every), None)
            if ours and nearest and not any(nearest in group for group in ours):
                return True
        return False

    def is_of_other_thing(self) -> bool:
        """Return whether the line gives a number to something else: it says the words of the
        quantity elsewhere, or only to set them aside ("the waist, not the hip"); the number is that
        of a ratio of which the quantity is one part, or counts other things.
        """
        mention = self.mention
        subject = mention.subject
        beside = self.front | self.direct
        if subject is None or subject[0] >= mention.first:
            beside |= self.inherited
        if not (self.extra - beside).isdisjoint(self.line) and self.ours:
            return True
        meant = _list_words(self.tokens, 0, len(self.tokens))
        if self.words <= self.line and not self.words <= meant:
            return True
        return self.is_part_of_ratio() or self.counts_others()

    def is_part_of_ratio(self) -> bool:
        """Return whether a number limits a ratio that has the quantity as one part: "LH:FSH of 2 or
        more".
        """
        mention = self.mention
        if mention.end > mention.number[1] + _UNIT_TOKENS:
            return False
        place = mention.clause[0], mention.number[0]
        for name in _RATIOS:
            for ratio in rule(name).find(self.tokens, *place):
                sign = ratio.place("one")[1]
                # behind a heading's colon there is a space
                is_apart = not self.tokens.joined(sign + 1)
                # "AST/ALT" is no ratio
                is_none = is_apart or len(_name(ratio.text)) > 1
                if name == "part_of_fraction" and is_none:
                    continue
                if self._is_part_of(ratio):
                    return True
        return False

    def _is_part_of(self, ratio: Found) -> bool:
        """Return whether the quantity is one part of a ratio and not the other one."""
        parts = [{*spell_words(ratio.read(part) or "")} for part in ("one", "other")]
        # both parts of "E/e'" are spelled alike
        return sum(self.words <= part for part in parts) == 1 or (
            parts == [self.words, self.words]
        )

    def counts_others(self) -> bool:
        """Return whether a bare number counts other things than the quantity: the dentists of "by 2
        dentists". It has no comparator, and the words before it do not name the quantity.
        """
        mention = self.mention
        is_bare = mention.number == (mention.first, mention.end)
        if mention.stated or not is_bare or self.words <= self.named:
            return False
        # "the 50th birthday"
        if rule("aged_after").starts(self.tokens, mention.end):
            return False
        noun = rule("counted_noun").starts(self.tokens, mention.end, mention.clause[1])
        near = rule("names_directly").ends(
            self.tokens, mention.first, mention.first - 1
        )
        if noun is None or near:
            return False
        words = {*fold_words(noun.text)} - _idle()
        return (
            bool(words)
            and words.isdisjoint(self.words)
            and not any(map(read_unit, words))
        )

    def is_age(self) -> bool | None:
        """Return whether a number is the age that is asked for; None if it is said of another
        thing, or of the age in another part of the trial; False if only the words beside it make it
        an age ("has turned 18"), or if a bare number has no name.
        """
        mention = self.mention
        clause = self.tokens.read(*mention.clause)
        if mention.kind is Measured.AGE or not _AGE.isdisjoint(spell_words(clause)):
            # "Age in phase 2" in the clause of phase 1
            missing = self.words - _AGE - self.inherited
            return None if missing and missing <= self.line else True
        first, end = mention.number
        if rule("aged_after").starts(self.tokens, end):
            return False
        if rule("turned_before").ends(self.tokens, first, first - 2):
            return False
        is_named = mention.kind is not Measured.LIMIT or self.named or _name(clause)
        return None if is_named else False

    def read_side(self) -> bool | None:
        """Return whether a number is that of the blood pressure that the quantity names, systolic
        or diastolic; None if the quantity names neither, or nothing tells which one the number is.

        The word behind the number tells it, else the place in a pair such as "140/90".
        """
        mention = self.mention
        named = SIDES & self.spelled
        if not named or not rule("pressure_word").search(self.tokens):
            return None
        # "over 95 mmHg diastolic"
        behind = self.tokens.words[mention.end : mention.end + 1]
        if behind and behind[0].lower() in SIDES:
            return behind[0].lower() in named
        first = max(0, mention.first - 2)
        end = min(len(self.tokens), mention.end + 2)
        for pair in rule("pressure_pair").find(self.tokens, first, end):
            # a mention of "140/90" holds both: its first number counts
            for side in ("systolic", "diastolic"):
                if mention.first <= pair.place(side)[0] < mention.end:
                    return side in named
        return None

    def compare_names(self) -> bool | None:
        """Return whether the names around a number are those of the quantity: True; None for
        another quantity, and False if that is open.

        The first of these decides: the known quantities in front of the number; the words of its
        clause; those that the clause inherits; those of the whole line. A word in front that the
        quantity does not have (``is_foreign``) makes it another one, if the quantity has a limit of
        its own in the line, or only the words before the clause name it.
        """
        if self.words <= self.direct or self._is_unnamed_weight():
            return True
        if self.ours and self.theirs >= self.ours:
            missing = self.words - self.front - self.direct
            has_more = self.is_foreign and not missing.isdisjoint(self.line)
            return None if has_more else True
        if self._names_another():
            return None
        return self._compare_clause()

    def _compare_clause(self) -> bool | None:
        """Compare the names of the clause, and then those of the line."""
        if self._is_named_here():
            return None if self.is_foreign and self._has_rival() else True
        if self.words <= self.inherited:
            return None if self.is_foreign else True
        if not self.words <= self.line or self._has_rival():
            return None
        return None if self.mention.stated and self.is_foreign else False

    def _is_unnamed_weight(self) -> bool:
        """Return whether a body weight is asked for, and only people are named: "men > 90 kg"."""
        first = self.mention.clause[0]
        end = self.mention.first
        if self.ours != {"body_weight"}:
            return False
        only_people = rule("names_only_people")
        return first == end or only_people.covers(self.tokens, first, end) is not None

    def _names_another(self) -> bool:
        """Return whether the words in front of a number name other known quantities than ours, and
        not as a part of our name: "stage" may be that, and the name of another quantity.
        """
        if not self.ours or not self.theirs.isdisjoint(self.ours):
            return False
        shares = not self.words.isdisjoint(self.named)
        is_part = shares and not self.words < self.named and self.words <= self.front
        return bool(self.theirs) and not is_part

    def _is_named_here(self) -> bool:
        """Return whether the clause of a number names the quantity, by all its words or by another
        name.
        """
        clause = _name(self.tokens.read(*self.mention.clause))
        return self.words <= self.here or (bool(self.ours) and self.ours <= clause)

    def _has_rival(self) -> bool:
        """Return whether another limit of the line has exactly the words of the quantity, or only
        the words behind this number, which has a unit, have them.
        """
        if self.named != self.words and self.words in _list_subjects(self.tokens):
            return True
        has_unit = self.mention.number[1] < self.mention.end
        return has_unit and self.words <= self.here and not self.words <= self.front


@lru_cache(maxsize=64)
def _list_words(tokens: Tokens, first: int, end: int) -> frozenset[str]:
    """Return the words of the tokens ``first:end``, without those that they set aside: of "the
    waist, not the hip", the waist.
    """
    aside = set[int]()
    for denial in rule("not_meant").find(tokens, first, end):
        aside.update(range(denial.first, denial.end))
    meant = (tokens.words[at] for at in range(first, end) if at not in aside)
    text = " ".join(meant) if aside else tokens.read(first, end)
    return frozenset(spell_words(_join(text)))


def _join(text: str) -> str:
    """Return a text in which the kind of a group and its number or letter are one word: "group
    A".
    """
    return _NUMBERED.sub(r"\1\2", text.lower())


@lru_cache(maxsize=16)
def _list_subjects(tokens: Tokens) -> frozenset[frozenset[str]]:
    """Return the words of each quantity that has a limit in a line, without idle ones."""
    subjects = [one.subject for one in find_mentions(tokens) if one.subject]
    return frozenset(frozenset(fold_words(tokens.read(*place))) for place in subjects)


@lru_cache(maxsize=1024)
def _name(text: str) -> frozenset[str]:
    """Return the names of all known quantities in a text. Of a combined one, they are the names of
    its parts: ALT and AST for transaminases.
    """
    parts = (quantity.both or {quantity.name} for quantity in list_named(text))
    return frozenset[str]().union(*parts)


@lru_cache(maxsize=1024)
def _list_name_words(names: frozenset[str]) -> frozenset[str]:
    """Return the words of all names of some known quantities, and those of any name."""
    words = {*word_list("idle_words"), *word_list("function_words")}
    for name in names:
        words.update(*map(fold_words, get_quantity(name).names))
    return frozenset(words)


@cache
def _idle() -> frozenset[str]:
    """Words that tell no quantity from another one."""
    return frozenset({"score", "scale"}).union(
        *map(word_list, ("people", "idle_words", "function_words"))
    )


@cache
def _list_contrasts() -> list[list[frozenset[str]]]:
    """Return rows of groups of words: a clause speaks of one group of a row at a time, as of men
    or of women.
    """
    return [
        [word_set(group) for group in row]
        for row in read_table("mentions")["contrasts"]["groups"]
    ]
