"""The clauses of running text: sentences, and what semicolons separate in them."""

from collections.abc import Iterator

from extractor.parse.sentences import split_sentences

__all__ = ["split_clauses"]

_DEPTH = {"(": 1, "[": 1, "（": 1, ")": -1, "]": -1, "）": -1}


def split_clauses(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences of ``raw[start:end]``, and the clauses that semicolons separate in them outside of brackets.

    >>> raw = "Adult; asthma (mild; stable). Consent."
    >>> [raw[first:last] for first, last in split_clauses(raw, 0, len(raw))]
    ['Adult', 'asthma (mild; stable).', 'Consent.']
    """
    for first, last in split_sentences(raw[start:end]):
        depth, done = 0, start + first
        for at in range(start + first, start + last):
            depth += _DEPTH.get(raw[at], 0)
            if raw[at] in ";；" and depth <= 0:
                yield from _stripped(raw, done, at)
                done = at + 1
        yield from _stripped(raw, done, start + last)


def _stripped(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    text = raw[start:end]
    start += len(text) - len(text.lstrip(" \t\r\n,;"))
    end = start + len(raw[start:end].rstrip(" \t\r\n;"))
    if end - start > 2:
        yield start, end
