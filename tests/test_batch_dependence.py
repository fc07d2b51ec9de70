"""What a batch does to one of its examples, under batch norm and under layer norm."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.layer_norm.batch_dependence import companions, shift_study
from normlab.chapters.layer_norm.explorers import explore_companions
from normlab.chapters.layer_norm.figures import describe_companions, draw_companions, draw_shift
from normlab.norms import RunningStatistics, batch_norm, batch_norm_inference, layer_norm


@pytest.mark.parametrize("size", [1, 2, 5, 64])
def test_layer_norm_of_an_example_does_not_depend_on_its_companions(size):
    study = companions(shift=3.0)
    alone = layer_norm(study.example)
    outputs = study.outputs("LayerNorm", size)
    np.testing.assert_allclose(outputs, alone[None].repeat(6, axis=0), rtol=1e-12)
    assert study.spread("LayerNorm", size) < 1e-12


@pytest.mark.parametrize("size", [2, 5, 64])
def test_batch_norm_of_an_example_depends_on_its_companions(size):
    assert companions().spread("BatchNorm", size) > 0.3


def test_the_spread_of_batch_norm_falls_with_the_batch_size():
    study = companions()
    spreads = [study.spread("BatchNorm", n) for n in (4, 16, 64)]
    assert spreads == sorted(spreads, reverse=True)


def test_batch_norm_of_two_examples_only_tells_which_is_larger():
    study = companions()
    larger = study.example > study.others[:, 0]  # (D,), (sets, D) -> (sets, D)
    signs = np.where(larger, 1.0, -1.0)
    np.testing.assert_allclose(study.outputs("BatchNorm", 2), signs, atol=5e-3)


def test_a_batch_keeps_the_example_first_and_adds_as_many_as_asked():
    study = companions()
    batch = study.batch(2, 5)
    np.testing.assert_array_equal(batch[0], study.example)
    np.testing.assert_array_equal(batch[1:], study.others[2, :4])


@pytest.mark.parametrize("size", [0, 65])
def test_a_batch_size_without_companions_is_refused(size):
    with pytest.raises(ValueError, match=f"size is {size}; expected a batch size from 1 to 64"):
        companions().batch(0, size)


def test_batch_norm_of_one_example_is_beta_and_torch_refuses_it():
    beta = np.array([0.5, -1.0, 2.0])
    for x in ([[1.0, 2.0, 3.0]], [[-1e6, 0.0, 7.0]]):
        np.testing.assert_array_equal(batch_norm(np.array(x), beta=beta)[0], beta)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        torch.nn.BatchNorm1d(3).train()(torch.ones(1, 3))


def test_batch_norm_of_one_image_is_instance_norm():
    image = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    got = torch.nn.BatchNorm2d(16).double()(image)
    torch.testing.assert_close(got, torch.nn.functional.instance_norm(image))


def test_a_recurrent_state_behind_layer_norm_is_the_same_alone_and_among_others():
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((100, 3, 32))
    w_x, w_h = rng.standard_normal((2, 32, 32))

    def states(inputs):
        h = np.zeros(inputs.shape[1:])
        for x in inputs:
            h = np.tanh(layer_norm(x @ w_x + h @ w_h))
        return h

    np.testing.assert_allclose(states(inputs[:, :1])[0], states(inputs)[0], atol=1e-9)


def test_batch_norm_at_inference_passes_a_shift_on_and_layer_norm_does_not():
    outputs = shift_study(offset=3.0, scale=2.0).outputs
    shifted = outputs["BatchNorm"]["shifted"]
    assert shifted.mean() == pytest.approx(3, abs=0.1)
    assert shifted.std() == pytest.approx(2, abs=0.1)
    for y in outputs["LayerNorm"].values():
        np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-12)
        np.testing.assert_allclose(y.std(axis=-1), 1, atol=1e-4)


def test_the_shift_study_is_batch_norm_inference_with_torchs_running_statistics():
    rng = np.random.default_rng(3)
    layer = torch.nn.BatchNorm1d(4).double()
    running = RunningStatistics.start(4)
    for _ in range(20):
        x = rng.standard_normal((8, 4))
        running = running.updated(x)
        layer(torch.tensor(x))
    want = layer.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(batch_norm_inference(x, running), want, rtol=1e-6, atol=1e-6)


def test_the_table_of_the_shift_holds_four_rows():
    assert shift_study().table().rows == [
        ["BatchNorm", "as in training", "0.0", "1.0"],
        ["BatchNorm", "shifted", "3.0", "2.0"],
        ["LayerNorm", "as in training", "0.0", "1.0"],
        ["LayerNorm", "shifted", "0.0", "1.0"],
    ]


def test_the_picture_draws_every_set_of_companions_and_the_chosen_one_on_top():
    study, axes = companions(), Figure().subplots(1, 2)
    draw_companions(study, axes, size=4, chosen=2)
    for ax, norm in zip(axes, ("BatchNorm", "LayerNorm"), strict=True):
        _zero, *sets, chosen = ax.lines
        np.testing.assert_array_equal([s.get_ydata() for s in sets], study.outputs(norm, 4))
        np.testing.assert_array_equal(chosen.get_ydata(), study.outputs(norm, 4)[2])
        assert chosen.get_marker() != sets[0].get_marker()


def test_the_histograms_hold_all_outputs():
    axes = Figure().subplots(1, 2)
    draw_shift(shift_study(), axes)
    for ax in axes:
        areas = [sum(b.get_height() * b.get_width() for b in c) for c in ax.containers]
        assert areas[0] == pytest.approx(1)
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["as in training", "shifted"]


def test_the_sentence_gives_both_spreads():
    study = companions()
    sentence, table = describe_companions(study, size=4, chosen=0)
    assert sentence == (
        "Batch size 4, companions 1 of 6: over the sets of companions the example's BatchNorm "
        f"output moves by up to {study.spread('BatchNorm', 4):.2f}; its LayerNorm output moves "
        "by 0.00."
    )
    assert [row[0] for row in table.rows] == list(range(6))
    assert "is 0 in every feature" in describe_companions(study, size=1, chosen=0)[0]


def test_the_explorer_draws_eight_sizes_and_four_sets_and_recomputes_for_a_shift():
    explorer = explore_companions()
    assert len(explorer.frames) == 32
    first = explorer.sentence()
    explorer.request = {"id": 1, "settings": {"shift": 2}}
    assert explorer.problem == ""
    assert explorer.sentence() != first
    assert explorer.sentence().endswith("its LayerNorm output moves by 0.00.")
