"""How the weights of a transformer start, by name.

An initialization gives each matrix a standard deviation. A placement multiplies it by its gains
(`normlab.models.Gains`), and a model by one `scale` for all.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Initialization:
    """Standard deviations of the weights at the start.

    Args:
        matrix: of a matrix of `fan_out` rows and `fan_in` columns, `matrix(fan_in, fan_out)`.
        query_key: a factor on W_q and W_k.
        output: a factor on the last matrix of each branch (attention's W_o, the FFN's W_2) in a
            stack of so many sub-layers, `output(sublayers)`.
        embedding: of the sum of token and position embedding.
    """

    matrix: Callable[[int, int], float]
    query_key: float = 1.0
    output: Callable[[int], float] = lambda sublayers: 1.0
    embedding: float = 1.0


def _xavier(fan_in: int, fan_out: int) -> float:
    return math.sqrt(2 / (fan_in + fan_out))


def _gpt2(fan_in: int, fan_out: int) -> float:
    return 0.02


INITIALIZATIONS: dict[str, Initialization] = {
    "xavier": Initialization(_xavier),
    "xavier-scaled": Initialization(_xavier, output=lambda n: 1 / math.sqrt(n)),
    "xiong": Initialization(lambda fan_in, fan_out: 1 / math.sqrt(fan_in), query_key=0.0),
    "gpt2": Initialization(_gpt2, embedding=0.02),
    "gpt2-scaled": Initialization(_gpt2, output=lambda n: 1 / math.sqrt(n), embedding=0.02),
    "zero-output": Initialization(_xavier, output=lambda n: 0.0),
}
"""By name.

- `xavier`: N(0, 2/(fan_in + fan_out)). Glorot and Bengio 2010, Eq. 16.
- `xavier-scaled`: the same, the last matrix of each branch over √(number of sub-layers).
- `xiong`: N(0, 1/fan_in) with W_q = W_k = 0, so that attention is uniform: the setting of the
  theory in Xiong et al. 2020, §3.3, arXiv:2002.04745.
- `gpt2`: N(0, 0.02²) everywhere.
- `gpt2-scaled`: the same, the last matrix of each branch over √(number of sub-layers), as in the
  paper of GPT-2 (Radford et al. 2019, §2.3).
- `zero-output`: xavier, but the last matrix of each branch is 0, so that every block is the
  identity in a placement without norms on the stream.
"""


def find_initialization(name: str) -> Initialization:
    """The initialization of that name.

    >>> find_initialization("xavier").matrix(64, 64)
    0.125

    Raises:
        ValueError: if there is none.
    """
    if name not in INITIALIZATIONS:
        raise ValueError(f"init is {name!r}; expected one of {', '.join(INITIALIZATIONS)}.")
    return INITIALIZATIONS[name]
