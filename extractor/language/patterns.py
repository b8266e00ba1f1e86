r"""Rules over tokens, as data: ``rules/*.toml``.

A rule has a name, a pattern, and examples that the pattern must or must not match::

    [rule.washout]
    pattern = "within span=<duration> ( before | prior to ) <study_entry>"
    examples = ["within 4 weeks before the first dose"]
    counter_examples = ["planned within 4 weeks after surgery"]

A pattern is a regular expression over tokens, separated by white space:

- ``before``: a word, in any case; ``IV``: an abbreviation, in capitals only; ``randomi~``: all
  words with this prefix;
- ``,`` ``/`` ``\(`` ``\_``: symbols; escape a symbol with a backslash if it has a meaning in
  regular expressions;
- ``\n``: the end of a line;
- ``#``: a number; ``##``: a number inside a name ("C1D1"); ``_``: any word; ``.``: any token on
  the same line;
- ``<duration>``: another rule; ``<+duration>``: another rule, keeping its named parts;
  ``<routes>``: any term of a vocabulary;
- ``name=<duration>``, ``name=( a | b )``: a named part;
- ``( a | b )``, ``?``, ``*``, ``+``, ``{0,4}``, ``(?= ... )``, ``(?! ... )``, ``(?<= ... )``,
  ``(?<! ... )``, ``^``, ``$``: as in regular expressions, but ``*`` and ``+`` match at most 300
  times; ``*+`` and ``++``: as ``*`` and ``+``, but without backtracking.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import tomli

from extractor.errors import RuleError
from extractor.language.lexer import (
    ANY_WORD,
    LEXICON,
    NAME_NUMBER,
    NUMBER,
    Range,
    Tokens,
)
from extractor.language.shapes import ANY_TOKEN, Shape, ShapeReader
from extractor.language.values import value_class
from extractor.schemas.arguments import suggest

_WORD = r"[^\W\d_]+(?:'[^\W\d_]+)?~?"
_ATOM = re.compile(
    r"(?:(?P<line_end>\\n)|(?P<capture>[a-z_]\w{0,40})=(?=[<(])|<(?P<keep>\+)?(?P<name>\w+)>"
    r"|(?P<any>\##?|_|\.)"
    rf"|(?P<word>{_WORD})"
    r"|(?P<syntax>\(\?<?[!=]|[*+]\+?|[()|?^$]|\{\d*,?\d*\})"
    r"|\\?(?P<sign>[^\s\w\\]|\\|(?<=\\)_))\s*"
)
_WORDS = re.compile(rf"<\+?\w+>|(?<!\w)\w++=(?=[<(])|\\n|({_WORD})")
"""Matches a word, or another part of a pattern that has letters."""
# Chosen by hand, far above what rules repeat.
_MOST = 300
"""Maximum number of repetitions that ``*`` and ``+`` match. The limit prevents searches from taking
quadratic time.
"""
_SYNTAX = {
    "(": "(?:",
    "*": f"{{0,{_MOST}}}",
    "+": f"{{1,{_MOST}}}",
    "*+": f"{{0,{_MOST}}}+",
    "++": f"{{1,{_MOST}}}+",
}
_ANY = {"#": NUMBER, "##": NAME_NUMBER, "_": ANY_WORD, ".": "."}
_ANY_SHAPES = {
    "#": Shape.of(NUMBER),
    "##": Shape.of(NAME_NUMBER),
    "_": ANY_TOKEN,
    ".": ANY_TOKEN,
}
_KEYS = ("pattern", "examples", "counter_examples", "note")
"""What the table of a rule may contain."""
_CAPTURE_OPEN = "\0"
_NAMED_PART = r"\(\?P<\w+>"


@value_class()
class RuleMatch:
    """A match for a rule, at the tokens ``first:end``. Offsets in ``match`` are relative to the
    token ``shift``.
    """

    tokens: Tokens
    first: int
    end: int
    match: re.Match[str]
    shift: int = 0

    @property
    def span(self) -> Range:
        """The half-open range of characters in the text."""
        return self.tokens.span(self.first, self.end)

    @property
    def text(self) -> str:
        return self.tokens.read(self.first, self.end)

    def has(self, name: str) -> bool:
        """Return whether the rule has a part with this name that matched."""
        if name not in self.match.re.groupindex:
            return False
        return self.match[name] is not None

    def part(self, name: str) -> Range | None:
        """Return the half-open token range of a named part; None if it did not match."""
        if self.has(name):
            return self.place(name)
        return None

    def place(self, name: str) -> Range:
        """Return the half-open token range of a named part that always matches."""
        first, end = self.match.span(name)
        return first + self.shift, end + self.shift

    def read(self, name: str) -> str:
        """Return the text of a named part; "" if it did not match."""
        if self.has(name):
            return self.tokens.read(*self.place(name))
        return ""


def _locate(tokens: Tokens, match: re.Match[str], shift: int = 0) -> RuleMatch:
    """Return a match over codes as a match over tokens. ``shift`` is the index of the token at
    which the codes begin.
    """
    return RuleMatch(tokens, match.start() + shift, match.end() + shift, match, shift)


@dataclass(frozen=True)
class TokenRule:
    """A rule in the rule book. ``expression`` is compiled when a text first needs it: a rule is
    not asked about tokens that contain none of the codes that each of its matches contains.
    """

    name: str
    pattern: str
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()
    note: str | None = None
    file: str = field(default="", repr=False)
    """The path of its file, for messages; empty for a rule that the code has made."""
    book: "Mapping[str, TokenRule]" = field(default_factory=dict, repr=False)
    written: list["_WrittenPattern"] = field(
        default_factory=list, init=False, repr=False
    )
    """The pattern as a regular expression: a list that is empty until it is written, and then has
    one element.
    """

    @cached_property
    def expression(self) -> re.Pattern[str]:
        source = _write(self, set()).source
        try:
            return re.compile(source)
        except re.error as error:
            raise RuleError(f"{self.place}: {_explain(error)}") from error

    @property
    def place(self) -> str:
        """The file and the name of the rule, for messages."""
        if self.file:
            return f"{self.file}: rule {self.name}"
        return f"rule {self.name}"

    @cached_property
    def _ending(self) -> re.Pattern[str]:
        return re.compile(f"(?:{self.expression.pattern})$")

    @cached_property
    def anchored(self) -> bool:
        """Whether the rule contains ``^``, which matches at the start of a range."""
        return "^" in _write(self, set()).source

    @cached_property
    def needs(self) -> Sequence[frozenset[str]]:
        """Sets of codes, the rarest first: each match contains a code of each set."""
        return self._shape.needs

    @cached_property
    def _shape(self) -> Shape:
        return _write(self, set()).shape

    @cached_property
    def _firsts(self) -> frozenset[str] | None:
        if self._shape.can_be_empty:
            return None
        return self._shape.firsts

    @cached_property
    def _lasts(self) -> frozenset[str] | None:
        if self._shape.can_be_empty:
            return None
        return self._shape.lasts

    def find(
        self, tokens: Tokens, first: int = 0, end: int | None = None
    ) -> Iterable[RuleMatch]:
        """Return all matches within the tokens ``first:end`` (by default, all), in order and
        without overlaps; empty if there are none.
        """
        selected = self._select_codes(tokens, first, end)
        if selected is None:
            return ()
        codes, start, stop, shift = selected
        return [
            _locate(tokens, match, shift)
            for match in self.expression.finditer(codes, start, stop)
        ]

    def search(
        self, tokens: Tokens, first: int = 0, end: int | None = None
    ) -> RuleMatch | None:
        """Return the first match within the tokens ``first:end`` (by default, all), or None."""
        selected = self._select_codes(tokens, first, end)
        if selected is None:
            return None
        codes, start, stop, shift = selected
        match = self.expression.search(codes, start, stop)
        if match:
            return _locate(tokens, match, shift)
        return None

    def occurs(self, tokens: Tokens, first: int = 0, end: int | None = None) -> bool:
        """Return whether the rule matches anywhere within the tokens ``first:end`` (by default,
        all).
        """
        return self.search(tokens, first, end) is not None

    def starts(
        self, tokens: Tokens, first: int, end: int | None = None
    ) -> RuleMatch | None:
        """Return the match that begins at token ``first``, or None. The match ends at or before
        token ``end``, by default the end of the text; a rule with ``^`` then sees at most 300
        tokens.
        """
        firsts = self._firsts
        if firsts is not None and tokens.codes[first : first + 1] not in firsts:
            return None
        if end is None:
            end = len(tokens.codes)
            if first and self.anchored:
                # otherwise, each of the many questions about a long line would copy the rest of it
                end = min(first + _MOST, end)
        # a match at one place is quick, so the codes are compared only to avoid compiling the rule
        is_compiled = "expression" in vars(self)
        if not is_compiled and self._select_codes(tokens, first, end) is None:
            return None
        shift = 0
        if first and self.anchored:  # see ``_select_codes``
            shift = first
            match = self.expression.match(tokens.codes[first:end])
        else:
            match = self.expression.match(tokens.codes, first, end)
        if match:
            return _locate(tokens, match, shift)
        return None

    def _select_codes(
        self, tokens: Tokens, first: int, end: int | None
    ) -> tuple[str, int, int, int] | None:
        """Return what a search of the tokens ``first:end`` needs: the codes to search, its start
        and stop within these codes, and the shift, the index of the token at which the codes begin.
        Return None if the tokens contain no code of one of the rule's ``needs``.

        They are the codes of the whole text, with a shift of 0, except for a rule with ``^``:
        ``re`` matches ``^`` only at the start of the string, so that rule is given only the codes
        of the range.
        """
        if end is None:
            end = len(tokens.codes)
        needs = self.needs
        if needs:
            present = tokens.codes_in(first, end)
            for needed in needs:
                if needed.isdisjoint(present):
                    return None
        codes = tokens.codes
        if first and self.anchored:
            return codes[first:end], 0, end - first, first
        return codes, first, end, 0

    def ends(
        self, tokens: Tokens, end: int | None = None, first: int = 0
    ) -> RuleMatch | None:
        """Return the longest match that ends immediately before token ``end``, by default at the
        end of the text, or None. It begins at or after token ``first`` and has at most 300 tokens.
        """
        if end is None:
            end = len(tokens.codes)
        lasts = self._lasts
        last = tokens.codes[end - 1 : end]
        # ``$`` also matches before a line end
        if lasts is not None and last != "\n" and last not in lasts:
            return None
        match = self._ending.search(tokens.codes, max(first, end - _MOST, 0), end)
        if match:
            return _locate(tokens, match)
        return None

    def covers(
        self, tokens: Tokens, first: int = 0, end: int | None = None
    ) -> RuleMatch | None:
        """Return the match that covers exactly the tokens ``first:end`` (by default, all), or
        None.
        """
        if end is None:
            end = len(tokens.codes)
        firsts = self._firsts
        if firsts is not None and tokens.codes[first : first + 1] not in firsts:
            return None
        match = self.expression.fullmatch(tokens.codes, first, end)
        if match:
            return _locate(tokens, match)
        return None


@dataclass(frozen=True, slots=True)
class _WrittenPattern:
    """A pattern as the source of a regular expression over codes, and the codes it needs."""

    source: str
    shape: Shape


def _write(rule: TokenRule, within: set[str]) -> _WrittenPattern:
    """Return the regular expression for a rule, to be matched against codes. ``within`` contains
    the names of the rules that refer to this rule.
    """
    if rule.name in within:
        raise RuleError(f"{rule.place} refers to itself")
    if rule.written:
        return rule.written[0]
    pieces = []
    shapes = ShapeReader()
    pattern = rule.pattern.lstrip()
    offset = 0
    while offset < len(pattern):
        atom = _ATOM.match(pattern, offset)
        if not atom:
            unread = pattern[offset : offset + 20]
            raise RuleError(f"{rule.place}: cannot read {unread!r}")
        offset = atom.end()
        try:
            pieces.append(_write_atom(rule, atom, within, shapes))
        except IndexError:
            before = pattern[max(0, offset - 30) : offset].strip()
            raise RuleError(
                f"{rule.place}: {atom[0].strip()!r} closes or repeats nothing, in {before!r}"
            ) from None
    if shapes.is_open:
        raise RuleError(f"{rule.place}: a bracket is not closed")
    # "name=( a )" is one group: the named group replaces the group that follows.
    source = "".join(pieces).replace(_CAPTURE_OPEN + "(?:", "")
    rule.written.append(_WrittenPattern(source, shapes.close()))
    return rule.written[0]


def _write_atom(
    rule: TokenRule, atom: re.Match[str], within: set[str], shapes: ShapeReader
) -> str:
    """Return the regular expression for one piece of a pattern. Add its shape to ``shapes``."""
    kind = atom.lastgroup or ""
    written = atom[kind]
    if kind == "word":
        codes = LEXICON.find(written)
        shapes.add(Shape.of(codes))
        return f"[{codes}]"
    if kind == "syntax":
        shapes.read(written)
        return _SYNTAX.get(written, written)
    if kind == "name":
        referred = _read_reference(rule, atom, within)
        shapes.add(referred.shape)
        return f"(?:{referred.source})"
    if kind == "capture":
        return f"(?P<{written}>{_CAPTURE_OPEN}"
    if kind == "any":
        shapes.add(_ANY_SHAPES[written])
        return _ANY[written]
    sign = written
    if kind == "line_end":
        sign = "\n"
    shapes.add(Shape.of(sign))
    return re.escape(sign)


def _read_reference(
    rule: TokenRule, atom: re.Match[str], within: set[str]
) -> _WrittenPattern:
    """Return the regular expression for ``<name>``, which refers to another rule. The named parts
    of that rule are dropped unless the pattern keeps them (``<+name>``).
    """
    name = atom["name"]
    try:
        referred = rule.book[name]
    except KeyError:
        raise RuleError(
            f"{rule.place} refers to {name!r}, which does not "
            f"exist{suggest(name, rule.book)}"
        ) from None
    written = _write(referred, within | {rule.name})
    if atom["keep"]:
        return written
    return _WrittenPattern(re.sub(_NAMED_PART, "(?:", written.source), written.shape)


def _explain(error: re.error) -> str:
    """Return what is wrong with a regular expression, in terms of the pattern that it was written
    from.
    """
    problem = error.msg
    if "redefinition" in problem:
        return (
            f"a part has the same name twice ({problem}): give one of them another name, or "
            "insert the rule as <name> instead of <+name>"
        )
    return f"the pattern is no regular expression ({problem})"


def read_rules(
    text: str, book: Mapping[str, TokenRule], file: str = ""
) -> list[TokenRule]:
    r"""Return the rules in the text of a file and register their words. The rules may refer to the
    rules in ``book``. Raises ``RuleError`` for a table that is no rule.

    >>> read_rules("[rule.washout]\npatern = 'within'", {}, "times.toml")
    Traceback (most recent call last):
    extractor.errors.RuleError: times.toml: rule washout: unknown key patern (did you mean pattern?)
    """
    rules: list[TokenRule] = []
    for name, fields in tomli.loads(text).get("rule", {}).items():
        _check_fields(fields, f"{file}: rule {name}")
        for key in ("examples", "counter_examples"):
            fields[key] = tuple(fields.get(key, ()))
        rules.append(make_rule(name=name, file=file, **fields, book=book))
    return rules


def _check_fields(fields: Any, place: str) -> None:
    """Raise ``RuleError`` if the table of a rule has an unknown key, or a value of another type."""
    if not isinstance(fields, dict):
        raise RuleError(f"{place}: it is no table; write [rule.NAME], then its keys")
    for key, value in fields.items():
        if key not in _KEYS:
            raise RuleError(f"{place}: unknown key {key}{suggest(key, _KEYS)}")
        if key.endswith("examples"):
            check_texts(value, f"{place}: {key}")
        elif not isinstance(value, str):
            raise RuleError(f"{place}: {key} is no text; write it in quotation marks")
    if "pattern" not in fields:
        raise RuleError(f"{place}: it has no pattern")


def check_texts(value: object, place: str) -> None:
    """Raise ``RuleError`` if a value of a file of rules is not a list of texts."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise RuleError(f'{place} is no list of texts; write ["one", "another"]')


def make_rule(**fields: Any) -> TokenRule:
    """Create a rule and register its words. Call this function before reading texts that contain
    the words.
    """
    rule = TokenRule(**fields)
    LEXICON.add_together(list(filter(None, _WORDS.findall(rule.pattern))))
    return rule
