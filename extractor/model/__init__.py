"""The single entry point to a model: a call goes in, its answer and usage come out.

The path of one call, with its costs and crash points::

    asking.querying   questions of a record become a Call (calls.py)
    client.Model      1 find    the store has an answer to an equal call: nothing is sent
    client.Bill       2 reserve the budget has room for the most that a request may cost; a row of
                                ``calls``, state asked, and one of ``requests``, at the most
    sending.Sender    3 request instructor writes it and its SDK sends it, once
    client.Bill       4 settle  the usage of the reply is counted; the most, if none is believable
    sending.repeat    5 repeat  after a fault: by statuses.toml, with the waits of pace.py
    store.CallStore   6 end     in one transaction: the answer, its cost; rows of paid requests go

A kill before 2 costs nothing. After 2, the row of ``requests`` stays, and counts at the most in the
next invocation. After 6, a usable answer is never asked for again; ``--replay`` ends at 1. Without
a store (``Extractor.extract``), the limit of money is that of the process.

Other routes answer at 2: ``opening.recall`` (a replay), ``exchange`` (files), ``batches`` (a
provider's batch fills the same store). A model is given up when it is silent for too long, or after
20 useless answers in a row (``patience``).

To change what a status means: ``statuses.toml``. How a request is written: ``request_form.py``, and
by provider ``providers.toml``. How a reply is read: ``completions.py``. The limit of money:
``cost/budget.py``. The tables: ``run.sql``.
"""
