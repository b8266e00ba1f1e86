r"""Rules over tokens, as data: ``rulebook/*.toml``.

A rule has a name, a pattern, and texts that it must and must not find::

    [[rule]]
    name = "washout"
    pattern = "within span=<duration> ( before | prior to ) <study_entry>"
    examples = ["within 4 weeks before the first dose"]
    counter_examples = ["planned within 4 weeks after surgery"]

A pattern is a regular expression whose characters are tokens, parted by white space:

- ``before``: a word, in any case; ``IV``: an abbreviation, in capitals alone; ``randomi~``: all words that begin so;
- ``,`` ``/`` ``\(`` ``\_``: signs; those that mean something in an expression stand behind a backslash;
- ``\n``: the end of a line;
- ``#``: a number, ``##``: a number inside a name ("C1D1"), ``_``: any word, ``.``: any token of the line;
- ``<duration>``: another rule; ``<+duration>``: with its named parts; ``<routes>``: any term of a vocabulary;
- ``name=<duration>``, ``name=( a | b )``: what is found there can be asked for by that name;
- ``( a | b )``, ``?``, ``*``, ``+``, ``{0,4}``, ``(?! ... )``, ``(?<! ... )``, ``^``, ``$``: as in regular expressions.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .lexer import CODES, LEXICON, NAME_NUMBER, NUMBER, UNKNOWN, Lexicon, Tokens

_ATOM = re.compile(
    r"\s+|(?P<line_end>\\n)|(?P<capture>[a-z_]\w*)=(?=[<(])|<(?P<keep>\+)?(?P<name>\w+)>|(?P<any>\##?|_|\.)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)?~?)"
    r"|(?P<syntax>\(\?<?[!=]|[()|?*+^$]|\{\d*,?\d*\})|\\?(?P<sign>[^\s\w\\]|\\|(?<=\\)_)"
)
ANY_WORD = f"[{UNKNOWN}{CODES}]"


class RuleError(ValueError):
    """A rule that cannot be read: names the rule and the place in its pattern."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a rule was found: ``tokens.words[first:end]``. The codes that ``match`` read begin at token ``shift``."""

    tokens: Tokens
    first: int
    end: int
    match: re.Match[str]
    shift: int = 0

    @property
    def span(self) -> tuple[int, int]:
        """Half-open place in the text."""
        return self.tokens.starts[self.first], self.tokens.ends[self.end - 1] if self.end > self.first else self.first

    @property
    def text(self) -> str:
        return self.tokens.read(self.first, self.end)

    def has(self, name: str) -> bool:
        """Whether the rule has a named part, and it was found."""
        return name in self.match.re.groupindex and self.match[name] is not None

    def part(self, name: str) -> tuple[int, int] | None:
        """The tokens of a named part, half open; None if it is not there."""
        return self.place(name) if self.has(name) else None

    def place(self, name: str) -> tuple[int, int]:
        """The tokens of a named part that is always there, half open."""
        first, end = self.match.span(name)
        return first + self.shift, end + self.shift

    def read(self, name: str) -> str | None:
        """The text of a named part; None if it is not there."""
        place = self.part(name)
        return None if place is None else self.tokens.read(*place)


_TRACE: list[list[tuple[str, Found]]] = []


@contextmanager
def trace_rules() -> Iterator[list[tuple[str, Found]]]:
    """Collects what rules find meanwhile, with their names, for those who ask why a value was read.

    >>> from extractor.text.book import read_text, rule
    >>> with trace_rules() as found:
    ...     _ = rule("duration").search(read_text("for 2 weeks"))
    >>> [(name, each.text) for name, each in found]
    [('duration', '2 weeks')]
    """
    _TRACE.append([])
    try:
        yield _TRACE[-1]
    finally:
        _TRACE.pop()


@dataclass(frozen=True)
class Rule:
    """One rule of the rule book. ``expression`` is made when the rule is first used: by then all words are known."""

    name: str
    pattern: str
    gives: str | None = None
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()
    note: str | None = None
    book: "Mapping[str, Rule]" = field(default_factory=dict, repr=False)
    lexicon: Lexicon = field(default_factory=lambda: LEXICON, repr=False)
    written: list[str] = field(default_factory=list, init=False, repr=False)
    """The regular expression, once another rule or the rule itself has asked for it."""

    @cached_property
    def expression(self) -> re.Pattern[str]:
        return re.compile(_write(self, set()))

    @cached_property
    def _behind(self) -> re.Pattern[str]:
        return re.compile(f"(?:{self.expression.pattern})$")

    @cached_property
    def _anchored(self) -> bool:
        return "^" in self.expression.pattern

    def find(self, tokens: Tokens, first: int = 0, end: int | None = None) -> Iterator[Found]:
        """All places, from left to right, without overlaps."""
        codes, first, end, shift = self._cut(tokens, first, end)
        return (self._note(tokens, match, shift) for match in self.expression.finditer(codes, first, end))

    def search(self, tokens: Tokens, first: int = 0, end: int | None = None) -> Found | None:
        """The first place."""
        codes, first, end, shift = self._cut(tokens, first, end)
        match = self.expression.search(codes, first, end)
        return self._note(tokens, match, shift) if match else None

    def starts(self, tokens: Tokens, first: int, end: int | None = None) -> Found | None:
        """The place that begins with a token."""
        codes, first, end, shift = self._cut(tokens, first, end)
        match = self.expression.match(codes, first, end)
        return self._note(tokens, match, shift) if match else None

    def _note(self, tokens: Tokens, match: re.Match[str], shift: int = 0) -> Found:
        found = Found(tokens, match.start() + shift, match.end() + shift, match, shift)
        if _TRACE:
            _TRACE[-1].append((self.name, found))
        return found

    def _cut(self, tokens: Tokens, first: int, end: int | None) -> tuple[str, int, int, int]:
        """The codes to be read, and how far they are shifted: ``^`` is where the range begins, not the text."""
        codes = tokens.codes
        if end is None:
            end = len(codes)
        if first and self._anchored:
            return codes[first:end], 0, end - first, first
        return codes, first, end, 0

    def ends(self, tokens: Tokens, end: int, first: int = 0) -> Found | None:
        """The place that ends before a token and begins at ``first`` or behind it."""
        match = self._behind.search(tokens.codes, max(first, 0), end)
        return self._note(tokens, match) if match else None

    def covers(self, tokens: Tokens, first: int, end: int) -> Found | None:
        """The place that is exactly these tokens."""
        match = self.expression.fullmatch(tokens.codes, first, end)
        return self._note(tokens, match) if match else None


def _write(rule: Rule, within: set[str]) -> str:
    """The regular expression of a rule over codes."""
    if rule.name in within:
        raise RuleError(f"rule {rule.name} refers to itself")
    if rule.written:
        return rule.written[0]
    written, place = [], 0
    while place < len(rule.pattern):
        atom = _ATOM.match(rule.pattern, place)
        if not atom:
            raise RuleError(f"rule {rule.name}: cannot read {rule.pattern[place : place + 20]!r}")
        place = atom.end()
        written.append(_write_atom(rule, atom, within))
    rule.written.append("".join(written).replace(_CAPTURE_OPEN + "(?:", ""))
    return rule.written[0]


_CAPTURE_OPEN, _NAMED_PART = "\0", r"\(\?P<\w+>"


def _write_atom(rule: Rule, atom: re.Match[str], within: set[str]) -> str:
    """The regular expression of one piece of a pattern; white space stands for nothing."""
    if name := atom["name"]:
        if name not in rule.book:
            raise RuleError(f"rule {rule.name} refers to {name!r}, and there is no such rule")
        written = _write(rule.book[name], within | {rule.name})
        return f"(?:{written if atom['keep'] else re.sub(_NAMED_PART, '(?:', written)})"
    if atom["word"]:
        return f"[{rule.lexicon.find(atom['word'])}]"
    if atom["capture"]:
        return f"(?P<{atom['capture']}>{_CAPTURE_OPEN}"
    if atom["any"]:
        return {"#": NUMBER, "##": NAME_NUMBER, "_": ANY_WORD, ".": "."}[atom["any"]]
    if atom["syntax"]:
        return "(?:" if atom["syntax"] == "(" else atom["syntax"]
    return "\n" if atom["line_end"] else re.escape(atom["sign"] or "")


def read_rules(text: str, book: Mapping[str, Rule], lexicon: Lexicon = LEXICON) -> list[Rule]:
    """The rules of one file; their words become known. ``book`` holds the rules to which they may refer."""
    entries: list[dict[str, Any]] = tomllib.loads(text).get("rule", [])
    for entry in entries:
        entry |= {key: tuple(entry.get(key, ())) for key in ("examples", "counter_examples")}
    return [make_rule(**entry, book=book, lexicon=lexicon) for entry in entries]


def make_rule(*, lexicon: Lexicon = LEXICON, **fields: Any) -> Rule:
    """A rule whose words are known to the lexicon."""
    made = Rule(**fields, lexicon=lexicon)
    learn_words(made.pattern, lexicon)
    return made


def learn_words(pattern: str, lexicon: Lexicon = LEXICON) -> None:
    """Make the words of a pattern known, which must come before the texts that have them."""
    for atom in _ATOM.finditer(pattern):
        if atom["word"]:
            lexicon.add(atom["word"])
