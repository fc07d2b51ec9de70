"""What goes wrong in layer norm on graphs: the words of the reference that are exchanged."""

from normlab.checks.exercise import Mistake
from normlab.exercises.common import dtype_lost, half_statistics, input_mutated

GROUP = 'batch if mode == "graph" else np.arange(nodes)'
MEAN, VARIANCE = "own.mean()", "(centered**2).mean()"
DIVISOR, WIDE = "np.sqrt(variance + eps)", "x.astype(np.promote_types(x.dtype, np.float32))"
ONE_PASS = {VARIANCE: "(own**2).mean() - own.mean() ** 2"}

MISTAKES = (
    Mistake(
        "node-for-graph",
        "mode graph normalizes each node by itself",
        "In mode graph one mean and one variance serve all nodes and channels of a graph; that is "
        "the default of PyTorch Geometric's LayerNorm. F.layer_norm is mode node.",
        {GROUP: "np.arange(nodes)"},
    ),
    Mistake(
        "graph-for-node",
        "mode node normalizes whole graphs",
        "In mode node every node is normalized over its own channels, as F.layer_norm does.",
        {GROUP: "batch"},
        {GROUP: 'batch if mode == "node" else np.arange(nodes)'},
    ),
    Mistake(
        "graphs-mixed",
        "all graphs of the mini-batch share one mean and one variance",
        "Then a graph's output depends on the other graphs that it happens to be batched with. "
        "`batch` says which nodes belong together.",
        {GROUP: 'np.zeros(nodes) if mode == "graph" else np.arange(nodes)'},
    ),
    Mistake(
        "channels-apart",
        "in mode graph every channel has a mean and a variance of its own",
        "That is instance norm. Layer norm takes the mean over nodes and channels together: one "
        "number for a graph.",
        {
            MEAN: 'own.mean(axis=0 if mode == "graph" else None)',
            VARIANCE: '(centered**2).mean(axis=0 if mode == "graph" else None)',
        },
        {MEAN: "own.mean(axis=0)", VARIANCE: "(centered**2).mean(axis=0)"},
    ),
    Mistake(
        "node-statistics-averaged",
        "the graph's variance is the average of its nodes' variances",
        "That leaves out how far the nodes' means lie apart. Take the mean over the graph, and "
        "then the mean square of the distance from it.",
        {VARIANCE: "own.var(axis=1).mean()"},
        {MEAN: "own.mean(axis=1, keepdims=True)"},
    ),
    Mistake(
        "batch-assumed-sorted",
        "the nodes of a graph are assumed to stand one after the other",
        "`batch` may come in any order: [1, 0, 1, 0]. Select the rows with batch == one; do not "
        "cut x into pieces.",
        {"rows = group == one": "rows = np.sort(group) == one"},
        {
            GROUP: "np.cumsum(np.diff(batch, prepend=0) != 0) "
            'if mode == "graph" else np.arange(nodes)'
        },
    ),
    Mistake(
        "gaps-in-numbers",
        "graphs are counted, as if every number had nodes",
        "A graph without nodes leaves a gap in the numbers: [0, 0, 3, 3] are two graphs, and the "
        "second is number 3. Go through np.unique(batch), or through range(batch.max() + 1).",
        {
            "for one in np.unique(group)": "for one in range(len(np.unique(group)))",
            "np.empty_like(wide)": "np.zeros_like(wide)",
        },
    ),
    Mistake(
        "no-nodes-raises",
        "x without any nodes raises an error",
        "A mini-batch may be empty after filtering; the result has the shape (0, D). batch.max() "
        "of an empty array raises a ValueError.",
        {"for one in np.unique(group)": "for one in range(group.max() + 1)"},
    ),
    Mistake(
        "unbiased-variance",
        "the variance is divided by one less than the count",
        "The statistics describe the n·D numbers in front of them: divide by n·D (ddof=0).",
        {VARIANCE: "own.var(ddof=1)"},
    ),
    Mistake(
        "eps-outside",
        "ε stands outside the root",
        "Divide by √(variance + ε). PyTorch Geometric has it outside when it gets no `batch`, and "
        "inside when it gets one; torch has it inside.",
        {DIVISOR: "(np.sqrt(variance) + eps)"},
        {DIVISOR: '(np.sqrt(variance) + eps if mode == "graph" else np.sqrt(variance + eps))'},
    ),
    Mistake(
        "eps-missing",
        "ε is missing",
        "A graph of equal numbers has variance 0, and 0/0 is NaN.",
        {DIVISOR: "np.sqrt(variance)"},
    ),
    Mistake(
        "eps-wrong-value",
        "ε has another value than the one given, or another default than 1e-5",
        "1e-5 is the default of torch.nn.LayerNorm and of PyTorch Geometric. Weights carried over "
        "with another ε give other outputs.",
        {DIVISOR: "np.sqrt(variance + 1e-5)"},
        {"eps: float = 1e-5": "eps: float = 1e-8"},
    ),
    Mistake(
        "variance-for-deviation",
        "the numbers are divided by the variance instead of the standard deviation",
        "The variance is a square: dividing by it makes the output shrink when the input grows. "
        "Take the root.",
        {DIVISOR: "(variance + eps)"},
    ),
    Mistake(
        "mean-not-subtracted",
        "the mean is not subtracted",
        "Without it the numbers of a graph do not have mean 0.",
        {"centered / ": "own / "},
    ),
    Mistake(
        "gamma-missing",
        "γ is not applied",
        "The output is γ ⊙ x̂ + β: each channel has its own gain.",
        {"gamma * normalized": "normalized"},
    ),
    Mistake(
        "beta-missing",
        "β is not added",
        "The output is γ ⊙ x̂ + β: each channel has its own shift.",
        {"normalized + beta": "normalized"},
    ),
    Mistake(
        "gamma-wrong-axis",
        "γ is applied along the nodes",
        "γ has one entry for each channel, and all nodes share it. NumPy lines it up with the last "
        "axis by itself.",
        {"gamma * normalized": "gamma[:, None] * normalized"},
    ),
    Mistake(
        "cancellation",
        "the variance is computed as E[x²] − E[x]²",
        "Far from 0 both terms are large and nearly equal, and their difference is rounding error: "
        "it may be negative. Subtract the mean first, then square.",
        ONE_PASS,
        {WIDE: "x.astype(np.float64)", **ONE_PASS},
    ),
    half_statistics({WIDE: "x.copy()"}),
    dtype_lost({"+ beta).astype(x.dtype)": "+ beta).astype(float)"}),
    input_mutated({WIDE: "x", "np.empty_like(wide)": "wide"}),
    Mistake(
        "shapes-not-checked",
        "for a γ or β of the wrong shape no ValueError names the shapes",
        "NumPy stretches a shape (1,) without a word. Raise a ValueError that names the shapes.",
        {"if not gamma.shape == beta.shape == (features,)": "if False"},
        {"gamma.shape == beta.shape == (features,)": "gamma.shape == (features,)"},
        {"gamma.shape == beta.shape == (features,)": "beta.shape == (features,)"},
    ),
    Mistake(
        "batch-not-checked",
        "for a batch of the wrong shape no ValueError names the shapes",
        "`batch` has one entry for each node, in mode node too. Raise a ValueError that names the "
        "shapes.",
        {"if batch.shape != (nodes,)": "if False"},
    ),
    Mistake(
        "mode-not-checked",
        "for an unknown mode no ValueError names it",
        "A misspelt mode would silently do something else. Raise a ValueError that names it.",
        {'if mode not in ("node", "graph")': "if False"},
        {
            'if mode not in ("node", "graph")': "if False",
            GROUP: 'np.arange(nodes) if mode == "node" else batch',
        },
    ),
)
