"""Tests of a patient's numbers, and of other tests."""

from collections.abc import Iterator, Sequence
from math import inf, nextafter
from typing import NamedTuple

from extractor.match.quantities import SEXES


class Test(NamedTuple):
    """A test of a patient's numbers, or of whether enough other tests are met.

    Attributes:
        shown: What is tested, as written.
        quantity: The quantity; empty for a test of other tests.
        unit: Its unit.
        low: The lowest number that passes.
        high: The highest number that passes.
        outside: Whether the other numbers pass instead.
        parts: The other tests.
        need: How many of them must be met; 0 for all, -1 if that is not known.
        confidence: The confidence of what is tested.
        when: Tests of whether it applies to a patient.
        despite: Names of things with which it applies to a patient, whatever ``when`` says.
        keeps_out: What stands in the way of a decision if the test is not met.
        lets_in: What stands in the way if it is met.
        wider: Names of wider things: who has none of these, has not the tested one either.
        against: Names of things that nobody has who has the tested one.
        in_part: What else the words say of a name, so that who has it may still not be meant.
        written: The unit of the trial, in which a value without a unit may be meant.
    """

    shown: str
    quantity: str = ""
    unit: str | None = None
    low: float = -inf
    high: float = inf
    outside: bool = False
    parts: tuple["Test", ...] = ()
    need: int = 0
    confidence: float = 1.0
    when: tuple["Test", ...] = ()
    despite: tuple[str, ...] = ()
    keeps_out: str = ""
    lets_in: str = ""
    wider: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    in_part: str = ""
    written: str | None = None

    def list_quantities(self) -> Iterator[str]:
        """Yield the quantities that the test and its parts need."""
        if self.quantity:
            yield self.quantity
        yield from self.wider
        yield from self.against
        yield from self.despite
        for part in (*self.parts, *self.when):
            yield from part.list_quantities()


UNDECIDED = -1
"""The ``need`` of tests of which it is not known how many must be met."""


def of_bounds(
    shown: str,
    quantity: str,
    unit: str | None,
    sign: str,
    one: float,
    other: float | None = None,
) -> Test:
    """Return the test of a number. ``sign`` is the comparator of the numbers that pass: those
    between ``one`` and ``other``, or outside them, for a sign that needs both ends.
    """
    # "=" and "<>" have one number
    both_ends = (one, one if other is None else other)
    low, high = {
        ">=": (one, inf),
        ">": (nextafter(one, inf), inf),
        "<=": (-inf, one),
        "<": (-inf, nextafter(one, -inf)),
    }.get(sign, both_ends)
    return Test(shown, quantity, unit, low, high, sign in ("outside", "<>"))


def of_sex(sex: str, *, is_that: bool = True) -> Test:
    """Return the test of whether a patient has a sex, or has the other one."""
    sign = "=" if is_that else "<>"
    return of_bounds("sex", "sex", None, sign, SEXES.index(sex))


def of_name(
    verb: str,
    key: str,
    wider: Sequence[str] = (),
    *,
    has_it: bool = True,
    in_part: str = "",
) -> Test:
    """Return the test of whether a patient has, had, takes or took something."""
    test = of_bounds(key, f"{verb} {key}", None, "=", int(has_it))
    return test._replace(
        wider=tuple(f"{verb} {each}" for each in wider), in_part=in_part
    )


def simplify(test: Test) -> Test:
    """Return a test that says the same with fewer tests around it."""
    parts = tuple(map(simplify, test.parts))
    plain = not (test.when or test.keeps_out or test.lets_in)
    if len(parts) == 1 and plain and test.need in (0, 1) and test.confidence == 1:
        [part] = parts
        # what does not concern the patient needs a test around it
        if not part.when:
            return part
    return test._replace(parts=parts)


def turn(test: Test) -> Test:
    """Return the test that is met when the given one is not."""
    if test.quantity:
        return test._replace(outside=not test.outside)
    parts = tuple(map(turn, test.parts))
    total = len(parts)
    need = test.need
    if need != UNDECIDED:
        # if 2 of 5 exclude, 4 of the 5 must be absent
        need = total - (need or total) + 1
    return test._replace(
        parts=parts, need=need, keeps_out=test.lets_in, lets_in=test.keeps_out
    )
