import threading
import time
from contextlib import closing

import pytest
from waiting import PATIENCE, until

from trackmask.video.queues import WriteBehind, prefetch


@pytest.fixture(autouse=True)
def _no_thread_stays():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def broken(good):
    yield from range(good)
    raise KeyError("in the maker")


def test_ahead_keeps_the_order():
    assert list(prefetch(range(50), depth=3)) == list(range(50))
    assert list(prefetch([])) == []


def test_ahead_works_in_another_thread():
    assert threading.current_thread() not in prefetch(threading.current_thread() for _ in range(2))


def test_ahead_raises_where_the_item_would_have_come():
    line = prefetch(broken(7), depth=2)
    assert [next(line) for _ in range(7)] == list(range(7))
    with pytest.raises(KeyError, match="in the maker"):
        next(line)


def test_ahead_passes_exceptions_that_are_items():
    assert [type(item) for item in prefetch([ValueError(), None])] == [ValueError, type(None)]


def test_ahead_is_bounded():
    made = []

    def make():
        for number in range(100):
            made.append(number)
            yield number

    line = prefetch(make(), depth=3)
    next(line)
    until(lambda: len(made) == 5, "one given, three that wait, one at the door")
    time.sleep(0.15)
    assert len(made) == 5
    line.close()
    assert len(made) <= 6


def test_ahead_ends_with_an_error_of_the_caller():
    def use(line):
        with closing(line):
            return [1 / (3 - item) for item in line]

    with pytest.raises(ZeroDivisionError):
        use(prefetch(range(10**9)))


def test_behind_keeps_the_order():
    done = []
    with WriteBehind(done.append, depth=2) as output:
        for number in range(50):
            output.put(number)
    assert done == list(range(50))


def test_behind_is_bounded():
    go, started = threading.Event(), threading.Event()

    def work(_):
        started.set()
        go.wait()

    count = 0

    def feed(output):
        nonlocal count
        for number in range(20):
            output.put(number)
            count += 1

    with WriteBehind(work, depth=3) as output:
        feeder = threading.Thread(target=feed, args=(output,))
        feeder.start()
        assert started.wait(PATIENCE)
        until(lambda: count == 4, "one at work, three that wait")
        time.sleep(0.15)
        assert count == 4
        go.set()
        feeder.join()


def test_behind_raises_at_the_next_put():
    done = []

    def work(item):
        if item == 2:
            raise KeyError("at work")
        done.append(item)

    def feed():
        with WriteBehind(work) as output:
            for number in range(1000):
                output.put(number)
                time.sleep(0.001)

    with pytest.raises(KeyError, match="at work"):
        feed()
    assert done == [0, 1]


def test_behind_raises_at_the_end():
    def work(item):
        time.sleep(0.05)
        raise KeyError("at work")

    with pytest.raises(KeyError, match="at work"), WriteBehind(work) as output:
        output.put(1)


def test_behind_does_not_hide_the_error_of_the_caller():
    done = []

    def work(item):
        output._stop.wait()  # until the caller has left by its error
        done.append(item)

    output = WriteBehind(work, depth=50)

    def feed():
        with output:
            for number in range(40):
                output.put(number)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        feed()
    assert done in ([], [0])  # those that wait are dropped
