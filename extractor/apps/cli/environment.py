"""Read model keys and addresses from environment variables."""

from typing import TYPE_CHECKING

from extractor.apps.cli.console import say
from extractor.apps.cli.options import name_option
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import read_prices
from extractor.model.spec import ModelSpec, read_spec
from extractor.options import ModelOptions
from extractor.setup import Setup

if TYPE_CHECKING:
    from extractor.apps.mcp.settings import ToolOptions
    from extractor.apps.serve.settings import ServiceOptions


def read_model_spec(text: str) -> ModelSpec:
    """Parse ``--model``, with the key of a server in the environment, as ``read_spec`` does."""
    return read_spec(text, say)


def choose_model(options: "ServiceOptions | ToolOptions") -> tuple[Setup, Pricing]:
    """Return the setup of a server's model, and its pricing with the spending limit.

    Raises ``ValueError`` if the model is invalid, or if ``--max-usd`` is set but the model has no
    known price.
    """
    spec = None
    if options.model:
        spec = read_model_spec(options.model)
    setup = Setup(
        spec,
        tasks=options.tasks,
        effort=options.effort,
        min_confidence=options.min_confidence,
        fields=options.fields,
        reasoning=options.reasoning,
        model_options=options.model_options,
    )
    return setup, choose_pricing(setup, options)


def choose_pricing(
    setup: Setup, options: ModelOptions, *, in_batches: bool = False
) -> Pricing:
    """Return a model's pricing with the spending limit. Warn about custom fields that will not be
    read.

    Raises ``ValueError`` if ``--max-usd`` is set but the model has no known price.
    """
    if setup.unread:
        say(setup.unread)
    return Pricing.of(
        setup.choice.spec,
        read_prices(options.prices),
        options.max_usd,
        setup.asking,
        in_batches=in_batches,
        spell=name_option,
    )
