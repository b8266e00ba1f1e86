"""A local Model Context Protocol server, which lets an agent extract values from a text or a
trial, and check its own claims.

``extract_text`` and ``extract_record`` return the values with their words and locations;
``verify_quote`` checks whether a text contains a quote; ``list_fields`` lists the extracted
fields. Each call is limited in time and size, and all calls since the server started share one
spending limit. Files are read from one folder only, the only addresses contacted are the
registry's and the model's, and nothing is written.

- ``desk`` has a method for each tool; the methods read and extract records in a worker process,
  within the limits. Add a method there and register it in ``open_server``.
- ``reading`` runs in the worker process. ``answers`` defines the tools' results; add a field there.
"""
