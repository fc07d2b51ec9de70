"""Tables that read well, and timings that are fair."""

import time

import numpy as np
import pytest
import torch

from normlab.tools.table import Table
from normlab.tools.timing import one_thread, race


def test_a_table_shows_the_same_cells_as_text_and_as_html():
    table = Table(("name", "value"), [("a", 0.123456), ("b", 2)])
    assert table.cells() == [["a", "0.1235"], ["b", "2"]]
    assert "0.1235" in str(table)
    assert '<td style="text-align: left;">a' in table._repr_html_()
    assert '<td style="text-align: right;">      2' in table._repr_html_()


def test_a_table_refuses_a_row_of_another_length():
    with pytest.raises(ValueError, match="a row has 1 entries, but there are 2 columns"):
        Table(("a", "b"), [("x",)])


def test_a_race_gives_the_median_turn_of_each_contender(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    slow_turns = iter([9.0, 4.0, 4.0, 40.0, 4.0])  # two to warm up; then one turn is disturbed

    def take(seconds):
        clock[0] += seconds

    contenders = {"slow": lambda: take(next(slow_turns)), "fast": lambda: take(1.0)}
    result = race(contenders, rounds=3, turn_seconds=0.0)
    assert result.seconds == {"slow": 4.0, "fast": 1.0}
    assert result.ratio("slow", to="fast") == 4.0
    assert [row[0] for row in result.table(to="fast").rows] == ["slow", "fast"]


def test_a_race_waits_for_the_device_before_and_after_every_turn():
    log = []
    race({"a": lambda: log.append("run")}, 1, 0.0, synchronize=lambda: log.append("wait"))
    assert log == ["wait", "run", "run", "wait", "wait", "run", "wait"]


def test_a_race_without_contenders_is_refused():
    with pytest.raises(ValueError, match="no contenders"):
        race({})


def test_one_thread_is_one_inside_and_the_old_number_after():
    torch.set_num_threads(2)
    with one_thread():
        assert torch.get_num_threads() == 1
        assert np.ones((2, 2)) @ np.ones(2) == pytest.approx(2)
    assert torch.get_num_threads() == 2
