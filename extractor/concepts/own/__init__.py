"""Custom fields: a pydantic model defines a field that is extracted like a built-in field.

``models`` reads the user's declarations: a pydantic model, a Python file or module that contains
models (``files``), or a JSON Schema. A model is read from the JSON Schema that pydantic makes of
it, so that there is one way to declare a field. The result is a ``CustomField``, plain data that is
passed between processes and stored with a run. Its ``group`` lists the same ``FieldInfo`` objects
as the built-in fields; evaluation, gold and review use these alone.

- An attribute may be a nested object or a list of nested objects. Each object has its own quote.
- The model is asked for the field in the same calls as the other fields. ``declaration`` contains
  the question and the JSON schema of an answer; ``attributes`` contains the type of each attribute,
  the written form of its values, and the walk that reads answers, examples and gold.
  ``extractor.assembly.claims`` checks each value against the text.
- An attribute with a ``pattern``, a Python regular expression, is read without a model
  (``patterns``). A match must consist of whole words and must not be negated by "not". A pattern is
  rejected before the run starts if it is invalid or captures a name that is not an attribute.
- A declaration that cannot be checked or is recursive, or an example whose answer cannot be read,
  is rejected with an error that states its location and a remedy.

``extractor.wire.value_forms`` reads and writes the short written form of values, including those of
built-in fields.
"""
