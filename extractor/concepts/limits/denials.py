"""Find the words before a limit that turn its comparator into the opposite one."""

from extractor.concepts.limits.measures import SIGN_REACH, Measure
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.schemas import CriterionKind


def is_turned(tokens: Tokens, first: int) -> bool:
    """Return whether a denied verb before a limit turns its comparator into the opposite one: "has
    not dropped below 8" is at least 8.

    ``first`` is the token at which the limit begins.
    """
    return any(
        rule(name).ends(tokens, first, first - SIGN_REACH)
        for name in ("fails_to", "denied_verb", "not_recovered")
    )


def turns_comparator(
    measure: Measure, kind: CriterionKind | None, denied: Range | None
) -> bool:
    """Return whether the words before a limit turn its comparator into the opposite one.

    Denied verbs do so in every list. A denied clause and "must not" do so only outside exclusions:
    among them, "must not weigh more than 100 kg" stays a limit of more than 100 kg. ``kind`` is
    that of the list, ``denied`` what ``find_denied`` returns.
    """
    tokens = measure.match.tokens
    first = measure.first
    if is_turned(tokens, first):
        return True
    if kind is CriterionKind.EXCLUSION:
        return False
    # a clause such as "no FEV1 < 50 %"
    if denied:
        return True
    return must_not(measure)


def must_not(measure: Measure) -> bool:
    """Return whether "must not" or the like stands before a limit: "BMI must not be above 40"."""
    first = measure.first
    found = rule("must_not").ends(measure.match.tokens, first, first - SIGN_REACH)
    return found is not None


def must_not_exceed(measure: Measure) -> bool:
    """Return whether "must not exceed" or the like is the comparator of a limit: "weight should not
    exceed 120 kg", but not "weight not exceeding 40 kg".
    """
    tokens = measure.match.tokens
    first = max(0, measure.first - 2)
    return (
        rule("must_not_exceed").search(tokens, first, measure.match.first) is not None
    )


def find_denied(measure: Measure) -> Range | None:
    """Return the tokens of what a clause denies, behind its "no" or "without": "asthma, no FEV1
    < 50 %", "diabetes without BMI > 40". None if no such clause ends at the limit.

    None, too, for a limit with a time ("no seizures for > 4 weeks" asks for the weeks), for one
    without comparator, and if the clause is the whole criterion: that is marked as negated, and
    keeps its comparators.
    """
    is_time = measure.time_unit not in (None, "cycle")
    if is_time or not measure.compared:
        return None
    tokens = measure.match.tokens
    first = measure.first
    clause = rule("denied_clause").ends(tokens, first, first - SIGN_REACH)
    if clause is None:
        return None
    opens_criterion = clause.first == 0 and not clause.has("opening")
    return None if opens_criterion else clause.part("named")


def cut_denial(quantity: Range | None, denied: Range | None) -> Range | None:
    """Return the tokens of a quantity's name without the "no" and what stands before it, if
    ``denied`` begins inside the name; else the name as it is.
    """
    if quantity is None or denied is None:
        return quantity
    # "COPD in the absence of eosinophils > 300/uL": only the eosinophils are measured
    if quantity[0] < denied[0] < quantity[1]:
        return denied[0], quantity[1]
    return quantity
