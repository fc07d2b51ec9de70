"""ViT, LayerScale, CaiT, DiT."""

import torch
from torch import nn

from tests.strangers.parts import DIM, MLP, Attention, PreBlock, image
from tests.strangers.stranger import PRE, collection, ln

STRANGERS, stranger = collection()

ANY_ROLE = ("stream", "inner", "final", "embedding")


class ViT(nn.Module):
    """Patches, a class token, blocks, a norm and a head on the first token."""

    def __init__(self, blocks, final=True):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, DIM, 4, 4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, DIM))
        self.pos_embed = nn.Parameter(torch.randn(1, 7, DIM) * 0.02)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(DIM, eps=1e-6) if final else nn.Identity()
        self.head = nn.Linear(DIM, 5)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


@stranger(
    "ViT",
    {ln(1e-6): 6, ln(1e-6, role="final"): 1},
    "pre-norm",
    layers=3,
    equations=PRE,
)
def _():
    return ViT([PreBlock(eps=1e-6) for _ in range(3)]), image()


class LayerScale(nn.Module):
    def __init__(self, dim, init_values=1e-5, inplace=False):
        super().__init__()
        self.inplace = inplace
        self.gamma = nn.Parameter(init_values * torch.ones(dim))

    def forward(self, x):
        return x.mul_(self.gamma) if self.inplace else x * self.gamma


class DropPath(nn.Module):
    def forward(self, x):
        if not self.training:
            return x
        return x * torch.empty(x.shape[0], 1, 1).bernoulli_(0.9) / 0.9


class ScaledBlock(nn.Module):
    """timm's block: norm, attention, LayerScale, drop path."""

    def __init__(self, inplace):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM, eps=1e-6), nn.LayerNorm(DIM, eps=1e-6)
        self.attn, self.mlp = Attention(), MLP()
        self.ls1, self.ls2 = LayerScale(DIM, inplace=inplace), LayerScale(DIM, inplace=inplace)
        self.drop_path1, self.drop_path2 = DropPath(), DropPath()

    def forward(self, x):
        x = x + self.drop_path1(self.ls1(self.attn(self.norm1(x))))
        x = x + self.drop_path2(self.ls2(self.mlp(self.norm2(x))))
        return x


for inplace in (False, True):

    @stranger(
        f"ViT with LayerScale, in place: {inplace}",
        {ln(1e-6): 6, ln(1e-6, role="final"): 1},
        "pre-norm",
        layers=3,
        equations=PRE,
    )
    def _(inplace=inplace):
        return ViT([ScaledBlock(inplace) for _ in range(3)]), image()


class ClassAttentionBlock(nn.Module):
    """CaiT's: only the class token is changed; the norm reads it beside the patches."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.q, self.kv = nn.Linear(DIM, DIM), nn.Linear(DIM, 2 * DIM)
        self.mlp = MLP()
        self.gamma_1 = nn.Parameter(1e-4 * torch.ones(DIM))
        self.gamma_2 = nn.Parameter(1e-4 * torch.ones(DIM))

    def forward(self, x, x_cls):
        u = self.norm1(torch.cat((x_cls, x), dim=1))
        k, v = self.kv(u).chunk(2, -1)
        attn = (self.q(u[:, :1]) @ k.transpose(1, 2) * DIM**-0.5).softmax(-1) @ v
        x_cls = x_cls + self.gamma_1 * attn
        return x_cls + self.gamma_2 * self.mlp(self.norm2(x_cls))


class CaiT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, DIM, 4, 4)
        self.cls_token = nn.Parameter(torch.randn(1, 1, DIM) * 0.02)
        self.blocks = nn.ModuleList([ScaledBlock(False) for _ in range(2)])
        self.token_only = nn.ModuleList([ClassAttentionBlock() for _ in range(2)])
        self.norm = nn.LayerNorm(DIM, eps=1e-6)
        self.head = nn.Linear(DIM, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        cls = self.cls_token.expand(x.shape[0], -1, -1)
        for block in self.token_only:
            cls = block(x, cls)
        return self.head(self.norm(torch.cat((cls, x), dim=1))[:, 0])


# The class blocks read two streams: "other" is right for them as well.
@stranger(
    "CaiT",
    {ln(1e-6): 4, ln((1e-5), role=("stream", "inner")): 4, ln(1e-6, role="final"): 1},
    ("pre-norm", "pre-norm", "pre-norm|other", "pre-norm|other"),
    may_refuse=True,
)
def _():
    return CaiT(), image()


def modulate(x, shift, scale):
    return x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


class DiTBlock(nn.Module):
    """AdaLN-Zero: the map of the condition starts at zero, so that a new block is the identity."""

    def __init__(self, zero=True):
        super().__init__()
        self.norm1 = nn.LayerNorm(DIM, elementwise_affine=False, eps=1e-6)
        self.attn = Attention()
        self.norm2 = nn.LayerNorm(DIM, elementwise_affine=False, eps=1e-6)
        self.mlp = MLP()
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(12, 6 * DIM))
        if zero:
            nn.init.zeros_(self.adaLN_modulation[1].weight)
            nn.init.zeros_(self.adaLN_modulation[1].bias)

    def forward(self, x, c):
        parts = self.adaLN_modulation(c).chunk(6, dim=1)
        shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = parts
        h = modulate(self.norm1(x), shift_msa, scale_msa)
        x = x + gate_msa.unsqueeze(1) * self.attn(h)
        h = modulate(self.norm2(x), shift_mlp, scale_mlp)
        return x + gate_mlp.unsqueeze(1) * self.mlp(h)


PLAIN = ln(1e-6, gain="none", bias=False)

for zero in (True, False):

    @stranger(f"DiT block, zero={zero}", {PLAIN: 2}, "pre-norm", equations=PRE)
    def _(zero=zero):
        return DiTBlock(zero), (torch.randn(3, 7, DIM), torch.randn(3, 12))


class DiT(nn.Module):
    def __init__(self):
        super().__init__()
        self.x_embedder = nn.Conv2d(3, DIM, 4, 4)
        self.t_embedder = nn.Sequential(nn.Linear(6, 12), nn.SiLU(), nn.Linear(12, 12))
        self.blocks = nn.ModuleList([DiTBlock() for _ in range(3)])
        self.norm_final = nn.LayerNorm(DIM, elementwise_affine=False, eps=1e-6)
        self.final_ada = nn.Sequential(nn.SiLU(), nn.Linear(12, 2 * DIM))
        self.linear = nn.Linear(DIM, 48)

    def forward(self, x, t):
        x = self.x_embedder(x).flatten(2).transpose(1, 2)
        angle = t[:, None] * torch.tensor([1.0, 0.1, 0.01])
        c = self.t_embedder(torch.cat((angle.cos(), angle.sin()), -1))
        for block in self.blocks:
            x = block(x, c)
        shift, scale = self.final_ada(c).chunk(2, dim=1)
        return self.linear(modulate(self.norm_final(x), shift, scale))


@stranger("DiT", {PLAIN: 6, PLAIN.at("final"): 1}, "pre-norm", layers=3, equations=PRE)
def _():
    return DiT(), (image(), torch.tensor([3.0, 11.0]))
