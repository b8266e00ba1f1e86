"""Read model keys and addresses from environment variables."""

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
    """Parse ``--model``. For a server given by URL, the key is EXTRACTOR_MODEL_TOKEN.

    Providers' keys and addresses are read later, when the provider is opened. If EXTRACTOR_MODEL is
    a server's URL, the key is sent only to that host. Raises ``ValueError`` for an invalid
    specification.
    """
    server_key = os.environ.get(SERVER_KEY)
    spec = ModelSpec.parse(text, server_key=server_key)
    default_model = os.environ.get("EXTRACTOR_MODEL", "")
    has_other_host = (
        "://" in default_model and spec.host != ModelSpec.parse(default_model).host
    )
    if server_key and spec.is_server and has_other_host:
        say(
            f"{SERVER_KEY} belongs to the server in EXTRACTOR_MODEL and is not sent to {spec.host}"
        )
        return replace(spec, api_key=None)
    return spec


def choose_model(
    options: "ServiceOptions | ToolOptions",
) -> "tuple[ModelSpec | None, Pricing]":
    """Return the model in a server's options, and its pricing with the spending limit.

    Raises ``ValueError`` if the model is invalid, or if ``--max-usd`` is set but the model has no
    known price.
    """
    from extractor.setup import Setup

    spec = read_model_spec(options.model) if options.model else None
    setup = Setup(
        spec,
        fields=options.fields,
        effort=options.effort,
        reasoning=options.reasoning,
        model_options=options.model_options,
    )
    return spec, choose_pricing(setup, options)


def choose_pricing(
    setup: "Setup", options: "ModelOptions", *, in_batches: bool = False
) -> "Pricing":
    """Return a model's pricing with the spending limit. Warn about custom fields that will not be
    read.

    Raises ``ValueError`` if ``--max-usd`` is set but the model has no known price.
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
