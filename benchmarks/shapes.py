"""Measure how time and memory grow with the length of a text, for many shapes of text.

    python -m benchmarks.shapes [--only WORD] [--file FILE] [--kb 40 80 160] [--most 1.3]

Each line of ``shapes.txt`` is a section and a piece of text that is repeated, with the text before
and after it. In a piece, ``#`` is another number each time, and ``@`` another word. Sections joined
by ``+`` have pieces of their own, joined by ``||``, with the same numbers and words. For each shape,
the command prints the processor seconds and the megabytes for each length, and the exponents between
the first and the last length that no limit of a record refuses: 1 is linear, 2 is the square. Each
length is measured in a fork of its own, so that no cache knows the text. The exit code is 1 if an
exponent exceeds ``--most`` or a text fails. "refused" means that a limit stopped the reading; only
the limit of the time counts as slow.

The second half of a measurement may be as slow as the first: only a busy machine makes an exponent
fall. Repeat a shape that seems slow with ``--only``.
"""

import argparse
import gc
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain, starmap
from math import isinf, isnan, log, nan
from pathlib import Path
from typing import NamedTuple

from extractor.errors import RecordTooLarge
from extractor.formats import read_records
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.run.worker import relax_garbage_collector
from extractor.schemas import Part, Section, Source, TrialRecord

_RULES = ExtractionOptions()
_SHAPES = Path(__file__).with_suffix(".txt")
_FIRST = 100
"""The first number, so that all numbers of a text have at least three digits."""
_LEAST_S = 0.02
_LEAST_MB = 32.0
"""Less memory is not measured exactly enough for an exponent: what is free is used first."""
_OUTCOME_PARTS = ("measure", "time_frame")
_PARTS = {
    "arms": ("label", "description"),
    "interventions": ("name", "description"),
    "primary_outcomes": _OUTCOME_PARTS,
}
"""The parts of the sections of a list: the first line of a text and its other lines."""


class Shape(NamedTuple):
    """A section, the text before the pieces, the piece that is repeated, and the text after it."""

    section: str
    head: str
    piece: str
    tail: str = ""

    def write(self, length: int) -> TrialRecord:
        """Return a record with a text of about this length."""
        pieces: list[list[str]] = []
        size = number = 0
        while size < length:
            name = _spell(number)
            piece = self.piece.replace("#", str(_FIRST + number)).replace("@", name)
            pieces.append(piece.split("||"))
            size += len(piece)
            number += 1
        sections = zip(self.section.split("+"), zip(*pieces, strict=True), strict=True)
        return TrialRecord(
            record_id="NCT90000001",
            source=Source(path="shapes.txt", format="ctgov_json"),
            sections=tuple(chain.from_iterable(starmap(self._divide, sections))),
        )

    def _divide(self, name: str, pieces: Sequence[str]) -> Iterator[Section]:
        """Yield the sections of a record with these pieces. A section whose name ends with ``[]`` is
        a list with a piece in each item; a part of an outcome is a whole text.
        """
        if name.endswith("[]"):
            for at, piece in enumerate(pieces):
                yield _write_section(f"{name[:-2]}[{at}]", piece)
            return
        text = self.head + "".join(pieces) + self.tail
        if name not in _OUTCOME_PARTS:
            yield _write_section(name, text)
            return
        texts = {"measure": "Change in albumin", "time_frame": "Day 5", name: text}
        yield _write_section("primary_outcomes[0]", "\n".join(texts.values()))


def _write_section(name: str, text: str) -> Section:
    """Return a section. If it is of a list, the first line of its text is a part of its own."""
    names = _PARTS.get(name.partition("[")[0], ())
    end = text.find("\n")
    if end < 0 or not names:
        return Section(name=name, text=text)
    parts = (
        Part(name=names[0], start=0, end=end),
        Part(name=names[1], start=end + 1, end=len(text)),
    )
    return Section(name=name, text=text, parts=parts)


def _spell(number: int) -> str:
    """Return another invented word for each number.

    >>> _spell(0), _spell(27)
    ('bafin', 'bacabafin')
    """
    syllables = [
        consonant + vowel for vowel in "aeiou" for consonant in "bcdfglmnprstvz"
    ]
    word = ""
    while number or not word:
        number, at = divmod(number, len(syllables))
        word = syllables[at] + word
    return f"{word}fin"


def read_shapes(path: Path) -> list[Shape]:
    r"""Read the shapes. A line break, a carriage return and a tab are written ``\n``, ``\r``, ``\t``."""
    lines = path.read_text("utf-8").split("\n")
    shapes = []
    for line in lines:
        if line.strip() and not line.startswith("//"):
            texts = line.split("\t")
            shapes.append(Shape(*map(_unescape, texts)))
    return shapes


def _unescape(text: str) -> str:
    for letter, sign in {"n": "\n", "r": "\r", "t": "\t"}.items():
        text = text.replace(f"\\{letter}", sign)
    return text


def measure(record: TrialRecord) -> tuple[float, float]:
    """Return the processor seconds and the megabytes that a record takes, in a process of its own:
    not a number if the record is refused for its size, infinite if it fails or takes too long.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        since = time.process_time()
        try:
            extract_by_rules(record, _RULES)
            seconds = time.process_time() - since
            more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            os.write(writing, f"{seconds} {more / 1024}".encode())
        except RecordTooLarge:
            os.write(writing, b"nan nan")
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as file:  # noqa: PTH123 - a pipe has no path
        written = file.read()
    os.waitpid(child, 0)
    seconds, megabytes = map(float, written.split() or ("inf", "inf"))
    return max(seconds, _LEAST_S), max(megabytes, _LEAST_MB)


def main() -> int:
    """Measure all shapes, or those whose line contains a word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--file", type=Path, default=_SHAPES)
    parser.add_argument("--kb", type=int, nargs="+", default=[40, 80, 160])
    parser.add_argument("--most", type=float, default=1.3)
    options = parser.parse_args()
    # load the rules before the first fork, as a run does
    relax_garbage_collector()
    for record in read_records("tests/records"):
        extract_by_rules(record, _RULES)
    gc.freeze()
    slow = 0
    for shape in read_shapes(options.file):
        if options.only not in "\t".join(shape):
            continue
        found = [measure(shape.write(kb * 1000)) for kb in options.kb]
        read = [
            (kb, *measured)
            for kb, measured in zip(options.kb, found, strict=True)
            if not isnan(measured[0])
        ]
        exponents = [nan, nan]
        if len(read) > 1:
            times, *growths = (
                last / first for first, last in zip(read[0], read[-1], strict=True)
            )
            exponents = [log(growth) / log(times) for growth in growths]
        has_failed = any(isinf(seconds) for seconds, _ in found)
        is_slow = has_failed or max(exponents) > options.most
        slow += is_slow
        figures = "  ".join(f"{seconds:7.2f} s {mb:6.0f} MB" for seconds, mb in found)
        grown = " ".join(f"{exponent:5.2f}" for exponent in exponents)
        mark = "SLOW" if is_slow else "refused" if isnan(exponents[0]) else ""
        shown = f"{shape.section}: {shape.head}{shape.piece}{shape.tail}".replace(
            "\n", "\\n"
        )
        print(f"{grown} {mark:7} {figures}  {shown}", flush=True)
    print(f"{slow} shapes grow with more than {options.most}")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
