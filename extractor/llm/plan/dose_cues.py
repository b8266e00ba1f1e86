"""Signs of dosing in running text: cheap words and numbers that tell where a reader should look.

They decide what a model is shown, never what a value is: a sign too many costs some tokens, one too few a regimen.
"""

import re
from enum import StrEnum

__all__ = ["DoseCue", "find_dose_cues"]


class DoseCue(StrEnum):
    """What a sign tells of: how much, by which way, how often or when, and that something is given at all."""

    AMOUNT = "amount"
    ROUTE = "route"
    RATE = "rate"
    GIVING = "giving"


_CUES = re.compile(
    r"(?P<amount>\d[\d.,]{0,9}\s?(?:[mµμu]?g|mcg|kg|m[lL]|cc|IU|[Uu]nits?|U|c?Gy|(?:T |CAR\S{0,4} )?cells|%|tablets?"
    r"|capsules?|pills?|puffs?|sprays?|drops?|vials?|ampoules?|AUC|m?Ci|[MG]Bq|fractions?)\b)"
    r"|(?P<route>\b(?:i\.?v|p\.?o|s\.?c|oral(?:ly)?|by mouth|sub-?cut\w*|topical\w*|inhal\w+"
    r"|intra-?(?:ven|musc|derm|thec|vitre|tumo|peri|arter|nas|lymph|ventr|artic|les|vesic)\w*|sublingual\w*"
    r"|transdermal\w*|nebuli\w+|rectally|vaginally|inject(?:ed|ions? of)|(?:re)?infused|infusions? of|irradiat\w*)\b)"
    r"|(?P<rate>\b(?:once|twice|thrice|daily|weekly|monthly|nightly|times (?:a|per)|per (?:day|week|month)|q\d+\w?"
    r"|[bqt]\.?i\.?d\b|q\.?d\b|every (?:\d+|other|two|three|four|six|eight)|single (?:dose|infusion|injection)"
    r"|days? [-−–]?\d+|weeks? \d+|\d+ (?:cycles|courses|doses)|for \d+ (?:days|weeks|months|years)))"
    r"|(?P<giving>\b(?:infusions?|injections?|dos(?:e|ed|es|age|ing)|radiotherapy|radiation|irradiation|as in arm"
    r"|(?:re)?transplant\w*|surgery|\w{3,20}ectomy|(?:leuk)?apheresis)\b)",
    re.IGNORECASE,
)


def find_dose_cues(text: str) -> list[tuple[int, int, DoseCue]]:
    """Start, end and kind of each sign, in order.

    >>> [cue.value for *_, cue in find_dose_cues("one dose of 5 mg/kg IV every 3 weeks")]
    ['giving', 'amount', 'route', 'rate']
    """
    return [(*found.span(), DoseCue(found.lastgroup or "")) for found in _CUES.finditer(text)]
