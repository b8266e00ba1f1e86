"""Other spellings of doses, frequencies and routes in the texts of arms and interventions."""

from collections.abc import Mapping, Sequence

from benchmarks.variants.way import Part, substitutions

_AMOUNT = r"(?<=\d) ?mg(?![\w/])"
_TWICE = (
    r"\b(?:BID|b\.i\.d\.|bid|twice daily|twice a day|two times a day|two times daily|twice "
    r"per day)(?!\w)"
)
_THRICE = r"\b(?:TID|t\.i\.d\.|tid|three times daily|three times a day)(?!\w)"
_ONCE = r"\b(?:QD|once daily|once a day|once per day)(?!\w)"
_DAYS = r"\b[Ee]very (\d+) days\b"
_WEEKS = r"\b(?:[Ee]very (\d+) weeks|[Qq](\d+)[Ww])\b"
_IV = r"\b(?:IV|i\.v\.|intravenously)(?!\w)"
_SC = r"\b(?:SC|s\.c\.|subcutaneously)(?!\w)"
_PO = r"\b(?:PO|p\.o\.|orally|by mouth)(?!\w)"
_IM = r"\b(?:IM|i\.m\.|intramuscularly)(?!\w)"

_AMOUNTS: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "10mg": (_AMOUNT, "mg"),
    "10 mg": (_AMOUNT, " mg"),
    "10 mgs": (_AMOUNT, " mgs"),
    "10 mg.": (rf"{_AMOUNT}(?= [a-z])", " mg."),
    "10 MG": (_AMOUNT, " MG"),
    "10 Mg": (_AMOUNT, " Mg"),
    "10 milligrams": (_AMOUNT, " milligrams"),
    "10-mg": (_AMOUNT, "-mg"),
    "10 no-break mg": (_AMOUNT, "\u00a0mg"),
    "mg/m²": (r"mg/m\\?\^?[2²]", "mg/m²"),
    "mg/m^2": (r"mg/m\\?\^?[2²]", "mg/m^2"),
    "mg/sqm": (r"mg/m\\?\^?[2²]", "mg per square meter"),
    "mg per kg": (r"\bmg ?/ ?kg(?![\w/])", "mg per kg"),
    "mg / kg": (r"\bmg ?/ ?kg(?![\w/])", "mg / kg"),
    "mcg": (r"(?:\bug|\bmcg|[µμ]g)\b", "mcg"),
    "µg": (r"(?:\bug|\bmcg|[µμ]g)\b", "µg"),
    "micrograms": (r"(?<=\d) ?(?:ug|mcg|[µμ]g)(?![\w/])", " micrograms"),
    "1000": (r"(?<![\d.,])(\d{1,3}),(\d{3})(?= ?mg\b)", r"\1\2"),
    "1,000": (r"(?<![\d.,])(\d)(\d{3})(?= ?mg\b)", r"\1,\2"),
    "range with to": (r"(?<=\d) ?[-–] ?(?=\d+ ?mg\b)", " to "),
    "range with en dash": (r"(?<=\d) ?- ?(?=\d+ ?mg\b)", "–"),
}
_FREQUENCIES: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "BID": (_TWICE, "BID"),
    "b.i.d.": (_TWICE, "b.i.d."),
    "bid": (_TWICE, "bid"),
    "twice daily": (_TWICE, "twice daily"),
    "twice a day": (_TWICE, "twice a day"),
    "two times a day": (_TWICE, "two times a day"),
    "2x/day": (_TWICE, "2x/day"),
    "2 x daily": (_TWICE, "2 x daily"),
    "2 times per day": (_TWICE, "2 times per day"),
    "twice-daily": (_TWICE, "twice-daily"),
    "TID": (_THRICE, "TID"),
    "t.i.d.": (_THRICE, "t.i.d."),
    "3x/day": (_THRICE, "3x/day"),
    "thrice daily": (_THRICE, "thrice daily"),
    "QD": (_ONCE, "QD"),
    "q.d.": (_ONCE, "q.d."),
    "once a day": (_ONCE, "once a day"),
    "once-daily": (_ONCE, "once-daily"),
    "1x/day": (_ONCE, "1x/day"),
    "one time per day": (_ONCE, "one time per day"),
    "q3w": (_WEEKS, r"q\1\2w"),
    "Q3W": (_WEEKS, r"Q\1\2W"),
    "q3wk": (_WEEKS, r"q\1\2wk"),
    "q 3 weeks": (_WEEKS, r"q \1\2 weeks"),
    "q3weeks": (_WEEKS, r"q\1\2weeks"),
    "every 3 wks": (_WEEKS, r"every \1\2 wks"),
    "every 3 wk": (_WEEKS, r"every \1\2 wk"),
    "every 3-weeks": (_WEEKS, r"every \1\2-weeks"),
    "q14d": (_DAYS, r"q\1d"),
    "every three weeks": (
        (r"\bevery 2 weeks\b", "every two weeks"),
        (r"\bevery 3 weeks\b", "every three weeks"),
        (r"\bevery 4 weeks\b", "every four weeks"),
    ),
    "weekly": (r"\bonce weekly\b", "once a week"),
    "once per week": (r"\bonce (?:weekly|a week)\b", "once per week"),
    "1x/week": (r"\bonce (?:weekly|a week)\b", "1x/week"),
}
_ROUTES: Mapping[str, Sequence[tuple[str, str]] | tuple[str, str]] = {
    "IV": (_IV, "IV"),
    "i.v.": (_IV, "i.v."),
    "iv": (_IV, "iv"),
    "I.V.": (_IV, "I.V."),
    "intravenously": (_IV, "intravenously"),
    "SC": (_SC, "SC"),
    "s.c.": (_SC, "s.c."),
    "sub-cut.": (_SC, "sub-cut."),
    "subcut": (_SC, "subcut"),
    "SQ": (_SC, "SQ"),
    "subQ": (_SC, "subQ"),
    "sub-cutaneously": (_SC, "sub-cutaneously"),
    "PO": (_PO, "PO"),
    "p.o.": (_PO, "p.o."),
    "per os": (_PO, "per os"),
    "by mouth": (_PO, "by mouth"),
    "i.m.": (_IM, "i.m."),
    "IM": (_IM, "IM"),
}
WAYS = (
    *substitutions("doses: amounts", Part.DOSES, _AMOUNTS),
    *substitutions("doses: frequencies", Part.DOSES, _FREQUENCIES),
    *substitutions("doses: routes", Part.DOSES, _ROUTES),
)
