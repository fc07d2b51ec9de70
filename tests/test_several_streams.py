"""Hyper-connections, the mixing of several streams, and a transformer on the sphere."""

import pickle

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.norms_in_the_wild.streams import mixed_streams, sinkhorn
from normlab.chapters.norms_in_the_wild.trained_figures import draw_mixed_streams
from normlab.models.ngpt import LearnedScale, QueryKeyScale, make_ngpt, put_on_sphere
from normlab.models.placement.hyper_connections import STREAMS, Connections, HyperConnections
from normlab.models.placement.wiring import trace
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.probes import profile_depth

SMALL = {"decoder_layers": 3, "d_model": 16, "heads": 2, "d_ff": 32, "vocab_size": 11}
TOKENS = torch.arange(10).reshape(2, 5)  # (B·T,) -> (B, T)


def built(placement):
    return Transformer(TransformerConfig(placement=placement, **SMALL), seed=0)


def test_at_the_start_hyper_connections_are_pre_norm():
    ours, plain = built(HyperConnections), built("pre-norm")
    torch.testing.assert_close(ours(TOKENS), plain(TOKENS), rtol=1e-4, atol=1e-5)


def test_every_stream_is_read_in_its_turn_and_every_connection_learns():
    model = built(HyperConnections)
    read = [c.mixed[:, 0].argmax().item() for c in connections(model)]
    assert read == [0, 1, 2, 3, 0, 1]
    torch.autograd.backward(model(TOKENS).square().mean())
    assert all(c.write.grad.abs().sum() > 0 for c in connections(model))
    later = list(connections(model))[1:]  # the first reads streams that are equal
    assert all(c.mixed.grad.abs().sum() > 0 for c in later)


def test_the_final_norm_reads_the_sum_of_all_streams():
    model, rng, seen = built(HyperConnections), torch.Generator().manual_seed(0), {}
    stack = model.decoder
    with torch.no_grad():
        for connection in connections(model):
            connection.write.copy_(torch.randn(STREAMS, generator=rng))
    stack.blocks[-1].register_forward_hook(lambda *args: seen.update(streams=args[2]))
    stack.final_norm.register_forward_hook(lambda *args: seen.update(read=args[1][0]))
    model(TOKENS)
    assert seen["streams"].std(2).min() > 0  # the streams are not equal
    torch.testing.assert_close(seen["read"], seen["streams"].sum(2))


def connections(model):
    return (module for module in model.modules() if isinstance(module, Connections))


def test_a_sub_layer_gives_each_stream_its_share_and_mixes_what_was_there():
    placement = built(HyperConnections).decoder.blocks[0].placement
    connect = placement.connections[0]
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in connect.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng))
    x = torch.randn(2, 5, STREAMS, 16, generator=rng)
    read, keep, write = connect(x)
    seen = []

    def f(h):
        seen.append(h)
        return torch.ones_like(h)

    placement.site_parts = placement.site_parts[:1]
    placement.connections = placement.connections[:1]
    y = placement(x, [f])
    want = torch.einsum("btij,btid->btjd", keep, x) + write[..., None]
    torch.testing.assert_close(y, want)
    norm = placement.site_parts[0][0]
    torch.testing.assert_close(seen[0], norm(torch.einsum("bti,btid->btd", read, x)))


def test_sinkhorn_makes_rows_and_columns_sum_to_one_and_refuses_what_is_not_positive():
    weights = np.exp(np.random.default_rng(0).standard_normal((4, 4)))
    matrix = sinkhorn(weights, rounds=200)
    np.testing.assert_allclose(matrix.sum(0), 1, atol=1e-12)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-12)
    with pytest.raises(ValueError, match="the smallest weight is 0; expected weights above 0"):
        sinkhorn(np.eye(3))


def test_doubly_stochastic_mixing_never_stretches_and_forgets_plain_mixing_does_neither():
    mixed = mixed_streams(range(5))
    for kind in ("doubly stochastic", "doubly stochastic, near I"):
        assert mixed.largest[kind] == pytest.approx(1, abs=1e-3)
        assert (np.diff(mixed.between[kind]) < 1e-6).all()
    assert mixed.largest["I + 0.3 N"][-1] > 30 > mixed.largest["I + 0.1 N"][-1] > 1.5
    assert mixed.between["doubly stochastic"][10] < 1e-3
    assert 0.05 < mixed.between["doubly stochastic, near I"][-1] < 0.5


def test_the_picture_of_mixing_has_four_curves_on_each_side():
    axes = Figure().subplots(1, 2)
    draw_mixed_streams(mixed_streams(range(2), layers=5), axes)
    assert [len(ax.lines) for ax in axes] == [4, 4]


def test_weights_and_stream_of_ngpt_have_length_one():
    config = TransformerConfig(**SMALL)
    model = make_ngpt(config, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    put_on_sphere(dict(model.named_parameters()))
    block = model.decoder.blocks[0]
    rows = (block.attention.query, block.feed_forward.inner[0], model.head[0])
    columns = (block.attention.output, block.feed_forward.outer)
    for linear in rows:
        torch.testing.assert_close(linear.weight.norm(dim=1), torch.ones(len(linear.weight)))
    for linear in columns:
        lengths = linear.weight.norm(dim=0)
        torch.testing.assert_close(lengths, torch.ones_like(lengths))
    stream = model.decoder(model.embed(TOKENS))
    torch.testing.assert_close(stream.norm(dim=2), torch.ones(2, 5))
    torch.testing.assert_close(block.feed_forward.inner[1].weight, torch.full((32,), 3.0))


def test_weights_of_another_model_are_refused_and_those_of_ngpt_can_be_stored():
    with pytest.raises(ValueError, match="expected all those of a model that `make_ngpt` made"):
        put_on_sphere(dict(built("pre-norm").named_parameters()))
    pickle.dumps(make_ngpt(TransformerConfig(**SMALL), seed=0))


def test_what_follows_one_stream_refuses_several():
    with pytest.raises(ValueError, match=r"x has shape \(2, 5, 16\); expected \(B, T, 4, D\)"):
        built(HyperConnections).decoder.blocks[0](torch.zeros(2, 5, 16))
    with pytest.raises(ValueError, match="HyperConnections has 4 streams; expected a placement"):
        trace(HyperConnections)
    with pytest.raises(ValueError, match="HyperConnections has 4 residual streams; expected a"):
        profile_depth(TransformerConfig(placement=HyperConnections, **SMALL), seed=0)


def test_stacked_weights_go_on_the_sphere_as_single_ones_do():
    models = [make_ngpt(TransformerConfig(**SMALL), seed) for seed in (0, 1)]
    names = dict(models[0].named_parameters())
    stacked = {n: torch.stack([dict(m.named_parameters())[n] for m in models]) for n in names}
    with torch.no_grad():
        for weight in stacked.values():
            weight.mul_(2)
    put_on_sphere(stacked)
    for name, weight in stacked.items():
        on_sphere = not name.endswith(("scale.weight", "1.weight")) and "placement" not in name
        want = torch.stack([dict(m.named_parameters())[name] for m in models])
        torch.testing.assert_close(weight, want if on_sphere else 2 * want)


def test_logits_of_attention_are_the_cosine_times_the_root_of_the_head_size():
    q, k = torch.randn(2, 7, 8, generator=torch.Generator().manual_seed(0))
    scale = QueryKeyScale(8, d_model=16)
    logits = scale(q) @ scale(k).T / 8**0.5
    cosines = torch.nn.functional.cosine_similarity(q[:, None], k[None], dim=2)
    torch.testing.assert_close(logits, 8**0.5 * cosines)


def test_a_smaller_step_moves_a_learned_scale_further():
    small, large = (LearnedScale(1, 1.0, step) for step in (0.1, 1.0))
    x = torch.ones(1)
    assert small(x).item() == pytest.approx(large(x).item()) == pytest.approx(1.0)
    with torch.no_grad():
        small.weight += 0.01
        large.weight += 0.01
    assert small(x).item() - 1 == pytest.approx(10 * (large(x).item() - 1), rel=1e-3)
