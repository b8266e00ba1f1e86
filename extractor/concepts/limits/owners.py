"""Of what a number is said: of a quantity, of another one, or perhaps of either."""

from functools import cache, lru_cache

from extractor.concepts.limits.groups_of_people import is_of_other_group
from extractor.concepts.limits.mentions import (
    Measured,
    Mention,
    find_mentions,
)
from extractor.concepts.limits.quantity_names import fold_words, list_named, spell_words
from extractor.concepts.limits.respective import find_respective
from extractor.concepts.limits.roles import NumberRole
from extractor.language.book import read_table, rule, word_list, word_set
from extractor.language.lexer import NUMBER, Tokens, lex
from extractor.language.patterns import Found
from extractor.language.units import read_unit

SIDES = frozenset({"systolic", "diastolic"})
_AGE = frozenset({"age", "ages", "aged", "old"})
_AGE_PHRASE = 4
"""A quantity with fewer words, one of which is "age", is the age of a person."""
_COUNTED_REACH = 4
"""How many tokens behind a number the name of what it counts may begin."""


def is_own(quantity: str, mention: Mention, tokens: Tokens) -> bool | None:
    """Return whether a mention of a line is said of a quantity: True; None if it is said of another
    one, and False if that is open.

    ``quantity`` is its name as a model or a rule gave it, ``tokens`` are the line.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ANC >= 1.5, platelets >= 100")
    >>> [is_own("platelets", mention, tokens) for mention in find_mentions(tokens)]
    [None, True]
    """
    words = lex(quantity)
    # "a drop in SBP of 20 mmHg" is said of the drop, and not of the pressure
    if mention.role is NumberRole.CHANGE and not rule("change_word").search(words):
        return None
    if mention.role is NumberRole.AIM and not rule("aim_word").search(words):
        return None
    context = _Context(quantity, mention, tokens)
    if context.is_of_another():
        return None
    # "weight and height of 40 kg and 145 cm, respectively"
    in_order = context.is_in_order()
    if in_order is not None:
        return in_order or None
    if not _AGE.isdisjoint(context.spelled) and len(context.words) < _AGE_PHRASE:
        return context.is_age()
    # "BP > 140/90 mmHg"
    side = context.read_side()
    if side is not None:
        return side or None
    if context.is_beside_age():
        return None
    if context.words <= context.direct or context.ends_with_ours():
        return True
    return context.is_unnamed_weight() or context.compare_names()


class _Context:
    """The words of a quantity, and those around a number.

    ``words`` are those of the quantity without idle ones, ``spelled`` all of them. ``named`` are
    those in the place of a quantity before the number, ``front`` those from there to the number,
    ``direct`` those directly behind it, ``clause`` those of its clause, ``here`` those of its
    clause and its front. ``ours`` and ``theirs`` are the names of the known quantities that
    ``words`` and ``named`` name.
    """

    def __init__(self, quantity: str, mention: Mention, tokens: Tokens) -> None:
        subject = mention.subject or (mention.first, mention.first)
        front = min(mention.clause[0], subject[0]), mention.number[0]
        self.quantity = quantity
        self.mention = mention
        self.tokens = tokens
        self.words = frozenset(fold_words(quantity))
        self.spelled = frozenset(spell_words(quantity))
        self.named = frozenset(fold_words(tokens.read(*subject)))
        self.front = self._list_words(*front)
        self.clause = self._list_words(*mention.clause)
        self.direct = self._list_words(mention.first, self._find_direct())
        self.here = self.clause | self.front
        self.ours = _name(quantity)
        self.theirs = _name(tokens.read(*subject))
        foreign = self.named - self.words - _idle()
        self.is_foreign = any(not read_unit(word) for word in foreign)
        """Whether the words in the place of a quantity have one that ours has not."""

    def _list_words(self, first: int, end: int) -> frozenset[str]:
        return _list_meant_words(self.tokens, first, end)

    @property
    def inherited(self) -> frozenset[str]:
        """The words of the clause and of those from which it inherits its quantity."""
        return self.here.union(
            *(self._list_words(*place) for place in self.mention.inherited)
        )

    def is_age(self) -> bool | None:
        """Return whether a number is the age that is asked for; None if it is said of another
        thing, or of the age in another part of the trial; False if that is open.

        It is the age if it was read as one, or if its clause has a word for age. It is open if
        only the words beside it make it an age ("has turned 18"), or if a bare number has no name.
        """
        mention = self.mention
        if mention.kind is Measured.AGE or not _AGE.isdisjoint(self.clause):
            # "Age in phase 2" in the clause of phase 1
            missing = self.words - _AGE - self.inherited
            return None if missing and missing <= _list_line(self.tokens) else True
        first, end = mention.number
        if rule("aged_after").starts(self.tokens, end):
            return False
        if rule("turned_before").ends(self.tokens, first, first - 2):
            return False
        if mention.kind is not Measured.LIMIT or self.named:
            return None
        return None if _name(self.tokens.read(*mention.clause)) else False

    def is_unnamed_weight(self) -> bool:
        """Return whether a body weight is asked for, and the words of the clause before the number
        name only people, or there are none: "men over 90 kg".
        """
        first = self.mention.clause[0]
        end = self.mention.first
        if self.ours != {"body_weight"}:
            return False
        if first == end:
            return True
        return rule("names_only_people").covers(self.tokens, first, end) is not None

    def read_side(self) -> bool | None:
        """Return whether a number is that of the blood pressure that the quantity names, systolic
        or diastolic; None if the quantity names neither, or nothing tells which one the number is.

        The word behind the number tells it, else the place in a pair such as "140/90".
        """
        mention = self.mention
        tokens = self.tokens
        named = SIDES & self.spelled
        if not named or not rule("pressure_word").search(tokens):
            return None
        # "over 95 mmHg diastolic"
        behind = tokens.words[mention.end : mention.end + 1]
        if behind and behind[0].lower() in SIDES:
            return behind[0].lower() in named
        first = max(0, mention.first - 2)
        end = min(len(tokens), mention.end + 2)
        for pair in rule("pressure_pair").find(tokens, first, end):
            # a mention of "140/90" holds both: its first number counts
            for side in ("systolic", "diastolic"):
                if mention.first <= pair.place(side)[0] < mention.end:
                    return side in named
        return None

    def is_of_another(self) -> bool:
        """Return whether the words around a number give it to something else than the quantity, or
        to other people: the line sets the quantity aside, the number is of another group, of a
        ratio, or counts other things.
        """
        if self.is_set_aside() or self.is_of_other_people():
            return True
        if is_of_other_group(self.quantity, self.mention, self.tokens):
            return True
        return self.is_part_of_ratio() or self.counts_others()

    def is_beside_age(self) -> bool:
        """Return whether a number is an age, and the quantity is a known one that is no age and is
        not named in front of the number.
        """
        if self.mention.kind is not Measured.AGE or not self.ours:
            return False
        return _AGE.isdisjoint(self.spelled) and not self.words <= self.named

    def is_in_order(self) -> bool | None:
        """Return whether a number is that of the quantity in a list such as "weight and height of
        40 kg and 145 cm, respectively"; None if the number is in no such list, or the list does not
        name the quantity.
        """
        names = find_respective(self.tokens)
        own = names.get(self.mention.number[0])
        if own is None:
            return None
        if not any(self.words <= name for name in names.values()):
            return None
        return self.words <= own

    def is_set_aside(self) -> bool:
        """Return whether the line names the quantity only to say that it is not meant: "the waist,
        not the hip".
        """
        is_named = self.words <= _list_line(self.tokens)
        if not is_named:
            return False
        meant = _list_meant_words(self.tokens, 0, len(self.tokens))
        return not self.words <= meant

    def is_of_other_people(self) -> bool:
        """Return whether the quantity is of one group of people, or of one side of the body, and
        the number of another one.

        A number is of the last group that its clause names before it, else of the first one behind
        it. If the clause names none, the number is of no other people.
        """
        mention = self.mention
        tokens = self.tokens
        front = spell_words(tokens.read(mention.clause[0], mention.number[0]))
        behind = spell_words(tokens.read(mention.number[1], mention.clause[1]))
        nearest_first = (*reversed(front), *behind)
        for groups in _list_contrasts():
            ours = [group for group in groups if not group.isdisjoint(self.spelled)]
            if not ours:
                continue
            every = frozenset[str]().union(*groups)
            named = [word for word in nearest_first if word in every]
            if named and named[0] not in frozenset[str]().union(*ours):
                return True
        return False

    def is_part_of_ratio(self) -> bool:
        """Return whether a number limits a ratio that has the quantity as one part: "LH:FSH of 2 or
        more". A number with more than three tokens behind it, such as a unit, limits none.
        """
        mention = self.mention
        if mention.end > mention.number[1] + 3:
            return False
        first = mention.clause[0]
        end = mention.number[0]
        for name in ("ratio_of_two", "divided_by"):
            for ratio in rule(name).find(self.tokens, first, end):
                if self._is_part_of(ratio):
                    return True
        for fraction in rule("part_of_fraction").find(self.tokens, first, end):
            # no space stands around the sign of a fraction; behind a heading's colon there is one
            sign = fraction.place("one")[1]
            is_joined = self.tokens.joined(sign) and self.tokens.joined(sign + 1)
            # "AST/ALT" is no ratio
            has_both = len(_name(fraction.text)) > 1
            if is_joined and not has_both and self._is_part_of(fraction):
                return True
        return False

    def _is_part_of(self, ratio: Found) -> bool:
        """Return whether the quantity is one part of a ratio and not the other one. Both parts of
        "E/e'" are spelled alike, so there it is a part as well.
        """
        numerator = set(spell_words(ratio.read("one") or ""))
        denominator = set(spell_words(ratio.read("other") or ""))
        if self.words == numerator == denominator:
            return True
        return (self.words <= numerator) is not (self.words <= denominator)

    def counts_others(self) -> bool:
        """Return whether a bare number counts other things than the quantity: the dentists of "by 2
        dentists". Such a number has no comparator, and the words before it do not name the
        quantity. The noun behind it shares no word with the quantity and is no unit.
        """
        mention = self.mention
        tokens = self.tokens
        if mention.stated or self.words <= self.named:
            return False
        if mention.number != (mention.first, mention.end):
            return False
        # "the 50th birthday"
        if rule("aged_after").starts(tokens, mention.end):
            return False
        noun = rule("counted_noun").starts(tokens, mention.end, mention.clause[1])
        if noun is None:
            return False
        if rule("names_directly").ends(tokens, mention.first, mention.first - 1):
            return False
        words = set(fold_words(noun.text)) - _idle()
        if not words or not words.isdisjoint(self.words):
            return False
        return not any(map(read_unit, words))

    def _find_direct(self) -> int:
        """Return the token at which the words directly behind a number end, which may name what it
        counts. They go up to a joint or a number, and at most four tokens further than the
        quantity is long; also up to a bracket, if a name stands in front of the number.

        Of a number with a unit, the words belong to the next number if they end at it: then there
        are none.
        """
        mention = self.mention
        tokens = self.tokens
        stop = min(len(tokens), mention.end + _COUNTED_REACH + len(self.words))
        barred = NUMBER
        if mention.subject and mention.subject[0] < mention.first:
            barred = NUMBER + "("
        end = mention.end
        while end < stop and tokens.codes[end] not in barred:
            if rule("clause_joint").starts(tokens, end):
                break
            end += 1
        is_bare = mention.number[1] == mention.end
        ends_at_number = end < stop and tokens.codes[end] == NUMBER
        return end if is_bare or not ends_at_number else mention.end

    def compare_names(self) -> bool | None:
        """Return whether the names around a number are those of the quantity: True; None for
        another quantity, and False if that is open.

        The first of these decides: the known quantities in front of the number; the words of its
        clause; those that the clause inherits; those of the whole line. A word in front that the
        quantity does not have (``is_foreign``) makes it another one, if the quantity has a limit of
        its own in the line, or only the words before the clause name it.
        """
        line = _list_line(self.tokens)
        if self.ours and self.theirs >= self.ours:
            missing = self.words - self.front - self.direct
            has_more = self.is_foreign and not missing.isdisjoint(line)
            return None if has_more else True
        if self.names_another():
            return None
        has_rival = self.has_rival()
        if self.is_named_here():
            return None if has_rival and self.is_foreign else True
        if self.words <= self.inherited:
            return None if self.is_foreign else True
        if not self.words <= line or has_rival:
            return None
        return None if self.mention.stated and self.is_foreign else False

    def names_another(self) -> bool:
        """Return whether the words in front of a number name other known quantities than ours, and
        not as a part of our name.
        """
        if not self.ours or not self.theirs:
            return False
        if not self.theirs.isdisjoint(self.ours):
            return False
        # "stage" may be a part of our name, and the name of another quantity
        shares_words = not self.words.isdisjoint(self.named)
        is_part = shares_words and not self.words < self.named
        return not (is_part and self.words <= self.front)

    def has_rival(self) -> bool:
        """Return whether another limit of the line has exactly the words of the quantity, or only
        the words behind this number have them.
        """
        if self.named != self.words and self.words in _list_subjects(self.tokens):
            return True
        return self.is_named_apart()

    def is_named_here(self) -> bool:
        """Return whether the clause of a number names the quantity, by all its words or by another
        name of the known quantity.
        """
        if self.words <= self.here:
            return True
        clause = self.tokens.read(*self.mention.clause)
        return bool(self.ours) and self.ours <= _name(clause)

    def ends_with_ours(self) -> bool:
        """Return whether the name in front of a number is ours behind other words:
        "post-bronchodilator FEV1/FVC ratio".
        """
        subject = self.mention.subject
        if subject is None or not self.ours:
            return False
        if subject[0] >= self.mention.first:
            return False
        text = self.tokens.read(*subject).lower()
        at = text.find(self.quantity.lower())
        # "aldosterone/renin ratio" is not the renin
        is_denominator = text[:at].rstrip()[-1:] in ("/", ":")
        return at > 0 and not is_denominator and _name(text[at:]) == self.ours

    def is_named_apart(self) -> bool:
        """Return whether a number with a unit has the name of something else in front, and all
        words of the quantity are only there with those behind the number.
        """
        mention = self.mention
        if mention.subject is None or not self.is_foreign:
            return False
        if mention.subject[0] > mention.first:
            return False
        has_unit = mention.number[1] < mention.end
        if not has_unit:
            return False
        return self.words <= self.here and not self.words <= self.front


@lru_cache(maxsize=16)
def _list_line(tokens: Tokens) -> frozenset[str]:
    return frozenset(spell_words(tokens.read(0, len(tokens))))


@lru_cache(maxsize=16)
def _list_meant_words(tokens: Tokens, first: int, end: int) -> frozenset[str]:
    """Return the words of the tokens ``first:end``, without those that they set aside: of "the
    waist, not the hip", the waist.
    """
    aside = set[int]()
    for denial in rule("not_meant").find(tokens, first, end):
        aside.update(range(denial.first, denial.end))
    if not aside:
        return frozenset(spell_words(tokens.read(first, end)))
    meant = (tokens.words[at] for at in range(first, end) if at not in aside)
    return frozenset(spell_words(" ".join(meant)))


@lru_cache(maxsize=16)
def _list_subjects(tokens: Tokens) -> frozenset[frozenset[str]]:
    """Return the words of each quantity that has a limit in a line, without idle ones."""
    subjects = set[frozenset[str]]()
    for mention in find_mentions(tokens):
        if mention.subject:
            subjects.add(frozenset(fold_words(tokens.read(*mention.subject))))
    return frozenset(subjects)


@lru_cache(maxsize=1024)
def _name(text: str) -> frozenset[str]:
    """Return the names of all known quantities in a text. Of a combined one, they are the names of
    its parts: ALT and AST for transaminases.
    """
    names = set[str]()
    for quantity in list_named(text):
        names |= quantity.both or {quantity.name}
    return frozenset(names)


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
