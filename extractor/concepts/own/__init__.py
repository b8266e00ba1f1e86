"""Custom fields: a pydantic model defines a field that is extracted like a built-in field.

``models`` reads the user's declarations: a pydantic model, a Python file or module that contains
models, or a JSON Schema. Each declaration becomes a ``CustomField``, with the field's definition,
the items that have it, its attributes and its examples. A ``CustomField`` is plain data that is
passed between processes and stored with a run.

- An attribute may be a nested object or a list of nested objects. Each object has its own quote.
- The model is asked for the field in the same calls as the other fields. ``declaration`` contains
  the question and the JSON schema of an answer; ``attributes`` contains the type of each attribute
  and the written form of its values. ``extractor.assembly.claims`` checks each value against the
  text.
- An attribute with a ``pattern``, a Python regular expression, is read without a model
  (``patterns``). A match must consist of whole words and must not be negated by "not". A pattern is
  rejected before the run starts if it is invalid or captures a name that is not an attribute.
- A declaration that cannot be checked or is recursive, or an example whose answer cannot be read,
  is rejected with an error that states its location and a remedy.

``value_forms`` reads and writes the short written form of values, including those of built-in
fields.
"""
