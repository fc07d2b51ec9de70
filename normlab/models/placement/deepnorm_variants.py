"""DeepNorm as others wrote it: each a placement that differs from the paper in one thing.

Give a class to `TransformerConfig(placement=…)`. Each one but GLM-130B's is a mistake, or leaves
a part out on purpose to show what that part does.
"""

from torch import Tensor

from normlab.models.placement.base import Gains, Placement, Site, TensorMap
from normlab.models.placement.standard import DeepNorm, PostNorm, PreNorm


class AlphaOnTheBranch(DeepNorm):
    """norm(x + αf(x)) instead of norm(αx + f(x)): α lifts what it should hold down.

    So wrote labml.ai's `deep_norm/__init__.py`; issue 145 of labmlai/annotated_deep_learning
    _paper_implementations.
    """

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        return norm(x + self.alpha * f(x))


class BetaOnQueryAndKey(DeepNorm):
    """β on W_q and W_k too, so that attention starts closer to uniform the deeper the model is.

    The paper gives β to the FFN, W_v and W_o alone (Wang et al. 2022, Figure 2).
    """

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        beta = self.gains.feed_forward
        self.gains = Gains(query_key=beta, value_output=beta, feed_forward=beta)


class BetaMissingOnValue(DeepNorm):
    """No β on W_v. So did xformers until its pull request 284."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        beta = self.gains.feed_forward
        self.gains = Gains(value_output=beta, value=1 / beta, feed_forward=beta)


class AlphaOnly(DeepNorm):
    """norm(αx + f(x)), with the usual initialization: half of DeepNorm."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.gains = Gains()


class BetaOnly(DeepNorm):
    """norm(x + f(x)), with β on the FFN, W_v and W_o: the other half of DeepNorm."""

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        return norm(x + f(x))


class InverseBeta(DeepNorm):
    """β = (8N)^(+¼) instead of (8N)^(−¼): weights that grow with depth.

    So do the DeepNorm baselines in the code of Mix-LN and of LayerNorm Scaling.
    """

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        beta = 1 / self.gains.feed_forward
        self.gains = Gains(value_output=beta, feed_forward=beta)


class Glm130B(DeepNorm):
    """α = (2N)^½ and β = (2N)^−½: the update of one SGD step falls with depth.

    No mistake, but a choice of GLM-130B: Zeng et al. 2022, §2.1, arXiv:2210.02414.
    """

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.alpha = (2 * site.layers) ** 0.5
        self.gains = Gains(value_output=1 / self.alpha, feed_forward=1 / self.alpha)


DEEPNORM_VARIANTS: dict[str, type[Placement]] = {
    "post-norm": PostNorm,
    "DeepNorm": DeepNorm,
    "α only": AlphaOnly,
    "β only": BetaOnly,
    "α on the branch": AlphaOnTheBranch,
    "β on q and k": BetaOnQueryAndKey,
    "β not on v": BetaMissingOnValue,
    "inverse β": InverseBeta,
    "GLM-130B": Glm130B,
    "pre-norm": PreNorm,
}
"""DeepNorm, what others made of it, and plain post-norm and pre-norm beside them."""
