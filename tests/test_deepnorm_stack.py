"""Chapter 08: whose output the stream is, and what a stack makes of a small change."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.autograd.functional import jvp
from torch.func import functional_call

from normlab.chapters.deepnorm.followed_runs import (
    KINDS,
    LAYERS,
    SEEDS,
    load_followed_changes,
    measure_followed,
    write_followed,
)
from normlab.chapters.deepnorm.one_step import study_config
from normlab.chapters.deepnorm.shares import branch_shares, split_step, split_streams
from normlab.chapters.deepnorm.stack_figures import draw_followed_changes, draw_shares
from normlab.models.transformer import Transformer
from normlab.probes import follow_change, random_batch

FOLLOWED = load_followed_changes()


class Streams(nn.Module):
    """The stream after each layer of an encoder."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        streams = [x := block(x) for block in self.model.encoder.blocks]
        return torch.stack(streams)


@pytest.mark.parametrize("variant", ["post-norm", "DeepNorm"])
def test_a_followed_step_is_the_derivative_along_the_gradient(variant):
    config = study_config(variant, 5)
    model, batch = Transformer(config, seed=1).double(), random_batch(config, seed=1)
    first = {
        name: weight
        for name, weight in Streams(model).named_parameters()
        if ".blocks.0." in name and weight.ndim == 2
    }
    gradients = torch.autograd.grad(batch.loss(model), list(first.values()))
    x = model.embed(batch.tokens).detach()
    streams, changes = jvp(
        lambda *weights: functional_call(
            Streams(model), dict(zip(first, weights, strict=True)), (x,)
        ),
        tuple(weight.detach() for weight in first.values()),
        tuple(-g for g in gradients),
    )
    want = changes.flatten(1).norm(dim=1) / streams.flatten(1).norm(dim=1)
    np.testing.assert_allclose(follow_change(config, seed=1).sgd, want.detach(), rtol=1e-4)


def test_a_random_change_of_the_stream_is_as_long_as_the_stream_and_goes_through_its_jacobian():
    config = study_config("post-norm", 4)
    followed = [follow_change(config, seed).stream for seed in range(1)]
    model, batch = Transformer(config, seed=0).double(), random_batch(config, seed=0)
    np.testing.assert_allclose([f[0] for f in followed], 1, rtol=1e-6)
    upper = model.encoder.blocks[1:]
    x = model.encoder.blocks[0](model.embed(batch.tokens)).detach()
    rng = torch.Generator().manual_seed(99)  # other directions than the probe's
    z = torch.randn(x.shape, generator=rng, dtype=x.dtype)
    through, moved = jvp(nn.Sequential(*upper), x, z)
    want = (moved.norm() / through.norm() * x.norm() / z.norm()).item()
    assert followed[0][-1] == pytest.approx(want, rel=0.15)


def test_stored_changes_have_twelve_seeds_and_come_out_again():
    for sizes in FOLLOWED.sizes.values():
        for values in sizes.measured.values():
            assert values.shape == (len(SEEDS), LAYERS) == (12, 32)
    rows = {row["change"]: row["sizes"] for row in measure_followed("DeepNorm", 1, seed=3)}
    for kind in KINDS:
        stored = FOLLOWED.sizes["DeepNorm", 1].measured[kind][3]
        again = np.array([float(number) for number in rows[kind].split()])
        np.testing.assert_allclose(again, stored, rtol=2e-3)


def test_post_norm_keeps_a_random_step_and_lets_sgds_grow_and_deepnorm_keeps_all():
    for tokens, least in ((16, 6), (1, 3)):
        grown = {k: v[-1] for k, v in FOLLOWED.growth("post-norm", tokens).values.items()}
        assert grown["sgd"] > least
        assert 0.8 < grown["random"] < 1.3
        for growth in FOLLOWED.growth("DeepNorm", tokens).values.values():
            np.testing.assert_allclose(growth, 1, atol=0.03)
    assert FOLLOWED.said_growth("post-norm", 16, "sgd") == "9 ± 1"


def test_changes_are_written_whole_and_name_what_made_them(tmp_path, monkeypatch):
    monkeypatch.setattr("normlab.chapters.deepnorm.followed_runs.WIDTH", 8)
    write_followed(tmp_path / "new.csv", layers=2, seeds=[0])
    header, *rows = (tmp_path / "new.csv").read_text().splitlines()
    assert len(rows) == 2 * 2 * len(KINDS)
    assert {"seed", "started", "normlab", "torch", "numpy", "python"} <= set(header.split(","))


@pytest.mark.parametrize("variant", ["post-norm", "pre-norm", "DeepNorm", "α on the branch"])
def test_the_contributions_add_up_to_the_stream(variant):
    config = study_config(variant, 3)
    model = Transformer(config, seed=0).double()
    with torch.no_grad():
        x = model.embed(random_batch(config, seed=0).tokens)
        parts, want = x.unsqueeze(0), x
        for block in model.encoder.blocks:
            for f, (norm,) in zip(
                (block.attention, block.feed_forward), block.placement.site_parts, strict=True
            ):
                x, parts = split_step(block.placement.step, x, parts, f, norm)
            want = block(want)
        torch.testing.assert_close(x, want)
        torch.testing.assert_close(parts.sum(0), x)
    assert len(parts) == 7


def test_post_norm_keeps_a_third_in_each_layer_and_pre_norm_an_equal_part_of_each():
    config = replace(study_config("post-norm", 3), init="xiong", d_model=128, d_ff=512)
    shares = branch_shares(config, range(4))
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(
        shares[::2, ::2][[0, 1, 2], [0, 1, 2]], [1 / 2, 1 / 6, 1 / 6], atol=0.05
    )
    np.testing.assert_allclose(shares[-1], np.array([1, 1, 1, 3, 3, 9, 9]) / 27, atol=0.03)
    pre = branch_shares(replace(config, placement="pre-norm"), range(4))
    np.testing.assert_allclose(pre[-1], np.array([2, 2, 1, 2, 1, 2, 1]) / 11, atol=0.03)


def test_deepnorms_stream_is_its_input_and_the_picture_leaves_out_what_is_not_there_yet():
    shares = split_streams(["DeepNorm", "post-norm"], seeds=2)
    assert shares.shares["DeepNorm"][-1, 0] == pytest.approx(0.95, abs=0.02)
    assert [row[0] for row in shares.table().rows] == ["DeepNorm", "post-norm"]
    axes = Figure().subplots(1, 2)
    draw_shares(shares, axes)
    (mesh,) = axes[1].collections
    drawn = mesh.get_array()
    np.testing.assert_array_equal(drawn.mask.sum(1), np.arange(11, -1, -1))
    np.testing.assert_allclose(drawn[-1], shares.shares["post-norm"][-1].clip(0))


def test_the_picture_of_changes_has_a_line_for_each():
    axes = Figure().subplots(1, 2)
    draw_followed_changes(FOLLOWED, axes, [("post-norm", 16), ("DeepNorm", 1)])
    for ax, model in zip(axes, [("post-norm", 16), ("DeepNorm", 1)], strict=True):
        lines = {line.get_label(): line.get_ydata() for line in ax.lines}
        assert set(lines) == set(KINDS.values())
        for kind, label in KINDS.items():
            np.testing.assert_array_equal(lines[label], FOLLOWED.growth(*model).values[kind])
