"""What goes wrong in the LSTM cell: the words of the reference that are exchanged."""

from normlab.checks.exercise import Mistake
from normlab.checks.signs import changes_arguments, differs
from normlab.exercises import common

NORM_X, NORM_H = "self.norm_x(self.linear_x(x))", "self.norm_h(self.linear_h(h))"
GATES, ORDER = "from_x + from_h + self.bias", "f, i, o, g = gates"
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


def _eps(eps: str) -> dict[str, str]:
    """The code of three norms with another ε."""
    sizes = {"norm_x": "gates", "norm_h": "gates", "norm_c": "hidden_size"}
    return {
        f"self.{norm} = nn.LayerNorm({size})": f"self.{norm} = nn.LayerNorm({size}, eps={eps})"
        for norm, size in sizes.items()
    }


MISTAKES = (
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
        "gate-order",
        "the gates come in another order than f, i, o, g",
        "The order decides which rows of the weights belong to which gate. The paper's is f, i, o, "
        "g; torch.nn.LSTMCell has i, f, g, o.",
        {ORDER: "i, f, g, o = gates"},
        {ORDER: "f, i, g, o = gates"},
        {ORDER: "i, f, o, g = gates"},
    ),
    Mistake(
        "forget-bias",
        "1 is added to the forget gate",
        "Many LSTMs add it, so that the cell keeps what it holds at the start. The paper's cell "
        "has b alone, which starts at 0.",
        {"torch.sigmoid(f) * c": "torch.sigmoid(f + 1) * c"},
    ),
    Mistake(
        "gates-coupled",
        "the input gate is 1 − σ(f)",
        "Here σ(i) is a gate of its own: the new c is σ(f)·c + σ(i)·tanh(g).",
        {"torch.sigmoid(i)": "(1 - torch.sigmoid(f))"},
    ),
    Mistake(
        "hard-sigmoid",
        "the gates take a piecewise linear function for the sigmoid",
        "f, i and o take σ(z) = 1/(1 + e^−z). Keras once had hard_sigmoid as its default.",
        {
            "torch.sigmoid(f)": "(0.2 * f + 0.5).clamp(0, 1)",
            "torch.sigmoid(i)": "(0.2 * i + 0.5).clamp(0, 1)",
            "torch.sigmoid(o)": "(0.2 * o + 0.5).clamp(0, 1)",
        },
        {
            "torch.sigmoid(f)": "nn.functional.hardsigmoid(f)",
            "torch.sigmoid(i)": "nn.functional.hardsigmoid(i)",
            "torch.sigmoid(o)": "nn.functional.hardsigmoid(o)",
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
        "axis-counted-from-front",
        "the gates are cut along an axis that is counted from the front",
        "dim=1 is the last axis of (B, 4H) only. Count from the end: dim=-1.",
        {"chunk(4, dim=-1)": "chunk(4, dim=1)"},
    ),
    Mistake(
        "bias-doubled",
        "b is added twice",
        "One b serves the sum. torch.nn.LSTMCell has two biases, b_ih and b_hh; here the norms "
        "have shifts already.",
        {GATES: "from_x + from_h + 2 * self.bias"},
    ),
    Mistake(
        "bias-missing",
        "b is not added",
        "The sum is LN(W_x x) + LN(W_h h) + b.",
        {GATES: "from_x + from_h"},
    ),
    Mistake(
        "bias-inside-norm",
        "b is added before a norm",
        "A norm takes its mean out again, and what is left depends on the size of W x. Add b to "
        "the sum of the two norms.",
        {NORM_X: "self.norm_x(self.linear_x(x) + self.bias)", GATES: "from_x + from_h"},
    ),
    Mistake(
        "tanh-missing",
        "a tanh is missing",
        "What is written into the cell is tanh(g), between −1 and 1, and what is read out is "
        "tanh(LN(c)).",
        {"torch.tanh(g)": "g"},
        {"torch.tanh(self.norm_c(new_c))": "self.norm_c(new_c)"},
    ),
    Mistake(
        "candidate-not-tanh",
        "the candidate g takes another function than tanh",
        "The gates f, i and o are sigmoids, between 0 and 1. The candidate g takes tanh, so that "
        "the cell can also fall.",
        {"torch.tanh(g)": "torch.sigmoid(g)"},
        {"torch.tanh(g)": "torch.relu(g)"},
    ),
    Mistake(
        "state-swapped",
        "h and c are swapped",
        "The state is the pair (h, c), in this order, going in and coming out.",
        {"return new_h, new_c": "return new_c, new_h"},
        {"h, c = state": "c, h = state"},
    ),
    Mistake(
        "parameters-differ",
        "the parameters have other names or shapes",
        "Weights are loaded by name. The table in the text lists the nine parameters.",
        {
            "self.norm_c = nn.LayerNorm(hidden_size)": "self.norm_c = nn.LayerNorm(hidden_size); "
            "self.more = nn.Linear(1, 1)"
        },
        {"self.bias = nn.Parameter(torch.zeros(gates))": "self.bias = torch.zeros(gates)"},
        seen=differs("parameters"),
    ),
    Mistake(
        "old-cell-read",
        "h is read from the old c",
        "First the cell is updated, then h is read from the new c.",
        {"self.norm_c(new_c)": "self.norm_c(c)"},
    ),
    Mistake(
        "gradient-cut",
        "no gradient flows back through the state",
        "detach() inside the cell ends the memory of backward: the gradient must reach h and c.",
        {"h, c = state": "h, c = state[0].detach(), state[1].detach()"},
        {"h, c = state": "h, c = state[0].detach(), state[1]"},
        {"h, c = state": "h, c = state[0], state[1].detach()"},
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
    Mistake(
        "bias-start",
        "the parameter `bias` does not start at 0",
        "The norms' shifts and b are added up, and all start at 0. A forget gate that starts open "
        "is another cell.",
        {"torch.zeros(gates)": "torch.ones(gates)"},
        {"torch.zeros(gates)": "torch.full((gates,), 0.01)"},
        seen=differs("greatest bias at the start"),
    ),
    Mistake(
        "input-mutated",
        "c is changed in place",
        "The caller still needs the old state: backward through time does, for one.",
        {"return new_h, new_c": "c.data.copy_(new_c.data)\n        return new_h, new_c"},
        seen=changes_arguments,
    ),
    common.float64_narrowed({"return new_h, new_c": "return new_h.float().to(h.dtype), new_c"}),
)
