"""A picture of what a vision transformer reads."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from torch import Tensor

from normlab.pictures.style import RED


def draw_patches(images: Tensor, axes: Sequence[Axes], /, patch: int) -> None:
    """Images (N, S, S) side by side, cut into the patches that become tokens."""
    for image, ax in zip(images, axes, strict=True):
        ax.imshow(image.numpy(), cmap="Greys")
        for cut in range(patch, image.shape[0], patch):
            ax.axhline(cut - 0.5, color=RED, linewidth=1)
            ax.axvline(cut - 0.5, color=RED, linewidth=1)
        ax.set_axis_off()
