"""Models and blocks of strangers are read as what they are, and what is wrong with them is seen."""

import json
import pkgutil
from importlib import import_module

import pytest

import tests.strangers
from normlab import inspect
from tests.strangers.judge import differences

STRANGERS = {
    stranger.name: stranger
    for module in pkgutil.iter_modules(tests.strangers.__path__)
    for stranger in getattr(import_module(f"tests.strangers.{module.name}"), "STRANGERS", [])
}
READABLE = [name for name, stranger in STRANGERS.items() if not stranger.refused]


def read(stranger):
    model, inputs = stranger.make()
    optimizer = stranger.optimizer(model) if stranger.optimizer else None
    return json.loads(inspect(model, inputs, optimizer=optimizer).as_json())


def test_there_are_many_and_some_have_each_mistake():
    assert len(STRANGERS) >= 300
    codes = {code for stranger in STRANGERS.values() for code in stranger.warnings}
    assert len({code for both in codes for code in both.split("|")}) >= 17
    assert sum(stranger.clean for stranger in STRANGERS.values()) >= 250


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch.compile's own
@pytest.mark.parametrize("name", READABLE)
def test_a_stranger_is_read_as_what_it_is(name):
    stranger = STRANGERS[name]
    assert list(differences(stranger, read(stranger))) == []


@pytest.mark.parametrize("name", sorted(STRANGERS.keys() - set(READABLE)))
def test_what_cannot_be_run_here_is_refused_with_its_operator(name):
    with pytest.raises(ValueError, match="cuda_norm"):
        read(STRANGERS[name])


def test_the_judge_sees_a_wrong_report():
    name = "near no-final-norm: it is there"
    stranger = STRANGERS[name]
    report = read(stranger)
    for spoil in (
        lambda r: r["layers"][0].update(placement="post-norm"),
        lambda r: r["norms"].pop(),
        lambda r: r["norms"][0].update(eps=1e-3),
        lambda r: r["norms"][0].update(role="inner"),
        lambda r: r["warnings"].append({"code": "eps-outside", "severity": "error"}),
    ):
        spoilt = json.loads(json.dumps(report))
        spoil(spoilt)
        assert list(differences(stranger, spoilt))
