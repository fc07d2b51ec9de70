"""The listings of the seed text, as they stand there, but for types and line breaks."""

import torch
from torch import Tensor, nn


class SeedRMSNorm(nn.Module):
    """The seed's "Custom RMSNorm for older PyTorch".

    >>> SeedRMSNorm(2)(torch.tensor([[3.0, 4.0]]))
    tensor([[0.8485, 1.1314]], grad_fn=<MulBackward0>)
    """

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        rms = x.pow(2).mean(-1, keepdim=True).add(self.eps).sqrt()  # (..., D) -> (..., 1)
        return x / rms * self.weight


class SeedPreNormBlock(nn.Module):
    """The seed's "Pre-norm transformer block: y = x + SubLayer(LN(x))", (B, T, D) -> (B, T, D)."""

    def __init__(self, d_model: int, nhead: int, ffn_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.attn = nn.MultiheadAttention(d_model, nhead, batch_first=True)
        self.ffn = nn.Sequential(
            nn.Linear(d_model, ffn_dim), nn.GELU(), nn.Linear(ffn_dim, d_model)
        )

    def forward(self, x: Tensor) -> Tensor:
        n = self.norm1(x)
        x = x + self.attn(n, n, n)[0]
        return x + self.ffn(self.norm2(x))
