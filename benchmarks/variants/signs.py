"""Other spellings of signs, numbers, units, ages and letters in an eligibility text.

Every pattern changes characters where they stand. What would be read in two ways is left as it is.
"""

import re
from collections.abc import Mapping, Sequence

from benchmarks.variants.way import Part, Rewrite, Way, substitutions

_AT_LEAST = r"(?:≥|\\?>=)"
_AT_MOST = r"(?:≤|\\?<=)"
_MORE = r"\\?>(?!=)"
_LESS = r"\\?<(?!=)"
_DIGIT_AHEAD = r"(?=\s?\d)"


def _both(least: str, most: str) -> tuple[tuple[str, str], ...]:
    return ((_AT_LEAST, least), (_AT_MOST, most))


_SIGNS: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    ">=": _both(">=", "<="),
    "≥": _both("≥", "≤"),
    "=>": _both("=>", "=<"),
    "> =": _both("> =", "< ="),
    ">/=": _both(">/=", "</="),
    "> or =": _both("> or = ", "< or = "),
    "≧": _both("≧", "≦"),
    "⩾": _both("⩾", "⩽"),
    "full width": (
        *_both("＞=", "＜="),
        (_MORE + _DIGIT_AHEAD, "＞"),
        (_LESS + _DIGIT_AHEAD, "＜"),
    ),
    "entity": (
        *_both("&ge;", "&le;"),
        (_MORE + _DIGIT_AHEAD, "&gt;"),
        (_LESS + _DIGIT_AHEAD, "&lt;"),
    ),
    "entity of a number": _both("&#8805;", "&#8804;"),
    "entity of >": (_both("&gt;=", "&lt;=")),
    "escaped": (
        *_both(r"\\>=", r"\\<="),
        (r"(?<!\\)>(?=\s?\d)", r"\\>"),
        (r"(?<!\\)<(?=\s?\d)", r"\\<"),
    ),
    "underlined >": (_both("<u>></u>", "<u><</u>")),
    "Symbol font": _both("³", "£"),
    "Symbol font, private use": _both("\uf0b3", "\uf0a3"),
    "combining": _both(">\u0332", "<\u0332"),
    "greater than or equal to": (
        (rf"{_AT_LEAST} ?", "greater than or equal to "),
        (rf"{_AT_MOST} ?", "less than or equal to "),
    ),
    "at least": (
        (rf"(?<= ){_AT_LEAST} ?(?=\d)", "at least "),
        (rf"(?<= ){_AT_MOST} ?(?=\d)", "at most "),
    ),
    "no blank behind": (r"(≥|≤|\\?[<>]=?) (?=\d)", r"\1"),
    "no blanks": (r" ?(≥|≤|\\?[<>]=?) ?(?=\d)", r"\1"),
    "blanks": (r"(?<=\w)? ?(≥|≤|\\?[<>]=?) ?(?=\d)", r" \1 "),
    "no-break blank": (r"(≥|≤|\\?[<>]=?) ?(?=\d)", "\\1\u00a0"),
    "sign of minus": (r"(?<=\s)-(?=\d)", "−"),
}
_RANGE = (
    r"(?<![\w.,-])(\d{1,3}) ?[-–] ?(\d{1,3})(?= (?:years|months|weeks|days|kg|mg|g)\b)"
)
_THOUSANDS = r"(?<![\d.,])(\d{1,3}),(\d{3})(?![\d,])"
_WORDS = {
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
    12: "twelve",
    14: "fourteen",
    18: "eighteen",
    30: "thirty",
}
_COUNTED = r"(?= (?:weeks|months|days|years|hours)\b)"
_NUMBERS: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "1500": (_THOUSANDS, r"\1\2"),
    "1,500": (
        r"(?<![\d.,/^-])(?!19\d\d|20\d\d)(\d{1,3})(\d{3})(?=/| ?(?:cells|mm|mg|mL|ml|IU|copies))",
        r"\1,\2",
    ),
    "1 500": (_THOUSANDS, r"\1 \2"),
    "1'500": (_THOUSANDS, r"\1'\2"),
    "1’500": (_THOUSANDS, r"\1’\2"),
    "thin space": (_THOUSANDS, "\\1\u2009\\2"),
    "narrow no-break space": (_THOUSANDS, "\\1\u202f\\2"),
    "decimal comma": (
        r"(?<![\d.,])(\d{1,2})\.(\d{1,2})(?![\d.,])(?= ?(?:x|×|times|mg|g/|mmol|%|µ|μ|u))",
        r"\1,\2",
    ),
    "middle dot": (
        r"(?<![\d.,])(\d{1,2})\.(\d{1,2})(?![\d.,])(?= ?(?:x|×|times|mg|g/|mmol|%|µ|μ|u))",
        r"\1·\2",
    ),
    ".5": (r"(?<![\d.,])0(?=\.\d)", ""),
    "18.0": (r"(?<![\w.,/^-])(\d{1,3})(?= (?:g/dL|mg/dL|mmol/L|kg/m2)\b)", r"\1.0"),
    "words": tuple(
        (rf"(?<![\w.,-] )(?<![\w.,/-]){number}{_COUNTED}", word)
        for number, word in _WORDS.items()
    ),
    "words and digits": tuple(
        (rf"(?<![\w.,-] )(?<![\w.,/-]){number}{_COUNTED}", f"{word} ({number})")
        for number, word in _WORDS.items()
    ),
    "range with to": (_RANGE, r"\1 to \2"),
    "range with en dash": (_RANGE, r"\1–\2"),
    "range with blanks": (_RANGE, r"\1 - \2"),
    "range with tilde": (_RANGE, r"\1~\2"),
    "range with and": (
        rf"(?<!between )(?<!from )(?:aged )?{_RANGE}",
        r"between \1 and \2",
    ),
    "full-width digits": tuple(
        (str(digit), chr(0xFF10 + digit)) for digit in range(10)
    ),
}
_POWER = r"[x×*] ?10\\?\^?(?:9|⁹)(?=/L)"
_MILLION = r"[x×*] ?10\\?\^?(?:6|⁶)(?=/)"
_UNITS: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "no blank": (
        r"(?<=\d) (?=(?:mg|g|mL|ml|mmol|mmHg|kg|µ|μ|U/L|IU|mm|cm|%|ng|pg)\b)",
        "",
    ),
    "no-break blank": (
        r"(?<=\d) ?(?=(?:mg|g|mL|ml|mmol|mmHg|kg|U/L|IU|mm|cm|ng|pg)\b)",
        "\u00a0",
    ),
    "10⁹": (_POWER, "x 10⁹"),
    "10^9": (_POWER, "x 10^9"),
    "10**9": (_POWER, "x 10**9"),
    "10*9": (_POWER, "x 10*9"),
    "10E9": (_POWER, "x 10E9"),
    "10e9": (_POWER, "x 10e9"),
    "10(9)": (_POWER, "x 10(9)"),
    "10[9]": (_POWER, "x 10[9]"),
    "109": (_POWER, "x 109"),
    "× 109": (_POWER, "× 109"),
    "x10^9": (_POWER, "x10^9"),
    "10 ^ 9": (_POWER, "x 10 ^ 9"),
    "sup": (_POWER, "x 10<sup>9</sup>"),
    "10^6": (_MILLION, "x10E6"),
    "mg/dl": ((r"\bmg/dL", "mg/dl"), (r"\bg/dL", "g/dl")),
    "mg / dL": ((r"\b(m?g) ?/ ?d[Ll]\b", r"\1 / dL"),),
    "mg per dL": ((r"\b(m?g) ?/ ?d[Ll]\b", r"\1 per dL"),),
    "mg/deciliter": ((r"\b(m?g) ?/ ?d[Ll]\b", r"\1/deciliter"),),
    "mg%": (r"\bmg/d[Ll]\b", "mg%"),
    "gm/dL": (r"(?<=\d) ?g/d[Ll]\b", " gm/dL"),
    "mm Hg": (r"\bmm ?Hg\b", "mm Hg"),
    "mmhg": (r"\bmm ?Hg\b", "mmhg"),
    "µg": (r"(?:\bug|\bmcg|[µμ]g)\b", "µg"),
    "μg": (r"(?:\bug|\bmcg|[µμ]g)\b", "μg"),
    "mcg": (r"(?:\bug|\bmcg|[µμ]g)\b", "mcg"),
    "ug": (r"(?:\bug|\bmcg|[µμ]g)\b", "ug"),
    "umol": (r"[µμ]mol\b", "umol"),
    "kg/m²": (r"kg/m\\?\^?[2²]", "kg/m²"),
    "kg/m^2": (r"kg/m\\?\^?[2²]", "kg/m^2"),
    "Kg/m2": (r"kg/m\\?\^?[2²]", "Kg/m2"),
    "kg/sq m": (r"kg/m\\?\^?[2²]", "kg per square meter"),
    "mm³": (r"/ ?mm\\?\^?[3³]", "/mm³"),
    "mm^3": (r"/ ?mm\\?\^?[3³]", "/mm^3"),
    "cu mm": (r"/ ?mm\\?\^?[3³]", "/cu mm"),
    "cmm": (r"/ ?mm\\?\^?[3³]", "/cmm"),
    "per mm3": (r" ?/ ?mm\\?\^?[3³]", " per mm3"),
    "per cubic millimetre": (r" ?/ ?mm\\?\^?[3³]", " per cubic millimetre"),
    "ml/min": (r"\bmL/min\b", "ml/min"),
    "mL per minute": (r"\bm[Ll]/min\b", "mL per minute"),
    "mL/minute": (r"\bm[Ll]/min\b", "mL/minute"),
    "percent": (r"(?<=\d) ?%", " percent"),
    "per cent": (r"(?<=\d) ?%", " per cent"),
    "blank %": (r"(?<=\d)%", " %"),
    "％": (r"(?<=\d) ?%", "％"),
    "× ULN": (r"(?<=\d) ?[x×] ?ULN\b", " × ULN"),
    "xULN": (r"(?<=\d) ?[x×] ?ULN\b", "xULN"),
    "X ULN": (r"(?<=\d) ?[x×] ?ULN\b", " X ULN"),
    "times ULN": (r"(?<=\d) ?[x×] ?ULN\b", " times ULN"),
    "* ULN": (r"(?<=\d) ?[x×] ?ULN\b", "*ULN"),
    "ULN in words": (
        r"(?<=\d) ?(?:[x×]|times) ?ULN\b",
        " times the upper limit of normal",
    ),
    "IU": (r"(?<=\d) IU\b", " I.U."),
}
_AGES: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "yrs": (r"(?<=\d) years\b", " yrs"),
    "yr": (r"(?<=\d) years\b", " yr"),
    "y": (r"(?<=\d) years(?= old\b| of age\b)", " y"),
    "y/o": (r"(?<=\d) years old\b", " y/o"),
    "yo": (r"(?<=\d) years old\b", " yo"),
    "years-old": (r"(?<=\d) years old\b", "-years-old"),
    "years old": (r"(?<=\d) years of age\b", " years old"),
    "years of age": (r"(?<=\d) years old\b", " years of age"),
    "year(s)": (r"(?<=\d) years\b", " year(s)"),
    "mos": (r"(?<=\d) months\b", " mos"),
    "mo.": (r"(?<=\d) months\b", " mo."),
    "wks": (r"(?<=\d) weeks\b", " wks"),
    "d": (r"(?<=\d) days\b", " d"),
    "hrs": (r"(?<=\d) hours\b", " hrs"),
    "h": (r"(?<=\d) hours\b", " h"),
    "6-month": (r"(?<=\d) (?=(?:days|weeks|months|years)\b)", "-"),
    "no blank": (r"(?<=\d) (?=(?:days|weeks|months|years|hours)\b)", ""),
}
_LETTERS: Mapping[str, Rewrite] = {
    "upper case": str.upper,
    "lower case": str.lower,
    "first letters of lines": lambda text: re.sub(
        r"(?m)^(\W*)([a-z])", lambda found: found[1] + found[2].upper(), text
    ),
}
_TYPOGRAPHY: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "curly apostrophes": (r"(?<=\w)'(?=\w)", "’"),
    "straight apostrophes": (r"(?<=\w)’(?=\w)", "'"),
    "no-break hyphen": (r"(?<=[a-z])-(?=[a-z])", "‑"),
    "en dash for a dash": (r" - ", " – "),
    "full-width brackets": ((r" ?\(", "（"), (r"\)", "）")),
    "full-width comma": (r"(?<=[a-z]), ", "，"),
}
WAYS = (
    *substitutions("signs", Part.ELIGIBILITY, _SIGNS),
    *substitutions("numbers", Part.ELIGIBILITY, _NUMBERS),
    *substitutions("units", Part.ELIGIBILITY, _UNITS),
    *substitutions("ages and periods", Part.ELIGIBILITY, _AGES),
    *(Way("letters", name, write, in_place=True) for name, write in _LETTERS.items()),
    *substitutions("letters", Part.ELIGIBILITY, _TYPOGRAPHY),
)
