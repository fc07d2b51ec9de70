"""The table of models: what it may hold, how it is filtered, counted and drawn."""

import csv
import math
import re
from dataclasses import FrozenInstanceError

import pytest
from matplotlib.figure import Figure

from normlab.chapters.norms_in_the_wild.figures import (
    ANY,
    Timeline,
    describe_design,
    describe_timeline,
    draw_design,
    draw_timeline,
)
from normlab.chapters.norms_in_the_wild.library_scan import load_scan
from normlab.chapters.norms_in_the_wild.zoo import ROWS, find_model, load_zoo, read_zoo
from normlab.chapters.norms_in_the_wild.zoo_designs import (
    FAMILIES,
    designs,
    family,
    model_wiring,
    norm_formula,
    placement_counts,
)
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS
from normlab.pictures.style import PALE

LINES = ROWS.read_text(encoding="utf-8").splitlines()
ROW = next(csv.DictReader([line for line in LINES if line.startswith(("name,", "Falcon 40B,"))]))


def text(**changed):
    row = ROW | changed
    lines = [",".join(row), ",".join(f'"{value}"' for value in row.values())]
    return lines


def test_every_row_has_a_source_and_says_what_it_states():
    for model in load_zoo():
        assert model.source, model.name
        assert model.version, model.name
        assert model.states, model.name
        assert 2017 <= model.year <= 2026


def test_norms_of_a_layer_and_final_norms_fit_the_placement_or_the_equations():
    for model in load_zoo():
        if model.has_block:
            nodes = model_wiring(model).nodes
            assert model.norms == sum(node.kind == "norm" for node in nodes), model.name
            assert model.final_norm == ZOO_PLACEMENTS[model.placement].final_norm, model.name
        if model.wiring:
            assert model.norms == sum("norm(" in equation for equation in model.wiring), model.name
        assert model.final_norm == (model.placement != "post-norm"), model.name


def test_a_released_epsilon_has_a_source_in_the_note():
    released = [model for model in load_zoo() if model.shown_eps_released]
    assert len(released) >= 30
    for model in released:
        assert re.search(r"released ε: \S", model.note), model.name
    other = {model.name for model in released if model.eps_released != model.eps}
    assert other == {"RoBERTa", "ESM-2", "Mistral 7B", "OLMo 2", "GLM-4-0414"}


def test_the_table_reaches_the_year_of_the_installed_library():
    assert len(load_zoo().where(year=2026)) >= 15
    assert find_model("Gemma 4").affine == find_model("Gemma 3n").affine == "weight"
    assert {m.name for m in load_zoo().where(v_norm=True)} == {"Gemma 3n", "Gemma 4"}
    late = load_zoo().where(lambda m: m.year >= 2024, placement="post-norm")
    assert [m.name for m in late] == ["nomic-embed-text", "gte-multilingual", "jina-embeddings-v3"]


def test_a_row_without_a_stated_epsilon_comes_from_a_paper_alone():
    for model in load_zoo():
        if math.isnan(model.eps):
            assert model.confirmed_by == "paper"
            assert model.shown_eps == "not stated"


def test_models_are_frozen_and_in_the_order_of_the_years():
    years = [model.year for model in load_zoo()]
    assert years == sorted(years)
    with pytest.raises(FrozenInstanceError):
        find_model("BERT").year = 2017


def test_the_first_model_of_a_type_has_the_year_of_its_release():
    released = {r["folder"]: r["year"] for r in load_scan() if r["year"]}
    first = {folder(m.model_type): str(m.year) for m in reversed(load_zoo().models)}
    known = released.keys() & first.keys()
    assert len(known) > 60
    assert {f: first[f] for f in known} == {f: released[f] for f in known}


def folder(model_type):
    """Where transformers has it."""
    return model_type.replace("-", "_").removesuffix("_text")


def test_filters_take_values_and_a_test():
    zoo = load_zoo()
    late = zoo.where(lambda m: m.year > 2023, norm="LayerNorm")
    assert {m.norm for m in late} == {"LayerNorm"}
    assert min(m.year for m in late) > 2023
    assert len(zoo.where(norm="LayerNorm")) + len(zoo.where(norm="RMSNorm")) == len(zoo)
    with pytest.raises(ValueError, match="models have no 'placment'; expected one of name, year"):
        zoo.where(placment="pre-norm")


def test_counts_add_up_and_begin_with_the_most_frequent():
    counts = load_zoo().count("placement")
    assert sum(counts.values()) == len(load_zoo())
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    rows = placement_counts(load_zoo()).rows
    assert [row[0] for row in rows] == list(counts)
    assert all(row[1] + row[2] == row[3] for row in rows)


def test_an_unknown_model_is_refused_with_names_that_look_alike():
    assert find_model("llama").name == "LLaMA"
    with pytest.raises(ValueError, match=r"no model is named 'Gema 2'.*Gemma 2"):
        find_model("Gema 2")


def test_a_good_row_is_read():
    (model,) = read_zoo(text())
    assert model == find_model("Falcon 40B")
    assert model.setting == {"new_decoder_architecture": True}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"norm": "BatchNorm"}, "Falcon 40B: norm is 'BatchNorm'; expected one of LayerNorm, RMS"),
        ({"affine": "bias"}, "affine is 'bias'; expected one of none, weight"),
        ({"placement": "pre"}, "placement is 'pre'; expected one of none, post-norm, pre-norm"),
        ({"qk_norm": "yes"}, "qk_norm is 'yes'; expected one of no, LayerNorm per head"),
        ({"confirmed_by": "hearsay"}, "confirmed_by is 'hearsay'; expected one of installed code"),
        ({"year": "late"}, "year is 'late'; expected a whole number"),
        ({"eps": "tiny"}, "eps is 'tiny'; expected a number"),
        ({"eps": ""}, "eps is ''; expected a number"),
        ({"eps_released": "tiny"}, "eps_released is 'tiny'; expected a number or nothing"),
        ({"v_norm": "1"}, "v_norm is '1'; expected yes or no"),
        ({"streams": "4, mHC"}, "expected one stream, or the placement 'several streams'"),
        ({"streams": ""}, "Falcon 40B: streams is '' and placement is 'parallel, two norms'"),
        ({"placement": "several streams"}, "streams is 'one' and placement is 'several streams'"),
        (
            {"follows": "Falcon 9B"},
            "follows 'Falcon 9B'; expected a model of the table that is not",
        ),
        ({"final_norm": "true"}, "final_norm is 'true'; expected yes or no"),
        ({"setting": "a"}, "setting is 'a'; expected name=value; name=value"),
        ({"source": ""}, "source is empty; expected a text"),
        ({"model_type": ""}, "model_type is ''.*expected a model_type exactly for installed code"),
        ({"confirmed_by": "paper"}, "expected a model_type exactly for installed code"),
    ],
)
def test_a_wrong_cell_is_refused_by_the_name_of_model_and_column(changed, message):
    with pytest.raises(ValueError, match=message):
        read_zoo(text(**changed))


def test_a_missing_column_a_short_row_and_a_name_that_comes_twice_are_refused():
    head, row = text()
    with pytest.raises(ValueError, match="the columns are"):
        read_zoo([head.replace(",note", ""), row])
    with pytest.raises(ValueError, match="Falcon 40B: the row ends before its column note"):
        read_zoo([head, row.rpartition(",")[0]])
    with pytest.raises(ValueError, match="Falcon 40B has two rows"):
        read_zoo([head, row, row])
    younger = text(name="Falcon 180B", year="2024")[1]
    with pytest.raises(
        ValueError, match="Falcon 40B follows 'Falcon 180B'; expected a model of the"
    ):
        read_zoo([head, text(follows="Falcon 180B")[1], younger])


def test_every_placement_of_the_zoo_has_one_family():
    members = [placement for family_ in FAMILIES.values() for placement in family_]
    assert len(members) == len(set(members))
    assert {model.placement for model in load_zoo()} == set(members)


def test_designs_part_the_zoo_and_differ_from_each_other():
    found = designs(load_zoo())
    assert sum(len(design.models) for design in found) == len(load_zoo())
    assert len({(design.label(), design.first.norms) for design in found}) == len(found)


def test_formulas_name_mean_gain_and_bias_only_where_they_are():
    assert norm_formula("RMSNorm", "none") == "x/√(mean(x²) + ε)"
    assert norm_formula("LayerNorm", "1 + weight, bias").startswith("(1 + w) ⊙ (x − mean(x))")
    assert norm_formula("LayerNorm", "weight, bias").endswith(" + b")


def test_the_timeline_marks_the_models_that_were_chosen():
    data = Timeline(load_zoo(), "parallel")
    ax = Figure().subplots()
    draw_timeline(data, ax, year=2022, norm="LayerNorm")
    colored = {line.get_label() for line in ax.lines if line.get_color() != PALE}
    assert colored == {"GPT-J", "GPT-NeoX 20B", "CodeGen", "PaLM"}
    shown = {line.get_label() for line in ax.lines}
    assert shown == {model.name for model in load_zoo() if model.year <= 2022}
    sentence, table = describe_timeline(data, year=2022, norm="LayerNorm")
    assert sentence.startswith("Up to 2022, 4 models have LayerNorm with the placement parallel.")
    assert sum(row[3] for row in table.rows) == 4


def test_the_timeline_with_any_norm_and_any_placement_shows_all():
    data = Timeline(load_zoo(), ANY)
    assert len(data.chosen(2026, ANY)) == len(load_zoo())
    assert {family(model) for model in data.zoo} == set(FAMILIES)


def test_a_layer_with_equations_of_its_own_is_drawn_from_them():
    kinds = [node.kind for node in model_wiring(find_model("Gemma 4")).nodes]
    assert kinds.count("norm") == 5
    assert kinds.count("sub-layer") == 3
    labels = {node.label for node in model_wiring(find_model("DeepSeek-V4")).nodes}
    assert {"× m", "× gm", "RMS"} <= labels
    assert model_wiring(find_model("Gemma 3n")) is None


def test_a_design_names_its_models():
    found = designs(load_zoo())
    number = next(i for i, design in enumerate(found) if design.first.name == "Gemma 2")
    axes = Figure().subplots(1, 2)
    draw_design(found, axes, design=number)
    words = "\n".join(label.get_text() for label in axes[1].texts)
    assert "(1 + w) ⊙ x/√(mean(x²) + ε)" in words
    assert "2024  Gemma 2, ε 1e-06" in words
    sentence, _ = describe_design(found, design=number)
    assert "RMSNorm (1 + weight), peri-norm: 1 model, first Gemma 2 in 2024." in sentence
