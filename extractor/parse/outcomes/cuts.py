"""What speaks for and against cutting a flattened outcome at a comma.

An outcome reads "measure, description, time frame" with commas inside of each part. A feature is the
name of something that is true of one cut; ``weights`` says how much it counts.
"""

import re

from .items import NUMBER_END, Item
from .moments import NUMBER_IN_TIME, UNIT

__all__ = ["describe_description", "describe_time_frame"]

_UNIT_FIRST = r"(?:days?|weeks?|wks?|months?|years?|cycles?|hours?|visits?|[cdwmy](?=\d))"
_FILLER = (
    r"(?:about|approx(?:\.|imately)?|around|an|average|of|a|the|first|total|maximum|minimum|median|at least|post|~|\W)*"
)


def _starts(expression: str) -> re.Pattern[str]:
    return re.compile(rf"\W*(?:{expression})", re.IGNORECASE)


# How a time frame may begin; the first that fits gives the feature.
_OPENINGS = {
    "length": _starts(rf"{_FILLER}{NUMBER_IN_TIME}(?:\s*(?:-|to|and|or)\s*{NUMBER_IN_TIME})?\W*{UNIT}"),
    "named": _starts(rf"(?:at |on |by |the |study |through |to |from )*{_UNIT_FIRST}\W*\d"),
    "baseline": _starts(
        r"(?:at |from |change from |before |time )*(?:baseline|screening|pre-?dose"
        r"|pre-?treatment|randomi[sz]ation|enrol+ment)\b"
    ),
    "limit": _starts(r"up\s?-?to|until|till|through(?:out)?|within|during|over|for up|no later"),
    "from": _starts(r"(?:time |measured |assessed )?(?:from|since|between|date of|time from|day of|start of)\b"),
    "at": _starts(r"(?:at|on|in|for|by|once|as)\b"),
    "each": _starts(r"every|each|per|daily|weekly|monthly|yearly|annually|twice|continuous"),
    "around": _starts(
        r"(?:immediately )?(?:after|before|prior|following|pre|post|end of|completion"
        r"|immediately|intra-?op|peri-?op|post-?op|pre-?op)"
    ),
    "study": _starts(
        r"(?:the )?(?:study|duration|end|course|entire|whole|treatment|average|approximately"
        r"|about|first|last|time|life|length)\b"
    ),
    "number": _starts(r"\d"),
    "assessed": _starts(
        r"(?:and )?(?:assessed|whichever|which|where|when|with|who|that|including"
        r"|until|or|and|an average|on average|average)\b"
    ),
}
_TIME_WORD = re.compile(
    rf"{NUMBER_IN_TIME}[\s-]*{UNIT}|\b{_UNIT_FIRST}\s*\d|\b(?:baseline|study|visit"
    rf"|week|month|day|year|hour|minute|cycle|end|until|progression|death|season"
    r"|surgery|follow-?up|discharge|treatment|completion|randomi[sz]ation|enrol+ment|20\d\d)",
    re.IGNORECASE,
)
_HAS_MOMENT = re.compile(rf"{NUMBER_IN_TIME}[\s-]*{UNIT}|\b{_UNIT_FIRST}\s*\d", re.IGNORECASE)
# A segment that is nothing but a moment: part of an enumeration of moments.
_FRAGMENT = re.compile(
    rf"^\W*(?:(?:and|or|at|on|to|then|again|the|approximately|about|up)\W+)*"
    rf"(?:baseline|screening|\d{{1,4}}(?:\.\d+)?|{NUMBER_IN_TIME}\W*{UNIT}|{_UNIT_FIRST}\W*\d+\w*"
    rf"|pre-?dose|post-?dose|pre-?treatment|(?:[TVJ]|C\d+D)\d+)"
    # Atomic, since a word or a number has one reading only: two for each of twenty words are a million for all.
    rf"(?>[^\w&-]*(?:and|or|to|-|&|{UNIT}|{_UNIT_FIRST}|\d+))*(?:\W*\([^()]*\))?\W*$",
    re.IGNORECASE,
)
_REACH = 200
"""How many characters decide how a part begins, or whether it is nothing but a moment."""
_TIMELY = ("named", "baseline", "limit", "each", "length")
_SENTENCE_BREAK = re.compile(r"[.;:?]\s+\S")
_OPEN_FROM = re.compile(r"^\W*(?:time |date |the )*(?:from|date of|since|between|start of)\b", re.IGNORECASE)
_DEFINES = re.compile(
    r"\W*(?:is |was |are |were )?(?:as )?(?:defined|measured|assessed|determined"
    r"|evaluated|calculated|graded|expressed|reported|i\.e|described|characteri[sz]ed"
    r"|scored)\b",
    re.IGNORECASE,
)
_REFERS = re.compile(r"\W*(?:according|based|using|as per|per|by means|assessment)\b", re.IGNORECASE)
_PRESENTS = re.compile(
    r"\W*(?:the|this|these|to|number|percentage|proportion|incidence|time|rate"
    r"|assess\w*|measur\w*|evaluat\w*|patients?|participants?|subjects?|change"
    r"|defined|it|we|all|a|an|"
    r"comparison|compare|determin\w*|will|mean|median|total|in|for|as|each|any"
    r"|frequency|analysis|percent|description|occurrence|questionnaire|score|response"
    r"|data|blood|serum)\b",
    re.IGNORECASE,
)
_CONNECTS = re.compile(
    r"\W*(?:and|or|including|with|such|e\.g|as well|but|nor|which|whichever|where"
    r"|who|that|in|of|by|on|from|for|etc|if|then|without|either|followed|respectively"
    r"|not)\b",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|will|be|been|has|have|had|can|may|defined|calculated"
    r"|measured|assessed|determined|evaluated|using|compare)\b",
    re.IGNORECASE,
)
_ACRONYM = re.compile(r"\(\s*([A-Za-z][\w/-]{1,9})\s*\)|\b([A-Z][A-Z0-9/-]{1,7})\b")
_BRACKETED_ACRONYM = re.compile(r"\(\s*[A-Za-z]{0,3}[A-Z][\w/-]{0,8}\s*\)")
_CLOSING_ACRONYM = re.compile(r"\(\s*([A-Za-z]{2,8})\s*\)\s*$")
_WORD = re.compile(r"\w+")
_LAST_OF_LIST = re.compile(r"\s*(?:and|or)\b", re.IGNORECASE)
_SMALL_WORDS = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "in",
        "to",
        "and",
        "or",
        "for",
        "with",
        "by",
        "at",
        "on",
        "from",
        "is",
        "was",
        "are",
        "be",
        "as",
        "will",
        "after",
    ]
)


def describe_time_frame(item: Item, cut: int | None) -> list[str]:
    """Features of the time frame beginning after comma number ``cut``, or of there being none."""
    if cut is None:
        return ["t:none"] + (["t:none last has time"] if _TIME_WORD.search(item.segment(len(item.commas))) else [])
    tail, before = item.after(cut), item.segment(cut)
    opening = next((name for name, pattern in _OPENINGS.items() if pattern.match(tail, 0, _REACH)), "other")
    words = len(_WORD.findall(tail))
    checks = {
        f"t:opens {opening}": True,
        "t:capital": tail[:1].isupper(),
        "t:sentence before": before.rstrip().endswith((".", "?", ".)", '."')),
        "t:no time word": not _TIME_WORD.search(tail),
        "t:has moment": bool(_HAS_MOMENT.search(tail)),
        "t:sentence inside": bool(_SENTENCE_BREAK.search(tail)),
        "t:over 12 words": words > 12,
        "t:over 30 words": words > 30,
        "t:in brackets": item.depths[cut],
        "t:fragment before": _is_fragment(before),
        "t:open from before": bool(_OPEN_FROM.match(before, 0, _REACH)),
        "t:from further before": any(_OPEN_FROM.match(item.segment(n), 0, _REACH) for n in range(max(1, cut - 4), cut)),
        "t:last": cut == len(item.commas) - 1,
        "t:all fragments": all(_is_fragment(item.segment(n)) for n in range(cut + 1, len(item.commas) + 1)),
        "t:number list before": bool(NUMBER_END.search(before)) and tail[:1].isdigit(),
        "t:first fragment": _is_fragment(item.segment(cut + 1)),
        "t:shared": item.tails[tail] > 1,
        "t:shared often": item.tails[tail] > 3,
        "t:full stop at end, not before": tail.rstrip().endswith(".") and not before.rstrip().endswith("."),
    }
    checks["t:shared, longer shared too"] = checks["t:shared"] and cut > 0 and item.tails[item.after(cut - 1)] > 1
    return [name for name, holds in checks.items() if holds]


def describe_description(item: Item, cut: int | None, end: int) -> list[str]:
    """Features of the description beginning after comma ``cut`` and ending at comma ``end``, or of there being none."""
    if cut is None:
        return _without_description(item, end)
    measure, text = item.before(cut), item.between(cut, end)
    first, last = item.segment(cut + 1), item.segment(cut)
    checks = {
        "d:first comma": cut == 0,
        "d:capital": text[:1].isupper(),
        "d:digit": text[:1].isdigit(),
        "d:sentence before": measure.rstrip().endswith((".", "?", ":")),
        "d:in brackets": item.depths[cut],
        "d:defines": bool(_DEFINES.match(text, 0, _REACH)),
        "d:refers": bool(_REFERS.match(text, 0, _REACH)),
        "d:presents": bool(_PRESENTS.match(text, 0, _REACH)),
        "d:connects": bool(_CONNECTS.match(text, 0, _REACH)),
        "d:acronym only": _is_acronym(first) and cut + 1 < end,
        "d:abbreviation alone": cut + 1 < end and _abbreviates(first, measure),
        "d:abbreviation closes measure": cut > 0 and _abbreviates(last, item.before(cut - 1)),
        "d:two abbreviations in measure": len(_BRACKETED_ACRONYM.findall(measure)) > 1,
        "d:abbreviated measure before": cut == 0 and _is_abbreviated(measure),
        "d:abbreviated measure earlier": cut > 0 and _is_abbreviated(item.segment(0)),
        "d:phrase before is a repetition": cut > 0 and last.split()[:1] == text.split()[:1],
        "d:bracket closes measure": measure.rstrip().endswith(")"),
        "d:short segments": len(first.split()) <= 3 and len(last.split()) <= 3 and cut > 0,
        "d:next connects": cut + 2 <= end
        and bool(_CONNECTS.match(item.segment(cut + 2), 0, _REACH))
        and len(first.split()) <= 4,
        "d:list closed before": cut > 0 and bool(re.match(r"\W*(?:and|or)\b", last, re.IGNORECASE)),
        "d:measure over 20 words": len(measure.split()) > 20,
        "d:measure over 35 words": len(measure.split()) > 35,
        "d:sentence in measure": bool(re.search(r"[.?]\s+[A-Z]", measure)),
        "d:refers in measure": cut > 0 and any(_REFERS.match(item.segment(n), 0, _REACH) for n in range(1, cut + 1)),
        "d:verb": bool(_VERB.search(text)),
        "d:verb in measure": bool(re.search(r"\b(?:is|are|was|were|will be)\b", measure, re.IGNORECASE)),
        "d:full stop": text.rstrip().endswith("."),
        "d:few words": len(text.split()) <= 2,
        "d:plain neighbours": item.plain_share > 0.5,
        "d:fragment": _is_fragment(first),
        "d:reads as time frame": len(first.split()) <= 8 and any(_OPENINGS[n].match(text, 0, _REACH) for n in _TIMELY),
        "d:number list before": bool(NUMBER_END.search(last)) and text[:1].isdigit(),
    }
    return [name for name, holds in checks.items() if holds] + _repeats(measure, text)


def _is_fragment(segment: str) -> bool:
    return len(segment) <= _REACH and _FRAGMENT.match(segment) is not None


def _is_acronym(segment: str) -> bool:
    return len(segment.split()) == 1 and segment.strip().isupper() and 2 <= len(segment.strip()) <= 6


def _abbreviates(segment: str, phrase: str) -> bool:
    """Whether the segment is the initials of the phrase: "OS" after "Overall survival"."""
    initials = "".join(word[0] for word in _WORD.findall(phrase)).lower()
    content = "".join(word[0] for word in _WORD.findall(phrase) if word.lower() not in _SMALL_WORDS).lower()
    return len(segment.strip()) > 1 and segment.strip().lower() in {initials, content}


def _is_abbreviated(phrase: str) -> bool:
    """Whether the phrase ends with its own initials in brackets: "Overall survival (OS)"."""
    found = _CLOSING_ACRONYM.search(phrase)
    return found is not None and _abbreviates(found[1], phrase[: found.start()])


def _without_description(item: Item, end: int) -> list[str]:
    text = item.text[: item.commas[end][0]] if end < len(item.commas) else item.text
    checks = {
        "n:none": True,
        "n:one comma": end == 1,
        "n:list": end >= 1 and bool(_LAST_OF_LIST.match(item.segment(end))) and item.segment(1)[:1].islower(),
        "n:two commas": end == 2,
        "n:more commas": end > 2,
        "n:sentence inside": bool(re.search(r"[.?]\s+[A-Z]|\.,", text)),
        "n:over 20 words": len(text.split()) > 20,
        "n:over 40 words": len(text.split()) > 40,
        "n:plain neighbours": item.plain_share > 0.5,
        "n:some plain neighbours": 0 < item.plain_share <= 0.5,
        "n:full stop": text.rstrip().endswith("."),
        "n:verb": bool(_VERB.search(text)),
    }
    return [name for name, holds in checks.items() if holds]


def _repeats(measure: str, text: str) -> list[str]:
    """Whether the description takes up the words of the measure, or its abbreviation."""
    of_measure = [word.lower() for word in _WORD.findall(measure)]
    beginning = [word.lower() for word in _WORD.findall(text[:120])[:8]]
    content = [word for word in beginning if word not in _SMALL_WORDS]
    share = sum(word in of_measure for word in content) / len(content) if content else 0
    acronyms = {(a or b).lower() for a, b in _ACRONYM.findall(measure)}
    acronyms.add("".join(word[0] for word in of_measure if word not in _SMALL_WORDS))
    checks = {
        "d:repeats most": share >= 0.6,
        "d:repeats some": 0.3 <= share < 0.6,
        "d:same first word": bool(beginning and of_measure and beginning[0] == of_measure[0]),
        "d:begins with acronym": len(beginning) > 1
        and text[len(beginning[0]) :][:1] != ","
        and beginning[0] in acronyms
        and len(beginning[0]) > 1,
    }
    return [name for name, holds in checks.items() if holds]
