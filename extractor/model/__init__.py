"""The single entry point to a model: it takes a call and returns the answer and its usage.

The path of a call, with its costs and possible crash points::

    asking.querying   create a Call (calls.py) from the questions about a record
    client.Model      1 find    if the store has an answer to an identical call, nothing is sent
    bill.Bill         2 reserve wait until the maximum cost of a request fits into the budget; add a
                                row to ``calls`` (state asked) and to ``requests`` (maximum cost)
    sending.Sender    3 request instructor writes the request, the SDK sends it once, and instructor
                                reads the reply into the reply model
    bill.Bill         4 settle  count the usage in the reply, or the maximum if it is implausible
    sending.repeat    5 repeat  retry after a fault, as in statuses.toml, after the waits of pace.py
    store.CallStore   6 end     in one transaction, store the answer and its cost, and delete the
                                rows of requests with a known cost

If the process is killed before step 2, no cost is incurred. If it is killed after step 2, the row
in ``requests`` remains, and the next invocation counts the request at its maximum cost. After step
6, a usable answer is never requested again. Without a store (``Extractor.extract``), the spending
limit applies to the process.

Other routes replace step 3: ``opening.recall`` (a replay), ``exchange`` (files) and ``batches`` (a
provider's batch, which fills the same store). A model is abandoned if it has been silent for too
long, or after 20 consecutive unusable answers to calls that had none before (``patience``).

To change the meaning of a status, edit ``statuses.toml``. Requests are written by
``request_form.py``, using the provider's entry in ``providers.toml``. Replies that instructor does
not read as a whole, and the ending and usage of every reply, are read by ``completions.py``. The
spending limit is in ``cost/budget.py``, and the tables are in ``run.sql``.
"""
