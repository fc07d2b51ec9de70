"""Hyper-connections: n residual streams beside each other, and learned weights between them."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normlab.models.placement.base import Placement, Site, TensorMap

STREAMS = 4


class Connections(nn.Module):
    """The weights of one sub-layer: what it reads, what each stream keeps, who gets its output.

    From normed streams H (..., n, D) come the weights read (n,), keep (n, n) and write (n,),
    each a learned constant and a part that depends on the token:

        W = W_0 + s · tanh(norm(H) V), with V = 0 at the start and the learned s = 0.01.

    At the start sub-layer k reads stream k mod n alone, every stream keeps itself, and all get
    the output: with equal streams that is pre-norm.

    Args:
        first: the stream that is read at the start.
        d_model: D.

    Shape:
        (..., n, D) -> (..., n), (..., n, n), (..., n).

    Example:
        >>> read, keep, write = Connections(first=1, d_model=8)(torch.ones(4, 8))
        >>> read.tolist(), write.tolist()
        ([0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0])
    """

    def __init__(self, first: int, d_model: int) -> None:
        super().__init__()
        read = torch.eye(STREAMS)[first]
        self.mixed = nn.Parameter(torch.cat([read[:, None], torch.eye(STREAMS)], dim=1))
        self.write = nn.Parameter(torch.ones(STREAMS))
        self.by_token = nn.Parameter(torch.zeros(d_model, STREAMS + 2))
        self.sizes = nn.Parameter(torch.full((2,), 0.01))

    def forward(self, streams: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = F.layer_norm(streams, streams.shape[-1:])
        moved = torch.tanh(seen @ self.by_token)  # (..., n, D) @ (D, n + 2) -> (..., n, n + 2)
        mixed = self.mixed + self.sizes[0] * moved[..., :-1]  # (..., n, 1 + n)
        write = self.write + self.sizes[1] * moved[..., -1]  # (..., n)
        return mixed[..., 0], mixed[..., 1:], write


class HyperConnections(Placement):
    """h = Σ_i a_i x_i, then x_j ← Σ_i K_ij x_i + b_j f(norm(h)), for n = 4 streams x_i.

    The streams start equal, and are added up behind the last block, in front of the final norm.
    The weights a, K and b are `Connections`. Zhu et al. 2024, Eq. 1 to 5 and 10 to 14
    (dynamic hyper-connections), arXiv:2409.19606.
    """

    final_norm = True
    streams = STREAMS

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        before = (site.layer - 1) * site.sublayers
        self.connections = nn.ModuleList(
            Connections((before + place) % STREAMS, site.d_model) for place in range(site.sublayers)
        )

    def forward(self, x: Tensor, sublayers: Sequence[TensorMap]) -> Tensor:
        """(B, T, n, D) -> (B, T, n, D); a stack makes the streams, and adds them up."""
        if x.dim() != 4 or x.shape[2] != STREAMS:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; expected (B, T, {STREAMS}, D), {STREAMS} streams "
                "beside each other, as a `Transformer` has them between its blocks."
            )
        for f, (norm,), connect in zip(sublayers, self.site_parts, self.connections, strict=True):
            read, keep, write = connect(x)
            branch = f(norm((read.unsqueeze(-1) * x).sum(-2)))  # over n: (B, T, n, D) -> (B, T, D)
            kept = keep.transpose(-1, -2) @ x  # (B, T, n, n) @ (B, T, n, D) -> (B, T, n, D)
            x = kept + write.unsqueeze(-1) * branch.unsqueeze(-2)  # (…, n, 1) · (…, 1, D)
        return x
