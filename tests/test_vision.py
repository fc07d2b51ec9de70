"""The vision transformer: its patches, its norms, and what the stored runs say of them."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from normlab.chapters.beyond_transformers.digit_images import TEST_IMAGES, digits, train_vision
from normlab.chapters.beyond_transformers.digit_runs import (
    GOAL,
    LAYERS,
    RATES,
    REPORTED,
    SEEDS,
    load_vision_runs,
    measure_run,
)
from normlab.chapters.beyond_transformers.figures import draw_patches, draw_rate_grid
from normlab.chapters.beyond_transformers.vision_diagram import draw_vision_transformer
from normlab.models.placement.standard import PLACEMENTS
from normlab.models.vision_transformer import VIT_PLACEMENTS, VisionTransformer


def test_a_token_is_its_patch_times_a_matrix_plus_its_position():
    model = VisionTransformer(seed=0)
    images = torch.arange(2 * 64.0).reshape(2, 8, 8)  # (128,) -> (2, 8, 8)
    found = model.tokens(images).detach().numpy()
    weight, bias = (p.detach().numpy() for p in (model.embedding.weight, model.embedding.bias))
    positions = model.positions.detach().numpy()
    assert found.shape == (2, 17, 32)
    for row in range(4):
        for column in range(4):
            patch = images[1, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].numpy().ravel()
            place = 1 + 4 * row + column
            want = weight @ patch + bias + positions[place]
            np.testing.assert_allclose(found[1, place], want, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[0, 0], found[1, 0])  # the class token sees no image


def test_the_class_token_reads_every_patch():
    model, image = VisionTransformer(seed=0), torch.zeros(1, 8, 8, requires_grad=True)
    model(image)[0, 3].backward()
    assert (image.grad != 0).all()


@pytest.mark.parametrize(("placement", "norms"), [("pre-norm", 9), ("none", 0), ("post-norm", 8)])
def test_the_norms_are_those_of_the_placement(placement, norms):
    model = VisionTransformer(seed=0, placement=placement)
    assert sum(isinstance(m, nn.LayerNorm) for m in model.modules()) == norms


def test_without_final_norm_all_else_is_the_same():
    whole, without = (
        VisionTransformer(seed=0, placement=VIT_PLACEMENTS[name])
        for name in ("pre-norm", "no final norm")
    )
    missing = set(whole.state_dict()) - set(without.state_dict())
    assert missing == {"encoder.final_norm.weight", "encoder.final_norm.bias"}
    assert all(torch.equal(v, whole.state_dict()[n]) for n, v in without.state_dict().items())


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_of_the_course_gives_finite_logits_and_gradients(placement):
    model = VisionTransformer(seed=0, placement=placement, layers=2, patch=4)
    logits = model(digits().test_images[:3])
    logits.square().mean().backward()
    assert logits.shape == (3, 10)
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(g.isfinite().all() for g in gradients)


def test_the_seed_gives_the_weights():
    one, same, other = (VisionTransformer(seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert not torch.equal(one["positions"], other["positions"])


def test_no_digit_is_in_both_parts_and_the_training_part_is_standard():
    data = digits()
    parts = [
        {image.numpy().tobytes() for image in part}
        for part in (data.train_images, data.test_images)
    ]
    assert len(data.test_images) == TEST_IMAGES
    assert len(data.train_images) + TEST_IMAGES == 1797
    assert not parts[0] & parts[1]
    assert data.train_images.mean().item() == pytest.approx(0, abs=1e-5)
    assert data.train_images.std().item() == pytest.approx(1, abs=1e-5)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"patches of 3 pixels do not divide an image of 8"):
        VisionTransformer(seed=0, patch=3)
    with pytest.raises(ValueError, match=r"\(5, 8, 9\); expected \(B, 8, 8\)"):
        VisionTransformer(seed=0)(torch.zeros(5, 8, 9))


def test_the_stored_grid_is_whole():
    grid = load_vision_runs()
    models = len(LAYERS) * len(VIT_PLACEMENTS)
    assert len(grid.runs) == models * (len(RATES) * len(SEEDS) + len(REPORTED))
    assert {run.seed for run in grid.best("4 layers", "pre-norm")} == set(REPORTED)
    assert grid.models() == list(VIT_PLACEMENTS)


def test_a_stored_run_comes_out_again():
    # 40 of 300 steps; float32 on another machine is off by 1e-6, which training enlarges
    (stored,) = [r for r in load_vision_runs().at("4 layers", "pre-norm", 1e-3) if r.seed == 1]
    losses = train_vision("pre-norm", 4, 1e-3, 1, steps=40).losses
    again = [np.mean(losses[end - 10 : end]) for end in (10, 20, 30, 40)]
    np.testing.assert_allclose(stored.losses[:4], again, rtol=1e-2)


def test_a_run_of_the_grid_names_its_goal_and_depth(monkeypatch):
    monkeypatch.setattr(
        "normlab.chapters.beyond_transformers.digit_runs.train_vision",
        lambda *_: train_vision(*_, steps=10),
    )
    run = measure_run(1, "no norm", 1e-3, 0)
    assert (run.setting, run.model, run.goal, len(run.losses)) == ("1 layers", "no norm", GOAL, 1)
    assert 0 <= run.accuracy <= 1


def test_patches_are_cut_where_the_model_cuts():
    axes = Figure().subplots(1, 2)
    draw_patches(digits().test_images[:2], axes, patch=2)
    assert [len(ax.lines) for ax in axes] == [6, 6]


def test_the_curve_of_a_model_that_learns_nothing_is_in_sight():
    ax = Figure().subplots()
    draw_rate_grid(load_vision_runs(), ax, "12 layers")
    (line,) = [line for line in ax.lines if str(line.get_label()).startswith("no norm")]
    bottom, top = ax.get_ylim()
    assert bottom < min(line.get_ydata()) < top


@pytest.mark.parametrize(("placement", "norms"), [("pre-norm", 3), ("no final norm", 2)])
def test_the_drawing_has_the_norms_that_the_model_has(placement, norms):
    model = VisionTransformer(seed=0, placement=VIT_PLACEMENTS[placement])
    ax = Figure().subplots()
    draw_vision_transformer(model, torch.zeros(1, 8, 8), ax)
    labels = [text.get_text() for text in ax.texts]
    assert labels.count("norm") == norms
    assert ("norm, head" in ax.get_label()) == (norms == 3)
