"""Match patients with trials, and ask a model about what their data leave open."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from extractor.face import (
    Asked,
    CallStore,
    ClientSettings,
    Facts,
    OpenStore,
    Plan,
    Pricing,
    RequestSize,
    Route,
    Setup,
    ask_matches,
    measure_request,
    open_model,
    open_run,
)


def measure_pairs(pairs: Iterable[tuple[Plan, Facts]]) -> RequestSize:
    """Return the size of all calls, for a forecast."""
    sizes = (measure_request(plan, facts) for plan, facts in pairs)
    return sum(sizes, RequestSize())


def ask_pairs(
    pairs: Iterable[tuple[Plan, Facts]],
    setup: Setup,
    pricing: Pricing,
    *,
    folder: Path | None = None,
    concurrency: int = 8,
) -> Sequence[Asked]:
    """Return the match of each pair, with a model's answers to what stays open.

    Args:
        pairs: The trials and the patients.
        setup: The model, or a folder whose answers are used again.
        pricing: The price and the limit of money, which applies to all calls in ``folder``.
        folder: Where calls and answers are kept. An answered call is not sent again.
        concurrency: The maximum number of concurrent requests.

    Raises:
        MissingKey: The model has no key, or the provider rejects it.
        StoreError: The folder cannot be used.
    """
    settings = replace(setup.asking, concurrency=concurrency)
    with ExitStack() as stack:
        store = None
        if folder:
            store = stack.enter_context(_open_store(folder, pricing))
        route = Route(pricing.open_budget(store))
        return asyncio.run(_ask_all(pairs, setup, settings, store, route))


@contextmanager
def _open_store(folder: Path, pricing: Pricing) -> Iterator[CallStore]:
    folder.mkdir(parents=True, exist_ok=True)
    with closing(open_run(folder)) as database:
        yield CallStore(database, pricing.price)


def _return(store: CallStore) -> CallStore:
    return store


async def _ask_all(
    pairs: Iterable[tuple[Plan, Facts]],
    setup: Setup,
    settings: ClientSettings,
    store: CallStore | None,
    route: Route,
) -> list[Asked]:
    calls: OpenStore | None = partial(_return, store) if store else None
    async with open_model(setup.choice, settings, calls, route) as model:
        return await ask_matches(pairs, model)
