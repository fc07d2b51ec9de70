"""The handwritten digits, and the vision transformer trained on them."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from normlab.models.vision_transformer import VIT_PLACEMENTS, VisionTransformer
from normlab.tools.progress_bar import progress_bar
from normlab.training.run import why_diverged

TEST_IMAGES = 500


@dataclass(frozen=True)
class Digits:
    """Images (N, 8, 8) with mean 0 and standard deviation 1, and their labels (N,)."""

    train_images: Tensor = field(repr=False)
    train_labels: Tensor = field(repr=False)
    test_images: Tensor = field(repr=False)
    test_labels: Tensor = field(repr=False)


@cache
def digits() -> Digits:
    """The 1,797 digits of scikit-learn, 500 of them, drawn once, for the test.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI.

    Example:
        >>> found = digits()
        >>> found.train_images.shape, found.test_images.shape
        (torch.Size([1297, 8, 8]), torch.Size([500, 8, 8]))
    """
    from sklearn.datasets import load_digits

    loaded = load_digits()
    order = np.random.default_rng(0).permutation(len(loaded.images))
    images = torch.tensor(loaded.images[order], dtype=torch.float32)
    labels = torch.tensor(loaded.target[order])
    train = images[TEST_IMAGES:]
    images = (images - train.mean()) / train.std()  # of all pixels: (N, 8, 8) -> ()
    return Digits(
        images[TEST_IMAGES:], labels[TEST_IMAGES:], images[:TEST_IMAGES], labels[:TEST_IMAGES]
    )


@dataclass(frozen=True)
class VisionRun:
    """What a training run gave: the loss of each step, and the share of right test images."""

    losses: list[float]
    accuracy: float


def train_vision(
    placement: str, layers: int, learning_rate: float, seed: int, steps: int = 300, batch: int = 64
) -> VisionRun:
    """Train a `VisionTransformer` on the digits by Adam.

    Args:
        placement: a name in `VIT_PLACEMENTS`.
        layers, learning_rate, seed, steps, batch: of the model and of its training.

    Example:
        >>> len(train_vision("pre-norm", layers=1, learning_rate=1e-3, seed=0, steps=2).losses)
        2
    """
    model = VisionTransformer(seed, layers=layers, placement=VIT_PLACEMENTS[placement])
    data, rng = digits(), np.random.default_rng(seed)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, fused=True)
    losses: list[float] = []
    for _ in progress_bar(range(steps), f"ViT, {placement}"):
        chosen = torch.tensor(rng.integers(len(data.train_images), size=batch))
        logits = model(data.train_images[chosen])
        loss = nn.functional.cross_entropy(logits, data.train_labels[chosen])
        losses.append(loss.item())
        if why_diverged(losses, float(np.log(10))):
            break
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    with torch.no_grad():
        right = model(data.test_images).argmax(1) == data.test_labels  # (N, C) -> (N,)
    return VisionRun(losses, right.float().mean().item())
