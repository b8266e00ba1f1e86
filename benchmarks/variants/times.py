"""Other spellings of the time frames of outcomes."""

from collections.abc import Mapping, Sequence

from benchmarks.variants.way import Part, substitutions

_NUMBERED = r"\b{unit} (?=\d+\b)"
_COUNTED = r"(?<=\d) {unit}\b"
_WORDS = {
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    8: "eight",
    10: "ten",
    12: "twelve",
    24: "twenty-four",
}


def _name(unit: str, written: str) -> tuple[str, str]:
    """Return how "Week 12" is written, for a unit."""
    return _NUMBERED.format(unit=unit), written


def _count(unit: str, written: str) -> tuple[str, str]:
    """Return how "12 weeks" is written, for a unit."""
    return _COUNTED.format(unit=unit), written


_MOMENTS: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "wk 12": _name("[Ww]eek", "wk "),
    "Wk. 12": _name("[Ww]eek", "Wk. "),
    "wk12": _name("[Ww]eek", "wk"),
    "W12": _name("[Ww]eek", "W"),
    "week 12": _name("[Ww]eek", "week "),
    "WEEK 12": _name("[Ww]eek", "WEEK "),
    "Week12": _name("[Ww]eek", "Week"),
    "week-12": _name("[Ww]eek", "week-"),
    "week #12": _name("[Ww]eek", "week #"),
    "M6": _name("[Mm]onth", "M"),
    "mo 6": _name("[Mm]onth", "mo "),
    "month 6": _name("[Mm]onth", "month "),
    "Month6": _name("[Mm]onth", "Month"),
    "D28": _name("[Dd]ay", "D"),
    "day 28": _name("[Dd]ay", "day "),
    "Day28": _name("[Dd]ay", "Day"),
    "Y1": _name("[Yy]ear", "Y"),
    "yr 1": _name("[Yy]ear", "yr "),
}
_LENGTHS: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "12 wks": _count("weeks", " wks"),
    "12 wk": _count("weeks", " wk"),
    "12 wks.": _count("weeks", " wks."),
    "12wks": _count("weeks", "wks"),
    "12w": _count("weeks", "w"),
    "12weeks": _count("weeks", "weeks"),
    "12 Weeks": _count("weeks", " Weeks"),
    "12-weeks": _count("weeks", "-weeks"),
    "12 week": _count("weeks", " week"),
    "12 week(s)": _count("weeks", " week(s)"),
    "6 mos": _count("months", " mos"),
    "6 mo": _count("months", " mo"),
    "6 mths": _count("months", " mths"),
    "6-months": _count("months", "-months"),
    "6 month": _count("months", " month"),
    "1 yr": _count("years?", " yr"),
    "2 yrs": _count("years", " yrs"),
    "2-years": _count("years", "-years"),
    "2y": _count("years", "y"),
    "24 h": _count("hours", " h"),
    "24h": _count("hours", "h"),
    "24 hrs": _count("hours", " hrs"),
    "30 min": _count("minutes", " min"),
    "30 mins": _count("minutes", " mins"),
    "28 d": _count("days", " d"),
    "28days": _count("days", "days"),
    "words": tuple(
        (rf"(?<![\w.,/-]){number}(?= (?:weeks|months|years|days|hours)\b)", word)
        for number, word in _WORDS.items()
    ),
    "words and digits": tuple(
        (
            rf"(?<![\w.,/-]){number}(?= "
            r"(?:weeks|months|years|days|hours)\b)",
            f"{word} ({number})",
        )
        for number, word in _WORDS.items()
    ),
    "no-break blank": (r"(?<=\d) (?=(?:weeks|months|years|days|hours)\b)", "\u00a0"),
    "range with en dash": (r"(?<=\d)-(?=\d)", "–"),
}
_LETTERS: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "up to": (r"^Up to\b", "up to"),
    "Up To": (r"^[Uu]p to\b", "Up To"),
    "final period": (r"(?<=\w)\Z", "."),
    "brackets": (r"\A(.+)\Z", r"(\1)"),
    "ampersand": (r" and (?=\d)", " & "),
    "slash": (r"(?<=\d), (?=\d)", "/"),
    "semicolons": (r"(?<=\d), (?=\d)", "; "),
}
WAYS = (
    *substitutions("times: moments", Part.TIMES, _MOMENTS),
    *substitutions("times: lengths", Part.TIMES, _LENGTHS),
    *substitutions("times: other", Part.TIMES, _LETTERS),
)
