"""Which frames are out of date, and the passes that track them: worked out by hand."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from trackmask.data import ObjectRecord, State
from trackmask.studio import tracked as tracked_room
from trackmask.studio.acts import Acts, Given, Said, told
from trackmask.studio.plan import HALF, Gap, gaps, halves, passes, stale
from trackmask.studio.tracked import Made, Tracked

SIZE = (8, 10)
ENDS = (0, 19)


@pytest.fixture
def tracked(tmp_path: Path) -> Iterator[Tracked]:
    found = Tracked(tmp_path / "kept", SIZE)
    yield found
    found.close()


def fill(tracked: Tracked, object_id: int, frames: range, pair: tuple[int, int]) -> None:
    mask = np.zeros(SIZE, bool)
    mask[2:4, 3:6] = True
    for frame in frames:
        record = ObjectRecord(object_id, State.TRACKED, 0.9, 6, (3, 2, 3, 2))
        tracked.put(frame, frame / 25, [Made(record, mask, pair)])


def said(*givens: tuple[int, int, int]) -> Said:
    """Object, frame, number."""
    return Said({o: f"object {o}" for o, _, _ in givens}, {(o, f): Given(n, box=(1, 1, 2, 2)) for o, f, n in givens})


def test_gaps_lie_between_prompts_and_at_the_ends() -> None:
    found = gaps(1, {5: Given(1), 6: Given(2), 10: Given(3)}, ENDS)
    assert [(gap.left, gap.right, gap.first, gap.last, gap.pair) for gap in found] == [
        (None, 5, 0, 4, (0, 1)),
        (6, 10, 7, 9, (2, 3)),
        (10, None, 11, 19, (3, 0)),
    ]
    assert gaps(1, {}, ENDS) == []
    assert gaps(1, {0: Given(1), 19: Given(2)}, ENDS)[0].both


def test_a_change_puts_out_of_date_what_lies_up_to_its_neighbours(tracked: Tracked) -> None:
    fill(tracked, 1, range(5), (0, 1))
    fill(tracked, 1, range(6, 20), (1, 0))
    assert stale(said((1, 5, 1)), tracked, ENDS) == {1: []}
    assert stale(said((1, 5, 1), (1, 12, 2)), tracked, ENDS) == {1: [(6, 11), (13, 19)]}
    assert stale(said((1, 5, 7)), tracked, ENDS) == {1: [(0, 4), (6, 19)]}
    assert stale(said((2, 0, 3)), tracked, ENDS) == {2: [(1, 19)]}
    fill(tracked, 1, range(15, 20), (1, HALF))  # from one side alone
    fill(tracked, 1, range(2), (HALF, 1))
    assert stale(said((1, 5, 1)), tracked, ENDS) == {1: [(0, 1), (15, 19)]}
    assert stale(Said({3: "nobody has pointed at it"}), tracked, ENDS) == {3: []}


def test_passes_are_what_is_asked_for_and_the_nearest_come_first(tracked: Tracked) -> None:
    everything = said((1, 5, 1), (1, 12, 2))

    def found(direction: str, at: int) -> list[tuple[int, int, bool]]:
        return [(*one.frames, one.back) for one in passes(everything, tracked, ENDS, direction, at)]  # type: ignore[arg-type]

    assert found("forward", 12) == [(13, 19, False)]
    assert found("forward", 5) == [(6, 11, False), (13, 19, False)]
    assert found("backward", 12) == [(6, 11, False), (0, 4, True)]
    assert found("both", 12) == [(6, 11, False), (13, 19, False)]
    assert found("all", 19) == [(13, 19, False), (6, 11, False), (0, 4, True)]


def test_objects_that_begin_in_one_frame_are_tracked_together(tracked: Tracked) -> None:
    fill(tracked, 2, range(6, 10), (2, 0))
    (one,) = passes(said((1, 9, 1), (3, 9, 4)), tracked, ENDS, "forward", 0)
    assert [gap.object_id for gap in one.gaps] == [1, 3]
    assert one.begin == 9
    one, other = passes(said((1, 5, 1), (2, 5, 2)), tracked, ENDS, "forward", 0)
    assert (one.begin, one.frames, other.begin, other.frames) == (5, (6, 19), 9, (10, 19))
    assert passes(said((1, 5, 1), (2, 5, 2)), tracked, ENDS, "forward", 0, [2]) == [other]


def test_both_directions_of_a_gap_go_on_where_they_were_stopped(tracked: Tracked) -> None:
    gap = Gap(1, 4, 12, 5, 11, (7, 8))
    assert halves(gap, None) == (5, 11)
    fill(tracked, 1, range(5, 9), (7, HALF))
    assert halves(gap, tracked.series[1]) == (9, 11)
    fill(tracked, 1, range(9, 12), (7, HALF))
    assert halves(gap, tracked.series[1]) == (12, 11)
    fill(tracked, 1, range(10, 12), (7, 8))
    assert halves(gap, tracked.series[1]) == (10, 9)
    fill(tracked, 1, range(5, 7), (1, 2))
    assert halves(gap, tracked.series[1]) == (5, 9)


def test_what_was_tracked_is_there_again_and_damage_is_told(tracked: Tracked, tmp_path: Path) -> None:
    fill(tracked, 1, range(300, 303), (1, 0))
    fill(tracked, 2, range(301, 302), (2, 0))  # where object 1 is: that one keeps its places
    fill(tracked, 1, range(300, 301), (1, 5))
    tracked.close()
    again = Tracked(tmp_path / "kept", SIZE)
    assert sorted(again.times) == [300, 301, 302]
    assert again.record(1, 300) == ObjectRecord(1, State.TRACKED, 0.9, 6, (3, 2, 3, 2))
    assert again.record(1, 299) is None
    assert again.record(1, 10_000) is None
    assert again.series[1].pair[300].tolist() == [1, 5]
    assert np.array_equal(again.labels(301), np.pad(np.ones((2, 3), np.uint8), ((2, 4), (3, 4))))
    assert not again.labels(7).any()
    again.close()
    log = tmp_path / "kept" / "tracked.jsonl"
    log.write_bytes(log.read_bytes() + b'{"time":1,"cut":null,"pai')
    Tracked(tmp_path / "kept", SIZE).close()
    log.write_bytes(log.read_bytes() + b'{"time":"x"}\n')
    with closing(Tracked(tmp_path / "kept", SIZE)) as again:
        assert (sorted(again.times), again.lost) == ([300, 301, 302], 1)


def test_the_log_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracked_room, "_SPARE", 10)  # lines
    tracked = Tracked(tmp_path, SIZE)
    for _ in range(7):  # 14 lines are as many as may be
        fill(tracked, 1, range(2), (1, 0))
    tracked.close()
    Tracked(tmp_path, SIZE).close()
    assert (tmp_path / "tracked.jsonl").read_bytes().count(b"\n") == 14
    with closing(Tracked(tmp_path, SIZE)) as tracked:
        fill(tracked, 1, range(1), (1, 0))
    Tracked(tmp_path, SIZE).close()
    assert (tmp_path / "tracked.jsonl").read_bytes().count(b"\n") == 2
    with closing(Tracked(tmp_path, SIZE)) as again:
        assert sorted(again.times) == [0, 1]


def test_acts_add_up_and_undo_takes_the_last_one_back() -> None:
    acts = Acts()
    acts.add({"do": "click", "object": 1, "frame": 3, "x": 1, "y": 2, "on": True, "name": "object 1"})
    acts.add({"do": "click", "object": 1, "frame": 3, "x": 5, "y": 6, "on": False})
    given = acts.said.givens[1, 3]
    assert (given.positive, given.negative, given.number, given.kind) == (((1, 2),), ((5, 6),), 2, "clicks")
    acts.add({"do": "stroke", "object": 1, "frame": 3, "points": [[1, 1]], "radius": 2, "add": True})
    assert acts.said.givens[1, 3].kind == "mask"
    acts.add({"do": "undo"})
    assert acts.said.givens[1, 3] == given
    acts.add({"do": "undo"})
    assert acts.said.givens[1, 3].number == 1
    assert told(acts.next, acts.said.names) == "click beside object 1 in frame 3"
    acts.add({"do": "absent", "object": 1, "frame": 9})
    assert acts.next is None
    assert acts.said.givens[1, 9].kind == "absent"
    assert acts.said.givens[1, 9].number == 6
    acts.add({"do": "delete", "object": 1})
    assert (acts.said.names, acts.said.givens, acts.said.used) == ({}, {}, 1)
    with pytest.raises(KeyError):
        acts.add({"do": "click", "object": 1})
    with pytest.raises(ValueError, match="no mask's file"):
        acts.add({"do": "stroke", "object": 2, "frame": 2, "name": "x", "base": "../../1-1-1-base.png"})
    with pytest.raises(ValueError, match="no act"):
        acts.add({"do": "dance", "object": 1, "frame": 2})
    assert acts.count == 7
