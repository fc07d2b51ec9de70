"""What goes wrong in layer norm on graphs: the words of the reference that are exchanged."""

from normlab.checks.exercise import Mistake
from normlab.checks.signs import accepts
from normlab.exercises import common

GROUP = 'batch if mode == "graph" else np.arange(nodes)'
MEAN, VARIANCE = "own.mean()", "(centered**2).mean()"
NODES = '(len(own) if mode == "graph" else own.size)'
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
    ),
    Mistake(
        "node-mean-in-graph",
        "in mode graph the mean is taken of each node",
        "In mode graph one mean serves all nodes of a graph, as one variance does. The variance "
        "is taken around each node's own mean, too, and leaves out how far these lie apart.",
        {MEAN: "own.mean(axis=1, keepdims=True)"},
    ),
    Mistake(
        "node-mean-graph-variance",
        "in mode graph the mean is that of each node, and the variance that of the graph",
        "Both belong to the graph: one mean and one variance serve all its nodes and channels.",
        {MEAN: "own.mean(axis=1, keepdims=True)", VARIANCE: "own.var()"},
        {MEAN: "own.mean(axis=1, keepdims=True)", VARIANCE: "((own - own.mean()) ** 2).mean()"},
    ),
    Mistake(
        "node-variance-in-graph",
        "in mode graph the variance is taken of each node",
        "In mode graph one variance serves all nodes of a graph, as one mean does.",
        {VARIANCE: "own.var(axis=1, keepdims=True)"},
        {VARIANCE: "(centered**2).mean(axis=1, keepdims=True)"},
    ),
    Mistake(
        "channel-mean-in-graph",
        "in mode graph the mean is taken of each channel",
        "That is the mean of GraphNorm and of instance norm. One mean serves all nodes and "
        "channels of a graph.",
        {MEAN: 'own.mean(axis=0 if mode == "graph" else None)'},
        {
            MEAN: 'own.mean(axis=0 if mode == "graph" else None)',
            VARIANCE: "own.var()",
        },
    ),
    Mistake(
        "divided-by-nodes",
        "the sums are divided by the number of nodes",
        "They run over n nodes and D channels: divide by n·D, as mean() does. (PyTorch Geometric "
        "multiplies the count by D.)",
        {
            MEAN: f"own.sum() / {NODES}",
            VARIANCE: f"(centered**2).sum() / {NODES}",
        },
        {VARIANCE: f"(centered**2).sum() / {NODES}"},
    ),
    Mistake(
        "divided-by-root-of-count",
        "what is centered is divided by its length, without the count",
        "The variance is the mean of the squares, not their sum.",
        {VARIANCE: "(centered**2).sum()"},
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
        "eps-as-floor",
        "ε is a floor instead of a summand",
        "max(variance, ε) leaves a large variance as it is, and so hardly differs from "
        "variance + ε there. Near ε it is another norm.",
        {DIVISOR: "np.sqrt(np.maximum(variance, eps))"},
    ),
    Mistake(
        "eps-wrong-value",
        "ε has another value than the one given, or another default than 1e-5",
        "1e-5 is the default of torch.nn.LayerNorm and of PyTorch Geometric. Weights carried over "
        "with another ε give other outputs.",
        {DIVISOR: "np.sqrt(variance + 1e-5)"},
        {DIVISOR: "np.sqrt(variance + 1e-6)"},
        {DIVISOR: "np.sqrt(variance + 1e-12)"},
        {"eps: float = 1e-5": "eps: float = 1e-8"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
        {"eps: float = 1e-5": "eps: float = 1e-12"},
        {"eps: float = 1e-5": "eps: float = 1e-3"},
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
        "rms-norm",
        "this is RMSNorm: the mean is nowhere subtracted",
        "Layer norm subtracts the mean first, from x and within the variance.",
        {"own - own.mean()": "own"},
    ),
    Mistake(
        "gamma-beta-exchanged",
        "γ and β are exchanged",
        "γ multiplies, β is added: γ ⊙ x̂ + β. The order of the arguments is gamma, beta.",
        {"gamma * normalized + beta": "beta * normalized + gamma"},
    ),
    Mistake(
        "beta-before-gamma",
        "β is added before γ multiplies",
        "γ ⊙ (x̂ + β) scales the shift as well. The output is γ ⊙ x̂ + β.",
        {"gamma * normalized + beta": "gamma * (normalized + beta)"},
    ),
    common.gamma_plus_one({"gamma * normalized": "(1 + gamma) * normalized"}),
    Mistake(
        "gamma-missing",
        "γ is not applied",
        "The output is γ ⊙ x̂ + β: each channel has its own gain.",
        {"gamma * normalized": "normalized"},
        {"gamma * normalized": '(gamma * normalized if mode == "node" else normalized)'},
    ),
    Mistake(
        "affine-missing-in-graph",
        "γ and β are not applied in mode graph",
        "The output is γ ⊙ x̂ + β in both modes.",
        {
            "gamma * normalized + beta": '(gamma * normalized + beta if mode == "node" '
            "else normalized)"
        },
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
    common.cancellation(ONE_PASS, {WIDE: "x.astype(np.float64)", **ONE_PASS}),
    common.half_statistics({WIDE: "x.copy()"}),
    common.float64_narrowed({WIDE: "x.astype(np.float32)"}),
    common.dtype_lost({"+ beta).astype(x.dtype)": "+ beta).astype(float)"}),
    common.input_mutated({WIDE: "x", "np.empty_like(wide)": "wide"}),
    common.shapes_not_checked(
        "a γ or β",
        {"if not gamma.shape == beta.shape == (features,)": "if False"},
        {"gamma.shape == beta.shape == (features,)": "gamma.shape == (features,)"},
        {"gamma.shape == beta.shape == (features,)": "beta.shape == (features,)"},
    ),
    Mistake(
        "batch-not-checked",
        "a batch of the wrong shape raises no ValueError that names the shapes",
        "`batch` has one entry for each node, in mode node too. Raise a ValueError that names the "
        "shapes.",
        {"if batch.shape != (nodes,)": "if False"},
        seen=accepts("misfit of batch"),
    ),
    Mistake(
        "mode-not-checked",
        "an unknown mode raises no ValueError that names it",
        "A misspelt mode would silently do something else. Raise a ValueError that names it.",
        {'if mode not in ("node", "graph")': "if False"},
        {
            'if mode not in ("node", "graph")': "if False",
            GROUP: 'np.arange(nodes) if mode == "node" else batch',
        },
        seen=accepts("misspelt mode"),
    ),
)
