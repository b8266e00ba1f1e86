"""Of what a number is said: of a quantity, of another one, or perhaps of either."""

from functools import cache, lru_cache

from extractor.concepts.limits.groups_of_people import is_of_other_group
from extractor.concepts.limits.mentions import (
    Measured,
    Mention,
    NumberRole,
    find_mentions,
)
from extractor.concepts.limits.quantity_names import fold_words, list_named, spell_words
from extractor.concepts.limits.respective import find_respective
from extractor.language.book import read_table, rule, word_list, word_set
from extractor.language.lexer import NUMBER, Tokens, lex
from extractor.language.units import read_unit

SIDES = frozenset({"systolic", "diastolic"})
_AGE = frozenset({"age", "ages", "aged", "old"})
_AGE_PHRASE = 4
"""A quantity with fewer words, one of which is "age", is the age of a person."""
_COUNTED_REACH = 4
"""How many tokens behind a number the name of what it counts may begin."""


def is_own(quantity: str, mention: Mention, tokens: Tokens) -> bool | None:
    """Return whether a mention is said of a quantity; None if it is said of another one, False if
    that is open.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ANC >= 1.5, platelets >= 100")
    >>> [is_own("platelets", one, tokens) for one in find_mentions(tokens)]
    [None, True]
    """
    said = _Said(quantity, mention, tokens)
    named = {NumberRole.CHANGE: "change_word", NumberRole.AIM: "aim_word"}.get(
        mention.role
    )
    if named and not rule(named).search(lex(quantity)):
        return None
    if said.is_of_another():
        return None
    in_order = said.is_in_order()
    if in_order is not None:
        return in_order or None
    if not _AGE.isdisjoint(said.spelled) and len(said.words) < _AGE_PHRASE:
        return said.is_age()
    side = said.read_side()
    if side is not None:
        return side or None
    if said.is_beside_age():
        return None
    if said.words <= said.direct or said.ends_with_ours():
        return True
    return said.is_unnamed_weight() or said.compare_names()


class _Said:
    """The words of a quantity, and those around a number.

    ``words`` are those of the quantity, ``named`` those in the place of a quantity before the
    number, ``here`` those of its clause; ``ours`` and ``theirs`` the known quantities that the
    first two name.
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
        return _list_kept(self.tokens, first, end)

    @property
    def inherited(self) -> frozenset[str]:
        """The words of the clause and of those from which it inherits its quantity."""
        return self.here.union(
            *(self._list_words(*place) for place in self.mention.inherited)
        )

    def is_age(self) -> bool | None:
        if self.mention.kind is Measured.AGE or not _AGE.isdisjoint(self.clause):
            # "Age in phase 2" in the clause of phase 1
            missing = self.words - _AGE - self.inherited
            return None if missing and missing <= _list_line(self.tokens) else True
        first, end = self.mention.number
        if rule("aged_after").starts(self.tokens, end):
            return False
        if rule("turned_before").ends(self.tokens, first, first - 2):
            return False
        is_other = (
            self.mention.kind is not Measured.LIMIT
            or self.named
            or _name(self.tokens.read(*self.mention.clause))
        )
        return None if is_other else False

    def is_unnamed_weight(self) -> bool:
        """Return whether a weight is asked for, and the words before the number name only
        people: "men over 90 kg".
        """
        first = self.mention.clause[0]
        end = self.mention.first
        if self.ours != {"body_weight"}:
            return False
        return (
            first == end
            or rule("names_only_people").covers(self.tokens, first, end) is not None
        )

    def read_side(self) -> bool | None:
        """Return whether a number is that of the named blood pressure in "140/90"; None if it is
        not of a pair.
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
        for pair in rule("pressure_pair").find(
            tokens, max(0, mention.first - 2), min(len(tokens), mention.end + 2)
        ):
            # in order, since the two ends of a range are both sides
            for side in (
                "systolic",
                "diastolic",
            ):
                if mention.first <= pair.place(side)[0] < mention.end:
                    return side in named
        return None

    def is_of_another(self) -> bool:
        """Return whether the words give a number to something else, or to others."""
        if self.is_set_aside() or self.is_of_other_people():
            return True
        if is_of_other_group(self.quantity, self.mention, self.tokens):
            return True
        return self.is_part_of_ratio() or self.counts_others()

    def is_beside_age(self) -> bool:
        """Return whether a number is an age, and a known quantity is asked for that is none."""
        if self.mention.kind is not Measured.AGE or not self.ours:
            return False
        return _AGE.isdisjoint(self.spelled) and not self.words <= self.named

    def is_in_order(self) -> bool | None:
        """Whether a number is that of the quantity in "weight and height of 40 kg and 145 cm,
        respectively"; None if it is of no such list, or the list does not name the quantity.
        """
        names = find_respective(self.tokens)
        own = names.get(self.mention.number[0])
        if own is None or not any(self.words <= each for each in names.values()):
            return None
        return self.words <= own

    def is_set_aside(self) -> bool:
        """Return whether the line names a quantity only to say that it is not meant."""
        return self.words <= _list_line(self.tokens) and not self.words <= _list_meant(
            self.tokens
        )

    def is_of_other_people(self) -> bool:
        """Return whether a quantity is of one group of people, or of one side, and the number of
        another one.

        A number is of the last group that its clause names before it, else of the first one behind
        it.
        """
        mention = self.mention
        tokens = self.tokens
        front = spell_words(tokens.read(mention.clause[0], mention.number[0]))
        behind = spell_words(tokens.read(mention.number[1], mention.clause[1]))
        for groups in _list_contrasts():
            named = [
                word
                for word in (*reversed(front), *behind)
                if any(word in group for group in groups)
            ]
            ours = [group for group in groups if not group.isdisjoint(self.spelled)]
            if named and ours and all(named[0] not in group for group in ours):
                return True
        return False

    def is_part_of_ratio(self) -> bool:
        """Whether a number without a unit limits a ratio that has a quantity as one part:
        "LH:FSH of 2 or more".
        """
        mention = self.mention
        tokens = self.tokens
        if mention.end > mention.number[1] + 3:
            return False
        for name in ("ratio_of_two", "divided_by", "part_of_fraction"):
            for found in rule(name).find(tokens, mention.clause[0], mention.number[0]):
                one, other = (
                    set(spell_words(found.read(part) or ""))
                    for part in ("one", "other")
                )
                # no space stands around that of a fraction, as behind a heading's colon
                sign = found.place("one")[1]
                joined = name != "part_of_fraction" or (
                    tokens.joined(sign) and tokens.joined(sign + 1)
                )
                # "AST/ALT" is no ratio
                both_known = name == "part_of_fraction" and len(_name(found.text)) > 1
                # "E/e'"
                is_part = (self.words <= one) is not (
                    self.words <= other
                ) or self.words == one == other
                if is_part and joined and not both_known:
                    return True
        return False

    def counts_others(self) -> bool:
        """Whether a bare number in a clause counts other things than the quantity: the dentists
        of "by 2 dentists".
        """
        mention = self.mention
        tokens = self.tokens
        if mention.stated:
            return False
        if mention.number != (mention.first, mention.end):
            return False
        if self.words <= self.named:
            return False
        noun = rule("counted_noun").starts(tokens, mention.end, mention.clause[1])
        # "the 50th birthday"
        noun = None if rule("aged_after").starts(tokens, mention.end) else noun
        words = set(fold_words(noun.text)) - _idle() if noun else set()
        directly = rule("names_directly").ends(tokens, mention.first, mention.first - 1)
        if not words:
            return False
        if directly:
            return False
        if not words.isdisjoint(self.words):
            return False
        return not any(map(read_unit, words))

    def _find_direct(self) -> int:
        """The end of the words directly behind a number, which may name what it counts if they
        have no number.
        """
        mention = self.mention
        tokens = self.tokens
        end = mention.end
        stop = min(len(tokens), mention.end + _COUNTED_REACH + len(self.words))
        barred = (
            NUMBER + "("
            if mention.subject and mention.subject[0] < mention.first
            else NUMBER
        )
        while (
            end < stop
            and tokens.codes[end] not in barred
            and not rule("clause_joint").starts(tokens, end)
        ):
            end += 1
        is_bare = mention.number[1] == mention.end
        has_own = end < stop and tokens.codes[end] == NUMBER
        return end if is_bare or not has_own else mention.end

    def compare_names(self) -> bool | None:
        """Compare known quantities first, then the words of the clause, of those before it, of
        the whole line.
        """
        line = _list_line(self.tokens)
        if self.ours and self.theirs >= self.ours:
            has_more = self.is_foreign and not (
                self.words - self.front - self.direct
            ).isdisjoint(line)
            return None if has_more else True
        # The words before a number hold a quantity that another one's name is a part of: "stage".
        in_front = (
            self.words <= self.front
            and not self.words.isdisjoint(self.named)
            and not self.words < self.named
        )
        if (
            self.ours
            and self.theirs.isdisjoint(self.ours)
            and self.theirs
            and not in_front
        ):
            return None
        has_rival = (
            self.words in _list_subjects(self.tokens) and self.named != self.words
        )
        has_rival = has_rival or self.is_named_apart()
        if self.words <= self.here or (
            self.ours and self.ours <= _name(self.tokens.read(*self.mention.clause))
        ):
            return None if has_rival and self.is_foreign else True
        if self.words <= self.inherited:
            return None if self.is_foreign else True
        if self.words <= line:
            return (
                None
                if has_rival or (self.mention.stated and self.is_foreign)
                else False
            )
        return None

    def ends_with_ours(self) -> bool:
        """Return whether the name in front of a number is ours behind other words:
        "post-bronchodilator FEV1/FVC ratio".
        """
        subject = self.mention.subject
        if subject is None or subject[0] >= self.mention.first or not self.ours:
            return False
        text = self.tokens.read(*subject).lower()
        at = text.find(self.quantity.lower())
        is_part = text[:at].rstrip()[-1:] in ("/", ":")  # "aldosterone/renin ratio"
        return at > 0 and not is_part and _name(text[at:]) == self.ours

    def is_named_apart(self) -> bool:
        """Whether a number has a name in front, and only words behind it, in brackets or later,
        have all of ours.
        """
        if self.mention.subject is None:
            return False
        if self.mention.subject[0] > self.mention.first:
            return False
        if not self.is_foreign:
            return False
        measured = self.mention.number[1] < self.mention.end
        return measured and self.words <= self.here and not self.words <= self.front


@lru_cache(maxsize=16)
def _list_line(tokens: Tokens) -> frozenset[str]:
    return frozenset(spell_words(tokens.read(0, len(tokens))))


@lru_cache(maxsize=16)
def _list_meant(tokens: Tokens) -> frozenset[str]:
    return _list_kept(tokens, 0, len(tokens))


def _list_kept(tokens: Tokens, first: int, end: int) -> frozenset[str]:
    """Return the words of a range, without those that it sets aside: "the waist, not the hip"."""
    aside = {
        at
        for found in rule("not_meant").find(tokens, first, end)
        for at in range(found.first, found.end)
    }
    kept = (tokens.words[at] for at in range(first, end) if at not in aside)
    return frozenset(spell_words(" ".join(kept) if aside else tokens.read(first, end)))


@lru_cache(maxsize=16)
def _list_subjects(tokens: Tokens) -> frozenset[frozenset[str]]:
    """Return the words of each quantity that has a limit in a line."""
    subjects = (one.subject for one in find_mentions(tokens) if one.subject)
    return frozenset(frozenset(fold_words(tokens.read(*place))) for place in subjects)


@lru_cache(maxsize=1024)
def _name(text: str) -> frozenset[str]:
    """Return the names of all quantities in a text, those of a combined one apart."""
    return frozenset(
        name for one in list_named(text) for name in one.both or {one.name}
    )


@cache
def _idle() -> frozenset[str]:
    """Words that tell no quantity from another one."""
    return frozenset({"score", "scale"}).union(
        *map(word_list, ("people", "idle_words", "function_words"))
    )


@cache
def _list_contrasts() -> list[list[frozenset[str]]]:
    """Groups of words; a clause speaks of one of a group at a time."""
    return [
        [word_set(group) for group in row]
        for row in read_table("mentions")["contrasts"]["groups"]
    ]
