"""Measure how processing time grows with the length of a text, and write texts that are hard for
each regular expression.

The processor time of a thread is measured instead of wall-clock time, and compared only within one
run.
"""

import ast
import gc
import importlib
import inspect
import pkgutil
import re
import signal
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from math import log
from pathlib import Path
from re import _constants as codes
from re import _parser as parser
from time import thread_time
from types import ModuleType
from typing import Any, NamedTuple

import extractor
from extractor.language.book import expression, load_book, read_table
from extractor.language.lexer import ANY_WORD, CODES
from extractor.language.patterns import Rule

LARGEST_EXPONENT = 1.3
_SUSPICIOUS = 1.2
_LENGTH = 350
_TIMES = 4
_MEASURABLE_S = 0.00025
_HANGS_S = 3.0
"""Seconds of processor time for a first measurement, many times what linear work takes."""
_HANGS_TIMES = 64
"""How many times that of the shorter text the work on the longer one may take before it is stopped:
time that grows with the cube of the length. A busy machine slows both.
"""
_ROUNDS = ((1, 1), (2, 1), (4, 2), (4, 4), (4, 12), (4, 12), (4, 40))
"""How many times longer the texts are, and how often they are measured, while the time seems to grow
too fast. In a thousand expressions, noise of the machine may last for a few rounds.
"""
_LONG = 30
"""A repetition that may be so long makes an expression work hard on a text that repeats what it
repeats.
"""
PIECES = (
    *("é", "中", "aа", "a", "a ", "7", "7.", "x7", "(", "()", "[", ", ", "|", " "),
    *("\n", "\t", "- ", "\n1. ", ". ", "'"),
)
_TOKENS = ("n", "w", "d", "s", "(", "()", ",", "-", "/", ".", "\n", "n-", "n,")


class Hangs(Exception):
    """The work took far longer than any linear work."""


def fit_growth(work: Callable[[str], object], piece: str) -> float:
    """Return the exponent of the time over the length of a text that repeats ``piece``.

    Return 0 if the time is too short to be measured. What seems to grow too fast is measured in
    longer texts, where repetitions with an end have come to it, and then again and again, shorter
    and longer text in turn: it may be what else the machine does, which only ever adds time. Work
    that grows too fast does so each time.
    """
    try:
        if _measure(work, piece, _TIMES * _LENGTH) < _MEASURABLE_S:
            return 0.0
    except Hangs:
        pass  # measured again below
    exponent = hangs = 0.0
    for factor, runs in _ROUNDS:
        try:
            shorter, longer = _measure_both(work, piece, factor * _LENGTH, runs)
        except Hangs:
            exponent = float("inf")
            hangs += 1
            if hangs > 1:
                break
            continue
        exponent = log(longer / max(shorter, 1e-9), _TIMES)
        if exponent <= _SUSPICIOUS:
            break
    return exponent


def _measure_both(
    work: Callable[[str], object], piece: str, length: int, runs: int
) -> tuple[float, float]:
    """Return the least times for a text of this length and for one that is ``_TIMES`` longer."""
    shorter = longer = float("inf")
    for _ in range(runs):
        shorter = min(shorter, _measure(work, piece, length))
        longest = max(_HANGS_S, _HANGS_TIMES * shorter)
        longer = min(longer, _measure(work, piece, _TIMES * length, longest))
    return shorter, longer


def _measure(
    work: Callable[[str], object], piece: str, length: int, longest: float = _HANGS_S
) -> float:
    """Return the processor time of the work on a text of this length, without that of the garbage
    collector, which depends on what ran before. Raise ``Hangs`` after ``longest`` seconds of it.
    """
    text = (piece * (length // len(piece) + 1))[:length]
    before = signal.signal(signal.SIGPROF, _stop)
    gc.disable()
    signal.setitimer(signal.ITIMER_PROF, longest)  # ``re`` looks for signals, too
    try:
        since = thread_time()
        work(text)
        return thread_time() - since
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        gc.enable()


def _stop(*_: object) -> None:
    raise Hangs


class Expression(NamedTuple):
    """A compiled expression of the package, where it stands, and how it is used."""

    place: str
    compiled: re.Pattern[str]
    methods: frozenset[str]

    def work(self, method: str) -> Callable[[str], object]:
        if method in ("match", "fullmatch"):
            return getattr(self.compiled, method)
        return lambda text: sum(1 for _ in self.compiled.finditer(text))

    def list_pieces(self) -> list[str]:
        """The texts to repeat. An expression whose repetitions are all short is linear, and has
        none.
        """
        pattern = self.compiled.pattern
        if not _MAY_BE_LONG.search(pattern):
            return []
        repeated: set[str] = set()
        tree = parser.parse(pattern, self.compiled.flags & ~re.UNICODE)
        for pick in range(2):
            _list_repeated(tree, "", repeated, pick, 1)
        if not repeated:
            return []
        reads_tokens = ANY_WORD in pattern or re.search(f"[{CODES}]", pattern)
        pieces = set(_TOKENS if reads_tokens else PIECES)
        for text in repeated:
            if 0 < len(text) < 200:
                # the shortest piece whose repetition is the text
                pieces.add(text[: (text + text).find(text, 1)])
        return sorted(pieces)


def find_slow(expressions: Iterable[Expression]) -> dict[str, str]:
    """Return the places of expressions whose time grows faster than the text, with the text."""
    slow = {}
    for member in expressions:
        for piece in member.list_pieces():
            for method in member.methods:
                exponent = fit_growth(member.work(method), piece)
                if exponent > LARGEST_EXPONENT:
                    slow[member.place] = (
                        f"{method} of {piece[:40]!r}: exponent {exponent:.2f}"
                    )
    return slow


def list_rules() -> list[Rule]:
    """Return all rules, also those of vocabularies and their entries. Rules of one entry share a
    name.
    """
    book = load_book()
    rules = list(book.rules.values())
    for entries in book.entry_rules.values():
        rules += [rule for rule, _ in entries]
    return rules


def express(rule: Rule) -> Expression:
    methods = _SEARCHED | {"fullmatch"}
    return Expression(f"rule {rule.name}", rule.expression, methods)


def list_other_expressions() -> Iterator[Expression]:
    """Yield the expressions that are no rules: over characters, of modules, and those written where
    they are used.
    """
    for name in read_table("characters")["expression"]:
        yield Expression(f"characters.toml: {name}", expression(name), _SEARCHED)
    for module in pkgutil.walk_packages(extractor.__path__, "extractor."):
        if not module.name.endswith("__main__"):
            yield from _list_of_module(importlib.import_module(module.name))


def _list_of_module(module: ModuleType) -> Iterator[Expression]:
    source = Path(module.__file__ or "").read_text("utf-8")
    if "import re\n" not in source:
        return
    used = _list_uses(source)
    for name, value in vars(module).items():
        methods = used.get(name, _SEARCHED) if name.startswith("_") else _SEARCHED
        if _is_compiled_at_first_use(value, module):
            value = value()  # noqa: PLW2901
        for pattern in _find_patterns(value):
            yield Expression(f"{module.__name__}: {name}", pattern, frozenset(methods))
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                ast.Attribute(ast.Name("re"), method), [ast.Constant(str(text)), *_]
            ) if method not in ("compile", "escape"):
                yield Expression(
                    f"{module.__name__}:{node.lineno}",
                    re.compile(text),
                    frozenset({method}),
                )


_SEARCHED = frozenset({"finditer"})
_MAY_BE_LONG = re.compile(r"[*+]|,\d{2}|,\}")


def _is_compiled_at_first_use(value: Any, module: ModuleType) -> bool:
    """Whether it is a cached function of the module that returns an expression."""
    if not inspect.isroutine(getattr(value, "__wrapped__", None)):
        return False
    if value.__module__ != module.__name__:
        return False
    signature = inspect.signature(value)
    return "Pattern" in str(signature.return_annotation) and not signature.parameters


def _find_patterns(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, (tuple, list)):
        for member in value:
            yield from _find_patterns(member)
    elif isinstance(value, dict):
        yield from _find_patterns([*value, *value.values()])


def _list_uses(source: str) -> dict[str, set[str]]:
    """The methods by which a module uses each of its names. What is passed on is taken to be
    searched with.
    """
    used: dict[str, set[str]] = defaultdict(set)
    for name, method in re.findall(
        r"\b(_[A-Z]\w*)(?!\w|\s*=[^=]|, _\w+ = )(?:\.(\w+))?", source
    ):
        used[name].add(method or "finditer")
    return used


def _list_repeated(
    tree: Any, before: str, repeated: set[str], pick: int, times: int
) -> None:
    """Collect what long repetitions repeat, alone and behind what may stand before it."""
    for op, argument in tree:
        if op in _REPEATS:
            _, most, body = argument
            sample = _write_sample(body, pick)
            longest = times * (_LONG if most is codes.MAXREPEAT else int(most))
            if longest >= _LONG:
                repeated.update((sample, before, before + sample))
            _list_repeated(body, before, repeated, pick, longest)
        else:
            for inner in _list_inner(op, argument):
                _list_repeated(inner, before, repeated, pick, times)
        before += _write_sample([(op, argument)], pick)


_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "7",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_NOT_WORD: "-",
}


def _write_sample(tree: Any, pick: int) -> str:
    """A text that an expression may match."""
    text = ""
    for op, argument in tree:
        if op is codes.LITERAL:
            text += chr(argument)
        elif op in (codes.ANY, codes.NOT_LITERAL):
            text += "x"
        elif op is codes.IN:
            text += _pick_character(argument, pick)
        elif op is codes.BRANCH:
            text += _write_sample(argument[1][pick % len(argument[1])], pick)
        elif op is codes.SUBPATTERN:
            text += _write_sample(argument[3], pick)
        elif op is codes.ATOMIC_GROUP:
            text += _write_sample(argument, pick)
        elif op in _REPEATS:
            text += _write_sample(argument[2], pick) * max(1, min(argument[0], _LONG))
    return text


def _list_inner(op: Any, argument: Any) -> list[Any]:
    """The expressions within one that repeats nothing itself."""
    if op is codes.BRANCH:
        return argument[1]
    if op is codes.SUBPATTERN:
        return [argument[3]]
    if op is codes.ATOMIC_GROUP:
        return [argument]
    if op in (codes.ASSERT, codes.ASSERT_NOT):
        return [argument[1]]
    return []


def _pick_character(items: Any, pick: int) -> str:
    is_negated = items[0][0] is codes.NEGATE
    if is_negated:
        excluded = {chr(value) for op, value in items[1:] if op is codes.LITERAL}
        for sign in "x7 -(":
            if sign not in excluded:
                return sign
    op, value = items[pick % len(items)]
    if op is codes.CATEGORY:
        return _CATEGORIES.get(value, "x")
    if op is codes.RANGE:
        return chr(value[0])
    return chr(value)
