"""The known mistakes of the third question of exercise 04, most likely first."""

from normlab.checks.examination import Examination
from normlab.checks.exercise import Mistake
from normlab.checks.signs import raises, tells

REGISTER = "self.blocks = nn.ModuleList(blocks)"
NORM = "self.final_norm = nn.LayerNorm(dim)"
START, LOOP, CALL = "stream = x", "in self.blocks:", "stream = block(stream)"
RETURN = "return self.final_norm(stream)"


def _hides_blocks(e: Examination) -> list[int]:
    """Parameters of the blocks are not listed, and there are none in their place."""
    other = tells("its own parameters", "")(e)
    return [i for i in tells("registered", "of the blocks'")(e) if i not in other]


MISTAKES = (
    Mistake(
        "final-norm-missing",
        "there is no final norm",
        "A pre-norm stream leaves the last block as large as it grew, about √L times what the head "
        "expects. The norm after the last block sets it back.",
        {RETURN: "return stream"},
    ),
    Mistake(
        "final-norm-first",
        "the final norm stands before the blocks",
        "There it norms the embedding, and the stream that the blocks make leaves the model "
        "unnormed. It comes once, after the last block.",
        {START: "stream = self.final_norm(x)", CALL: CALL, RETURN: "return stream"},
        {START: "stream = self.final_norm(x)", CALL: CALL},
    ),
    Mistake(
        "norm-after-every-block",
        "a norm stands after every block",
        "Then the stream passes through a norm at every block, as in post-norm. The blocks hold "
        "their own norms; the final norm comes once, after the last.",
        {CALL: "stream = self.final_norm(block(stream))", RETURN: "return stream"},
        {CALL: "stream = self.final_norm(block(stream))"},
        {
            NORM: "self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in blocks)",
            START: "stream, norms = x, iter(self.norms)",
            CALL: "stream = next(norms)(block(stream))",
            RETURN: "return stream",
        },
    ),
    Mistake(
        "norm-before-every-block",
        "a norm of the stream stands before every block",
        "The blocks norm what they read by themselves. Here the norm stands on the stream itself, "
        "and nothing passes it by. The final norm comes once, after the last block.",
        {CALL: "stream = block(self.final_norm(stream))", RETURN: "return stream"},
        {CALL: "stream = block(self.final_norm(stream))"},
    ),
    Mistake(
        "blocks-wrapped",
        "the blocks get a shortcut once more",
        "A block is x + f(norm(x)) already: its result is the new stream. Adding the stream again "
        "doubles it at every block.",
        {CALL: "stream = stream + block(stream)"},
        {CALL: "stream = stream + block(self.final_norm(stream))"},
        {CALL: "stream = stream + block(stream)", RETURN: "return stream"},
    ),
    Mistake(
        "init-not-called",
        "super().__init__() is missing",
        "nn.Module's own __init__ makes the tables in which modules and parameters are registered. "
        "Call it first.",
        {"super().__init__()": "pass"},
        seen=raises("before Module.__init__() call"),
    ),
    Mistake(
        "axis-example",
        "the final norm takes the tokens of an example together",
        "Its mean and variance are those of one token: nn.LayerNorm(dim) takes them over the last "
        "axis.",
        {RETURN: "return nn.functional.layer_norm(stream, stream.shape[1:])"},
        {RETURN: "return nn.functional.layer_norm(stream, stream.shape[-2:])"},
    ),
    Mistake(
        "other-norm",
        "the final norm is no layer norm",
        "An RMSNorm subtracts no mean, a batch norm mixes the examples, and a row divided by its "
        "length has the length 1, not √D. Here it is nn.LayerNorm(dim).",
        {NORM: "self.final_norm = nn.RMSNorm(dim)"},
        {
            NORM: "self.final_norm = nn.BatchNorm1d(dim)",
            RETURN: "return self.final_norm(stream.flatten(0, -2)).view_as(stream)",
        },
        {RETURN: "return nn.functional.normalize(stream, dim=-1)"},
        {RETURN: "return (stream - stream.mean(-1, keepdim=True)) / stream.std(-1, keepdim=True)"},
    ),
    Mistake(
        "norm-added",
        "the final norm's output is added to the stream",
        "The final norm has no shortcut: its output is what the head reads.",
        {RETURN: "return stream + self.final_norm(stream)"},
        {RETURN: "return x + self.final_norm(stream)"},
    ),
    Mistake(
        "embedding-added",
        "the model's input is added at the end",
        "Each block carries x on by its own shortcut; another one around all blocks counts it "
        "twice.",
        {RETURN: "return self.final_norm(x + stream)"},
    ),
    Mistake(
        "input-scaled",
        "the model's input is multiplied by √D",
        "Vaswani et al. and Gemma scale the embedding so, before the first block. Here x goes into "
        "the blocks as it is.",
        {START: "stream = x * x.shape[-1] ** 0.5", CALL: CALL},
    ),
    Mistake(
        "order-reversed",
        "the blocks are called in reverse order",
        "The first block of the list is the first to see x.",
        {LOOP: "in reversed(self.blocks):", CALL: CALL},
    ),
    Mistake(
        "block-left-out",
        "not every block is called",
        "Each block is called once, in order. A return inside the loop ends it after the first.",
        {LOOP: "in self.blocks[:-1]:"},
        {LOOP: "in self.blocks[1:]:"},
        {CALL: "return self.final_norm(block(stream))"},
        {LOOP: "in ():"},
    ),
    Mistake(
        "blocks-called-twice",
        "the blocks are called twice",
        "Each block is called once, on the output of the one before.",
        {CALL: "stream = block(block(stream))"},
        {LOOP: "in [*self.blocks, *self.blocks]:"},
    ),
    Mistake(
        "stream-not-passed-on",
        "every block gets x instead of the output of the block before it",
        "Then no block sees what another has done. Pass on what the block before returned.",
        {CALL: "stream = block(x)"},
        {CALL: "stream = stream + block(x)"},
        {CALL: "stream = stream + block(x) - x"},
    ),
    Mistake(
        "one-block-repeated",
        "one block is called in place of all",
        "Each block has weights of its own.",
        {CALL: "stream = self.blocks[0](stream)"},
        {CALL: "stream = self.blocks[-1](stream)"},
    ),
    Mistake(
        "eps-wrong-value",
        "the final norm's ε is not 1e-5",
        "nn.LayerNorm(dim) has 1e-5. timm and Flax take 1e-6, BERT 1e-12 and Keras 1e-3; beside "
        "the variance of a small row that is another output.",
        {NORM: "self.final_norm = nn.LayerNorm(dim, eps=1e-6)"},
        {NORM: "self.final_norm = nn.LayerNorm(dim, eps=1e-12)"},
        {NORM: "self.final_norm = nn.LayerNorm(dim, eps=1e-3)"},
        {NORM: "self.final_norm = nn.LayerNorm(dim, eps=1e-8)"},
    ),
    Mistake(
        "final-norm-twice",
        "the final norm is taken twice",
        "The second norm applies the gain and the shift once more. Take it once.",
        {RETURN: "return self.final_norm(self.final_norm(stream))"},
    ),
    Mistake(
        "blocks-not-registered",
        "the model does not list all parameters of the blocks, as where a plain list holds them",
        "model.parameters() and state_dict() find what is an nn.Module or nn.Parameter attribute, "
        "and do not look into lists. An optimizer does not train what it is not given. Use "
        "nn.ModuleList.",
        {REGISTER: "self.blocks = list(blocks)"},
        seen=_hides_blocks,
    ),
    Mistake(
        "norm-without-parameters",
        "the final norm's gain, or its shift, is no parameter of the model",
        "Make nn.LayerNorm(dim) in __init__, as an attribute. If it is made anew in forward, kept "
        "in a list, or made without weight or bias, no optimizer trains it and no checkpoint "
        "holds it.",
        {NORM: "self.final_norm = nn.LayerNorm(dim, elementwise_affine=False)"},
        {NORM: "self.final_norm = nn.LayerNorm(dim, bias=False)"},
    ),
    Mistake(
        "blocks-copied",
        "the model holds copies of the blocks",
        "The caller's blocks would stay as they are while the copies are trained. Register the "
        "modules that are given.",
        {REGISTER: "self.blocks = nn.ModuleList(map(__import__('copy').deepcopy, blocks))"},
    ),
    Mistake(
        "blocks-changed",
        "the blocks that were given are changed",
        "They come with weights, and in a mode, that are the caller's. An initialization belongs "
        "to what the model makes itself: its final norm.",
        {REGISTER: f"{REGISTER}; [b.eval() for b in blocks]"},
        {REGISTER: f"{REGISTER}; [b.requires_grad_(False) for b in blocks]"},
        seen=tells("blocks", "other weights", "frozen", "eval"),
    ),
    Mistake(
        "gradient-cut",
        "a gradient is cut off inside the model",
        "detach(), .data and no_grad() take a tensor out of the graph, and the blocks behind it "
        "cannot learn.",
        {CALL: "stream = block(stream.detach())"},
        {RETURN: "return self.final_norm(stream.detach())"},
        {RETURN: "return self.final_norm(stream).detach()"},
    ),
)
