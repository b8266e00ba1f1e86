"""One door to a model: a call goes in, its answer with its usage comes out.

The way of one call, with the money and the crash points::

    asking.querying   questions of a record become a Call (calls.py)
    client.Model      1 find     the store has an answer to an equal call: nothing is sent
                      2 reserve  the budget has room for the most that a request may cost
                      3 begin    a row of ``calls``, state asked
    sending.Sender    4 send     a row of ``requests``, at the most; then instructor and the SDK
                                 (a re-ask after a broken answer: 2 and 4 again, if there is room)
    sending.repeat    5 repeat   after a fault: by statuses.toml, with the waits of pace.py
    ledger.Bill       6 settle   the usage of the reply is counted; the most, if no reply states any
    store.CallStore   7 end      in one transaction: the answer, its cost; rows of paid requests go

A kill before 4 costs nothing. After 4, the row of ``requests`` stays, and counts at the most in the
next invocation. After 7, a usable answer is never asked for again; ``--replay`` starts and ends at
1. ``Extractor.extract`` has no store: there, 1, 3, 7 and the rows are left out, and the limit of
money is that of the process.

Routes other than the live one answer at 2: ``opening.recall`` (a replay), ``exchange`` (files),
``batches`` (a call waits for a provider's batch, which fills the same store).

To change what a status means: ``statuses.toml``. When calls end early: ``patience.py``. How a
request is written: ``request_form.py``, and by provider ``providers.toml``. How a reply is read:
``completions.py``. The limit of money: ``cost/budget.py``. The tables: ``run.sql``.
"""
