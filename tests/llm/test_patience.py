"""When a call is ended, and with which error."""

import asyncio

import pytest

from extractor.errors import RunStopped
from extractor.model.patience import Patience, Watch


@pytest.mark.parametrize("patience", [None, Patience()], ids=["endless", "limited"])
async def test_a_stopped_run_ends_a_call_that_waits_for_its_turn(patience):
    watch = Watch(patience, "a model")

    async def wait_for_a_turn():
        async with watch.calling():
            await asyncio.sleep(60)

    call = asyncio.create_task(wait_for_a_turn())
    await asyncio.sleep(0)
    watch.stop("stopped by the user")

    with pytest.raises(RunStopped, match="stopped by the user"):
        await call


async def test_the_last_useless_call_of_a_stopped_run_says_that_it_was_stopped():
    watch = Watch(Patience(calls=2), "a model")
    watch.check_call("no answer")
    watch.stop("the service stops")
    with pytest.raises(RunStopped, match="the service stops"):
        watch.check_call("no answer")
