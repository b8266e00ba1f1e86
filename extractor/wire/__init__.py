"""The wire: the written form in which values go to a model and come back, and in which people write
them in gold files and tests.

``value_forms`` reads a value of one short string and writes it in the same form.
``extractor.model.asking.reply_models`` has the form of a whole answer, and
``extractor.concepts.own.attributes`` that of a user's own fields; both read their values here.
"""
