"""Compile a criterion that consists of names, such as those of diseases and drugs, to a test."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extractor.match.coverage import SEXES_OF, is_state
from extractor.match.examples import put_examples_last
from extractor.match.limits import limit_to
from extractor.match.synonyms import is_known_name, join_prefixes, make_key
from extractor.match.tests import Test, of_bounds, of_name, of_sex
from extractor.match.wider import find_wider
from extractor.match.words import (
    drop_combined,
    drop_phrases,
    find_phrase,
    has_phrase,
    words_of,
)
from extractor.measures.names import spell_words
from extractor.schemas import Sex

_PARTS = re.compile(r"[,;/]|\band/or\b|\band\b|\bor\b", re.IGNORECASE)
_AND = re.compile(r"\b(?:and|plus)\b(?!/or)", re.IGNORECASE)
_ABBREVIATION = re.compile(r" ?\(([A-Z][\w-]{1,6})\)")
"""An abbreviation behind its name."""
_BRACKET = re.compile(r"\([^()]{0,300}\)")
_MORE_IN_BRACKET = re.compile(
    r"\(\s*((?:or|and|and/or)\b[^()]{0,300})\)", re.IGNORECASE
)
_SEX_WORDS = frozenset(SEXES_OF)
_EXAMPLE = frozenset({"including", "include", "eg"})
_SUCH_AS = re.compile(r",? ?(?<!\w)(?:such as|e\.g\.,?|for example,?) ", re.IGNORECASE)
_OF_INFECTION = (["with"], ["by"], ["of"])
"""What follows "infection" where a germ is named behind it."""
_LAST_PREGNANCY = 60
"""The age in years from which lines about pregnancy concern no woman."""
_CARRYING = ("has pregnancy", "has breastfeeding")
"""What concerns whoever has it, whatever their age."""
_PAST_NURSING = ("has postmenopausal",)
_PAST_CARRYING = (*_PAST_NURSING, "had hysterectomy")
"""What nobody has, or had, who is pregnant."""
_VERBS = {
    (False, False): "has",
    (False, True): "had",
    (True, False): "takes",
    (True, True): "took",
}
"""What is said of a name, by whether it is taken, and whether that may be in the past."""

_IN_THE_PAST = {"has": "had", "had": "had", "takes": "took", "took": "took"}
_AN_EXAMPLE = "an example"
_ANY_DRUG = "medication"
"""What nobody takes who takes nothing."""


class Name(NamedTuple):
    """A name in a line.

    Attributes:
        verb: Whether the patient has, had, takes or took it.
        key: Its key.
        wider: The keys of wider names.
        more: What else the line says of it, so that not all who have it are meant.
        goes_on: Whether names behind it may belong to that: "reaction to aspirin, ibuprofen".
    """

    verb: str
    key: str
    wider: tuple[str, ...] = ()
    more: str = ""
    goes_on: bool = False


def plan_names(quote: str, sex_of_trial: Sex | None, *, required: bool) -> Test:
    """Compile a line that consists of names: a single one, or alternatives.

    Args:
        quote: The line.
        sex_of_trial: The sex of the trial's participants.
        required: Whether the line must be true to let a patient in.
    """
    quote = drop_combined(quote)
    about_women = _plan_pregnancy(quote, required=required)
    whole_words = join_prefixes(_join_classes(quote))
    plain = " ".join(_ABBREVIATION.sub("", whole_words).split())
    moment = find_phrase("match_moment", plain)
    if moment:
        plain = plain[: moment.span[0]].rstrip()
    negated, plain = _strip_negation(plain)
    if negated is None:
        return about_women
    # "positive for HIV" is HIV
    plain = drop_phrases("match_tells_infection", plain).lstrip()
    label, _, behind = plain.partition(":")
    if behind.strip():
        # "High-risk pregnancy: hypertension" is about the pregnant
        if not _is_idle_label(label):
            return about_women
        plain = behind.strip()
    has_it = required is not negated
    to_come = _find_what_is_to_come(quote)
    barred = None if negated else _plan_barred(plain, required=has_it)
    if barred:
        return barred
    excludes = not required and not negated
    if about_women.parts and excludes:
        carried = _plan_carrying(quote)
        if carried.parts:
            carried = carried._replace(
                when=about_women.when, despite=_CARRYING, lets_in=to_come
            )
            return Test("", parts=(carried,))
    is_ever = negated and not words_of("of_ever").isdisjoint(spell_words(quote))
    names = _list_past_names(plain) if is_ever else list(_list_names(plain))
    elsewhere = words_of("others", "denials", "links") - words_of("past")
    only_sex = _find_only_sex(plain)
    if only_sex and not negated:
        return of_sex(only_sex, is_that=required)
    if not names or to_come or not elsewhere.isdisjoint(spell_words(plain)):
        return about_women
    if len(names) == 1:
        short = _ABBREVIATION.findall(quote)
        whole = _join_names(names, short, has_it=has_it, is_joined=False)
    else:
        # "A, B, and C" in an exclusion lists what each keeps out
        is_list = len(names) > 2 and plain.count(",") > 1 and not has_it
        is_joined = bool(_AND.search(plain)) and not is_list
        whole = _join_names(names, (), has_it=has_it, is_joined=is_joined)
    sex = _find_sex(plain)
    if sex and not negated:
        is_subject = has_phrase("match_one_sex", plain)
        if not is_subject or has_phrase("match_demands", plain):
            return about_women
        whole = _limit_to_sex(whole, sex, names, required=required)
        if required and sex_of_trial != sex:
            whole = limit_to(whole, sex)
    if about_women.when:
        # a man is not concerned; otherwise, the names decide
        whole = whole._replace(when=about_women.when, despite=_CARRYING)
        return Test("", parts=(whole,))
    return whole


def _find_what_is_to_come(quote: str) -> str:
    """Return the obstacle of a line about what happens after today, which nobody knows."""
    return "what is to come" if has_phrase("match_to_come", quote) else ""


def _list_past_names(plain: str) -> list[Name]:
    """Return the names of a line about what has never been: "Never treated with insulin"."""
    return [name._replace(verb=_IN_THE_PAST[name.verb]) for name in _list_names(plain)]


def _join_names(
    names: Sequence[Name], short: Sequence[str], *, has_it: bool, is_joined: bool
) -> Test:
    """Return the test of names, of which one is enough. If they are joined ("asthma and eczema"),
    they may also be meant together.
    """
    last_with_more = -1
    for place, name in enumerate(names):
        if name.more and name.more != _AN_EXAMPLE:
            last_with_more = place
    tests = []
    goes_on = False
    for place, name in enumerate(names):
        # what is said behind a name may be said of those before it, too
        says_more = goes_on or place <= last_with_more
        tests.append(_test_one(name, has_it=has_it, says_more=says_more))
        if name.goes_on:
            goes_on = True
        # "severe" of "severe asthma, COPD or eczema" may be about all of them
        if place == 0 and not has_it and _has_degree(name):
            goes_on = True
    # an abbreviation is another name for the same thing
    for each in short:
        key = make_key(each)
        tests.append(of_name("has", key, has_it=has_it, in_part=names[0].more))
    if len(tests) == 1:
        return tests[0]
    # one of the names is enough; without ``has_it``, the patient must have none of them
    any_of = Test("", parts=tuple(tests), need=int(has_it))
    if not is_joined:
        return any_of
    all_of = Test("", parts=tuple(tests), need=int(not has_it))
    # what both readings say, holds
    obstacle = "whether all must apply"
    if has_it:
        strict = all_of._replace(keeps_out=obstacle)
        return Test("", parts=(strict, any_of))
    strict = any_of._replace(keeps_out=obstacle)
    return Test("", parts=(strict, all_of))


def _has_degree(name: Name) -> bool:
    """Return whether a name begins with how bad something is."""
    return name.key.partition(" ")[0] in words_of("degrees")


def _limit_to_sex(
    whole: Test, sex: str, names: Sequence[Name], *, required: bool
) -> Test:
    """Return the test of a line about the people of one sex who have what the names say."""
    is_sex = of_sex(sex, is_that=required)
    if not any(name.key for name in names):
        return is_sex
    return Test("", parts=(is_sex, whole), need=int(not required))


def _join_classes(quote: str) -> str:
    """Return a line in which "warfarin or other anticoagulants" is "warfarin or anticoagulants"."""
    found = find_phrase("match_or_other", quote)
    while found:
        start, end = found.span
        quote = f"{quote[:start]}or{quote[end:]}"
        found = find_phrase("match_or_other", quote)
    return quote


def _plan_pregnancy(quote: str, *, required: bool) -> Test:
    """Return a test that does not concern men, if a line is about pregnancy, lactation or the
    means against them, of women alone.
    """
    nothing = Test("")
    if not has_phrase("match_pregnancy", quote) or has_phrase("match_of_men", quote):
        return nothing
    plain = drop_phrases("match_pregnancy", drop_phrases("match_mothers", quote))
    others = words_of("others") - {"partner"}
    if not others.isdisjoint(spell_words(plain)):
        return nothing
    # other words may be about anybody: "pregnancy or a planned operation", "contact with ..."
    idle = words_of("neutral", "opening", "past", "taken", "around_pregnancy")
    if not all(idle.issuperset(spell_words(part)) for part in _PARTS.split(plain)):
        return nothing
    if required and not has_phrase("match_demands", quote):
        return nothing
    concerned = [of_sex("female")]
    if not required or has_phrase("match_childbearing", quote):
        concerned.append(of_bounds("age", "age", "year", "<", _LAST_PREGNANCY))
    return Test("", parts=(Test(""),), when=tuple(concerned), despite=_CARRYING)


def limit_to_women(
    test: Test, quote: str, times: Sequence[str], *, required: bool
) -> Test:
    """Return the test of a line with times, which does not concern men if the line speaks of
    nothing but pregnancy and lactation: "Pregnant, or planning pregnancy within 6 months". Men may
    have been in "contact with pregnant women within 7 days".

    Args:
        test: The test of the times.
        quote: The line.
        times: The words of its times.
        required: Whether the line must be true to let a patient in.
    """
    for time in filter(None, times):
        quote = quote.replace(time, " ")
    rest = drop_phrases("match_pregnancy", drop_phrases("match_mothers", quote))
    idle = words_of("neutral", "opening", "past", "around_pregnancy")
    if not all(idle.issuperset(spell_words(part)) for part in _PARTS.split(rest)):
        return test
    about_women = _plan_pregnancy(quote, required=required)
    if not about_women.when:
        return test
    test = test._replace(when=about_women.when, despite=_CARRYING)
    return Test("", parts=(test,))


def _plan_carrying(quote: str) -> Test:
    """Return the test of an exclusion of women who are pregnant or breastfeeding. Its other parts,
    such as contraception, are left open.
    """
    tests = []
    for part in _PARTS.split(quote):
        words = spell_words(part)
        if not words:
            continue
        if not words_of("around_pregnant").issuperset(words):
            tests.append(Test(""))
        elif has_phrase("match_carrying", part):
            carrying = of_name("has", make_key("pregnancy"), has_it=False)
            tests.append(carrying._replace(against=_PAST_CARRYING))
        elif has_phrase("match_pregnancy", part):
            nursing = of_name("has", make_key("breastfeeding"), has_it=False)
            tests.append(nursing._replace(against=_PAST_NURSING))
    if not any(test.quantity for test in tests):
        return Test("")
    return Test("", parts=tuple(tests))


def _is_idle_label(label: str) -> bool:
    """Return whether the words before a colon do not say whom a line is about."""
    idle = words_of("opening", "past", "of_heads", "heads")
    return idle.issuperset(spell_words(label))


def _find_sex(plain: str) -> str:
    """Return the one sex that a line names; empty if it names none, or both."""
    sexes = {SEXES_OF[word] for word in spell_words(plain) if word in SEXES_OF}
    if len(sexes) != 1:
        return ""
    [sex] = sexes
    return sex


def _find_only_sex(plain: str) -> str:
    """Return the sex of a line that says nothing else: "Women"."""
    idle = words_of("opening", "around_sexes") | _SEX_WORDS
    if not idle.issuperset(spell_words(plain)):
        return ""
    return _find_sex(plain)


def _strip_negation(plain: str) -> tuple[bool | None, str]:
    """Return whether a line is negated, and the line without its negation; None if that is not
    clear.
    """
    if has_phrase("match_not_denied", plain):
        return None, plain
    negated = False
    found = find_phrase("match_denied", plain)
    if found:
        negated = True
        plain = plain[found.span[1] :].lstrip(" -")
        # "no" of several names is "none of them"
        if "and" in spell_words(plain):
            return None, plain
    behind = find_phrase("match_denied_behind", plain)
    if behind:
        if negated:
            return None, plain
        negated = True
        plain = plain[: behind.span[0]].rstrip(" -")
        if _PARTS.search(plain):
            return None, plain
    return negated, plain


def _plan_barred(plain: str, *, required: bool) -> Test | None:
    """Return the test of a line about a drug that somebody cannot or does no longer take. Whoever
    takes it has not stopped it, but may have an allergy to it.
    """
    front = find_phrase("match_barred", plain)
    behind = find_phrase("match_barred_behind", plain)
    if front:
        name = plain[front.span[1] :]
    elif behind:
        name = plain[: behind.span[0]]
    else:
        return None
    if not name.strip() or _PARTS.search(name):
        return None
    whole = of_name("has", make_key(plain), (), has_it=required)
    # people take what they do not tolerate, or should not take
    reasons = words_of("allergies", "not_tolerated")
    if not reasons.isdisjoint(spell_words(plain)):
        return whole
    return whole._replace(against=(f"takes {make_key(name)}",))


class _Part(NamedTuple):
    """A part of a line between commas or conjunctions.

    Attributes:
        words: Its words, without those around a name that do not change it.
        around: These words.
        has_people: Whether it names the people of one sex.
        bracket: What stands in brackets; None without brackets.
        is_example: Whether it is an example of the parts before it: "including tuberculosis".
    """

    words: list[str]
    around: list[str]
    has_people: bool
    bracket: str | None
    is_example: bool = False


def _list_names(plain: str) -> Iterator[Name]:
    """Yield the names that commas or conjunctions join, without the words around them that do not
    change them.
    """
    around: list[str] = []
    wider_ones: list[str] = []
    is_example = False
    doubt = ""
    plain = _MORE_IN_BRACKET.sub(r", \1,", put_examples_last(plain))
    plain = _SUCH_AS.sub(", including ", plain)
    for part in _share_heads([_read_part(text) for text in _split_parts(plain)]):
        is_empty = not part.words
        if is_empty and part.has_people and not part.around:
            continue
        # "history of stroke or epilepsy"
        around = part.around or around
        if is_empty:
            if part.bracket is not None:
                yield Name("has", "", (), part.bracket or "brackets")
            continue
        name = _name_part(part, around)
        if part.is_example or is_example:
            # who has an example of it may not be meant: "uncontrolled disease such as hypertension"
            is_example = True
            name = name._replace(
                wider=(*name.wider, *wider_ones), more=name.more or doubt
            )
        else:
            # an example is no wider name of the next one
            wider_ones += [name.key, *name.wider]
            if name.more or not words_of("narrowing").isdisjoint(part.words):
                doubt = _AN_EXAMPLE
        yield name


def _split_parts(plain: str) -> list[str]:
    """Return the parts of a line between commas or conjunctions that stand in no brackets."""
    brackets = [found.span() for found in _BRACKET.finditer(plain)]
    parts = []
    start = 0
    for found in _PARTS.finditer(plain):
        last = bisect_left(brackets, (found.start(), 0)) - 1
        if last < 0 or brackets[last][1] <= found.start():
            parts.append(plain[start : found.start()])
            start = found.end()
    return [*parts, plain[start:]]


def _read_part(text: str) -> _Part:
    """Return a part of a line without the words around its name."""
    written, opened, inside = text.partition("(")
    inside, _, rest = inside.partition(")")
    words = list(spell_words(f"{written} {rest}"))
    bracket = None
    if opened:
        bracket = inside
    is_example = not _EXAMPLE.isdisjoint(words[:1])
    if is_example:
        words.pop(0)
    has_people = not _SEX_WORDS.isdisjoint(words)
    idle = words_of("opening", "past", "taken") | _SEX_WORDS
    front: list[str] = []
    while words and words[0] in idle:
        # a drug is taken, but drug abuse is a disease
        if is_known_name(" ".join(words)):
            break
        if words[0] == "infection" and words[1:2] not in _OF_INFECTION:
            break
        front.append(words.pop(0))
    behind: list[str] = []
    while words and words[-1] in idle:
        if is_known_name(" ".join(words)):
            break
        behind.append(words.pop())
    if words and behind:
        # a drug against a disease is not the disease
        is_of_disease = _is_of_disease(words[-1], behind)
        # "active infection" is no "active"
        is_adjective = words_of("narrowing").issuperset(words)
        if is_of_disease or is_adjective:
            words += reversed(behind)
            behind = []
    return _Part(words, [*front, *behind], has_people, bracket, is_example)


def _share_heads(parts: Sequence[_Part]) -> list[_Part]:
    """Return parts, each with the noun that a later one states for it: "cardiac" and "hepatic" of
    "cardiac, hepatic or renal disease", "severe" of "severe or uncontrolled asthma".
    """
    shared: list[_Part] = []
    head: list[str] = []
    # "type 1 or 2 diabetes"
    has_types = parts[0].words[:1] == ["type"]
    for part in reversed(parts):
        words = part.words
        if words and head and _needs_head(words):
            words = [*words, *head]
        elif words:
            head = _find_head(words)
        elif head and part.around[-1:] == ["drug"]:
            # "drug or alcohol abuse"
            words = ["drug", *head]
        if has_types and not _TYPES.isdisjoint(words[:1]):
            words = ["type", *words]
        shared.append(part._replace(words=words))
    shared.reverse()
    if shared == list(parts):
        return shared
    # "significant" of "significant cardiac, hepatic or renal disease" is about all of them
    narrowing = words_of("narrowing")
    named = [part.words for part in parts if part.words]
    first = [word for word in named[0] if word in narrowing]
    for place, part in enumerate(shared):
        if part.words and narrowing.isdisjoint(part.words):
            shared[place] = part._replace(words=[*first, *part.words])
    return shared


def _needs_head(words: Sequence[str]) -> bool:
    """Return whether the words of a part may need a noun of a later one."""
    if len(words) <= 2 and _is_type(words):
        return True
    return words_of("of_heads", "narrowing").issuperset(words)


_TYPES = frozenset({"1", "2", "i", "ii"})


def _is_type(words: Sequence[str]) -> bool:
    """Return whether a name begins with a type: "type 1 diabetes", or "2 diabetes" behind it."""
    if words[0] == "type":
        return not _TYPES.isdisjoint(words[1:2])
    return words[0] in _TYPES


def _find_head(words: Sequence[str]) -> list[str]:
    """Return the words of a name that the parts before it share: "disease" of "renal disease",
    "asthma" of "uncontrolled asthma"; none if it has no such words.
    """
    if _is_type(words):
        if words[0] == "type":
            return list(words[2:])
        return list(words[1:])
    if words[-1] in words_of("heads"):
        return [words[-1]]
    rest = [word for word in words if word not in words_of("narrowing")]
    if rest and len(rest) < len(words):
        return rest
    return []


def _name_part(part: _Part, around: Sequence[str]) -> Name:
    """Return the name of a part. ``around`` has the words around it, or around the part before."""
    words = part.words
    verb = _VERBS[
        not words_of("taken").isdisjoint(around),
        not words_of("past").isdisjoint(around),
    ]
    details = words_of("details", "other_details")
    narrowing = words_of("narrowing")
    first = 0
    for at, word in enumerate(words):
        if word not in narrowing:
            first = at
            break
    tail = ""
    goes_on = False
    # "poorly controlled asthma" is asthma, "asthma controlled with ..." says more
    for at in range(first + 1, len(words)):
        if words[at] not in details:
            continue
        goes_on = True
        tail = " ".join(words[at:])
        if words[at] in words_of("other_details"):
            return Name(verb, make_key(" ".join(words)), (), tail, goes_on=True)
        words = words[:at]
        break
    if part.bracket is not None:
        tail = f"{tail} {part.bracket}".strip() or "brackets"
    name = " ".join(words)
    wider = find_wider(name)
    if tail:
        wider = (make_key(name), *wider)
    return Name(verb, make_key(name), wider, tail, goes_on=goes_on)


def _is_of_disease(word: str, behind: Sequence[str]) -> bool:
    """Return whether the words behind a name make it a treatment of a disease."""
    if words_of("taken").isdisjoint(behind) or word in words_of("therapies"):
        return False
    return is_state(word)


def _test_one(name: Name, *, has_it: bool, says_more: bool) -> Test:
    """Return the test of a name."""
    in_part = name.more
    if says_more and not in_part:
        in_part = "what the line says"
    wider = name.wider
    is_need = not words_of("lacks").isdisjoint(name.key.split())
    if name.verb in ("takes", "took") and not is_need:
        wider = (*wider, _ANY_DRUG)
    return of_name(name.verb, name.key, wider, has_it=has_it, in_part=in_part)
