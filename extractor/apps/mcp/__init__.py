"""A local server of the Model Context Protocol: an agent extracts a text or a trial, and checks
its own claims, through four tools.

::

    agent --stdio--> server --> Desk: reads records, extracts them in a worker process, keeps the
    last ones --> answers

A tool changes nothing on this machine. Files are read below one folder, and the only addresses are
the registry's and the model's.
"""
