"""How a client writes data for the store, and reads it again: as JSON text, or through a codec of a plugin."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from qless_flask.bounds import is_text
from qless_flask.client.data import SAME, Data, dump, load
from qless_flask.errors import Invalid, PluginError
from qless_flask.models import NewJob, Recurrence
from qless_flask.plugins import Plugins
from qless_flask.plugins.faults import hint
from qless_flask.plugins.record import Record

MARK = "qless:codec"
"""Names the codec in data that was written by one: `{"qless:codec": "sealed", "text": "…"}`."""
TEXT = "text"

Put = TypeVar("Put", NewJob, Recurrence)


class UnreadableData(ValueError):
    """The codec that data was written with cannot read it: the key is another, perhaps."""

    group: ClassVar[str] = "unreadable-data"


class UnknownCodec(UnreadableData):
    """Data was written with a codec that none of the plugins here offers."""

    group = "unknown-codec"


class Writing:
    """Writes with the codec that it was told, if any, and reads what any of them wrote. Safe to share between threads.

    What a job is given and what it leaves is written so: data and results. What people look at while it runs is not:
    tags, progress, messages and the lines of its log.
    """

    def __init__(self, codec: str | None = None, plugins: Callable[[], Plugins] = Plugins) -> None:
        """Take `plugins` when they are needed. Raise Invalid if none of them offers the codec."""
        self.codec = codec
        self._load_plugins = plugins
        self._plugins: Plugins | None = None
        if codec is not None and codec not in self.plugins.codecs:
            raise Invalid.of({"codec": [f"there is no codec {codec}{hint(codec, self.plugins.codecs)}"]})

    @property
    def plugins(self) -> Plugins:
        """Those that offer the codecs."""
        if self._plugins is None:
            self._plugins = self._load_plugins()
        return self._plugins

    def dump(self, data: Data) -> str:
        """Write data. Raise TypeError or ValueError for what has no form in JSON, PluginError if the codec fails."""
        return self.encode(dump(data))

    def dump_unless_same(self, data: Data) -> str | None:
        """Write data, or answer None where it stays as it is."""
        return None if data is SAME else self.dump(data)

    def encoded(self, job: Put) -> Put:
        """Write the data of a job or a rule that holds it as plain JSON text."""
        return job if self.codec is None else replace(job, data=self.encode(job.data))

    def encode(self, text: str) -> str:
        """Write what is JSON text already."""
        if self.codec is None:
            return text
        try:
            return dump({MARK: self.codec, TEXT: self._use(self.codec, "encode", text)})
        except Exception as error:
            raise PluginError(
                f"codec {self.codec} cannot write this: {type(error).__name__}: {error}", subject=self.codec
            ) from error

    def load(self, text: str | None) -> Data:
        """Read what was written, by whatever codec. Raise UnknownCodec or UnreadableData if that cannot be."""
        data = load(text)
        if not _is_marked(data):
            return data
        name = data[MARK]
        if name not in self.plugins.codecs:
            known = ", ".join(sorted(self.plugins.codecs)) or "none"
            raise UnknownCodec(f"the data was written with the codec {name}, which is not here; known: {known}")
        try:
            return load(self._use(name, "decode", data[TEXT]))
        except Exception as error:
            raise UnreadableData(f"codec {name} cannot read the data: {type(error).__name__}: {error}") from error

    def _use(self, name: str, method: str, text: str) -> str:
        record: Record = self.plugins.record_of("codecs", name)
        begun = time.perf_counter()
        try:
            answer: object = getattr(self.plugins.codecs[name], method)(text)
            if not isinstance(answer, str):
                raise TypeError(f"{method} answered {type(answer).__name__}, not text")
        except Exception as error:
            record.failed(f"data_codecs: {name}", error, time.perf_counter() - begun)
            raise
        record.called(time.perf_counter() - begun)
        return answer


def _is_marked(data: Any) -> bool:
    return (
        isinstance(data, dict) and data.keys() == {MARK, TEXT} and is_text(data[MARK]) and isinstance(data[TEXT], str)
    )
