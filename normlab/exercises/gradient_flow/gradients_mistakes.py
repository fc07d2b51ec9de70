"""The known mistakes of the first question of exercise 05, most likely first."""

from normlab.checks.exercise import Mistake
from normlab.checks.signs import raises, tells
from normlab.exercises import common

START = "stream = [x.detach().requires_grad_()]"
CALL, LOSS = "stream.append(block(stream[-1]))", "loss = loss_fn(stream[-1])"
TAKE = "gradients = torch.autograd.grad(loss, stream)"
KEPT = "gradients = torch.autograd.grad(loss, stream, retain_graph=True)"
NORMS_LINE = "norms = [gradient.norm().item() for gradient in gradients]"
NORM, EACH, RETURN = "gradient.norm().item()", "in gradients]", "return np.array(norms)"
ZERO = "[block.zero_grad() for block in blocks]"
BACKWARD = (
    "[s.retain_grad() for s in stream]; loss.backward(); gradients = [s.grad for s in stream]"
)
OF_WEIGHTS = "torch.autograd.grad(loss, block.weight, retain_graph=True)[0].norm().item()"
WHOLE = {START: START, CALL: CALL}
HOOK = "block.register_forward_hook(lambda *_: None)"

MISTAKES = (
    Mistake(
        "weight-gradients",
        "these are the gradients of the weights, not of the activations",
        "The question is what reaches layer l: ∂L/∂x_l, which has the shape of x. A weight's "
        "gradient also depends on what its block reads, and .grad adds up over calls.",
        {**WHOLE, TAKE: KEPT, NORMS_LINE: f"norms = [{OF_WEIGHTS} for block in blocks]"},
        {
            **WHOLE,
            TAKE: "loss.backward()",
            NORMS_LINE: "norms = [block.weight.grad.norm().item() for block in blocks]",
        },
        {
            **WHOLE,
            TAKE: KEPT,
            NORMS_LINE: "norms = [gradients[0].norm().item()]; "
            f"norms += [{OF_WEIGHTS} for block in blocks]",
        },
    ),
    Mistake(
        "graph-freed",
        "the graph is used a second time, after it was freed",
        "A backward pass frees the graph behind it. Ask for all gradients at once: "
        "torch.autograd.grad(loss, [x_0, …, x_L]). One by one, each but the last needs "
        "retain_graph=True, and L passes instead of one.",
        {TAKE: "gradients = [torch.autograd.grad(loss, s)[0] for s in stream]", RETURN: RETURN},
        seen=raises("backward through the graph a second time"),
    ),
    Mistake(
        "gradient-not-retained",
        "a gradient is None, as the .grad of a tensor that keeps none",
        "backward() keeps .grad for leaves that require a gradient, and for no others: x does not "
        "require one, and x_1 … x_L are no leaves. Call retain_grad() on them first, or ask "
        "torch.autograd.grad.",
        {TAKE: "loss.backward(); gradients = [s.grad for s in stream]", RETURN: RETURN},
        seen=raises("NoneType"),
    ),
    Mistake(
        "input-without-gradient",
        "a gradient is asked of a tensor that does not require one, as x",
        "The x that is given is data. Only a tensor with requires_grad=True has a gradient: "
        "x.detach().requires_grad_() makes one that shares the numbers and leaves x as it was.",
        {START: "stream = [x]"},
        seen=raises("Tensors does not require grad", "that has requires_grad=False"),
    ),
    Mistake(
        "graph-cut",
        "an activation is cut off from the loss, so no gradient reaches it",
        "detach() and no_grad() take a tensor out of the graph, and clone() or a copy is another "
        "tensor than the one that the next block reads. Only x itself is detached, once, at the "
        "start.",
        {CALL: "stream.append(block(stream[-1]).detach().requires_grad_())", TAKE: TAKE},
        {CALL: "stream.append(block(stream[-1]).detach())", TAKE: TAKE},
        {TAKE: "gradients = torch.autograd.grad(loss, [s.clone() for s in stream])"},
        seen=raises("appears to not have been used in the graph", "element 0 of tensors does not"),
    ),
    Mistake(
        "input-missing",
        "the gradient at the input x_0 is missing",
        "L blocks have L + 1 activations around them: x_0 before the first, x_L after the last. "
        "Begin the list with x_0.",
        {EACH: "in gradients[1:]]"},
    ),
    Mistake(
        "output-missing",
        "the gradient at the output x_L is missing",
        "L blocks have L + 1 activations around them: x_0 before the first, x_L after the last.",
        {EACH: "in gradients[:-1]]"},
    ),
    Mistake(
        "ends-only",
        "only the first or the last gradient is returned",
        "Each of the L + 1 activations has an entry of its own.",
        {EACH: "in gradients[:1]]"},
        {EACH: "in gradients[-1:]]"},
        {RETURN: "return np.array(norms[0])"},
    ),
    Mistake(
        "order-reversed",
        "the order is reversed",
        "Entry l belongs to x_l: the input comes first, the output last. The backward pass meets "
        "them the other way round.",
        {RETURN: "return np.array(norms)[::-1]"},
    ),
    Mistake(
        "mean-for-norm",
        "a mean of the entries, or of their squares, stands in place of the sum",
        "The norm is √Σg², a sum over all entries of one layer.",
        {NORM: "gradient.abs().mean().item()"},
        {NORM: "gradient.square().mean().sqrt().item()"},
        {NORM: "gradient.square().mean().item()"},
        {NORM: "gradient.std().item()"},
        {NORM: "gradient.mean().item()"},
    ),
    Mistake(
        "divided-by-count",
        "the norms, or the loss, are divided by the number of examples or of entries",
        "loss_fn returns the loss as it is to be differentiated, and the norm is √Σg².",
        {NORM: "(gradient.norm() / gradient.numel()).item()"},
        {NORM: "(gradient.norm() / len(gradient)).item()"},
    ),
    Mistake(
        "squared-norm",
        "the norm is squared",
        "The root is missing: ‖g‖ = √Σg².",
        {NORM: "gradient.square().sum().item()"},
    ),
    Mistake(
        "other-norm",
        "this is another norm: Σ|g|, the largest |g|, or the largest singular value",
        "The Frobenius norm is √Σg², whatever the shape. Tensor.norm() computes it.",
        {NORM: "gradient.abs().sum().item()"},
        {NORM: "gradient.abs().max().item()"},
        {NORM: "torch.linalg.matrix_norm(gradient.flatten(0, -2), 2).item()"},
        {NORM: "torch.linalg.matrix_norm(gradient, 2).item()"},
        {NORM: "gradient.sum().item()"},
    ),
    Mistake(
        "norm-per-token",
        "the norm is taken of each token or example, and then a mean or sum",
        "One number for a layer: the root of the sum of the squares of all entries, over batch, "
        "tokens and features.",
        {NORM: "gradient.norm(dim=-1).mean().item()"},
        {NORM: "gradient.norm(dim=-1).sum().item()"},
        {NORM: "gradient.flatten(1).norm(dim=1).mean().item()"},
    ),
    Mistake(
        "activations-for-gradients",
        "these are the norms of the activations, not of their gradients",
        "‖x_l‖ says how large the stream is. Asked is how much the loss changes with it: "
        "‖∂L/∂x_l‖.",
        {NORMS_LINE: "norms = [s.norm().item() for s in stream]"},
    ),
    Mistake(
        "gradient-times-activation",
        "the gradients are multiplied by, or divided by, the activations",
        "g ⊙ x is a measure of importance, and ‖g‖/‖x‖ a relative size. Asked is ‖g‖ alone.",
        {NORMS_LINE: "norms = [(g * s).norm().item() for g, s in zip(gradients, stream)]"},
        {NORMS_LINE: "norms = [(g.norm() / s.norm()).item() for g, s in zip(gradients, stream)]"},
    ),
    Mistake(
        "loss-replaced",
        "the gradients are those of another loss than loss_fn(x_L)",
        "Call loss_fn on the last activation and differentiate what it returns, as it is.",
        {LOSS: "loss = stream[-1].sum()"},
        {LOSS: "loss = stream[-1].mean()"},
        {LOSS: "loss = stream[-1].square().sum()"},
    ),
    Mistake(
        "relative-or-logarithm",
        "the norms are divided by one of them or by their sum, or these are logarithms",
        "Return the norms themselves; the plot can be logarithmic.",
        {RETURN: "return np.array(norms) / norms[-1]"},
        {RETURN: "return np.array(norms) / norms[0]"},
        {RETURN: "return np.array(norms) / max(norms)"},
        {RETURN: "return np.array(norms) / sum(norms)"},
        {RETURN: "return np.log10(norms)"},
        {RETURN: "return np.log(norms)"},
    ),
    Mistake(
        "accumulated-over-calls",
        "the gradient of an earlier call is still there, and the next one is added",
        "backward() adds to .grad; the second call gives twice the first. Take a fresh tensor, "
        "x.detach().requires_grad_(), or ask torch.autograd.grad, which returns the gradients.",
        {START: "stream = [x.requires_grad_()]", TAKE: BACKWARD},
    ),
    Mistake(
        "parameter-gradients-changed",
        "the weights' .grad is changed",
        "backward() adds to the .grad of all parameters, and zero_grad() deletes what was there. "
        "Whoever measures between two steps of training spoils the next one. "
        "torch.autograd.grad(loss, tensors) returns gradients and leaves .grad alone.",
        {START: START, TAKE: BACKWARD},
        {START: START, TAKE: f"{ZERO}; {BACKWARD}"},
        {START: START, TAKE: f"{BACKWARD}; {ZERO}"},
        seen=tells("left behind", "a weight's .grad"),
    ),
    Mistake(
        "input-marked",
        "the caller's x is left with requires_grad set",
        "requires_grad_() changes the tensor that it is called on, and everything computed from x "
        "later builds a graph. Take x.detach() first.",
        {START: "stream = [x.requires_grad_()]"},
        seen=tells("left behind", "x requires"),
    ),
    Mistake(
        "parameters-frozen",
        "the requires_grad of weights is another than before",
        "Those that were trained cannot be any more, or frozen ones are trained again. "
        "torch.autograd.grad computes what it is asked for and nothing else, without that.",
        {START: f"[block.requires_grad_(False) for block in blocks]; {START}"},
        {START: f"[block.requires_grad_(True) for block in blocks]; {START}"},
        seen=tells("left behind", "a weight frozen", "a weight trainable"),
    ),
    Mistake(
        "hooks-left",
        "hooks are left on the blocks",
        "A hook runs at each later call too, and keeps alive what it holds. Keep the handle that "
        "register_…_hook returns, and call handle.remove() at the end.",
        {START: f"{START}; [{HOOK} for block in blocks]"},
        seen=tells("left behind", "hooks on"),
    ),
    Mistake(
        "mode-changed",
        "the blocks are left in another mode",
        "Dropout and batch norm work otherwise in eval mode. train() at the end is no remedy: some "
        "blocks were in eval mode before. The modes need no change.",
        {START: f"{START}; [block.eval() for block in blocks]"},
        {START: f"{START}; [block.train() for block in blocks]"},
        seen=tells("left behind", "the mode of a block"),
    ),
    Mistake(
        "gradients-switched-off",
        "torch's gradients are left switched off",
        "torch.set_grad_enabled(False) holds for the whole program, so that no later loss has a "
        "gradient. Where it is needed, `with torch.no_grad():` ends by itself.",
        {RETURN: f"torch.set_grad_enabled(False); {RETURN}"},
        seen=tells("left behind", "switched off"),
    ),
    Mistake(
        "blocks-written-to",
        "the blocks are left with other numbers, or with new attributes",
        "What the measurement keeps belongs into a list or dictionary of its own.",
        {CALL: f"{CALL}; block.output = stream[-1]"},
        seen=tells("left behind", "attributes of", "the numbers of"),
    ),
    common.input_mutated({RETURN: f"x.zero_(); {RETURN}"}),
)
