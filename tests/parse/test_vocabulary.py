import pytest

from extractor.parse.vocabulary import Entry, Vocabulary


def _vocabulary(*terms: str, patterns: tuple[str, ...] = ()) -> Vocabulary:
    return Vocabulary((Entry("x", terms, patterns, 1.0, ""),))


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("time to event", "the Time-to  event", "Time-to  event"),
        ("relapse-free", "relapse free", "relapse free"),
        ("AUC (0-t)", "AUC(0 - t)", "AUC(0 - t)"),
        ("OS", "os and OS", "OS"),
        ("day", "14days, 5day", "day"),
        ("age", "dosage, aged, page", None),
        (">=", "a >= b", ">="),
    ],
)
def test_terms_match_whole_words_however_they_are_spaced(term: str, text: str, found: str | None) -> None:
    match = _vocabulary(term).first(text)
    assert (text[match.start : match.end] if match else None) == found


def test_the_longest_wins() -> None:
    vocabulary = _vocabulary("survival", "free survival", patterns=(r"\d+ free", r"survival\b(?! rate)"))
    text = "2 free survival"
    assert [(m.start, m.end) for m in vocabulary.find(text)] == [(0, 6), (7, 15)]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"ab?cd*e{0,2}fg", "acfg"),
        (r"(?:one|two) three", "two three"),
        (r"one|two", "two"),
        (r"x\d?y", "xy"),
        (r"(?-i:IV)(?!z)", "IV"),
        (r"[ab]c+", "bcc"),
    ],
)
def test_a_pattern_is_searched_wherever_it_can_match(pattern: str, text: str) -> None:
    assert _vocabulary(patterns=(pattern,)).first(text)
