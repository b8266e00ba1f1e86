"""The list of end events behind "until" or "to": where it ends, where items part, what only qualifies an item."""

import re
from collections.abc import Iterator

__all__ = ["depth", "is_plain_event", "read_end_events", "starts_event", "trim"]

Span = tuple[int, int]
_MOST = 8

# "events, which include A, B or C"; "any of the following: A, B or C".
_INCLUDES = re.compile(
    r"\bevents?\b[^,:;]{0,30},?\s*(?:which includes?|includes?|including|defined as|such as|i\.e\.,?|:)\s*"
    r"|\bevents\s*\("
    r"|\b(?:following(?: \w+){0,2}|(?:first|any|one|earliest|either) of)\s*:\s*|\bany failure\s*\(",
    re.IGNORECASE,
)
# Where the account of the end events is over.
_STOP = re.compile(
    r"[;:；（]|,?\s*\(?\bwh(?:ich|at)[\s-]?ever\b(?! the cause)|,?\s*\b(?:regardless"
    r"|irrespective)\b(?! of (?:the )?cause)|,?\s*\b(?:if|where|among)\b"
    r"|\b(?:will|can|may) be\b|\s(?:is|was|are|were)\s(?!made\b|experienced\b|achieved\b|documented\b|observed\b"
    r"|noted\b|confirmed\b|first\b|met\b)"
    r"|\(?\bcensor|,?\s*\(?\b(?:assessed|followed|estimated|evaluated|measured)? ?(?:for )?(?:up to|within)"
    r" (?:a (?:maximum|total) (?:of )?)?(?:approx\w* |about )?\d"
    r"|\.\s+(?=[A-Z])|\.$",
    re.IGNORECASE,
)
_JOINT = re.compile(
    r"\s*,(?!\s*(?:whatever|regardless of|from|due to|of|by|for)(?: \w+)? (?:cause|reason))\s*(?:and/or\b|or\b"
    r"|and\b)?\s*"
    r"|\s+(?:and/or|or|and)\s+|\s*/\s*",
    re.IGNORECASE,
)
_EVENT_START = re.compile(
    r"(?:(?:to|the|an?|any|either|from|first|date|time|of|occurrence|disease|document\w*|confirm\w*|earliest|tumou?r"
    r"|clinical|radio\w+|objective|unacceptable|subsequent|second|secondary|new|other|patient|subject|participant"
    r"|treatment|graft|engraftment|leuka?emia|hematologic\w*|gene)\s+)*"
    r"(?:death|die[ds]?|dying|progress\w*|relaps\w*|recur\w*|PD|fail\w*|withdr\w*|discontinu\w*|initiat\w*|start\w*"
    r"|metasta\w*|malignan\w*|last|loss|lost|toxicit\w*|censor\w*|graft|GVHD|surgery|transplant\w*)\b",
    re.IGNORECASE,
)
_EVENT_HEAD = re.compile(r"\b(?:death|die|progression|relapse|recurrence|graft failure|GVHD|failure)\b", re.IGNORECASE)
_PLAIN = re.compile(
    r"(?:(?:first|document(?:ation|ed)|of|objective|disease|tumou?r|radiolog\w+|confirmed|occurrence|clinical"
    r"|progressive"
    r"|the|treatment|hematologic\w*) )*(?:progression|relapse|recurrence|PD|disease(?: \(PD\))?|death"
    r"|failure)(?: \(PD\))?"
    r"(?:,? \(?(?:from|due to|of|by|for|as a result of) (?:any|all) (?:causes?|reasons?)\)?)?",
    re.IGNORECASE,
)
# A piece that qualifies the one before ("as assessed by the investigator"), and is no event.
_QUALIFIES = re.compile(
    r"(?:as|assessed|determined|measured|evaluated|defined|estimated|judged|calculated|analy[sz]ed|presented"
    r"|comparing"
    r"|using|based|according|per|by|in (?:days|weeks|months|years|the|case)|with|without|due|after|during|for|whether"
    r"|approximately|up to|from|on|at|that|which|who|regardless|expressed|reported|only"
    r"|depending|indicating|demonstrating|an? (?:average|maximum)|maximum|censor\w*)\b",
    re.IGNORECASE,
)
# Where an event ends within its piece.
_TAIL = re.compile(
    r"\s*,?\s+(?:as (?:assessed|per|determined|defined|measured|judged|evaluated|documented|reported|by|confirmed)"
    r"|(?:assessed|determined|measured|evaluated|defined|estimated|judged|calculated|graded|presented)\b"
    r"|per\s|based on|according to|using\b|(?<!caused )by (?!any\b|all\b|PCR|cause)|in the absence|while (?:on"
    r"|receiving)"
    r"|that\b|which\b|who\b|for (?:respond|participants|patients|those|subjects|each|up|the)|after\b|during\b|since\b"
    r"|until\b|from (?:the )?(?:start|date|first|randomi|baseline|day|time|infusion|enrol|study|treatment)"
    r"|in (?:participants|patients|subjects|all|the (?:intent|study)|days|months|weeks|\w+ (?:participants|patients))"
    r"|within \d|on study|at (?:any|\d|week|month|day|the)|post-?\w+|leading\b|RECIST|between\b|approximately"
    r"|through\b)",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"(?:(?:to|the|an?|either|of|any of|on|at)\s+)*"
    r"(?:(?:earlie(?:st|r)|first|minimum|initial)\s+(?:of\s+)?(?=the\b|dates?\b|time\b|either\b))?(?:the\s+)?"
    r"(?:(?:(?:earliest|first)\s+)?(?:dates?|time|day|moment|point)s?\s+"
    r"(?:of|when|that|on which|at which|of which|where|to)\s+)?(?:the\s+)?(?:(?:dates?|time)\s+of\s+)?"
    r"(?:(?:first\s+)?(?:occurrence|assessment) of\s+)?(?:(?:either|the|an?)\s+)?",
    re.IGNORECASE,
)
_ADJECTIVE = re.compile(
    r"(?:^|\s)(?!withdrawal|removal|approval|survival|arrival|denial)(?:\w{3,}(?:al|ic|able|ible)|mild|moderate"
    r"|severe"
    r"|partial|complete|serious|major|minor|distant|first|second|confirmed|documented|recurrent|progressive"
    r"|metastatic"
    r"|lower|upper|either|objective|new|refractory)$",
    re.IGNORECASE,
)
_RESPONSES = re.compile(
    r"\b(?:c?CR[ih]?|c?PR|SD|MR|VGPR|[Rr]esponse|[Rr]emission)(?:\s*\([^()]*\))?$|\([cC]?[CP]R[ih]?\)$"
)
_RESPONSE_START = re.compile(
    r"(?:an? |confirmed )?(?:c?CR[ih]?|c?PR|SD|MR|VGPR|[Pp]artial|better|[Ss]table|incomplete)\b"
)
_NO_EVENT = re.compile(
    r"\b(?:censor|la(?:st|test)\s(?:date|follow|visit|contact|known|observation|survival|assess|available|evaluat)"
    r"|lost to follow"
    r"|loss (?:of|to) follow|end of (?:the )?(?:study|follow)|study (?:end|closure|completion)|data cut|cut-?off"
    r"|date of analysis|withdraw\w* (?:of )?(?:consent|from|by)|^(?:any|all) (?:cause|reason)s?$|^follow|^\d+\W*\w+$"
    r"|^\W*\d+ (?:days|weeks|months|years)|^(?:date|day|time|date of)$|^up to\b|^(?:study )?(?:week|month|day|year"
    r"|cycle|visit) \d)",
    re.IGNORECASE,
)
_KEPT_BRACKET = re.compile(
    r"\s*\(\s*(?:[A-Z][A-Za-z]{0,2}[A-Z\d]?[A-Za-z]{0,4}(?:\s*[=/]\s*\w+|(?:,| or| and) [A-Z]\w{0,4})*|PFS\d?"
    r"|(?:due to |from |by |of )?(?:any|all|other) (?:\w+ )?(?:cause|reason)s?[^()]*"
    r"|(?:failure|hematologic\w*|loss|progressi\w+|relapse\w*|recurren\w+|no|not|lack|death)\b[^()]*)\s*\)"
)


def read_end_events(text: str, start: int, end: int) -> tuple[Span, ...]:
    """The spans of the end events that are listed from ``start`` on, up to ``end`` at most.

    >>> text = "first documented PD per RECIST 1.1, as assessed by a board, or death from any cause, whichever is first"
    >>> [text[slice(*span)] for span in read_end_events(text, 0, len(text))]
    ['first documented PD', 'death from any cause']
    """
    end = min(end, len(text))
    includes = _INCLUDES.search(text, start, min(end, start + 100))
    if includes:
        start = includes.end()
    spans: list[Span] = []
    for first, last in _part_pieces(text, start, _find_stop(text, start, end)):
        span = _trim_event(text, first, last)
        if span:
            spans.append(span)
    return tuple(spans[:_MOST])


def is_plain_event(quote: str) -> bool:
    """Whether a quote is an event that is told in the usual words, with nothing beside them.

    >>> is_plain_event("first documented disease progression"), is_plain_event("loss of asthma control")
    (True, False)
    """
    return _PLAIN.fullmatch(" ".join(quote.split())) is not None


def starts_event(text: str, position: int) -> bool:
    """Whether words for an event stand at ``position``, or early in a list of events."""
    return (
        _EVENT_START.match(text, position) is not None or _EVENT_HEAD.search(text, position, position + 60) is not None
    )


def _find_stop(text: str, start: int, end: int) -> int:
    """The first stop outside of brackets."""
    for found in _STOP.finditer(text, start, end):
        if found.start() > start and (depth(text, start, found.start()) <= 0 or "ensor" in found[0]):
            return found.start()
    return end


def _part_pieces(text: str, start: int, stop: int) -> Iterator[Span]:
    """The items of the list; what qualifies an item is left out, and the list goes on behind it with "or"."""
    position, qualified = start, False
    joints = [j for j in _JOINT.finditer(text, start, stop) if depth(text, start, j.start()) <= 0]
    for number, joint in enumerate([*joints, None]):
        end = joint.start() if joint else stop
        if joint and _holds_together(text, position, joint, stop, last=number + 1 == len(joints)):
            continue
        if not (_QUALIFIES.match(text, position, end) or (qualified and not _EVENT_START.match(text, position, end))):
            yield position, end
            qualified = _find_tail(text, position, end) < end
        else:
            qualified = True
        position = joint.end() if joint else stop


def _holds_together(text: str, start: int, joint: re.Match[str], stop: int, *, last: bool) -> bool:
    """Whether the joint stands inside of one event ("mild or severe asthma", "CR or PR")."""
    left, sign = text[start : joint.start()].rstrip(), joint[0].strip().lower()
    if sign in {"/", "and"}:
        return not _EVENT_START.match(text, joint.end(), stop) or _ADJECTIVE.search(left) is not None
    if _RESPONSES.search(left) and _RESPONSE_START.match(text, joint.end(), stop):
        return True
    if sign == "," and last:
        return False
    return _ADJECTIVE.search(left) is not None and not text[joint.end() : joint.end() + 5].lower().startswith("death")


def _trim_event(text: str, start: int, end: int) -> Span | None:
    """The event without "the date of" and without what only qualifies it; None if it is none."""
    found = _LEADING.match(text, start, end)
    start = found.end() if found else start
    end = _find_tail(text, start + 2, end)
    bracket = text.find(" (", start, end)
    if bracket > start:
        kept = _KEPT_BRACKET.match(text, bracket, end)
        end = kept.end() if kept and kept.end() >= end - 1 else end if kept else bracket
    start, end = trim(text, start, end)
    quote = text[start:end]
    return (start, end) if len(quote) > 1 and not _NO_EVENT.search(quote) else None


def _find_tail(text: str, start: int, end: int) -> int:
    """Where an event ends within its piece: before the first qualifier outside of brackets."""
    for found in _TAIL.finditer(text, start, end):
        if depth(text, start, found.start()) <= 0:
            return found.start()
    return end


def depth(text: str, start: int, end: int) -> int:
    """How many brackets are open at ``end`` of those that open from ``start`` on."""
    return text.count("(", start, end) - text.count(")", start, end)


def trim(text: str, start: int, end: int) -> Span:
    """The span without punctuation and white space at its ends."""
    while start < end and text[start] in " ,;.:\n":
        start += 1
    while end > start and text[end - 1] in " ,;.:\n":
        end -= 1
    if text[start:end].endswith(")") and depth(text, start, end) < 0:
        end -= 1
    return start, end
