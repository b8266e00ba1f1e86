"""Measure how work grows with the length of a text, and write texts that are hard for each regular
expression.
"""

import ast
import cProfile
import dis
import gc
import importlib
import pkgutil
import pstats
import re
import signal
import sys
from collections import Counter
from collections.abc import Collection
from math import inf
from pathlib import Path
from re import _constants as codes
from re import _parser as parser
from statistics import median
from time import sleep, thread_time
from typing import NamedTuple

import extractor
from extractor.language.book import expression, load_book, read_table
from extractor.language.lexer import ANY_WORD, CODES

_PACKAGE = Path(extractor.__file__).parent
_LENGTH = 1000
"""Longer than any repetition with an end."""
_MEASURABLE_S = 0.0001
_TIMES = 4
_SUSPICIOUS = 8
"""How many times as long a text that is ``_TIMES`` as long may take: linear work takes 4 times as
long, and work that grows with the square of the length 16 times.
"""
_SURELY_LINEAR = 5
"""How many times as long a text that is ``_TIMES`` as long takes at most if work is surely linear: if
it takes ``_SUSPICIOUS`` times as long from ``_LENGTH`` on, it takes 5.3 times as long before.
"""
_SHORT = 600
_FEW_LINES = 3000
"""A function that runs fewer lines may be one that only the longer text calls."""
_FAST = 8
"""A function whose lines grow so many times may be quadratic."""
_SQUARE = 12
"""How many times as many lines a function with quadratic work runs at least for a text that is
``_TIMES`` as long.
"""
_TRIES = 10
_PAUSE_S = 0.05
_HANGS_S = 10.0
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


def repeat(piece, length):
    return (piece * (length // len(piece) + 1))[:length]


def is_linear(work, piece):
    """Whether the processor time of the work on a text that repeats ``piece`` grows with its length.

    A busy machine can make a single measurement several times too long. So work that seems to grow
    too fast is measured again, with pauses, and the median decides.
    """
    _measure(work, repeat(piece, _LENGTH))  # the first use takes longer
    first = _measure_growth(work, piece)
    if first < _SUSPICIOUS:
        return True
    growths = [first]
    for _ in range(_TRIES):
        if growths.count(inf) > 1:
            return False
        sleep(_PAUSE_S)
        growths.append(_measure_growth(work, piece))
    return median(growths) < _SUSPICIOUS


def _seems_linear(work, piece):
    """Whether work that takes no time of its own, such as a search, is surely linear, by texts a
    quarter as long as those that ``is_linear`` measures: there, a little quadratic work shows less.
    """
    longer = _measure(work, repeat(piece, _LENGTH))
    if longer < _MEASURABLE_S:
        return True
    shorter = _measure(work, repeat(piece, _LENGTH // _TIMES))
    return longer < _SURELY_LINEAR * shorter


def _measure_growth(work, piece):
    """How many times as long the work takes for a text that is ``_TIMES`` as long; 0 if it is too fast
    to be measured.
    """
    short = _measure(work, repeat(piece, _LENGTH))
    if short < _MEASURABLE_S:
        return 0
    return (
        _measure(work, repeat(piece, _TIMES * _LENGTH)) / short if short < inf else inf
    )


def _measure(work, text):
    """The processor time of this thread, without garbage collection; infinite if the work hangs."""
    before = signal.signal(signal.SIGPROF, _stop)
    gc.disable()
    signal.setitimer(signal.ITIMER_PROF, _HANGS_S)  # ``re`` looks for signals, too
    try:
        since = thread_time()
        work(text)
        return thread_time() - since
    except Hangs:
        return inf
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        gc.enable()


def _stop(*_):
    raise Hangs


def count_calls(work, *arguments):
    """How many functions, Python's own included, the work calls: the same on every machine."""
    profile = cProfile.Profile()
    profile.runcall(work, *arguments)
    return pstats.Stats(profile).total_calls


def count_lines(work, *arguments):
    """How many lines of each function of the package the work runs, by the function's code. A line is
    counted each time a loop or a comprehension in it repeats. A call of a function that repeats
    nothing counts all its lines, without a look at each.
    """
    lines = dict.fromkeys(_SIZES, 0)

    def count(frame, _event, _argument):
        lines[id(frame.f_code)] += 1
        return count

    def enter(frame, _event, _argument):
        code = frame.f_code
        key = id(code)
        if key not in lines:
            # kept, so that no other code gets its identity
            _CODES_SEEN[key] = code
            _SIZES[key] = _measure_code(code)
            lines[key] = 0
        size = _SIZES[key]
        if size is None:
            return None
        if size:
            lines[key] += size
            return None
        lines[key] += 1
        return count

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        work(*arguments)
    finally:
        sys.settrace(before)
    return Counter(
        {_CODES_SEEN[key]: number for key, number in lines.items() if number}
    )


# by the identity of the code, because to compute its hash takes longer than to run a line
_CODES_SEEN = {}
_SIZES = {}


def _measure_code(code):
    """Return the number of lines of a function that repeats nothing, 0 for one that has a loop or a
    comprehension, and None for one that is not the package's.
    """
    if not Path(code.co_filename).is_relative_to(_PACKAGE):
        return None
    if any("BACKWARD" in step.opname for step in dis.get_instructions(code)):
        return 0
    return len({line for _, _, line in code.co_lines() if line})


def list_quadratic(work, write):
    """Return the functions of the package whose lines grow with the square of the length of the text
    that ``write`` returns for a length. What grows fast is measured again with a longer text, because
    some work begins only at some length.
    """
    work(write(100))  # loads and compiles what is needed
    few = _count_afresh(work, write(_SHORT))
    many = _count_afresh(work, write(_TIMES * _SHORT))
    fast = [
        code
        for code, lines in many.items()
        if lines > max(_FEW_LINES, _FAST * few[code])
    ]
    if not fast:
        return []
    more = _count_afresh(work, write(_TIMES**2 * _SHORT))
    return [code.co_qualname for code in fast if more[code] > _SQUARE * many[code]]


def _count_afresh(work, text):
    """Count the lines of the work on a text, of which no cache knows a part."""
    for name, module in list(sys.modules.items()):
        if not name.startswith("extractor."):
            continue
        for value in vars(module).values():
            has_end = hasattr(value, "cache_parameters") and value.cache_parameters()
            if has_end and has_end["maxsize"]:
                value.cache_clear()
    return count_lines(work, text)


def count_growth(work, piece):
    """How many times as many functions the work calls if a text of a piece is four times as long."""
    # loads and compiles what is needed; the texts that are counted must be new to all caches
    work(repeat(piece, 50))
    short, long = (count_calls(work, repeat(piece, size)) for size in (100, 400))
    return long / short


class Expression(NamedTuple):
    """A regular expression of the package, where it stands, and the methods that it is used with."""

    place: str
    compiled: re.Pattern
    methods: Collection[str] = ("finditer",)

    def find_slow(self):
        """Yield the methods and texts for which the time grows faster than the text."""
        for method in self.methods:
            apply = getattr(self.compiled, method)
            work = (lambda text: list(apply(text))) if method == "finditer" else apply  # noqa: B023
            for piece in self.list_pieces():
                if not (_seems_linear(work, piece) or is_linear(work, piece)):
                    yield f"{self.place}: {method} of {piece[:40]!r}"

    def list_pieces(self):
        """Return the texts to repeat. An expression whose repetitions are all short is linear, and
        has none.
        """
        pattern = self.compiled.pattern
        repeated = set()
        tree = parser.parse(pattern, self.compiled.flags & ~re.UNICODE)
        for pick in range(2):
            _write_sample(tree, pick, repeated)
        # the shortest piece whose repetition is the text
        pieces = {text[: (text + text).find(text, 1)] for text in repeated if text}
        reads_tokens = ANY_WORD in pattern or re.search(f"[{CODES}]", pattern)
        return pieces and pieces.union(_TOKENS if reads_tokens else PIECES)


def list_expressions():
    """Yield the expressions of all rules, those of vocabularies included, and of all modules."""
    book = load_book()
    entries = [rule for rules in book.entry_rules.values() for rule, _ in rules]
    for rule in (*book.rules.values(), *entries):
        yield Expression(rule.name, rule.expression, ("finditer", "fullmatch"))
    for name in read_table("characters")["expression"]:
        yield Expression(f"characters.toml: {name}", expression(name))
    for found in pkgutil.walk_packages(extractor.__path__, "extractor."):
        if not found.name.endswith("__main__"):
            yield from _list_of_module(importlib.import_module(found.name))


def _list_of_module(module):
    """Yield the expressions in calls of ``re``, except those that a function makes of its names."""
    source = Path(module.__file__).read_text("utf-8")
    for call in ast.walk(ast.parse(source)):
        match call:
            case ast.Call(ast.Attribute(ast.Name("re"), method), [pattern, *flags]):
                parts = [pattern, *flags] if method == "compile" else [pattern]
            case _:
                continue
        try:
            compiled = re.compile(
                *(eval(ast.unparse(part), vars(module)) for part in parts)
            )
        except NameError:
            continue
        uses = {method}
        if method == "compile":
            names = [name for name, value in vars(module).items() if value == compiled]
            uses = set(re.findall(rf"\b(?:{'|'.join(names)})\.(\w+)", source))
        anchored = uses & {"match", "fullmatch"}
        is_searched = not anchored or uses - anchored
        methods = anchored | {"finditer"} if is_searched else anchored
        if isinstance(compiled.pattern, str):
            yield Expression(f"{module.__name__}:{call.lineno}", compiled, methods)


def _write_sample(tree, pick, repeated, before="", times=1):
    """Return ``before`` and a text that an expression may match after it. Collect what long repetitions
    repeat, alone and behind what may stand before it.
    """
    text = before
    for op, argument in tree:
        if op is codes.LITERAL:
            text += chr(argument)
        elif op in (codes.ANY, codes.NOT_LITERAL):
            text += "x"
        elif op is codes.IN:
            text += _pick_character(argument, pick)
        elif op is codes.BRANCH:
            texts = [
                _write_sample(each, pick, repeated, text, times) for each in argument[1]
            ]
            text = texts[pick % len(texts)]
        elif op is codes.SUBPATTERN:
            text = _write_sample(argument[3], pick, repeated, text, times)
        elif op is codes.ATOMIC_GROUP:
            text = _write_sample(argument, pick, repeated, text, times)
        elif op in (codes.ASSERT, codes.ASSERT_NOT):
            _write_sample(argument[1], pick, repeated, text, times)
        elif op in _REPEATS:
            least, most, body = argument
            longest = times * (_LONG if most is codes.MAXREPEAT else most)
            piece = _write_sample(body, pick, repeated, text, longest)[len(text) :]
            if longest >= _LONG:
                repeated.update((piece, text, text + piece))
            text += piece * max(1, min(least, _LONG))
    return text


_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "7",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_NOT_WORD: "-",
}


def _pick_character(items, pick):
    """Return a character that a set of characters may contain."""
    members = []
    for op, value in items:
        if op is codes.CATEGORY:
            members.append(_CATEGORIES.get(value, "x"))
        elif op is not codes.NEGATE:
            members.append(chr(value[0] if op is codes.RANGE else value))
    if items[0][0] is codes.NEGATE:
        members = [sign for sign in "x7 -(" if sign not in members]
    return members[pick % len(members)]
