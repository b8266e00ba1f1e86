"""Read environment variables: keys and addresses of models."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from extractor.apps.cli.console import say
from extractor.model.spec import SERVER_KEY, ModelSpec

if TYPE_CHECKING:
    from extractor.apps.mcp.settings import ToolOptions
    from extractor.apps.serve.settings import ServiceOptions
    from extractor.model.cost.budget import Pricing
    from extractor.options import ModelOptions
    from extractor.setup import Setup


def read_model_spec(text: str) -> ModelSpec:
    """Return the model that ``--model`` names. A server given by URL gets EXTRACTOR_MODEL_TOKEN.
    The keys and addresses of providers are read when they are opened.

    If EXTRACTOR_MODEL names a server, the key is for its host, and no other host gets it. Raises
    ``ValueError`` for an invalid specification.
    """
    server_key = os.environ.get(SERVER_KEY)
    spec = ModelSpec.parse(text, server_key=server_key)
    usual = os.environ.get("EXTRACTOR_MODEL", "")
    has_other_host = "://" in usual and spec.host != ModelSpec.parse(usual).host
    if server_key and spec.is_server and has_other_host:
        say(
            f"{SERVER_KEY} is for the server in EXTRACTOR_MODEL; {spec.host} does not get it"
        )
        return replace(spec, api_key=None)
    return spec


def choose_model(
    options: "ServiceOptions | ToolOptions",
) -> "tuple[ModelSpec | None, Pricing]":
    """Return the model of a server's options, and what it may cost.

    Raises ``ValueError`` for an invalid model, or one without a price beside ``--max-usd``.
    """
    from extractor.setup import Setup

    spec = read_model_spec(options.model) if options.model else None
    setup = Setup(
        spec,
        fields=options.fields,
        effort=options.effort,
        reasoning=options.reasoning,
    )
    return spec, choose_pricing(setup, options)


def choose_pricing(
    setup: "Setup", options: "ModelOptions", *, in_batches: bool = False
) -> "Pricing":
    """Return what a model may cost. Warns of custom fields that nothing will read.

    Raises ``ValueError`` for a model without a price beside ``--max-usd``.
    """
    from extractor.apps.cli.options import name_option
    from extractor.model.cost.budget import Pricing
    from extractor.model.cost.prices import read_prices

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
