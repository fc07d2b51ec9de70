"""One row alone and in a batch: the order of a sum decides its bits, and nothing else does."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.chapters.numerics.in_a_batch import (
    BatchRows,
    batch_rows,
    mean_square_in_parts,
    operations,
)
from normlab.chapters.numerics.sum_figures import draw_batch_rows

X = np.random.default_rng(0).standard_normal((300, 4096)).astype(np.float32)


def test_a_mean_square_in_parts_is_the_mean_square():
    exact = (X.astype(np.float64) ** 2).mean(-1)
    for parts in (1, 64, 256, 1024, 4096):
        found = mean_square_in_parts(X, parts)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, rtol=1e-4 if parts == 1 else 1e-6)


@pytest.mark.parametrize("parts", [0, 3, 8])
def test_parts_that_cannot_be_halved_or_do_not_fit_are_refused(parts):
    with pytest.raises(ValueError, match=rf"parts is {parts} for rows of 12 features"):
        mean_square_in_parts(np.ones((1, 12)), parts)


def test_each_partial_sum_goes_through_the_row_in_steps_of_their_number():
    # 2²⁴ + 1 is rounded to 2²⁴: the two ones count if they meet before the large number
    large_last = np.array([[1, 0, 0, 0, 1, 0, 0, 2.0**12]], np.float32)
    large_first = large_last[:, ::-1]
    assert 8 * mean_square_in_parts(large_last, 1)[0] == 2.0**24 + 2
    assert 8 * mean_square_in_parts(large_first, 1)[0] == 2.0**24
    assert 8 * mean_square_in_parts(large_first, 4)[0] == 2.0**24 + 2


def test_a_fixed_order_gives_the_same_bits_whatever_the_batch():
    alone = mean_square_in_parts(X[:1], 256)
    for others in (X, np.concatenate([X[:1], 1000 * X[1:]])):
        assert mean_square_in_parts(others, 256)[0] == alone[0]


def test_another_order_changes_the_bits_of_a_fifth_of_the_rows():
    differ = mean_square_in_parts(X, 1024) != mean_square_in_parts(X, 256)
    assert 0.1 < differ.mean() < 0.3


@pytest.mark.parametrize("name", operations(8))
def test_an_operation_keeps_a_row_up_to_rounding_whatever_the_batch(name):
    """Bits may differ by machine; the numbers may not."""
    operation = operations(64)[name]
    rows = np.random.default_rng(1).standard_normal((33, 64))
    alone, among = operation(rows[:1])[0], operation(rows)[0]
    tolerance = 0.02 if name.endswith("bfloat16") else 1e-5
    np.testing.assert_allclose(among, alone, rtol=tolerance, atol=tolerance)


def test_a_batch_of_one_changes_nothing():
    rows = batch_rows(counts=(1,), features=64)
    assert len(rows.changed) == 9
    assert all(share.tolist() == [0.0] for share in rows.changed.values())


def test_the_picture_says_where_bits_changed():
    ax = Figure().subplots()
    changed = {"a": np.array([0.0, 0.25]), "b": np.array([0.0, 0.0])}
    draw_batch_rows(BatchRows((2, 64), changed), ax)
    assert [text.get_text() for text in ax.texts] == ["same", "25%", "same", "same"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["2 rows", "64 rows"]
