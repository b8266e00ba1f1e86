"""Extractions from answers, believed by the policy that ships or by one that was counted on the other records."""

from collections.abc import Mapping
from dataclasses import replace

from benchmarks.policy.situations import add_situations
from extractor.assemble import assemble_extraction
from extractor.assemble.policy import combine_policy
from extractor.schemas import TrialExtraction

from .asking import Asked, Round

__all__ = ["assemble_held_out", "assemble_shipped"]


def assemble_shipped(asked: Round) -> list[TrialExtraction]:
    """The extractions with the policy of ``policy.toml``."""
    return [assemble_extraction(one.parsed, one.result) for one in asked.records]


def assemble_held_out(asked: Round) -> list[TrialExtraction]:
    """The extractions, each with a policy counted on the other records alone.

    So that nothing that is scored has told whom to believe. The order of both is the same.
    """
    total = add_situations(one.situations for one in asked.records)
    return [
        _believe(one, {field: _subtract(total[field], one.situations.get(field, {})) for field in total})
        for one in asked.records
    ]


def _subtract(
    total: Mapping[str, Mapping[str, int]], part: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    return {
        situation: {who: count - part.get(situation, {}).get(who, 0) for who, count in counts.items()}
        for situation, counts in total.items()
    }


def _believe(one: Asked, counts: Mapping[str, Mapping[str, Mapping[str, int]]]) -> TrialExtraction:
    policy = combine_policy(one.result.policy.model_class, counts)
    return assemble_extraction(one.parsed, replace(one.result, policy=policy))
