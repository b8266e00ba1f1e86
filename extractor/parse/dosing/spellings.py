"""Odd spellings of numbers of doses, written as the grammars expect them and in as many characters."""

import re

__all__ = ["respell_numbers"]

_ORDINALS = {
    "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "eleventh": 11, "twelfth": 12,
}  # fmt: skip
# "3·5 mg"; but "2·10^6" and "2·106" (its superscript lost) are products.
_POINT = re.compile(r"(?<=\d)·(?=\d)(?!10\s?(?:[\^*(e]|[3-9]\b|1[0-2]\b))")
_SPACED_EXPONENT = re.compile(r"(?<![\w.])(?P<digits>\d{1,3}(?:\.\d+)?)\s(?P<exponent>E\+?\d{1,2})(?![\w.])")
_WORDED_POWER = re.compile(
    rf"\b(?:10|ten)\sto\sthe\s(?:power\s(?:of\s)?)?(?P<power>{'|'.join(_ORDINALS)}|\d{{1,2}}(?=th\b|rd\b|\spower\b))(?:rd|th)?\b(?:\spower\b)?",
    re.IGNORECASE,
)


def respell_numbers(text: str) -> str:
    """The text with every character in its place, but for those of numbers in rare spellings.

    >>> respell_numbers("3·5 mg, 10 E6 cells"), respell_numbers("ten to the tenth CFU").split()
    ('3.5 mg,  10E6 cells', ['10^10', 'CFU'])
    """
    if "·" in text:
        text = _POINT.sub(".", text)
    if " E" in text:
        text = _SPACED_EXPONENT.sub(lambda found: f" {found['digits']}{found['exponent']}", text)
    if " to the " in text:
        text = _WORDED_POWER.sub(_write_power, text)
    return text


def _write_power(found: re.Match[str]) -> str:
    power = found["power"].lower()
    return f"10^{_ORDINALS.get(power, power)}".rjust(len(found[0]))
