"""LayerNorm and RMSNorm in PyTorch: fused on a GPU, and written out for any device.

Names, arguments and `state_dict`s are those of `torch.nn`, and the modules inherit from its: what
looks for a `torch.nn.LayerNorm` finds ours. The backward passes are written by hand; because they
are themselves made of differentiable operations, second derivatives, forward-mode derivatives and
`torch.func` transforms work too. On a CPU the rows go in chunks that stay in the cache; on CUDA,
where Triton is installed, `normlab.fused_norms` reads them once.
"""

from normlab.torch_norms.layer import LayerNorm, layer_norm
from normlab.torch_norms.rms import RMSNorm, rms_norm

__all__ = ["LayerNorm", "RMSNorm", "layer_norm", "rms_norm"]
