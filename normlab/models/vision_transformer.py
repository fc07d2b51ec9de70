"""A small vision transformer, with norms and without."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from normlab.models.placement.base import Placement
from normlab.models.placement.standard import PreNorm
from normlab.models.transformer import Transformer, TransformerConfig


class WithoutFinalNorm(PreNorm):
    """x + f(norm(x)), and no norm at the end: what a model looks like that forgot it."""

    final_norm = False


VIT_PLACEMENTS: Mapping[str, str | type[Placement]] = {
    "pre-norm": "pre-norm",
    "no final norm": WithoutFinalNorm,
    "no norm": "none",
}


class VisionTransformer(nn.Module):
    """Patches, a class token, positions, the blocks of `normlab.models.transformer`, a linear head.

    The image is cut into patches of p × p pixels, each mapped to a token of d numbers. The head
    reads the class token after the last block and the final norm.

    Args:
        image, patch: pixels along one side; p must divide the image.
        classes: numbers in the output.
        layers, placement, d_model, heads, d_ff: of the encoder, as in `TransformerConfig`.
        seed: of the weights.

    Shape:
        images (B, image, image) -> logits (B, classes)

    Raises:
        ValueError: if the patch does not divide the image, or the images have another size.

    Source: Dosovitskiy et al. 2021, §3.1, Eq. 1 to 4, arXiv:2010.11929.

    Example:
        >>> VisionTransformer(seed=0)(torch.zeros(5, 8, 8)).shape
        torch.Size([5, 10])
    """

    def __init__(
        self,
        seed: int,
        image: int = 8,
        patch: int = 2,
        classes: int = 10,
        layers: int = 4,
        placement: str | type[Placement] = "pre-norm",
        d_model: int = 32,
        heads: int = 4,
        d_ff: int = 64,
    ) -> None:
        super().__init__()
        if image % patch:
            raise ValueError(
                f"patches of {patch} pixels do not divide an image of {image}; choose a divisor."
            )
        self.image, self.patch = image, patch
        tokens = (image // patch) ** 2 + 1
        config = TransformerConfig(
            encoder_layers=layers,
            placement=placement,
            d_model=d_model,
            heads=heads,
            d_ff=d_ff,
            max_tokens=tokens,
        )
        self.encoder = Transformer(config, seed).encoder
        self.embedding = nn.Linear(patch**2, d_model)
        self.class_token = nn.Parameter(torch.empty(d_model))
        self.positions = nn.Parameter(torch.empty(tokens, d_model))
        self.head = nn.Linear(d_model, classes)
        self._initialize(seed)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.encoder(self.tokens(images))[:, 0])  # (B, T, D) -> (B, D)

    def tokens(self, images: Tensor) -> Tensor:
        """The class token and the patches, with positions: (B, S, S) -> (B, T, D)."""
        if images.ndim != 3 or images.shape[1:] != (self.image, self.image):
            raise ValueError(
                f"images have the shape {tuple(images.shape)}; expected (B, {self.image}, "
                f"{self.image})."
            )
        sides = images.unfold(1, self.patch, self.patch).unfold(2, self.patch, self.patch)
        patches = sides.flatten(3).flatten(1, 2)  # (B, n, n, p, p) -> (B, n·n, p·p)
        first = self.class_token.expand(len(images), 1, -1)  # (D,) -> (B, 1, D)
        return torch.cat([first, self.embedding(patches)], dim=1) + self.positions

    def _initialize(self, seed: int) -> None:
        """Draw what is not in the encoder, whose weights are drawn already."""
        rng = torch.Generator().manual_seed(seed)
        for linear in (self.embedding, self.head):
            nn.init.normal_(linear.weight, 0, linear.in_features**-0.5, rng)
            nn.init.zeros_(linear.bias)
        for parameter in (self.class_token, self.positions):
            nn.init.normal_(parameter, 0, 0.5**0.5, rng)
