"""A norm is known by what it does: kind, ε, affine form."""

import pytest
import torch
from torch import nn

from normlab import torch_norms
from normlab.chapters.norms_in_the_wild.zoo_blocks import ZooNorm
from normlab.inspection import NormReading, read_norm
from normlab.models.dyt import DyT

FORMS = [
    *(("RMSNorm", affine) for affine in ("none", "weight", "1 + weight")),
    *(("LayerNorm", affine) for affine in ("none", "weight", "weight, bias", "1 + weight")),
    ("LayerNorm", "1 + weight, bias"),
]


@pytest.mark.parametrize("eps", [1e-3, 1e-5, 1.5625e-7, 1e-8, 1e-12])
@pytest.mark.parametrize(("kind", "affine"), FORMS)
def test_each_choice_is_read_back(kind, affine, eps):
    reading = read_norm(ZooNorm(16, kind, eps, affine), 16)
    assert (reading.kind, reading.affine, reading.size) == (kind, affine, 16)
    assert reading.eps == pytest.approx(eps, rel=0.005)  # it is given to three digits


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.LayerNorm(8), NormReading("LayerNorm", 1e-5, "weight, bias", 8)),
        (nn.LayerNorm(8, bias=False), NormReading("LayerNorm", 1e-5, "weight", 8)),
        (nn.RMSNorm(8), NormReading("RMSNorm", 1.19e-7, "weight", 8)),
        (torch_norms.RMSNorm(8, eps=1e-6), NormReading("RMSNorm", 1e-6, "weight", 8)),
    ],
    ids=["LayerNorm", "without bias", "RMSNorm", "ours"],
)
def test_the_norms_of_torch_and_of_the_course_are_read(module, expected):
    assert read_norm(module, 8) == expected


def test_trained_parameters_do_not_matter_and_stay_as_they_are():
    module = nn.LayerNorm(8)
    with torch.no_grad():
        module.weight.uniform_(0.5, 2)
        module.bias.uniform_(-1, 1)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    assert read_norm(module, 8) == read_norm(nn.LayerNorm(8), 8)
    torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)


def test_a_module_on_the_meta_device_is_read_too():
    assert read_norm(nn.LayerNorm(8, device="meta"), 8) == read_norm(nn.LayerNorm(8), 8)


class GainPerHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 8))

    def forward(self, x):
        return self.weight * nn.functional.layer_norm(x, (8,))


def test_a_gain_for_each_head_is_a_gain():
    assert read_norm(GainPerHead(), 8) == NormReading("LayerNorm", 1e-5, "weight", 8)


class EpsOutside(nn.Module):
    """x/(√v + ε), with the deviation that torch gives unless it is asked: The Annotated's."""

    def __init__(self, correction):
        super().__init__()
        self.correction = correction

    def forward(self, x):
        deviation = x.std(-1, keepdim=True, correction=self.correction)
        return (x - x.mean(-1, keepdim=True)) / (deviation + 1e-3)


@pytest.mark.parametrize("correction", [0, 1])
def test_eps_outside_the_root_and_an_unbiased_deviation_are_read_as_what_they_are(correction):
    reading = read_norm(EpsOutside(correction), 16)
    assert (reading.kind, reading.eps_place) == ("LayerNorm", "outside")
    assert reading.unbiased is bool(correction)
    assert reading.eps == pytest.approx(1e-3, rel=0.005)


class GreatestOf(nn.Module):
    """x/max(‖x‖, ε), times √D: an RMSNorm by F.normalize."""

    def forward(self, x):
        return nn.functional.normalize(x, dim=-1, eps=1e-3) * x.shape[-1] ** 0.5


def test_an_eps_that_only_bounds_the_length_is_told_from_one_that_is_added():
    reading = read_norm(GreatestOf(), 16)
    assert (reading.kind, reading.eps_place) == ("RMSNorm", "greatest of")
    assert reading.eps == pytest.approx(1e-3 / 4, rel=0.005)  # of the mean square's root


class GainTwice(nn.RMSNorm):
    def forward(self, x):
        return super().forward(x) * self.weight


def test_a_gain_that_is_applied_twice_is_counted():
    assert read_norm(GainTwice(8), 8).gain_power == 2
    assert read_norm(nn.RMSNorm(8), 8).gain_power == 1


class GainFirst(nn.Module):
    """RMSNorm((1 + w) ⊙ x): the gain is in the mean square too (Muse Spark)."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(16))

    def forward(self, x):
        return nn.functional.rms_norm((1 + self.weight) * x, (16,), eps=1e-6)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (DyT(16), "DyT is no norm that is known: no number of its output depends on another"),
        (nn.Identity(), "Identity is no norm that is known: no number"),
        (nn.Linear(16, 16), "neither LayerNorm nor RMSNorm; they differ"),
        (nn.Softmax(-1), "neither LayerNorm nor RMSNorm; they differ"),
        (GainFirst(), "neither LayerNorm nor RMSNorm; they differ"),
    ],
    ids=["DyT", "identity", "linear", "softmax", "gain first"],
)
def test_what_is_no_such_norm_is_refused_with_a_reason(module, message):
    with pytest.raises(ValueError, match=message):
        read_norm(module, 16)


def test_the_table_shows_the_reading():
    assert read_norm(nn.LayerNorm(8), 8).table().rows == [["LayerNorm", "1e-05", "weight, bias", 8]]
