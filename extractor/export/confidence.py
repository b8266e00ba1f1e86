"""How sure a criterion must be before an export makes a rule of it."""

from extractor.schemas import Criterion

LEAST = 0.8
"""The least confidence of a criterion that becomes a rule, and of a value that FHIR structures."""
_DECISIVE = frozenset({"kind", "quote", "constraints", "time_window"})


def find_confidence(criterion: Criterion) -> float:
    """Return the least confidence of what decides a rule: kind, quote, limits and time window.

    A corrected criterion has no evidence, and is sure (1.0).

    >>> shape = {"kind": "inclusion", "section": "eligibility", "quote": "Age > 18 years"}
    >>> find_confidence(Criterion.model_validate(shape))
    1.0
    """
    stated = (one for one in criterion.evidence if one.field.partition("[")[0] in _DECISIVE)
    return min((one.confidence for one in stated if one.confidence is not None), default=1.0)
