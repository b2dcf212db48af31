"""What is done to jobs and queues by hand, as it comes over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qless_flask.models import Actor, Finish, setting_message
from qless_flask.schemas.jobs import ChangesSchema
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.values import Flag, Listed, Object, One, Opaque, Seconds, Text, Whole
from qless_flask.schemas.wire import opened


class ActorSchema(Noun):
    """Who does it, and from which address."""

    model = Actor

    name = Text(required=True)
    address = Text(allow_none=True)


class ByHandSchema(Noun):
    """What a person does, and who that is."""

    actor = One(ActorSchema, allow_none=True)


class JidsSchema(ByHandSchema):
    """The jobs to do something to."""

    jids = Listed(Text(), required=True)


class CancelSchema(JidsSchema):
    """The jobs to cancel, and what to do about those that wait for them."""

    dependents = Text()


class MoveSchema(JidsSchema):
    """The jobs to move, and to which queue."""

    queue = Text(required=True)
    delay = Seconds()


class EndSchema(Noun):
    """How to end jobs by hand."""

    model = Finish

    state = Text(required=True)
    group = Text()
    message = Text()
    result = Opaque()


class FinishSchema(JidsSchema):
    """The jobs to end by hand, and how."""

    end = One(EndSchema, required=True)


class UpdateSchema(JidsSchema):
    """The jobs to change, and what of them."""

    changes = One(ChangesSchema, required=True)


class DependSchema(ByHandSchema):
    """The job that is to wait for others, or for some no longer."""

    jid = Text(required=True)
    on = Listed(Text())
    off = Listed(Text())
    missing = Text()


class OneQueueSchema(ByHandSchema):
    """The queue to pause, resume or forget."""

    queue = Text(required=True)


class SettingsByName(Object):
    """Settings by name."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return {name: setting_message(each) for name, each in value.items()}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any]:
        return super()._deserialize(opened(value), attr, data, **kwargs)


class ConfigureSchema(OneQueueSchema):
    """The queue to configure, its settings by name, and the names of those that it is to have of its own no longer."""

    changes = SettingsByName(required=True)
    inherit = Listed(Text())


class ConfigureNamespaceSchema(ByHandSchema):
    """The settings of a namespace by name, and the names of those to go back to the defaults."""

    changes = SettingsByName(required=True)
    inherit = Listed(Text())


class FreezeSchema(ByHandSchema):
    """Whether to freeze or to thaw."""

    on = Flag()


class EraseSchema(ByHandSchema):
    """The name of the namespace to erase, given again where it is not empty, and how far it is erased."""

    confirm = Text(allow_none=True)
    cursor = Text(allow_none=True)
    limit = Whole()
