"""What a server allows in a minute: given by the user, or learnt from the headers of its replies.

All values here are pure: whoever waits brings the time, in seconds of a clock that never jumps.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["Allowance", "Bucket", "read_allowances", "seconds_until"]

_MINUTE = 60.0
_NEARLY = 1e-6
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "requests": ("x-ratelimit-{}-requests", "anthropic-ratelimit-requests-{}", "x-ratelimit-{}", "ratelimit-{}"),
    "tokens": ("x-ratelimit-{}-tokens", "anthropic-ratelimit-tokens-{}", "anthropic-ratelimit-input-tokens-{}"),
}
"""Headers for limit, remaining and reset: those of OpenAI and Azure, of Anthropic, of others."""
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12


@dataclass(frozen=True, slots=True)
class Bucket:
    """``rate`` units flow in each second, up to ``capacity``; there were ``level`` of them at the time ``at``.

    What costs more than the bucket holds waits until it is full and leaves a debt, so that the mean rate holds.
    """

    rate: float
    capacity: float
    level: float
    at: float

    @classmethod
    def per_minute(cls, allowed: float, now: float) -> "Bucket":
        """So many units a minute, evenly: at once no more than those of one second, or one.

        >>> Bucket.per_minute(120, now=0.0).take(2, now=0.0).wait(1, now=0.0)
        0.5
        """
        rate = allowed / _MINUTE
        capacity = max(1.0, rate)
        return cls(rate, capacity, capacity, now)

    def wait(self, cost: float, now: float) -> float:
        """Seconds until so many units may be taken."""
        missing = min(cost, self.capacity) - self._level_at(now)
        return missing / self.rate if missing > _NEARLY else 0.0

    def take(self, cost: float, now: float) -> "Bucket":
        """The bucket after that; a negative cost gives back."""
        return replace(self, level=min(self.capacity, self._level_at(now) - cost), at=now)

    def _level_at(self, now: float) -> float:
        return min(self.capacity, self.level + (now - self.at) * self.rate)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a reply tells of one limit: ``remaining`` of ``limit`` are left, and it is whole again in ``reset``
    seconds.
    """

    limit: float
    remaining: float
    reset: float

    def as_bucket(self, under_way: float, now: float) -> Bucket:
        """The bucket that fills as the server says, without what is ``under_way`` and not counted there yet.

        >>> Allowance(limit=500, remaining=0, reset=60).as_bucket(0, now=0.0).wait(1, now=0.0)
        0.12
        """
        rate = max(self.limit - self.remaining, 1.0) / max(self.reset, 0.001)
        return Bucket(rate, max(self.limit, 1.0), self.remaining - under_way, now)


def read_allowances(headers: Mapping[str, str]) -> dict[str, Allowance]:
    """What a reply's headers tell of ``requests`` and of ``tokens``. What is missing or broken is not told.

    A limit that is not told is taken for what remains; a time that is not told, for a minute.

    >>> told = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59"}
    >>> read_allowances(told | {"x-ratelimit-reset-requests": "1m1.5s"})
    {'requests': Allowance(limit=60.0, remaining=59.0, reset=61.5)}
    """
    found = {}
    for unit, names in _HEADERS.items():
        if allowance := next(filter(None, (_read(headers, name) for name in names)), None):
            found[unit] = allowance
    return found


def _read(headers: Mapping[str, str], name: str) -> Allowance | None:
    remaining = _number(headers.get(name.format("remaining")))
    if remaining is None:
        return None
    limit = _number(headers.get(name.format("limit"))) or 0.0
    reset = _seconds(headers.get(name.format("reset")), headers)
    return Allowance(max(remaining, limit), remaining, _MINUTE if reset is None else reset)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds(text: str | None, headers: Mapping[str, str]) -> float | None:
    """``6m0s``, ``120ms``, seconds, seconds or milliseconds since 1970, or a date."""
    if text is None:
        return None
    if parts := _PARTS.findall(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    number = _number(text)
    if number is None:
        return seconds_until(text, headers)
    if number < _EPOCH_SECONDS:
        return number
    try:
        then = datetime.fromtimestamp(number / 1000 if number > _EPOCH_MILLISECONDS else number, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return seconds_until(then.isoformat(), headers)


def seconds_until(text: str, headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds until a date that a server names, HTTP's or ISO 8601; None for what is no date, 0 for one that is over.

    The server's own ``Date`` says what time it is there: its clock may be wrong, or ours. Without one ``now`` counts.

    >>> seconds_until("Thu, 01 Jan 2026 12:00:30 GMT", {"date": "Thu, 01 Jan 2026 12:00:10 GMT"})
    20.0
    """
    then = _date(text)
    if then is None:
        return None
    there = _date(headers.get("date", "")) or now or datetime.now(UTC)
    return max(0.0, (then - there).total_seconds())


def _date(text: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text)
        except ValueError:
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
