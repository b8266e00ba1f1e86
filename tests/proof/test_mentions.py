"""The limits that the rules read are those that the proof of a model's answers lists."""

import tomllib
from collections import Counter
from pathlib import Path

from extractor import read_records
from extractor.concepts.limits.mentions import find_mentions
from extractor.language.book import read_text, rule
from extractor.language.clean import clean_text
from extractor.language.numbers import is_two_ways
from extractor.measures import read_line
from extractor.schemas import Comparator
from tests.text.rule_check import RULES

TESTS = Path(__file__).parents[1]
SEEDS = TESTS.parent / "seeds/records"
CHANGES = {
    "denied": "words before the limit deny it: 'must not weigh over 120 kg'",
    "denied range": "a denied range leaves what is below it and what is above it",
    "missed level": "a level that was not reached is exceeded: 'not resolved to grade 0-1'",
    "below a mean": "standard deviations below a mean are negative",
    "scale": "the scale of the quantity says what 'or better' and 'worse than' allow",
    "unknown scale": "'worse than -20' names no quantity, so the rules read no limit either",
    "shared unit": "in a list, only the last limit has the unit: 'AST <= 40, ALT <= 40 U/L'",
    "usual reading": "the quantity decides whether '1.500' is 1500 or 1.5",
}
"""What ``find_limits``, on which both readers build, changes in a limit of ``read_line``, each with
its reason.
"""


def test_each_limit_that_the_rules_read_is_a_mention_of_the_proof():
    counts = Counter()
    drifted = []
    for line in list_lines():
        tokens = read_text(clean_text(line).text)
        mentions = find_mentions(tokens)
        for limit in read_line(tokens):
            change = name_change(tokens, limit, mentions)
            counts[change] += 1
            if change == "drifted":
                drifted.append((line, str(limit.comparator), limit.value, limit.unit))

    assert not drifted
    assert counts.keys() == {"same", *CHANGES}
    assert counts["same"] > 2500


def list_lines():
    """The lines of the tests' texts, of the rules' examples, and of the seeds."""
    lines = set()
    for path in (*TESTS.glob("cases/*.toml"), *TESTS.glob("texts/*.toml")):
        for text in list_strings(tomllib.loads(path.read_text("utf-8"))):
            lines.update(text.splitlines())
    for each in RULES:
        lines.update((*each.examples, *each.counter_examples))
    for record in read_records(SEEDS):
        for section in record.sections:
            lines.update(section.text.splitlines())
    return sorted(lines)


def list_strings(value):
    """All keys and texts of a TOML value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from list_strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from list_strings(part)


def name_change(tokens, limit, mentions):
    """How the mentions at the limit's place differ from it: the key of ``CHANGES``, "same" if one
    has its number, comparator and unit, or "drifted" if nothing explains the difference.
    """
    here = [
        mention
        for mention in mentions
        if (mention.first, mention.end) == (limit.first, limit.end)
    ]
    bounds = (limit.value, limit.value_high)
    highest = bounds[1] or bounds[0]
    stated = [
        (mention.likeliest, mention.comparators[0], mention.unit) for mention in here
    ]
    if any(
        bounds in mention.bounds
        and limit.comparator in mention.comparators
        and limit.unit == mention.unit
        for mention in here
    ):
        return "same"
    found = [each[:2] for each in stated]
    if not found:
        return "unknown scale" if limit.scale_words else "drifted"
    if any(unit != limit.unit for _, _, unit in stated):
        is_same = limit.unit is None and found == [(bounds, limit.comparator)]
        return "shared unit" if is_same else "drifted"
    below = ((bounds[0], None), Comparator.LESS)
    above = ((bounds[1], None), Comparator.MORE)
    if found == [below, above]:
        return "denied range"
    (numbers, comparator), *_ = found
    is_missed = rule("not_recovered").search(tokens)
    if is_missed and found == [((highest, None), Comparator.MORE)]:
        return "missed level"
    if numbers == bounds and limit.scale_words:
        return "scale"
    if numbers == bounds and comparator is limit.comparator.opposite:
        return "denied"
    negative = sorted(-number for number in bounds if number is not None)
    if [number for number in numbers if number is not None] == negative:
        return "below a mean"
    words = tokens.words[limit.first : limit.end]
    if comparator is limit.comparator and any(map(is_two_ways, words)):
        return "usual reading"
    return "drifted"
