"""ResNets, MLP-Mixer, gMLP, and nets without a residual stream."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.images import ANY_ROLE, ChannelMLPBlock
from tests.strangers.parts import DIM, MLP, image
from tests.strangers.stranger import HALF_PRE, PRE, bn, collection, gn, ln

STRANGERS, stranger = collection()


class BasicBlock(nn.Module):
    """ResNet's: a ReLU stands behind the sum."""

    def __init__(self, norm, dim=DIM):
        super().__init__()
        self.conv1 = nn.Conv2d(dim, dim, 3, padding=1, bias=False)
        self.bn1 = norm(dim)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(dim, dim, 3, padding=1, bias=False)
        self.bn2 = norm(dim)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return self.relu(out)


# relu(x + norm(f(x))): nearest to reordered, but for the ReLU on the stream.
RESNET = "reordered-norm|other|none"


@stranger("ResNet block, BatchNorm", {bn(): 2}, RESNET, may_refuse=True)
def _():
    return BasicBlock(nn.BatchNorm2d), image(DIM)


@stranger("ResNet block, GroupNorm", {gn(): 2}, RESNET, may_refuse=True)
def _():
    return BasicBlock(lambda dim: nn.GroupNorm(4, dim)), image(DIM)


class PreActBlock(BasicBlock):
    """He et al. 2016: nothing stands on the stream."""

    def forward(self, x):
        out = self.conv1(F.relu(self.bn1(x)))
        return x + self.conv2(F.relu(self.bn2(out)))


# The second norm is inside the branch.
@stranger(
    "pre-activation ResNet block, BatchNorm",
    {bn(role="stream"): 1, bn(): 1},
    "pre-norm",
    equations=HALF_PRE,
)
def _():
    return PreActBlock(nn.BatchNorm2d), image(DIM)


@stranger(
    "pre-activation ResNet block, GroupNorm",
    {gn(role="stream"): 1, gn(): 1},
    "pre-norm",
    equations=HALF_PRE,
)
def _():
    return PreActBlock(lambda dim: nn.GroupNorm(4, dim)), image(DIM)


class SpatialGroupNorm(nn.Module):
    """GroupNorm written out: statistics over the channels of a group and over space."""

    def __init__(self, dim, groups=4, eps=1e-6):
        super().__init__()
        self.groups, self.eps = groups, eps
        self.gamma = nn.Parameter(torch.ones(1, dim, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, dim, 1, 1))

    def forward(self, x):
        N, C, H, W = x.shape
        x = x.view(N, self.groups, -1)
        mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
        x = ((x - mean) / (var + self.eps).sqrt()).view(N, C, H, W)
        return x * self.gamma + self.beta


@stranger(
    "GroupNorm, written out",
    {gn(1e-6, role="stream"): 1},
    "pre-norm",
    equations=HALF_PRE,
    may_refuse=True,
)
def _():
    return ChannelMLPBlock(SpatialGroupNorm(DIM)), image(DIM)


class MixerBlock(nn.Module):
    """MLP-Mixer: the first MLP mixes the patches."""

    def __init__(self, patches=6):
        super().__init__()
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.mlp1, self.mlp2 = MLP(patches, 10), MLP(DIM)

    def forward(self, x):
        out = self.layer_norm1(x).transpose(1, 2)
        x = x + self.mlp1(out).transpose(1, 2)
        return x + self.mlp2(self.layer_norm2(x))


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch_emb = nn.Sequential(nn.Conv2d(3, DIM, 4, 4), nn.Flatten(2))
        self.mixer = nn.Sequential(*(MixerBlock() for _ in range(3)))
        self.ln = nn.LayerNorm(DIM)
        self.clf = nn.Linear(DIM, 5)

    def forward(self, x):
        x = self.mixer(self.patch_emb(x).transpose(1, 2))
        return self.clf(self.ln(x).mean(dim=1))


@stranger("MLP-Mixer block", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return MixerBlock(), torch.randn(2, 6, DIM)


@stranger("MLP-Mixer", {ln(): 6, ln(role="final"): 1}, "pre-norm", layers=3, equations=PRE)
def _():
    return Mixer(), image()


class GatedMLPBlock(nn.Module):
    """gMLP: one norm before, one on the half that is mixed over tokens."""

    def __init__(self, tokens=7, hidden=40):
        super().__init__()
        self.norm = nn.LayerNorm(DIM)
        self.proj_in = nn.Linear(DIM, hidden)
        self.sgu_norm = nn.LayerNorm(hidden // 2)
        self.spatial = nn.Conv1d(tokens, tokens, 1)
        nn.init.constant_(self.spatial.bias, 1.0)
        self.proj_out = nn.Linear(hidden // 2, DIM)

    def forward(self, x):
        u, v = F.gelu(self.proj_in(self.norm(x))).chunk(2, dim=-1)
        v = self.spatial(self.sgu_norm(v))
        return x + self.proj_out(u * v)


@stranger("gMLP block", {ln(): 1, ln(role="inner"): 1}, "pre-norm", equations=HALF_PRE)
def _():
    return GatedMLPBlock(), torch.randn(3, 7, DIM)


class TinyResNet(nn.Module):
    """A plain ResNet with strides: no transformer at all; its norms are named."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, DIM, 3, padding=1, bias=False), nn.BatchNorm2d(DIM)
        self.layer1 = nn.Sequential(BasicBlock(nn.BatchNorm2d), BasicBlock(nn.BatchNorm2d))
        self.down = nn.Sequential(nn.Conv2d(DIM, 24, 1, stride=2, bias=False), nn.BatchNorm2d(24))
        self.layer2 = nn.Sequential(BasicBlock(nn.BatchNorm2d, 24), BasicBlock(nn.BatchNorm2d, 24))
        self.fc = nn.Linear(24, 5)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer2(self.down(self.layer1(x)))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


@stranger("ResNet", {bn(role=ANY_ROLE): 10}, RESNET, layers=4, may_refuse=True)
def _():
    return TinyResNet(), image()


class PlainConvNet(nn.Module):
    """No residual stream at all."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 10, 3, padding=1),
            nn.BatchNorm2d(10),
            nn.ReLU(),
            nn.Conv2d(10, DIM, 3, padding=1),
            nn.GroupNorm(4, DIM),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(DIM, 5),
        )

    def forward(self, x):
        return self.net(x)


# Nothing is added: there are no layers to place, and to say so is right.
@stranger(
    "convolutions without a residual stream",
    {bn(role=ANY_ROLE): 1, gn(role=ANY_ROLE): 1},
    may_refuse=True,
)
def _():
    return PlainConvNet(), image()
