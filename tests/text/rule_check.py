"""What is wrong with one rule, each fault with what mends it."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import extractor
from extractor.language.book import load_book, read_table, read_text
from extractor.language.patterns import TokenRule

PACKAGE = Path(extractor.__file__).parent
RULE_FILES = sorted(path for path in PACKAGE.rglob("*.toml") if "rules" in path.parts)
BOOK = load_book()
RULES = [rule for rule in BOOK.rules.values() if rule.name not in BOOK.vocabularies]
LONGEST_FILE = 500
"""Most lines of a file of rules."""
LONGEST_PHRASE = 300
"""Most characters of a pattern; of a list of phrases, of each phrase."""


def list_faults(rule: TokenRule) -> Iterator[str]:
    """Yield what is wrong with a rule."""
    yield from _list_faults_of_examples(rule)
    yield from _list_faults_of_pattern(rule)
    if not is_used(rule):
        yield (
            f"nothing uses it: name it in another rule, as <{rule.name}>, or in a reader, as "
            f'rule("{rule.name}")'
        )


def _list_faults_of_examples(rule: TokenRule) -> Iterator[str]:
    if not rule.examples:
        yield "it has no examples: add texts that it finds"
    for text in rule.examples:
        if not rule.search(read_text(text)):
            yield f"it does not find its example {text!r}: change the pattern, or the example"
    for text in rule.counter_examples:
        if rule.search(read_text(text)):
            yield (
                f"it finds its counter-example {text!r}, somewhere in it: change the pattern, take "
                "another text, or make it a case in tests/cases if only its place saves it"
            )


def _list_faults_of_pattern(rule: TokenRule) -> Iterator[str]:
    for alternative in list_alternatives(rule.pattern):
        if len(alternative) > LONGEST_PHRASE:
            yield (
                f"its pattern has {len(alternative)} characters, at most {LONGEST_PHRASE} are "
                f"allowed: give a part that has a name in the field a rule of its own. It begins "
                f"with {alternative[:60]!r}"
            )


def list_faults_of_file(path: Path) -> Iterator[str]:
    """Yield what is wrong with a file of rules."""
    lines = path.read_text("utf-8").splitlines()
    if len(lines) > LONGEST_FILE:
        yield (
            f"{path.name} has {len(lines)} lines, at most {LONGEST_FILE} are allowed: take a "
            "file of the topic that has room, or begin a new one"
        )
    if not lines[0].startswith("# "):
        yield f"{path.name} does not say in its first line what it decides: add a comment"


def list_names(path: Path) -> Sequence[str]:
    """The names of the rules in a file."""
    return [*tomllib.loads(path.read_text("utf-8")).get("rule", ())]


def is_used(rule: TokenRule) -> bool:
    """Whether another rule, an entry of a vocabulary, a table or the code names the rule."""
    return rule.name in list_used()


@cache
def list_used() -> frozenset[str]:
    """The names that patterns, tables and the code use."""
    patterns = [rule.pattern for rule in RULES]
    for vocabulary in BOOK.vocabularies.values():
        for entry in vocabulary:
            patterns += entry.rules
    for kind in (*read_table("measures").values(), *read_table("windows").values()):
        patterns += [str(row.get("pattern")) for row in kind.values() if "make" in row]
    code = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    in_patterns = re.findall(r"<\+?(\w+)>", " ".join(patterns))
    in_code = re.findall(r'"(\w+)"', code)
    in_tables: list[str] = []
    for field in ("frequency", "cycle", "duration"):
        in_tables += read_table("dose_marks")[field]
    for features in read_table("doubts")["limit_feature"].values():
        in_tables += features.values()
    for features in read_table("dose_features")["words"].values():
        in_tables += [name for _, name in features.values()]
    for by_reach in read_table("hostile")["hostile"].values():
        for names in by_reach.values():
            in_tables += names
    return frozenset((*in_patterns, *in_code, *in_tables))


def list_alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern that stand outside brackets: "a | ( b | c ) d" has two."""
    alternatives = [""]
    depth = 0
    for word in pattern.split():
        plain = re.sub(r"\\.", "", word)
        depth += plain.count("(") - plain.count(")")
        if word == "|" and not depth:
            alternatives.append("")
        else:
            alternatives[-1] += f" {word}"
    return [alternative.strip() for alternative in alternatives]
