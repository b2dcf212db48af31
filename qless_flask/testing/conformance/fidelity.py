"""What went in comes out: data, names and texts."""

from __future__ import annotations

import contextlib
import re

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid
from qless_flask.models import (
    Changes,
    Complete,
    Fail,
    Filter,
    NewJob,
    Release,
    Retry,
)
from qless_flask.testing.conformance.scenes import get, peek, pop, pop_all, put, queue, renew, run, walk

PIECES_OF_JSON = {
    "empty list": "[]",
    "empty object": "{}",
    "nested empties": '[[],{},[{}],{"a":[]}]',
    "null": "null",
    "true": "true",
    "string": '"text"',
    "empty string": '""',
    "great number": "12345678901234567890",
    "trailing zero": "1.10",
    "beyond floats": "1e400",
    "small exponent": "-1E-7",
    "minus zero": "-0",
    "minus zero float": "-0.0",
    "5,000 digits": "[" + "1234567890" * 500 + "]",
    "long fraction": "0.1000000000000000055511151231257827021181583404541015625",
    "duplicate keys": '{"a":1,"a":2,"b":3,"a":4}',
    "order of keys": '{"b":1,"a":2,"10":3,"9":4}',
    "escapes": '"\\u0041\\n\\/\\"\\\\\\u00e9"',
    "escaped nul": '"\\u0000"',
    "escaped pair": '"\\ud83d\\ude00"',
    "line separators": '"\u2028\u2029\u0085"',
    "odd Unicode": '"é e\u0301 \u200b\u200f\ufeff😀 ﷽ \U0010ffff \ufffe"',
    "white space in strings": '"  two  spaces \t"'.replace("\t", "\\t"),
    "keys of all kinds": '{"":1," ":2,"__proto__":3,"$ref":4,"a.b":5}',
    "deep": "[" * 200 + "]" * 200,
    "Lua": '"return redis.call(1) %s %d $1 ]] --"',
    "SQL": '"\'; DROP TABLE job; -- ? :name"',
    "HTML": '"</script><!--&amp;"',
    "long": '"' + "x" * 100_000 + '"',
}
pieces = pytest.mark.parametrize("data", PIECES_OF_JSON.values(), ids=PIECES_OF_JSON)

LONG_DATA = '{"old":"' + "x" * 2000 + '"}'

ODD_TEXTS = [
    "a job",
    "a:b:{c}",
    "{",
    "}",
    "100%",
    "%s%d",
    'it\'s "quoted"',
    "back\\slash",
    "a/b/../c?d=e&f#g",
    "é",
    "e\u0301",
    "任务",
    "😀" * 50,
    "x" * 200,
    " leading and trailing ",
    "\u2028",
    "\u200b",
    "\u00a0",
    "*?[a-z]",
    "0",
    "-1",
    "null",
    "nil",
    "a,b;c|d",
    "return 1",
    "'; DROP TABLE job; --",
    "__proto__",
    "\U0010ffff",
]
odd_texts = pytest.mark.parametrize("text", ODD_TEXTS)

# A string, which is kept, or white space, which need not be.
_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', re.DOTALL)


def condensed(data: str | None) -> str:
    """Leave out white space outside strings, which a store need not keep."""
    assert data is not None
    return _STRING_OR_SPACE.sub(lambda match: match[1] or "", data)


class TestData:
    """JSON, opaque."""

    @pieces
    def test_data_comes_out_as_it_went_in(self, namespace: Namespace, data: str) -> None:
        put(namespace, "a", data=data)

        lease = pop(namespace)

        assert lease.job is not None
        assert lease.job.data == get(namespace).data == data

    def test_data_settled_with_comes_out_as_it_went_in(self, namespace: Namespace) -> None:
        put(namespace, *(f"complete {name}" for name in PIECES_OF_JSON), data=LONG_DATA, pipeline=("next",))
        put(namespace, *(f"fail {name}" for name in PIECES_OF_JSON), data=LONG_DATA)
        leases = {lease.jid: lease for lease in namespace.pop(["work"], "ann", 1000)}

        namespace.settle([Complete(leases[f"complete {name}"], data=data) for name, data in PIECES_OF_JSON.items()])
        namespace.settle([Fail(leases[f"fail {name}"], group="g", data=data) for name, data in PIECES_OF_JSON.items()])

        popped = {lease.jid: lease.job for lease in namespace.pop(["next"], "ann", 1000)}
        for name, data in PIECES_OF_JSON.items():
            job = popped[f"complete {name}"]
            assert job is not None
            assert job.data == get(namespace, f"complete {name}").data == get(namespace, f"fail {name}").data == data

    def test_data_updated_and_logged_comes_out_as_it_went_in(self, namespace: Namespace) -> None:
        lease = run(namespace)
        logged = [data for data in PIECES_OF_JSON.values() if len(data) < 10_000]

        for data in logged:
            namespace.log(lease, "line", data)
        for data in PIECES_OF_JSON.values():
            namespace.update(["a"], Changes(data=data))
            assert get(namespace).data == data

        assert [line.data for line in namespace.lines("a")] == logged

    def test_data_goes_from_short_to_long_and_back(self, namespace: Namespace) -> None:
        put(namespace, "a", data="1")

        for data in ('"' + "x" * 5000 + '"', "2", '"' + "y" * 600 + '"', '"' + "z" * 500 + '"', "{}"):
            namespace.update(["a"], Changes(data=data))
            assert get(namespace).data == data

    def test_white_space_outside_strings_need_not_be_kept(self, namespace: Namespace) -> None:
        data = ' { "a" :\n[ 1 ,\t" b \\" c " ] }\r\n'
        put(namespace, "a", data=data)

        assert condensed(get(namespace).data) == condensed(data) == '{"a":[1," b \\" c "]}'

    @pytest.mark.parametrize("depth", [500, 100_000])
    def test_deep_data_is_kept_or_refused(self, namespace: Namespace, depth: int) -> None:
        data = "[" * depth + "]" * depth

        with contextlib.suppress(Invalid):
            put(namespace, "a", data=data)

        [job] = namespace.get(["a"])
        assert job is None or job.data == data


class TestTexts:
    """Names of all sorts."""

    @odd_texts
    def test_a_jid_may_be_any_text(self, namespace: Namespace, text: str) -> None:
        lease = run(namespace, text, tags=("t",))
        assert lease.jid == text
        assert lease.job is not None
        assert lease.job.jid == text
        namespace.log(lease, "line")
        renew(namespace, lease)
        namespace.settle([Retry(lease, delay=5)])
        namespace.move([text], "other")
        namespace.update([text], Changes(priority=1, add_tags=("u",)))

        assert get(namespace, text).jid == text
        assert [line.message for line in namespace.lines(text)] == ["line"]
        assert peek(namespace, "other") == walk(namespace, Filter(tag="t")) == walk(namespace, Filter(q=text)) == [text]
        assert pop_all(namespace, "other") == [text]
        namespace.cancel([text])
        assert peek(namespace, "other", "canceled") == [text]

    @odd_texts
    def test_klass_tags_worker_and_group_may_be_any_text(self, namespace: Namespace, text: str) -> None:
        namespace.put([NewJob(text, queue="work", jid="a", tags=(text, f"{text[:20]}2"))])
        [lease] = namespace.pop(["work"], text, request=text)
        assert namespace.pop(["work"], text, request=text)[0] == lease
        assert walk(namespace, Filter(worker=text)) == ["a"]
        assert [worker.name for worker in namespace.workers([text])] == [text]

        namespace.settle([Fail(lease, group=text, message=text)])

        job = get(namespace)
        assert (job.klass, job.tags) == (text, (text, f"{text[:20]}2"))
        assert job.failure is not None
        assert (job.failure.group, job.failure.message, job.failure.worker) == (text, text, text)
        for filter in (Filter(klass=text), Filter(tag=text), Filter(group=text), Filter(q=text)):
            assert walk(namespace, filter) == ["a"]
        assert (job.history[1].worker, job.history[2].group) == (text, text)

    def test_jids_that_differ_only_in_case_or_composition_are_two(self, namespace: Namespace) -> None:
        put(namespace, "a", "A", "é", "e\u0301", "a ")

        assert sorted(pop_all(namespace)) == sorted(["a", "A", "é", "e\u0301", "a "])

    @pytest.mark.parametrize("name", ["a", "A" * 128, "0", "-", "work:waiting", "a.b-c_d:e", "__proto__", "null"])
    def test_a_queue_may_have_any_name(self, namespace: Namespace, name: str) -> None:
        lease = run(namespace, queue="first", pipeline=(name,))
        namespace.settle([Complete(lease)])
        namespace.configure(name, {"retries": 3})
        namespace.settle([Release(pop(namespace, name))])

        assert queue(namespace, name).waiting == 1
        assert [event.queue for event in namespace.events().events if event.event == "released"] == [name]

    @pytest.mark.parametrize("message", ["", "x" * 32768, "é" * 16384, "line 1\n\tline 2\r\n\x00\u2028", '"{}|,:;%'])
    def test_a_message_comes_out_as_it_went_in(self, namespace: Namespace, message: str) -> None:
        lease = run(namespace)
        namespace.log(lease, message)
        namespace.settle([Retry(lease, message=message)])

        failure = get(namespace).failure
        assert failure is not None
        assert failure.message == message
        assert [line.message for line in namespace.lines("a")] == [message]

    def test_thirty_two_long_tags_and_a_hundred_queues_fit(self, namespace: Namespace) -> None:
        tags = tuple(f"{number:03}" + "é" * 98 for number in range(32))
        pipeline = tuple(f"{number:03}" + "q" * 125 for number in range(100))

        put(namespace, "a", tags=tags, pipeline=pipeline)

        assert (get(namespace).tags, get(namespace).pipeline) == (tags, pipeline)

    def test_times_keep_their_milliseconds(self, namespace: Namespace) -> None:
        for index, at in enumerate((4_000_000_000.001, 4_000_000_000.999, 4_102_444_800.123)):
            put(namespace, f"{index}", at=at)
            assert get(namespace, f"{index}").available_at == at
