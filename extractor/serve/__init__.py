"""Extraction over HTTP for many callers.

::

    caller --HTTP--> Guard (request id, headers, metrics) --> routes, behind a caller's key and limits
        POST /v1/extractions --> Service.extract: one record, answered at once
        POST /v1/jobs        --> JobFolders ROOT/jobs/<caller>/<job> --> JobRunner: a coroutine per running job

Everything runs in one event loop, with executors whose processes do the computing. The loop itself asks the model,
counts each caller's spending and writes results. A job is the folder of a run beside its upload, so it continues after
any end of the service.
"""
