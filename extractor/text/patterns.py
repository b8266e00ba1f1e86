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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
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
        """Whether a named part was found."""
        return self.match[name] is not None

    def part(self, name: str) -> tuple[int, int] | None:
        """The tokens of a named part, half open; None if it is not there."""
        first, end = self.match.span(name)
        return None if first < 0 else (first + self.shift, end + self.shift)

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
    def needs(self) -> frozenset[str] | None:
        """Codes one of which stands in whatever the rule finds; None if there is no such set.

        A text without any of them need not be searched.
        """
        atoms = [atom for atom in _ATOM.finditer(self.pattern) if atom.lastgroup]
        return _find_needs(self, atoms, 0)[0]

    @cached_property
    def _is_needed(self) -> Callable[[str, int, int], object]:
        """Whether codes have one of those that the rule ``needs``, in a range: without any it is not tried."""
        return write_trigger(self.needs).search

    @cached_property
    def _behind(self) -> re.Pattern[str]:
        return re.compile(f"(?:{self.expression.pattern})$")

    @cached_property
    def _anchored(self) -> bool:
        return "^" in self.expression.pattern

    def find(self, tokens: Tokens, first: int = 0, end: int | None = None) -> Iterator[Found]:
        """All places, from left to right, without overlaps."""
        codes, first, end, shift = self._cut(tokens, first, end)
        if not self._is_needed(codes, first, end):
            return iter(())
        return (self._note(tokens, match, shift) for match in self.expression.finditer(codes, first, end))

    def search(self, tokens: Tokens, first: int = 0, end: int | None = None) -> Found | None:
        """The first place."""
        codes, first, end, shift = self._cut(tokens, first, end)
        if not self._is_needed(codes, first, end):
            return None
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
        codes, first = tokens.codes, max(first, 0)
        if not self._is_needed(codes, first, end):
            return None
        match = self._behind.search(codes, first, end)
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


_Needs = frozenset[str] | None


def write_trigger(needs: _Needs) -> re.Pattern[str]:
    """An expression for any of the codes; it matches everywhere where none is needed."""
    return re.compile(f"[{''.join(map(re.escape, sorted(needs)))}]" if needs else "")


_COMMON_WORDS = "a an and are as at be by for from in is it not of on or other that the this to will with you your"


@cache
def _list_common(lexicon: Lexicon) -> frozenset[str]:
    """Codes that stand in nearly every text."""
    words = (lexicon.add(word) for word in _COMMON_WORDS.split())
    return frozenset([*words, NUMBER, NAME_NUMBER, "\n", *",.:;()-/"])


def _find_needs(rule: Rule, atoms: list[re.Match[str]], at: int) -> tuple[_Needs, int]:
    """What alternatives need, from atom ``at`` to the bracket that closes them, and the place behind it."""
    ways: list[list[_Needs]] = [[]]
    while at < len(atoms) and atoms[at]["syntax"] != ")":
        syntax = atoms[at]["syntax"] or ""
        if syntax == "|":
            ways.append([])
        elif syntax.startswith("("):
            needed, at = _find_needs(rule, atoms, at + 1)
            ways[-1].append(None if syntax != "(" else needed)
        elif syntax in ("?", "*") or syntax.startswith("{0"):
            ways[-1][-1:] = []
        elif not syntax and not atoms[at]["capture"]:
            ways[-1].append(_need_atom(rule, atoms[at]))
        at += 1
    common = _list_common(rule.lexicon)
    best = [
        min((needed for needed in way if needed), key=lambda codes: (len(codes & common), len(codes)), default=None)
        for way in ways
    ]
    return (None if None in best else frozenset().union(*filter(None, best))), at


def _need_atom(rule: Rule, atom: re.Match[str]) -> _Needs:
    if atom["name"]:
        return rule.book[atom["name"]].needs
    if atom["any"]:
        return frozenset({"#": NUMBER, "##": NAME_NUMBER}.get(atom["any"], ""))
    return frozenset(rule.lexicon.find(atom["word"]) if atom["word"] else atom["sign"] or "\n")


_CAPTURE_OPEN = "\0"


def _write_atom(rule: Rule, atom: re.Match[str], within: set[str]) -> str:
    kind = atom.lastgroup or "space"
    found = atom[kind] if atom.lastgroup else ""
    writers: dict[str, Callable[[], str]] = {
        "space": lambda: "",
        "line_end": lambda: "\n",
        "capture": lambda: f"(?P<{found}>{_CAPTURE_OPEN}",
        "name": lambda: f"(?:{_write_reference(rule, atom, within)})",
        "any": lambda: {"#": NUMBER, "##": NAME_NUMBER, "_": ANY_WORD, ".": "."}[found],
        "word": lambda: f"[{rule.lexicon.find(found)}]",
        "syntax": lambda: "(?:" if found == "(" else found,
        "sign": lambda: re.escape(found),
    }
    return writers[kind]()


def _write_reference(rule: Rule, atom: re.Match[str], within: set[str]) -> str:
    name = atom["name"]
    if name in rule.book:
        written = _write(rule.book[name], within | {rule.name})
        return written if atom["keep"] else re.sub(r"\(\?P<\w+>", "(?:", written)
    raise RuleError(f"rule {rule.name} refers to {name!r}, and there is no such rule")


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
