"""The drawing of a job's dependencies stays small, and says what has no room in it."""

from __future__ import annotations

import itertools

from qless_flask.web.pages.graph import GAP_X, HEIGHT, MOST, WIDTH, draw


def test_a_job_alone_has_no_drawing() -> None:
    assert draw("one", (), (), {}) is None


def test_what_it_waits_for_stands_left_and_what_waits_for_it_right() -> None:
    graph = draw("one", ("a", "b"), ("c",), {"one": "depends", "a": "running"})

    assert graph is not None
    assert [(node.jid, node.state, node.x) for node in graph.nodes] == [
        ("a", "running", 0),
        ("b", None, 0),
        ("one", "depends", WIDTH + GAP_X),
        ("c", None, 2 * (WIDTH + GAP_X)),
    ]
    assert len(graph.edges) == 3
    assert graph.width == 3 * WIDTH + 2 * GAP_X


def test_nodes_of_a_column_do_not_overlap_and_stay_inside() -> None:
    graph = draw("one", tuple("abcde"), (), {})

    assert graph is not None
    rows = [node.y for node in graph.nodes if node.x == 0]
    assert all(below - above > HEIGHT for above, below in itertools.pairwise(rows))
    assert all(0 <= node.y <= graph.height - HEIGHT for node in graph.nodes)


def test_beyond_twenty_on_a_side_the_rest_is_counted() -> None:
    graph = draw("one", tuple(map(str, range(25))), tuple(map(str, range(100, 121))), {})

    assert graph is not None
    assert (graph.more_depends, graph.more_dependents) == (25 - MOST, 21 - MOST)
    assert len(graph.nodes) == 2 * MOST + 1


def test_a_long_jid_is_cut_in_its_label_alone() -> None:
    graph = draw("j" * 200, (), ("c",), {})

    assert graph is not None
    assert graph.nodes[0].jid == "j" * 200
    assert len(graph.nodes[0].label) < 30
