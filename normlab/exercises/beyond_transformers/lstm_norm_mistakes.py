"""What goes wrong with the norms of the LSTM cell: the words of the reference exchanged."""

from normlab.checks.exercise import Mistake

NORM_X, NORM_H = "self.norm_x(self.linear_x(x))", "self.norm_h(self.linear_h(h))"
GATES = "from_x + from_h + self.bias"
NEW_C = "torch.sigmoid(f) * c + written"
OUTPUT = "torch.sigmoid(o) * torch.tanh(self.norm_c(new_c))"
NO_NORMS = {NORM_X: "self.linear_x(x)", NORM_H: "self.linear_h(h)"}


def _per_gate(linear: str, norm: str) -> str:
    """The code of four norms over H each, where one over 4H belongs."""
    rows = f"{linear}.unflatten(-1, (4, -1))"
    flat = f"nn.functional.layer_norm({rows}, (self.linear_h.in_features,)).flatten(-2)"
    return f"{norm}.weight * {flat} + {norm}.bias"


def _rms(value: str, norm: str) -> str:
    """The code of RMSNorm with the weight and bias of a norm."""
    root = f"({value}.square().mean(-1, keepdim=True) + 1e-5).sqrt()"
    return f"({norm}.weight * {value} / {root} + {norm}.bias)"


def _plain(value: str) -> str:
    """The code of a norm that leaves out its weight and bias."""
    return f"nn.functional.layer_norm({value}, ({value}).shape[-1:])"


def _eps(eps: str) -> dict[str, str]:
    """The code of three norms with another ε."""
    sizes = {"norm_x": "gates", "norm_h": "gates", "norm_c": "hidden_size"}
    return {
        f"self.{norm} = nn.LayerNorm({size})": f"self.{norm} = nn.LayerNorm({size}, eps={eps})"
        for norm, size in sizes.items()
    }


NORM_MISTAKES = (
    Mistake(
        "cell-normalized",
        "the cell state itself is normalized",
        "c is the memory: a new c is σ(f)·c + σ(i)·tanh(g), and is passed on as it is. Normalized "
        "at every step it could neither grow nor keep what it holds. Only what is read out of it, "
        "tanh(LN(c)), is normalized.",
        {NEW_C: "self.norm_c(torch.sigmoid(f) * c + written)", "self.norm_c(new_c)": "new_c"},
        {NEW_C: "self.norm_c(torch.sigmoid(f) * c + written)"},
        {"torch.sigmoid(f) * c": "torch.sigmoid(f) * self.norm_c(c)"},
    ),
    Mistake(
        "one-norm-over-sum",
        "one norm over the sum of both products",
        "W_x x and W_h h are normalized each by itself, and then added. Over the sum, the larger "
        "of the two would drown the other.",
        {**NO_NORMS, GATES: "self.norm_x(from_x + from_h) + self.bias"},
        {**NO_NORMS, GATES: "self.norm_x(from_x + from_h + self.bias)"},
    ),
    Mistake(
        "norm-shared",
        "one norm with one gain serves both products",
        "norm_x and norm_h have gains and shifts of their own.",
        {NORM_H: "self.norm_x(self.linear_h(h))"},
    ),
    Mistake(
        "norms-exchanged",
        "norm_x and norm_h are exchanged",
        "norm_x belongs to W_x x, norm_h to W_h h: weights are loaded by name.",
        {NORM_X: "self.norm_h(self.linear_x(x))", NORM_H: "self.norm_x(self.linear_h(h))"},
    ),
    Mistake(
        "norm-per-gate",
        "every gate is normalized by itself, over H numbers",
        "In the paper one mean and one variance serve all 4H numbers of W_x x, and one all of "
        "W_h h. Split into gates after the sum. (sketch-rnn has a norm for each gate of the sum.)",
        {
            NORM_X: _per_gate("self.linear_x(x)", "self.norm_x"),
            NORM_H: _per_gate("self.linear_h(h)", "self.norm_h"),
        },
        {**NO_NORMS, GATES: f"{_per_gate('(from_x + from_h)', 'self.norm_x')} + self.bias"},
    ),
    Mistake(
        "norm-after-cell",
        "a plain LSTM, and a layer norm on its output",
        "Then nothing inside the cell is normalized, and that is where training suffers. LN stands "
        "on W_x x, on W_h h, and inside the last tanh.",
        {**NO_NORMS, OUTPUT: "self.norm_c(torch.sigmoid(o) * torch.tanh(new_c))"},
    ),
    Mistake(
        "norms-missing",
        "nothing is normalized: this is a plain LSTM",
        "LN stands on W_x x, on W_h h, and inside the last tanh. Without them the gates saturate "
        "where the products are large.",
        {**NO_NORMS, "self.norm_c(new_c)": "new_c"},
    ),
    Mistake(
        "products-not-normalized",
        "neither W_x x nor W_h h is normalized",
        "Both products are, each with a norm of its own: LN(W_x x) + LN(W_h h) + b.",
        {**NO_NORMS},
    ),
    Mistake(
        "output-normalized",
        "the norm of c stands outside the tanh",
        "h = σ(o)·tanh(LN(c)): normalize, squash, then let the gate decide how much goes out.",
        {OUTPUT: "self.norm_c(torch.sigmoid(o) * torch.tanh(new_c))"},
        {OUTPUT: "torch.sigmoid(o) * self.norm_c(torch.tanh(new_c))"},
    ),
    Mistake(
        "input-norm-missing",
        "W_x x is not normalized",
        "Both products are, each with a norm of its own: LN(W_x x) + LN(W_h h) + b.",
        {NORM_X: "self.linear_x(x)"},
    ),
    Mistake(
        "state-norm-missing",
        "W_h h is not normalized",
        "Both products are, each with a norm of its own: LN(W_x x) + LN(W_h h) + b.",
        {NORM_H: "self.linear_h(h)"},
    ),
    Mistake(
        "cell-norm-missing",
        "the norm inside the last tanh is missing",
        "h = σ(o)·tanh(LN(c)).",
        {"self.norm_c(new_c)": "new_c"},
    ),
    Mistake(
        "norm-without-gain",
        "a norm's own weight and bias are not used",
        "norm_x, norm_h and norm_c have a gain and a shift that are trained. Call the module, "
        "norm_c(c), and not the function F.layer_norm without its parameters.",
        {"self.norm_c(new_c)": _plain("new_c")},
        {NORM_X: _plain("self.linear_x(x)"), NORM_H: _plain("self.linear_h(h)")},
        {
            NORM_X: _plain("self.linear_x(x)"),
            NORM_H: _plain("self.linear_h(h)"),
            "self.norm_c(new_c)": _plain("new_c"),
        },
    ),
    Mistake(
        "rms-norm",
        "the norms do not subtract the mean: this is RMSNorm",
        "Layer norm subtracts the mean first. Use nn.LayerNorm.",
        {
            NORM_X: _rms("self.linear_x(x)", "self.norm_x"),
            NORM_H: _rms("self.linear_h(h)", "self.norm_h"),
            "self.norm_c(new_c)": _rms("new_c", "self.norm_c"),
        },
    ),
    Mistake(
        "bias-inside-norm",
        "b is added before a norm",
        "A norm takes its mean out again, and what is left depends on the size of W x. Add b to "
        "the sum of the two norms.",
        {NORM_X: "self.norm_x(self.linear_x(x) + self.bias)", GATES: "from_x + from_h"},
    ),
    Mistake(
        "eps-wrong-value",
        "the norms have another ε than torch's default",
        "nn.LayerNorm has 1e-5. TensorFlow's cell has 1e-12, others 1e-3: with rows that are "
        "nearly constant the outputs differ.",
        _eps("1e-3"),
        _eps("1e-6"),
        _eps("1e-12"),
    ),
)
