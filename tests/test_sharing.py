"""The cube's groups are those of the real functions, and the picture shows them."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

from normlab.chapters.layer_norm.explorers import WALK, explore_sharing
from normlab.chapters.layer_norm.sharing import (
    GROUPS,
    IMAGES,
    IMAGES_BY_POSITION,
    SHARING_NORMS,
    SIZES,
    TEXT,
    Sharing,
    group_numbers,
    influenced,
    shared_roles,
)
from normlab.chapters.layer_norm.sharing_figures import describe_sharing, draw_sharing
from normlab.norms import batch_norm, layer_norm, rms_norm

LAYOUTS = {"text": TEXT, "images": IMAGES, "by position": IMAGES_BY_POSITION}
PLACES = list(itertools.product(*(range(size) for size in SIZES.values())))


def in_torch(norm):
    return lambda x: norm(torch.tensor(x)).numpy()


def features_first(norm):
    """(B, T, D) -> (B, D, T), as torch's channel norms want it, and back."""
    return in_torch(lambda x: norm(x.transpose(1, 2)).transpose(1, 2))


def torch_batch_norm(x):
    return F.batch_norm(x, None, None, training=True)


def torch_group_norm(x):
    return F.group_norm(x, GROUPS)


def channels_last_layer_norm(x):
    """ConvNeXt's: the channels of each position of the images (B, P, C)."""
    return nn.LayerNorm(x.shape[-1], dtype=x.dtype).requires_grad_(requires_grad=False)(x)


def on_images(norm):
    """A norm over the last axis, over (C, P): (B, C, P) -> (B, C·P) and back."""
    return lambda x: norm(x.reshape(len(x), -1)).reshape(x.shape)


OURS = {
    ("BatchNorm", "text"): batch_norm,
    ("LayerNorm", "text"): layer_norm,
    ("RMSNorm", "text"): rms_norm,
    ("BatchNorm", "images"): lambda x: batch_norm(x.swapaxes(1, 2)).swapaxes(1, 2),
    ("LayerNorm", "images"): on_images(layer_norm),
    ("RMSNorm", "images"): on_images(rms_norm),
}
TORCHS = {
    ("BatchNorm", "text"): features_first(torch_batch_norm),
    ("LayerNorm", "text"): in_torch(lambda x: F.layer_norm(x, x.shape[-1:])),
    ("RMSNorm", "text"): in_torch(lambda x: F.rms_norm(x, x.shape[-1:])),
    ("InstanceNorm", "text"): features_first(F.instance_norm),
    ("GroupNorm", "text"): features_first(torch_group_norm),
    ("LayerNorm", "by position"): in_torch(channels_last_layer_norm),
    ("BatchNorm", "images"): in_torch(torch_batch_norm),
    ("LayerNorm", "images"): in_torch(lambda x: F.layer_norm(x, x.shape[1:])),
    ("RMSNorm", "images"): in_torch(lambda x: F.rms_norm(x, x.shape[1:])),
    ("InstanceNorm", "images"): in_torch(F.instance_norm),
    ("GroupNorm", "images"): in_torch(torch_group_norm),
}


@pytest.mark.parametrize(
    ("norm", "layout", "function"),
    [(*key, f) for key, f in OURS.items()] + [(*key, f) for key, f in TORCHS.items()],
    ids=[f"ours-{n}-{w}" for n, w in OURS] + [f"torch-{n}-{w}" for n, w in TORCHS],
)
def test_exactly_the_members_of_its_group_move_with_an_input(norm, layout, function):
    data = Sharing(LAYOUTS[layout])
    x = np.random.default_rng(1).standard_normal(data.layout.shape)
    for place in PLACES:
        moved = influenced(function, x, data.layout.index(place))
        np.testing.assert_array_equal(moved, data.group(norm, place), err_msg=f"at {place}")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("norm", SHARING_NORMS)
def test_the_groups_are_of_one_size_and_cover_the_array_once(norm, layout):
    numbers = group_numbers(norm, layout)
    counts = np.bincount(numbers.ravel())
    assert numbers.shape == layout.shape
    assert len(counts) == Sharing(layout).group_count(norm)
    assert len(set(counts)) == 1
    assert counts.sum() == numbers.size


def test_only_layer_norm_and_rms_norm_differ_between_the_layouts():
    differ = [
        norm for norm in SHARING_NORMS if shared_roles(norm, TEXT) != shared_roles(norm, IMAGES)
    ]
    assert differ == ["LayerNorm", "RMSNorm"]


@pytest.mark.parametrize("norm", SHARING_NORMS)
def test_padding_changes_the_true_tokens_exactly_if_the_group_reaches_over_tokens(norm):
    function = TORCHS[norm, "text"]
    x = np.random.default_rng(3).standard_normal(TEXT.shape)
    padded = np.concatenate([x, np.zeros_like(x)], axis=1)  # (B, 2T, D)
    change = abs(function(padded)[:, : x.shape[1]] - function(x)).max()
    if "position" in shared_roles(norm, TEXT):
        assert change > 0.1
    else:
        assert change < 1e-12


def test_a_shift_of_a_whole_group_moves_layer_norm_not_but_rms_norm():
    x = np.random.default_rng(2).standard_normal(TEXT.shape)
    group = Sharing(TEXT).group("RMSNorm", (1, 2, 3))
    np.testing.assert_allclose(layer_norm(x + group), layer_norm(x), atol=1e-12)
    assert np.abs(rms_norm(x + group) - rms_norm(x)).max() > 0.1


def test_the_table_counts_groups_and_members():
    assert Sharing(TEXT).table().rows == [
        ["BatchNorm", "B, T", 12, 6, "mean, variance"],
        ["LayerNorm", "D", 6, 12, "mean, variance"],
        ["RMSNorm", "D", 6, 12, "mean square"],
        ["InstanceNorm", "T", 4, 18, "mean, variance"],
        ["GroupNorm", "T, D/2", 12, 6, "mean, variance"],
    ]
    assert Sharing(IMAGES).table().rows[1] == ["LayerNorm", "C, P", 24, 3, "mean, variance"]
    assert Sharing(IMAGES).table().rows[4][1] == "C/2, P"


def test_an_unknown_norm_is_refused_by_name():
    with pytest.raises(ValueError, match=r"norm is 'WeightNorm'; expected one of BatchNorm"):
        shared_roles("WeightNorm", TEXT)


def drawn(layout, norm, place):
    ax = Figure().subplots()
    draw_sharing(Sharing(layout), ax, norm=norm, place=place)
    return ax


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("norm", SHARING_NORMS)
def test_the_picture_has_three_solid_faces_for_each_member(norm, layout):
    faces = drawn(layout, norm, (1, 2, 3)).collections[0]
    solid = faces.get_facecolors()[:, 3] == 1
    assert len(solid) == 3 * 3 * 4 * 6
    assert solid.sum() == 3 * Sharing(layout).group(norm, (1, 2, 3)).sum()
    np.testing.assert_array_equal(np.asarray(faces.get_linewidths()) == 1.0, solid)


def test_the_solid_cubelets_stand_where_the_group_is():
    faces = drawn(TEXT, "LayerNorm", (0, 0, 0)).collections[0]
    solid = faces.get_facecolors()[:, 3] == 1
    nearest = np.array([path.vertices[0] for path in faces.get_paths()])[solid]  # (18, 2)
    want = [(d * np.cos(np.pi / 6), d / 2) for d in range(6)]
    np.testing.assert_allclose(np.unique(nearest.round(9), axis=0), want, atol=1e-8)


def test_what_is_farther_from_the_eye_is_painted_first():
    # of two cubelets on one line of sight, (0,0,0) hides (1,1,1)
    faces = drawn(TEXT, "LayerNorm", (0, 0, 0)).collections[0]
    corners = np.array([path.vertices[0] for path in faces.get_paths()]).round(9)
    same_spot = np.flatnonzero((corners == 0).all(axis=1))
    solid = faces.get_facecolors()[same_spot, 3] == 1
    assert solid.tolist() == sorted(solid.tolist())
    assert solid[-1]


def test_the_dot_marks_the_chosen_number():
    near, far = (drawn(TEXT, "LayerNorm", (0, 0, d)).lines[0].get_xydata()[0] for d in (0, 2))
    np.testing.assert_allclose(far - near, [2 * np.cos(np.pi / 6), 1.0])


def test_the_sentence_counts_the_sharers():
    sentence, table = describe_sharing(Sharing(TEXT), norm="LayerNorm", place=(1, 2, 3))
    assert sentence == (
        "LayerNorm, token (b=1, t=2): 6 numbers share one mean and one variance; "
        "there are 12 such groups. The dot is at example 1, position 2, feature 3."
    )
    assert len(table.rows) == 5
    assert describe_sharing(Sharing(IMAGES), norm="RMSNorm", place=(1, 2, 3))[0].startswith(
        "RMSNorm, image b=1: 24 numbers share one mean square and no mean; there are 3 such groups."
    )
    assert describe_sharing(Sharing(IMAGES), norm="GroupNorm", place=(1, 2, 4))[0].startswith(
        "GroupNorm, image b=1, channels 3 to 5: 12 numbers"
    )
    by_position = Sharing(IMAGES_BY_POSITION)
    assert describe_sharing(by_position, norm="LayerNorm", place=(1, 2, 4))[0].startswith(
        "LayerNorm, position (b=1, p=2): 6 numbers"
    )


def test_each_step_of_the_walk_moves_one_coordinate():
    steps = np.diff(np.array(WALK), axis=0)
    assert ((steps != 0).sum(axis=1) == 1).all()


def test_the_explorer_draws_every_norm_at_every_place_in_every_layout():
    explorer = explore_sharing()
    assert len(explorer.frames) == len(SHARING_NORMS) * len(WALK) == 40
    assert explorer.sentence().startswith("LayerNorm, token (b=0, t=0): 6 numbers")
    explorer.request = {"id": 1, "settings": {"layout": 1}}
    assert explorer.problem == ""
    assert explorer.sentence().startswith("LayerNorm, image b=0: 24 numbers")
    explorer.request = {"id": 2, "settings": {"layout": 2}}
    assert explorer.sentence().startswith("LayerNorm, position (b=0, p=0): 6 numbers")
