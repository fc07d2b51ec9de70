"""Claims on what layer norm is: which numbers share statistics, and what the batch has to do."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from normlab.chapters.layer_norm.batch_dependence import companions
from normlab.chapters.layer_norm.sharing import influenced
from normlab.claims.claim import Claim, Finding, Measure
from normlab.norms import FloatArray, batch_norm, layer_norm

ROUNDING = "float64 rounds at 1e-16; a statistic shared with other rows moves the output by 0.1"


def sequences(batch: int = 4, tokens: int = 5, features: int = 16) -> FloatArray:
    """Random sequences (B, T, D), the same every time."""
    return np.random.default_rng(0).standard_normal((batch, tokens, features))


def batch_of_one() -> Finding:
    """Claim 1: is a sequence normed the same alone and in a batch, and with nothing kept?"""
    x = sequences()
    together, alone = layer_norm(x), layer_norm(x[:1])
    apart = float(np.abs(together[:1] - alone).max())  # (1, T, D) -> ()
    one_row = x[0, :1]  # (1, D)
    size, lost = (float(norm(one_row).std()) for norm in (layer_norm, batch_norm))
    kept = len(list(nn.LayerNorm(16).buffers()))
    return Finding(
        (
            Measure("change when the batch is taken away", apart, ROUNDING, high=1e-9),
            Measure("std of the output for one row", size, "1 but for ε", 0.99, 1.01),
            Measure("the same of batch norm", lost, "x − μ is 0 if there is one row", high=1e-9),
            Measure("buffers of nn.LayerNorm", kept, "no statistic is kept", high=0),
        ),
        "A sequence comes out the same alone and in a batch of 4; one row comes out with "
        f"standard deviation {size:.2f}, and {lost:.2f} from batch norm.",
    )


def last_state(norm: Callable[[FloatArray], FloatArray], x: FloatArray) -> FloatArray:
    """The last state (B, D) of a plain recurrent network on x (B, T, D), with a norm in it."""
    features = x.shape[-1]
    weight = np.random.default_rng(1).standard_normal((features, features)) / np.sqrt(features)
    state = np.zeros_like(x[:, 0])
    for token in x.swapaxes(0, 1):  # (B, T, D) -> (T, B, D)
        state = np.tanh(norm(state @ weight + token))
    return state


def batch_dependence() -> Finding:
    """Claim 5: do companions in the batch move an output, or a recurrent state?"""
    study = companions()
    small, large = (study.spread("BatchNorm", size) for size in (2, 64))
    layer = study.spread("LayerNorm", 2)
    x = sequences()
    moved = {
        norm: float(np.abs(last_state(norm, x)[:1] - last_state(norm, x[:1])).max())
        for norm in (layer_norm, batch_norm)
    }
    return Finding(
        (
            Measure("spread of LN with its companions", layer, ROUNDING, high=1e-9),
            Measure("spread of BN, batch of 2", small, "the outputs are of size 1", low=0.5),
            Measure("spread of BN, 2 over 64", small / large, "statistics of more rows", low=1.5),
            Measure("RNN state, LN: alone − in batch", moved[layer_norm], ROUNDING, high=1e-9),
            Measure("RNN state, BN: alone − in batch", moved[batch_norm], "states ≤ 1", low=0.1),
        ),
        f"Whoever else is in a batch of two moves an example's output by up to {small:.1f} with "
        f"batch norm, and a recurrent state by {moved[batch_norm]:.2f}; with layer norm nothing "
        f"moves.",
    )


def parameters_per_feature() -> Finding:
    """Claim 6: how many gains do the two norms have, and what does ε do to small inputs?"""

    def gains(norm: nn.Module) -> int:
        return sum(p.numel() for name, p in norm.named_parameters() if name == "weight")

    text = gains(nn.LayerNorm(512)) - gains(nn.BatchNorm1d(512))
    image, channels = gains(nn.LayerNorm((16, 8, 8))), gains(nn.BatchNorm2d(16))
    tiny = float(layer_norm(1e-3 * sequences()).std())
    return Finding(
        (
            Measure("gains of LN on (16, 8, 8)", image, "normalized_shape: C·H·W", 1024, 1024),
            Measure("gains of BN on (16, 8, 8)", channels, "one for each channel", 16, 16),
            Measure("LN − BN on 512 features", text, "one axis: a gain for each", 0, 0),
            Measure("std of LN's output for std 0.001", tiny, "ε = 1e-5 > variance", 0.2, 0.4),
        ),
        f"On an image of 16 channels of 8 × 8 layer norm has {image} gains and batch norm "
        f"{channels}; on a vector of 512 both have 512. An input of std 0.001 leaves with "
        f"{tiny:.2f}.",
    )


def which_tokens_move() -> Finding:
    """Claim 7: which tokens change when one number of one token does?"""

    def over_example(x: FloatArray) -> FloatArray:
        return layer_norm(x.reshape(len(x), -1)).reshape(x.shape)  # (B, T, D) -> (B, T·D) -> …

    x = sequences()
    counts = [
        int(influenced(norm, x, (0, 2, 3)).any(-1).sum())  # (B, T, D) -> (B, T) -> ()
        for norm in (layer_norm, over_example)
    ]
    return Finding(
        (
            Measure("tokens that one number moves", counts[0], "its own token", 1, 1),
            Measure("… if statistics were per example", counts[1], "T = 5", 5, 5),
        ),
        f"One number of one token is moved by 1: layer norm's output changes in {counts[0]} token; "
        f"with statistics over the example it would change in {counts[1]}.",
    )


def train_and_eval() -> Finding:
    """Claim 8: what does eval() change, with dropout and without?"""
    x = torch.from_numpy(sequences()).float()

    def change(model: nn.Module) -> float:
        torch.manual_seed(0)
        with torch.no_grad():
            return float((model.train()(x) - model.eval()(x)).abs().max())

    norm = nn.LayerNorm(16)
    alone, dropped = change(norm), change(nn.Sequential(norm, nn.Dropout(0.1)))
    return Finding(
        (
            Measure("LayerNorm: train() − eval()", alone, "the same arithmetic", high=0),
            Measure("with dropout behind it", dropped, "a dropped output is 0, not 1", low=0.5),
        ),
        f"Layer norm's output changes by {alone:.0f} between train() and eval(); with dropout of "
        f"0.1 behind it by up to {dropped:.1f}.",
    )


CLAIMS = (
    Claim(
        1,
        "what dimension is normalized, why no running statistics are needed, and why it works at "
        "batch size 1",
        "measurement",
        "holds",
        "",
        "For x of shape (B, T, D) mean and variance are those of the D features at each (b, t). "
        "Nothing is kept from one batch to the next.",
        batch_of_one,
        "B = 4, T = 5, D = 16, float64",
        "Ba et al. 2016, Eq. 3 and 4, arXiv:1607.06450",
        "01",
    ),
    Claim(
        5,
        "addresses the two main limitations of BatchNorm: small-batch instability and the "
        "inability to normalize recurrent networks cleanly",
        "measurement",
        "holds",
        "",
        "Layer norm's output does not depend on the batch, so it is the same at each time step of "
        "a recurrent network and for every batch size.",
        batch_dependence,
        "batches of 2 to 64; a recurrent network of 16 features, 5 steps",
        "Ba et al. 2016, abstract, arXiv:1607.06450",
        "01",
    ),
    Claim(
        6,
        "What is the same as BatchNorm: learned scale and shift per feature; for numerical "
        "stability.",
        "definition",
        "holds if",
        "one axis is normalized",
        "γ and β have the shape normalized_shape. Batch norm has one of each for a channel. ε "
        "prevents 0/0, and shrinks every input whose variance is not far above it.",
        parameters_per_feature,
        "torch's modules on 512 features and on (16, 8, 8)",
        "torch.nn.LayerNorm and BatchNorm2d; Wu & He 2018, arXiv:1803.08494",
        "01",
    ),
    Claim(
        7,
        "computed per-example, not per-batch — they depend on nothing outside the current input",
        "measurement",
        "holds if",
        "an example is one vector and no sequence",
        "In (B, T, D) the statistics are those of one token, not of one example.",
        which_tokens_move,
        "B = 4, T = 5, D = 16, float64",
        "Xiong et al. 2020, §3.1, arXiv:2002.04745 (the norm acts on each x_i)",
        "01",
    ),
    Claim(
        8,
        "Train and inference are identical — no running statistics, no model.eval()switch needed",
        "measurement",
        "holds if",
        "nothing in the model has two modes",
        "Layer norm computes the same in both modes. eval() is for the model: dropout needs it.",
        train_and_eval,
        "torch.nn.LayerNorm(16), with dropout of 0.1 and without",
        "Ba et al. 2016, abstract, arXiv:1607.06450; torch.nn.Dropout",
        "01",
    ),
)
