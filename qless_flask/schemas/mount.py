"""What stands at the mount itself, on the wire."""

from __future__ import annotations

from qless_flask.schemas.noun import AnswerNoun
from qless_flask.schemas.values import Listed, One, Text


class NamespaceSchema(AnswerNoun):
    """A namespace that has begun."""

    name = Text(required=True)


class NamespacesSchema(AnswerNoun):
    """The namespaces that have begun."""

    namespaces = Listed(One(NamespaceSchema), required=True)


class ReadySchema(AnswerNoun):
    """That the store answers, and what its set-up puts at risk."""

    status = Text(required=True)
    warnings = Listed(Text(), required=True)
