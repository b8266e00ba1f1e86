import pytest

from extractor.parse.vocabulary import Entry, Vocabulary


def _vocabulary(*terms: str, patterns: tuple[str, ...] = (), split_digits: bool = False) -> Vocabulary:
    return Vocabulary((Entry("x", terms, patterns, 1.0, ""),), split_digits=split_digits)


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


def test_split_digits_takes_letters_and_digits_for_words() -> None:
    assert _vocabulary("T1", split_digits=True).first("stage T1c")
    assert not _vocabulary("T1").first("stage T1c")
    assert not _vocabulary("investigator", split_digits=True).first("the investigator's view")


def test_the_longest_wins_unless_all_are_asked_for() -> None:
    vocabulary = _vocabulary("survival", "free survival", patterns=(r"\d+ free", r"survival\b(?! rate)"))
    text = "2 free survival"
    assert [(m.start, m.end) for m in vocabulary.find(text)] == [(0, 6), (7, 15)]
    assert [(m.start, m.end) for m in vocabulary.find_all(text)] == [(0, 6), (2, 15), (7, 15)]


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


def test_a_narrowed_vocabulary_finds_the_same_in_the_pieces_of_its_text() -> None:
    patterns = (r"\d+ mg", r"\bhalf\b", "never")
    vocabulary = _vocabulary("day", patterns=patterns)
    pieces = ("5 MG a day", "one half", "or none")
    narrowed = vocabulary.narrow(" ".join(pieces))
    assert [[*narrowed.find(piece)] for piece in pieces] == [[*vocabulary.find(piece)] for piece in pieces]
    assert vocabulary.first("never")
    assert not narrowed.first("never")
