"""`use`: after ✓, a picture of the course by the learner's own code; before, a sentence."""

import importlib
import re
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from installed import HERE
from torch import nn

from normlab import models, norms, use
from normlab.chapters.backward import jacobian_spectra
from normlab.chapters.beyond_transformers import recurrent_runs as recurrent
from normlab.chapters.beyond_transformers import smoothing
from normlab.chapters.deepnorm import uses as deepnorm
from normlab.chapters.gradient_flow import own_gradients as gradients
from normlab.chapters.residual_placement import average_growth
from normlab.chapters.residual_placement import uses as residual
from normlab.chapters.rms_norm import invariance_table, stream_means
from normlab.chapters.rms_norm import uses as rms
from normlab.chapters.start_here import deep_networks
from normlab.chapters.start_here import uses as start_here
from normlab.chapters.warmup import uses as warmup
from normlab.exercises import find_exercise
from normlab.pictures import Picture, Use
from normlab.study.own_answers import SHOWN as ALL_SHOWN
from normlab.tools import one_thread
from normlab.training import train

ROOT = Path(__file__).parent.parent
LESSONS = {path.stem: path.read_text() for path in (ROOT / "lessons/exercises").glob("*.py")}
CHAPTERS = {path.name[:2]: path.read_text() for path in (ROOT / "lessons").glob("[0-9]*.py")}
RIGHT = {
    name: answer
    for exercise, functions in HERE.items()
    for name, answer in importlib.import_module(f"right_answers.{exercise[3:]}").RIGHT.items()
    if name in functions
}

SHOWN = {names: shows for names, shows in ALL_SHOWN.items() if RIGHT.keys() >= {*names}}


def uses_of(names):
    return importlib.import_module(f"normlab.chapters.{SHOWN[names][0]}.uses").USES[names]


def references(names):
    return [find_exercise(name).question(name).reference for name in names]


FEWER = {
    ("layer_norm",): {"layers": 2},
    ("RMSNorm",): {"steps": 2},
    ("LayerNormLSTMCell",): {"steps": 10},
    ("graph_layer_norm",): {"depth": 8},
}


def small_growth(seeds, placement, init, d_model, tokens):
    return average_growth([0], placement, init=init, d_model=32, tokens=tokens, layers=2)


@pytest.fixture
def short(monkeypatch):
    """Uses that take a second at most."""
    for module in (warmup, deepnorm):
        monkeypatch.setattr(module, "CONFIG", replace(module.CONFIG, steps=2))
    monkeypatch.setattr(gradients, "DEPTHS", (2, 4))
    monkeypatch.setattr(gradients, "SEEDS", (0,))
    monkeypatch.setattr(residual, "average_growth", small_growth)
    for names, fewer in FEWER.items():
        uses = importlib.import_module(f"normlab.chapters.{SHOWN[names][0]}.uses").USES
        compute = partial(uses[names].compute, **fewer)
        monkeypatch.setitem(uses, names, replace(uses[names], compute=compute))


# What is shown, and when


@pytest.mark.parametrize("names", SHOWN, ids="+".join)
def test_a_right_answer_makes_a_picture_with_a_caption(names, short):
    shown = use(*references(names))
    assert isinstance(shown, Picture)
    assert shown.png.startswith(b"\x89PNG")
    assert re.search(r"\d", str(shown)), "a caption has numbers"
    assert any(word in str(shown) for word in ("your", "Your"))


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler")  # one answer's own
@pytest.mark.filterwarnings("ignore:The epoch parameter in `scheduler.step")  # and another's
@pytest.mark.filterwarnings("ignore:tl.make_block_ptr is deprecated")
@pytest.mark.parametrize("names", SHOWN, ids="+".join)
def test_every_other_right_answer_makes_the_same_picture_or_one_of_other_weights(names, short):
    differ = {"deepnorm_init_", "LayerNormLSTMCell", "rms_norm_kernel"}  # one reads x twice
    expected = uses_of(names).picture(*references(names))
    for answers in zip(*(RIGHT[name] for name in names), strict=False):
        shown = uses_of(names).picture(*answers)
        assert differ & set(names) or str(shown) == str(expected), answers


@pytest.mark.parametrize("names", SHOWN, ids="+".join)
def test_an_answer_that_is_missing_or_wrong_runs_nothing_and_says_what_will_be_shown(names):
    last = names[-1]
    right, missing, wrong = references(names)[:-1], stub(last), stub(last, "return None")
    with patch.object(Use, "picture", side_effect=AssertionError("it ran")):
        for answer in (missing, wrong):
            said = use(*right, answer)
            assert str(said) == (
                f"Once check({last}) says ✓, use({', '.join(names)}) shows {SHOWN[names][1]}."
            )
            assert repr(said) == str(said)


def stub(name, body="raise NotImplementedError"):
    namespace = {}
    exec(f"def {name}(*args, **kwargs):\n    {body}", namespace)
    return namespace[name]


def test_several_missing_answers_are_all_named():
    names = ("deepnorm_constants", "deepnorm_step", "deepnorm_init_")
    assert str(use(*map(stub, names))).startswith(
        "Once check(deepnorm_constants), check(deepnorm_step) and check(deepnorm_init_) say ✓, use("
    )


def test_answers_may_come_in_any_order(short):
    assert isinstance(use(*references(("pre_norm_step", "post_norm_step"))), Picture)


def test_while_nbgrader_grades_nothing_is_run(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with patch.object(Use, "picture", side_effect=AssertionError("it ran")):
        assert str(use(norms.layer_norm)).startswith("Once check(layer_norm) says ✓")


def test_without_torch_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with patch("normlab.study.own_answers.is_right", return_value=True):
        said = use(norms.rms_norm)
    assert str(said) == "use(rms_norm) needs torch: run pip install 'normlab[course]'."


def test_what_is_not_used_together_is_refused_with_a_list_of_what_is():
    with pytest.raises(ValueError, match=r"got use\(loglog_slope\); expected one of .*use\(layer_"):
        use(stub("loglog_slope"))
    with pytest.raises(TypeError, match="use was given"):
        use(3)


def test_an_error_of_the_learners_code_is_shown_as_it_is():
    with (
        patch("normlab.study.own_answers.is_right", return_value=True),
        pytest.raises(ZeroDivisionError),
    ):
        use(stub("layer_norm_backward", "1 / 0"))


def test_a_notebook_shows_the_picture_and_below_it_the_caption():
    shown = Picture(b"\x89PNG", "1 < 2")
    with patch("IPython.display.display") as display:
        shown._ipython_display_()
    picture, caption = (call.args[0] for call in display.call_args_list)
    assert picture["image/png"] == b"\x89PNG"
    assert caption == {"text/html": "<p>1 &lt; 2</p>", "text/plain": "1 < 2"}
    assert repr(shown) == "1 < 2"


def test_torchs_random_numbers_stay_as_they_are(short):
    for names in SHOWN:
        torch.manual_seed(5)
        use(*references(names))
        after = torch.rand(1)
        torch.manual_seed(5)
        assert after == torch.rand(1), names


# In the notebooks


@pytest.mark.parametrize("names", SHOWN, ids="+".join)
def test_a_notebook_has_the_use_once_behind_the_checks_of_its_answers(names):
    (text,) = [text for text in LESSONS.values() if f"use({', '.join(names)})\n" in text]
    assert text.count(f"use({', '.join(names)})\n") == 1
    before = text[: text.index(f"use({', '.join(names)})\n")]
    assert all(f"check({name})\n" in before for name in names)


@pytest.mark.parametrize("names", SHOWN, ids="+".join)
def test_the_section_that_a_caption_names_is_there_and_draws_the_picture(names, short):
    """`draw_own_…` calls the function of the chapter, and the lesson calls it or an explorer."""
    caption = str(uses_of(names).picture(*references(names)))
    number, title = re.search(r"[Cc]hapter (\d\d), (?:section (\d+)|“(.+?)”)", caption).group(1, 0)
    section = title.rpartition(" ")[2] if "section" in title else re.search("“(.+)”", title)[1]
    headings = re.split(r"^# ## ", CHAPTERS[number], flags=re.MULTILINE)
    (found,) = [h for h in headings if re.match(rf"{section}(\b| ·|\.| ★|$)", h)]
    assert re.search(DRAWN_BY[names], found), found[:60]


DRAWN_BY = {
    ("rms_norm_kernel",): r"draw_operators\(",
    ("layer_norm",): "explore_deep_network",
    ("layer_norm_backward",): "draw_spectra",
    ("rms_norm",): "draw_invariance_table",
    ("RMSNorm",): "draw_stream_means",
    ("post_norm_step", "pre_norm_step"): "draw_growth",
    ("layer_gradient_norms", "loglog_slope"): "draw_sweep",
    ("warmup_lr",): "draw_losses",
    ("deepnorm_constants", "deepnorm_step", "deepnorm_init_"): "draw_deep_runs",
    ("LayerNormLSTMCell",): "draw_rate_grid",
    ("graph_layer_norm",): "explore_smoothing",
}


# The numbers are the chapter's


def test_the_network_of_chapter_00_has_the_same_numbers_with_another_layer_norm():
    calls = []

    def counted(x, gamma, beta, eps):
        calls.append(x.shape)
        return norms.layer_norm(x, gamma, beta, eps)

    with one_thread():
        chapter, own = deep_networks.layer_sizes(), start_here.sizes_with(counted)
    assert len(calls) == 2 * deep_networks.LAYERS + 1
    for name, rms_by_layer in own.rms.items():
        np.testing.assert_allclose(rms_by_layer, chapter.rms[name], rtol=1e-3)
    doubled = start_here.sizes_with(lambda x, *others: 2 * norms.layer_norm(x, *others))
    assert doubled.rms["layer norm"][-1] > 1.5 * chapter.rms["layer norm"][-1]


def test_the_eigenvalues_are_those_of_the_backward_pass_that_was_given():
    def doubled(*arguments):
        return tuple(2 * gradient for gradient in norms.layer_norm_backward(*arguments))

    chapter, own = jacobian_spectra().values, jacobian_spectra(backward=doubled).values
    for name, values in own.items():
        factor = 1 if name.startswith("RMSNorm") else 2
        np.testing.assert_allclose(values, factor * chapter[name], atol=1e-12)


def test_the_row_of_rms_norm_is_that_of_the_function_that_was_given():
    own = rms.table_with(norms.rms_norm)
    assert own.marks("RMSNorm") == invariance_table().marks("RMSNorm")
    layer = rms.table_with(lambda x, gamma, eps: norms.layer_norm(x, gamma, None, eps))
    assert layer.marks("RMSNorm") == own.marks("LayerNorm")


def test_a_text_model_with_torchs_rms_norm_is_the_chapters():
    config = replace(stream_means.CONFIG, norm="rms_norm", steps=3)
    rows = stream_means.train_and_watch(config)
    own = stream_means.means_with(type("Own", (nn.RMSNorm,), {}), steps=3)
    for row in rows:
        (shares,) = own.shares["RMSNorm", row["when"]]
        np.testing.assert_allclose(shares, np.array(row["shares"].split(), float), rtol=1e-3)


def test_the_stream_of_two_steps_is_that_of_the_placements(monkeypatch):
    monkeypatch.setattr(residual, "average_growth", small_growth)
    own = residual.growth_by(*references(("post_norm_step", "pre_norm_step")))
    for growth, placement in zip(own, ("pre-norm", "pre-norm", "post-norm"), strict=True):
        chapter = small_growth([0], placement, "xiong", 32, growth.tokens)
        np.testing.assert_array_equal(growth.mean_square, chapter.mean_square)


def test_the_gradient_by_layer_is_theorys_and_the_slope_is_that_of_the_function_that_was_given():
    (measure,) = references(["layer_gradient_norms"])
    pre = np.mean([gradients.layer_gradients(measure, "pre-norm", 12, s) for s in range(4)], 0)
    np.testing.assert_allclose(pre, (1 + 1.5 * np.arange(13)) ** -0.5, rtol=0.15)
    deep = gradients.layer_gradients(measure, "deepnorm", 12, seed=0)
    np.testing.assert_allclose(deep, 1, rtol=0.05)
    with patch.multiple(gradients, DEPTHS=(2, 4), SEEDS=(0,)):
        seven = gradients.own_gradients(measure, lambda depths, values: 7.0)
    assert seven.by_depth.slope("pre-norm") == 7


def test_a_run_with_the_courses_warmup_is_the_courses_run(short):
    rates, records = warmup.trained_with(references(["warmup_lr"])[0])
    assert list(rates) == [0, 200]
    assert rates[200] == pytest.approx([5e-5, 1e-4])
    for record in records:
        assert record.losses == train(record.config).losses
    _, (still, _) = warmup.trained_with(lambda step, peak, steps: 0.0)
    assert still.losses != records[0].losses


def test_a_model_of_the_three_functions_is_the_deepnorm_of_the_course_but_for_its_draws():
    functions = references(("deepnorm_constants", "deepnorm_step", "deepnorm_init_"))
    own = deepnorm.own_model(deepnorm.CONFIG, *functions)
    course = models.Transformer(deepnorm.CONFIG.model(), seed=0)
    for (name, drawn), expected in zip(own.named_parameters(), course.parameters(), strict=True):
        if drawn.ndim == 2:
            assert drawn.std().item() == pytest.approx(expected.std().item(), rel=0.15), name
    tokens = torch.arange(8)[None]
    course.load_state_dict(own.state_dict())
    torch.testing.assert_close(own(tokens), course(tokens), rtol=0, atol=0)


def test_a_model_of_the_three_functions_is_made_by_each_of_them():
    constants, step, init = references(("deepnorm_constants", "deepnorm_step", "deepnorm_init_"))
    calls = []

    def halved(block, beta):
        calls.append(beta)
        init(block, beta / 2)

    def same(x, sublayer, norm, alpha):
        calls.append(alpha)
        return x

    config = replace(deepnorm.CONFIG, decoder_layers=2)
    whole, half = (
        deepnorm.own_model(config, lambda n, m: {"decoder": (3.0, 0.5)}, step, f)
        for f in (init, halved)
    )
    assert calls == [0.5, 0.5]
    for name, factor in (("feed_forward.outer", 2), ("attention.query", 1)):
        a, b = (m.decoder.blocks[0].get_submodule(name).weight.std().item() for m in (whole, half))
        assert a / b == pytest.approx(factor, rel=0.05), name
    idle = deepnorm.own_model(config, constants, same, init)
    tokens = torch.arange(8)[None]
    assert torch.equal(idle(tokens), idle.head(idle.embed(tokens)))
    assert calls[2:] == 4 * [constants(0, 2)["decoder"][0]]


def test_the_run_on_adding_is_that_of_the_cell_that_was_given():
    made = []

    class Own(models.LayerNormLSTMCell):
        def __init__(self, *sizes):
            super().__init__(*sizes)
            made.append(sizes)

        def forward(self, x, state):
            h, c = super().forward(x, state)
            return 0 * h, c

    runs = recurrent.grid_with(Own, steps=10)
    assert made == [(2, recurrent.HIDDEN)]
    (own,) = runs.best("adding", "LN-LSTM")
    assert own.losses != recurrent.grid_with(models.LayerNormLSTMCell, 10).runs[-1].losses
    assert len(runs.best("adding", "nn.LSTM")) == len(recurrent.SEEDS)


def test_a_cell_over_time_is_the_stack_of_the_course():
    stack = models.LayerNormLSTM(2, 5)
    x = torch.randn(3, 7, 2, generator=torch.Generator().manual_seed(0))
    output, (h, c) = recurrent.OverTime(stack.cells[0], 5)(x)
    torch.testing.assert_close(output, stack(x)[0])
    torch.testing.assert_close((h, c), tuple(part[0] for part in stack(x)[1]))


def test_the_nodes_are_those_of_the_chapter_and_of_the_function_that_was_given():
    chapter, own = smoothing(depth=6), beyond_nodes(models.graph_layer_norm)
    for norm, layers in own.layers.items():
        np.testing.assert_allclose(layers[6], chapter.layers[norm][6], rtol=1e-6, atol=1e-9)
    swapped = beyond_nodes(
        lambda x, batch, gamma, beta, mode: models.graph_layer_norm(
            x, batch, gamma, beta, {"node": "graph", "graph": "node"}[mode]
        )
    )
    np.testing.assert_allclose(swapped.apart("LN, mode node"), own.apart("LN, mode graph"))


def beyond_nodes(graph_layer_norm):
    return smoothing(depth=6, graph_layer_norm=graph_layer_norm)
