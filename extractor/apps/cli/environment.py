"""Read environment variables: keys and addresses of hosted models, and folders. Only this module
reads them.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.apps.cli.console import say
from extractor.model.spec import SERVER_KEY, ModelSpec

if TYPE_CHECKING:
    from extractor.apps.mcp.settings import ToolOptions
    from extractor.apps.serve.settings import ServiceOptions
    from extractor.model.cost.budget import Pricing
    from extractor.model.cost.prices import PriceList


def find_user() -> str:
    """Return the name of this user of the machine: with sudo, of who called it."""
    import getpass

    called_by = os.environ.get("SUDO_USER")
    if called_by:
        return called_by
    try:
        return getpass.getuser()
    # a container's user may have no name
    except (KeyError, OSError):
        return "unknown"


def read_model_spec(text: str) -> ModelSpec:
    """Return the model that ``--model`` names, with its key: OPENAI_API_KEY and OPENAI_BASE_URL for
    a model of OpenAI, EXTRACTOR_MODEL_TOKEN for a server given by URL. The SDKs of other providers
    read their own variables.

    If EXTRACTOR_MODEL names a server, too, the key is for its host, and no other host gets it. A
    hosted model's name that looks mistyped gets a remark on standard error. Raises ``ValueError``
    for an invalid specification.
    """
    server_key = os.environ.get(SERVER_KEY)
    spec = ModelSpec.parse(
        text,
        api_key=os.environ.get("OPENAI_API_KEY"),
        base_url=os.environ.get("OPENAI_BASE_URL"),
        server_key=server_key,
    )
    if server_key and spec.is_server and not _is_server_of_key(spec):
        say(
            f"{SERVER_KEY} is for the server in EXTRACTOR_MODEL; {spec.host} does not get it"
        )
        spec = replace(spec, api_key=None)
    if not spec.base_url:
        _tell_nearest_model(spec)
    return spec


def _is_server_of_key(spec: ModelSpec) -> bool:
    """Return whether the key of the environment is for this server, as far as EXTRACTOR_MODEL says
    so.
    """
    usual_model = os.environ.get("EXTRACTOR_MODEL", "")
    names_server = "://" in usual_model
    return not names_server or spec.host == ModelSpec.parse(usual_model).host


def _tell_nearest_model(spec: ModelSpec) -> None:
    """Say which name may be meant by that of a hosted model that no list of prices knows."""
    from extractor.model.cost.prices import list_names, read_prices
    from extractor.schemas.arguments import find_nearest

    if read_prices().find(spec):
        return
    names = tuple(f"{spec.provider}/{name}" for name in list_names(spec.provider))
    nearest = find_nearest(str(spec), names)
    if nearest:
        say(f"{spec} is not a known model; did you mean {nearest}?")


def choose_model(
    options: "ServiceOptions | ToolOptions",
) -> "tuple[ModelSpec | None, Pricing]":
    """Return the model of a server's options, and what it may cost. Fields of the user's own that
    nothing will read are named on standard error.

    Raises ``ValueError`` for an invalid model, or one without a price beside ``--max-usd``.
    """
    from extractor.apps.cli.options import name_option
    from extractor.concepts.own.declaration import explain_unread
    from extractor.model.cost.budget import Pricing
    from extractor.model.providers import Reasoning

    spec = read_model_spec(options.model) if options.model else None
    reasoning = Reasoning(options.reasoning) if options.reasoning else None
    prices = find_prices(options.prices)
    pricing = Pricing.of(spec, prices, options.max_usd, reasoning, spell=name_option)
    is_asked = spec is not None and options.asks
    if not is_asked:
        unread = explain_unread(options.fields)
        if unread:
            say(unread)
    return spec, pricing


def read_max_lacking() -> float:
    """Return the share of questions without a usable answer that a run may have:
    EXTRACTOR_MAX_LACKING, or 0.05.

    Raises ``ValueError`` for anything but a number from 0 to 1.
    """
    text = os.environ.get("EXTRACTOR_MAX_LACKING") or "0.05"
    with suppress(ValueError):
        share = float(text)
        if 0 <= share <= 1:
            return share
    raise ValueError(
        f"EXTRACTOR_MAX_LACKING is {text!r}; set it to a number from 0 to 1, such as 0.05"
    )


def find_prices(files: Sequence[Path]) -> "PriceList":
    """Return the prices in these files, then those in the user's settings folder, then those of
    genai-prices.
    """
    import platformdirs

    from extractor.model.cost.prices import read_prices

    settings = platformdirs.user_config_path("trial-extractor", appauthor=False)
    own = settings / "prices.toml"
    return read_prices((*files, own) if own.is_file() else tuple(files))
