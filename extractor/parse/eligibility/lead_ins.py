"""Lines that introduce others: whether they do, whether they state a condition too, and remarks that state none."""

import re

from .headings import is_generic, is_topic

__all__ = ["carries_condition", "introduces", "is_no_criterion", "needs_heading"]

_INTRODUCES = re.compile(
    r"(?:[:：]\W*|\b(?:following|as follows|defined (?:as|by)|including|such as|below|except)\W*)$"
    r"|\bfollowing\b[^.;]{0,60}$",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"[<>≤≥=]|\b(?:at least|more than|less than|within|prior to|(?:minimum|maximum) of|older|years|months|weeks|days)\b"
    r"|\d\s?(?:%|-\s?\d)|\b(?:above|below|over|under)\ \d",
    re.IGNORECASE,
)
_COUNT_OF = re.compile(
    r"(?:(?:at\ least|≥|>=|\\>=|more\ than|within)\s?)?\b(?:one|two|three|four|\d)?\b\s?(?:\(\d\)\s?)?(?:or\ more\s)?"
    r"\b(?:of|out\ of|within|in)?\s?(?:the|these|those|any)?\s?"
    r"(?:above(?!\ ?\d)|below(?!\ ?\d)|following|\w+\ listed)\b[^:]*:?",
    re.IGNORECASE,
)
"""How many of the parts must hold: no limit of the line's own."""

_LABORATORY = re.compile(
    r"^[^<>≤≥]{0,60}?\b(?:functions?|laborator\w+|haematolog\w+|hematolog\w+|biochemi\w+"
    r"|blood\s+(?:counts?|tests?|routine|cells?)|tests|parameters|reserve|limits|ranges)\b"
    r"[^.;]*[:;]\W*$",
    re.IGNORECASE,
)
"""What such a line introduces are the limits themselves, also where it says when they are measured."""

_MORE = re.compile(
    r"""
      \bincluding\b.{0,80}\b(?:following|history)\b | \w+\ \w+,?\ including,?\ but\ not\ limited\ to
    | \bdiagnos(?:is\ of|ed\ (?:with|as))\ (?!(?:1|one|any|either|all|the\ following)\b).*
        \b(?:criteria|determined|meeting)\b
    | following\ (?:(?:sub)?types|variants|histolog\w+)\b.{12}
    | \b(?:and|plus|AND)\ (?:(?:meets?|fits?|have|has|any|at\ least|in)\ )*
      (?:one|two|1|2|either|any|all)\ .{0,30}following
    | \b(?:that|who|which)\ (?:meets?|fits?|fulfills?)\ .{0,40}(?:following|criteria)
    | (?<!\be\.g)(?<!\bi\.e)\.\ [A-Z]
    """,
    re.VERBOSE,
)
_LISTS = r"(?:inclusion|exclusion|eligibility)"
_REMARK = re.compile(
    rf"""^\W*(?:
        see\s+(?:also\s+)?(?:disease|patient|prior|chemotherapy|above|below|biologic|radiotherapy|surgery|other|endocrine
          |general)\b.{{0,40}}
      | not\s+(?:specified|applicable|stated|mentioned)\W*
      | none(?:\s+(?:specified|stated|known))?\W*
      | n/?a\W*
      | (?:and|or|and/or|either|nil|no|others?)\W*
      | no\s+(?:specific\s+)?(?:exclusion|inclusion)\s+criteria\b.*
      | (?:the\s+)?(?:other|additional|further)\b.{{0,40}}\b(?:protocol|study)
          [\s-]*(?:defined|specified|specific|related)?.{{0,40}}\bcriteria\b.{{0,60}}
      | (?:other|additional|further)\s+.{{0,25}}{_LISTS}.{{0,30}}(?:criteria)?\s*(?:may|will|could)?\s*apply.{{0,40}}
      | (?:for\s+more\s+information|please\s+(?:see|refer|contact))\b.*
      | (?:\*+\s*)?(?:note|nb|n\.b|remark|comment|examples?\s+of|definition)\b\s*(?:\d\s*)?[:.\-].*
      | (?:does|do)\s+not\s+(?:meet|fulfil|fulfill)\s+(?:the\s+)?(?:above|inclusion|listed).{{0,30}}
      | (?:failure\s+to\s+meet|not\s+(?:meet|fulfil|fulfill|satisfy)ing
          |patients\s+(?:who\s+)?(?:do|did)\s+not\s+meet)\s+
          (?:the\s+|all\s+|any\s+of\s+the\s+)*(?:above|inclusion).{{0,40}}
      | (?:some|full|further|more)\s+(?:study\s+)?details\b.{{0,120}}
      | .{{0,60}}\bthe\s+above\s+information\s+is\s+not\s+intended\b.*
    )$""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_CONTENT = re.compile(r"[^\W\d_]{2}|[A-Z]\d|\d\d")  # words, a stage such as "T3N1-3M0", ages under their heading
_EARLIER = re.compile(r"\b(?:prior|previous|earlier)\b", re.IGNORECASE)  # "Prior enrollment in the study"
_HEADLESS = re.compile(
    r"""^(?:
        (?:at\ least|(?:no\ |not\ )?(?:more|less|greater)\ than|over|under|minimum|maximum|up\ to|any\ age)\b
      | [<>≤≥=\\\d]
      | not\ (?:specified|given)
      | (?:no\ |any\ )?(?:symptomatic|severe|clinically\ significant)\ \w+\ (?:or|and)\ \w+\ (?:disease|disorder)s?$
      | (?:normal|adequate|all)$ | male | female | any | both
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_LONG_WORD = re.compile(r"[a-z]{6,}")


def introduces(text: str) -> bool:
    """A line after which its parts must follow.

    >>> introduces("Adequate organ function, defined as:"), introduces("Previously untreated disease")
    (True, False)
    """
    return bool(_INTRODUCES.search(text)) or is_topic(text)


def carries_condition(text: str) -> bool:
    """Whether a line with sub-items states a condition of its own as well.

    >>> carries_condition("Age 18-75 with one of the following:"), carries_condition("Any of the following:")
    (True, False)
    """
    if is_generic(text):
        return False
    if not introduces(text):
        return not is_topic(text)
    stated = _COUNT_OF.sub(" ", text)
    return bool(_MORE.search(text) or (_LIMIT.search(stated) and not _LABORATORY.search(text)))


def is_no_criterion(text: str) -> bool:
    """Remarks and placeholders.

    >>> is_no_criterion("See Disease Characteristics"), is_no_criterion("Not pregnant")
    (True, False)
    """
    says_nothing = is_generic(text) and len(text.split()) > 4 and not _EARLIER.search(text)
    return bool(_REMARK.match(text)) or not _CONTENT.search(text) or says_nothing


def needs_heading(text: str, heading: str) -> bool:
    """An item that says nothing without its heading, whose words it does not repeat.

    >>> needs_heading("At least 6 months", "Life expectancy:")
    True
    >>> needs_heading("At least 4 weeks since prior chemotherapy", "Chemotherapy:")
    False
    """
    if not _HEADLESS.match(text) or len(text.split()) > 12 or " since " in text:
        return False
    folded = text.lower()
    return not any(word in folded for word in _LONG_WORD.findall(heading.lower()))
