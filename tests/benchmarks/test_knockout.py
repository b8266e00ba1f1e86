"""What nothing notices is found, and what is needed is not taken for it."""

import sys
from collections import Counter
from functools import partial

import pytest

from benchmarks.knockout import __main__ as command
from benchmarks.knockout.answers import Gave, list_answers
from benchmarks.knockout.functions import import_file, list_places
from benchmarks.knockout.probes import Outcome, Probe, run_probe
from benchmarks.knockout.recording import Recording, name_code, trace_calls
from benchmarks.knockout.rules import drop_rule, drop_vocabulary
from benchmarks.knockout.tables import format_results, sort_results
from benchmarks.knockout.together import find_free
from benchmarks.knockout.trials import Gates, try_target
from benchmarks.knockout.words import format_words
from extractor.language.book import find_terms, load_book, read_text, rule

MODULE = '''
"""Reads a dose."""

from collections.abc import Iterator
from functools import lru_cache


def read(text: str) -> str | None:
    words = list(split(tidy(text)))
    return find(words) if is_dose(words) else again(words)


def split(text: str) -> Iterator[str]:
    yield from text.split()


def tidy(text: str) -> str:
    return text.replace("milligram", "mg")


def is_dose(words: list[str]) -> bool:
    return "mg" in words


@lru_cache(maxsize=2)
def _number(word: str) -> str | None:
    return word if word.isdigit() else None


def find(words: list[str]) -> str | None:
    return next(filter(None, map(_number, words)), None) or again(words)


def again(words: list[str]) -> str | None:
    return next((word for word in words if word.isdigit()), None)


def spare() -> None:
    return None


def make() -> object:
    raise NotImplementedError
'''
TEXTS = {
    "5 milligram": "5",
    "10 mg daily": "10",
    "none": None,
    "20 mg": "20",
    "30 mg a day": "30",
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """The results of a small module, by function."""
    (tmp_path / "dosereader.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(command, "ROOT", tmp_path)
    file = tmp_path / "dosereader.py"
    module = import_file(file, tmp_path)

    def check(text, right):
        found = module.read(text)
        return found, Counter(wrong=found != right)

    probes = {
        f"gold: {text}": Probe("gold", text, partial(check, text, right))
        for text, right in TEXTS.items()
    }
    outcomes = {}
    gave = {answer: {} for answer in Gave}
    kept = {module.tidy.__code__: "text"}
    for key, probe in probes.items():
        with trace_calls(kept) as called:
            outcomes[key] = run_probe(probe)
        for code, answers in called.items():
            for answer in answers:
                gave[answer].setdefault(name_code(code, tmp_path), []).append(key)
    recording = Recording(outcomes, gave, frozenset(), frozenset())
    targets = [
        command.make_target(place, file, recording)
        for place in list_places(file, tmp_path)
    ]
    attempt = partial(
        try_target,
        probes=probes,
        before=outcomes,
        gates=Gates(frozenset({"gold"}), frozenset()),
        seconds=9,
    )
    yield (
        {target.key.partition(":")[2]: (target, attempt(target)) for target in targets},
        attempt,
    )
    del sys.modules["dosereader"]


def test_a_needed_function_is_told_from_one_that_nothing_notices(results):
    found, _ = results
    groups = {
        name: {decision.key for decision in group}
        for name, group in sort_results(r for _, r in found.values()).items()
    }

    assert found["split"][1].lost == {"gold": 4}
    assert found["is_dose"][1].stub == "False"
    assert not found["is_dose"][1].changed
    assert not found["tidy"][1].changed
    assert groups["Not called by any input"] == {
        "dosereader.py:spare",
        "dosereader.py:make",
    }
    assert "dosereader.py:tidy" in groups["Nothing notices: no output changes"]
    assert "dosereader.py:split" in groups["Lost without it"]
    assert "`dosereader.py:tidy`" in format_results([r for _, r in found.values()])


def test_two_that_stand_in_for_each_other_do_not_go_together(results):
    found, attempt = results
    pairs = [
        (target, target.stubs[0])
        for name, (target, _) in found.items()
        if name in {"find", "again", "tidy"}
    ]
    pairs = [*pairs, (found["_number"][0], found["_number"][0].stubs[0])]

    free = {target.key for target, _ in find_free(pairs, attempt)}

    assert "dosereader.py:tidy" in free
    assert {"dosereader.py:_number", "dosereader.py:again"} - free


def test_a_function_that_gives_back_what_it_got_matters_where_it_gives_something_else(
    results,
):
    found, _ = results

    assert found["tidy"][0].stubs[0].probes == ("gold: 5 milligram",)


def test_what_an_answer_changes_depends_on_what_was_given():
    def find(text: str) -> int | None: ...
    def is_dose(text: str) -> bool: ...
    def act(text: str) -> None: ...

    changed = [
        [set(answer.instead_of) for answer in list_answers(function, function)]
        for function in (find, is_dose, act)
    ]

    assert changed == [
        [{Gave.SOMETHING}],
        [{Gave.SOMETHING}, {Gave.NOTHING}],
        [{Gave.SOMETHING, Gave.NOTHING}],
    ]


def test_a_crash_is_an_outcome():
    assert run_probe(Probe("gold", "1", lambda: 1 / 0)).crash == "ZeroDivisionError"


def test_an_endless_loop_is_an_outcome(monkeypatch):
    monkeypatch.setattr("benchmarks.knockout.probes._CPU_SECONDS", 0.1)

    def loop():
        while True:
            pass

    assert run_probe(Probe("gold", "1", loop)).crash == "_TooSlow"


def test_a_probe_gives_its_output_and_its_errors():
    outcome = run_probe(Probe("gold", "1", lambda: ("text", Counter(age=1))))

    assert outcome == Outcome(outcome.output, {"age": 1}, "", outcome.seconds)


def test_a_rule_matches_nothing_until_it_is_put_back():
    tokens = read_text("within 4 weeks")
    put_back = drop_rule(load_book(), "number")
    gone = rule("number").search(tokens), rule("duration").search(tokens)
    put_back()

    assert gone == (None, None)
    assert rule("duration").search(tokens).text == "4 weeks"


def test_a_vocabulary_is_empty_until_it_is_put_back():
    tokens = read_text("bone marrow")
    put_back = drop_vocabulary(load_book(), "specimens")
    gone = find_terms(tokens, "specimens")
    put_back()

    assert gone == []
    assert [term.value for term in find_terms(tokens, "specimens")] == ["bone marrow"]


def test_terms_that_no_record_holds_are_listed_whole_entries_first(tmp_path):
    book = tmp_path / "rules"
    book.mkdir()
    (book / "routes.toml").write_text(
        'iv = ["IV", "by vein"]\nsc = ["s.c."]\n[rule.a]\npattern = "IV push~"\n'
    )
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": "Given IV, pushed"}\n{"text": ["IV"]}\n')

    text = format_words(tmp_path, [data], 1)

    assert "Whole entries (1): `sc`" in text
    assert "- `iv`: `by vein`" in text
    assert "push" not in text
    assert text.startswith("2 of 5 terms")
