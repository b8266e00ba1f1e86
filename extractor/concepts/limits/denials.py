"""Find the words before a limit that turn its comparator into the opposite one."""

from extractor.concepts.limits.measures import SIGN_REACH, Measure
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.schemas import CriterionKind


def is_turned(tokens: Tokens, first: int) -> bool:
    """Return whether a denied verb turns the comparator behind it: "has not dropped below 8" is
    at least 8.

    ``first`` is the token at which the limit begins.
    """
    return any(
        rule(name).ends(tokens, first, first - SIGN_REACH)
        for name in ("fails_to", "denied_verb", "not_recovered")
    )


def turns_comparator(
    measure: Measure, kind: CriterionKind | None, denied: Range | None
) -> bool:
    """Return whether the words before a limit turn its comparator.

    ``denied`` are the words of a clause that denies what is beyond the limit. Among exclusions they
    turn nothing.
    """
    tokens = measure.match.tokens
    first = measure.first
    if is_turned(tokens, first):
        return True
    if kind is CriterionKind.EXCLUSION:
        return False
    if denied:
        return True
    return rule("must_not").ends(tokens, first, first - SIGN_REACH) is not None


def find_denied(measure: Measure) -> Range | None:
    """Return the words of a clause that denies what is beyond a limit, behind its "no": "asthma,
    no FEV1 < 50 %", "diabetes without BMI > 40".

    A whole criterion that is denied keeps its comparators, for it is marked as negated. Lengths of
    time have their own sense: "no seizures for > 4 weeks".
    """
    if measure.time_unit not in (None, "cycle") or not measure.compared:
        return None
    tokens = measure.match.tokens
    first = measure.first
    clause = rule("denied_clause").ends(tokens, first, first - SIGN_REACH)
    if clause is None:
        return None
    opens_criterion = clause.first == 0 and not clause.has("opening")
    return None if opens_criterion else clause.part("named")


def cut_denial(quantity: Range | None, denied: Range | None) -> Range | None:
    """Return the name of a quantity without the word that denies what is beyond its limit."""
    if quantity is None or denied is None:
        return quantity
    if quantity[0] < denied[0] < quantity[1]:
        return denied[0], quantity[1]
    return quantity
