"""The tasks are what they say, the same for the same seed, and as hard as their chance says."""

import math
import re

import numpy as np
import pytest

from normlab.training.grammar import (
    CHARACTERS,
    GRAMMAR,
    character_frequencies,
    decode,
    encode,
    unigram_entropy,
    write_text,
)
from normlab.training.tasks import TASKS, make_task, sort_chance
from normlab.training.verse import read_verse, verse_characters

OWN_SIZES = {"characters": len(CHARACTERS), "verse": len(verse_characters())}
EVERY_TASK = pytest.mark.parametrize("name", TASKS)
TRANSLATED = pytest.mark.parametrize("name", ["copy", "sort"])


def assert_equal_batches(one, other):
    for name in ("inputs", "targets", "mask"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@EVERY_TASK
def test_a_batch_depends_on_seed_and_step_alone(name):
    task = make_task(name, tokens=8)
    later = task.batch(4, seed=1, step=5)
    for step in range(5):
        task.batch(4, seed=1, step=step)
    assert_equal_batches(later, make_task(name, tokens=8).batch(4, seed=1, step=5))
    for seed, step in [(1, 6), (2, 5)]:
        assert (later.inputs != task.batch(4, seed, step).inputs).any()


@EVERY_TASK
def test_the_target_is_the_next_token(name):
    batch = make_task(name, tokens=12).batch(5, seed=0, step=0)
    assert batch.inputs.shape == batch.targets.shape == batch.mask.shape == (5, 12)
    np.testing.assert_array_equal(batch.targets[:, :-1], batch.inputs[:, 1:])
    assert batch.source is None


@EVERY_TASK
def test_every_token_is_in_the_vocabulary_and_every_symbol_comes_up(name):
    task = make_task(name, tokens=8, vocab_size=12)
    batch = task.batch(4000, seed=0, step=0)
    seen = np.bincount(batch.inputs.ravel(), minlength=task.vocab_size)
    assert len(seen) == task.vocab_size == OWN_SIZES.get(name, 12)
    assert seen.all() or name == "verse"  # 5 of its characters are an X


def test_no_passage_of_the_kept_book_is_trained_on():
    task = make_task("verse", tokens=40)
    trained_on, kept = read_verse()
    for batch, text, other in (
        (task.batch(5, seed=0, step=0), trained_on, kept),
        (task.unseen_batch(5), kept, trained_on),
    ):
        for tokens in batch.inputs:
            passage = "".join(verse_characters()[token] for token in tokens)
            assert passage in text
            assert passage not in other
    assert (task.unseen_batch(5).inputs == task.unseen_batch(5).inputs).all()


def test_copy_asks_for_the_first_half_and_sort_for_the_same_in_order():
    for name, answer in {"copy": np.copy, "sort": np.sort}.items():
        batch = make_task(name, tokens=10).batch(20, seed=0, step=0)
        asked = batch.targets[batch.mask].reshape(20, 5)  # (B·T/2,) -> (B, T/2)
        np.testing.assert_array_equal(asked, answer(batch.inputs[:, :5]))


@TRANSLATED
def test_the_decoder_reads_the_answer_one_step_late_and_the_encoder_the_question(name):
    task = make_task(name, tokens=7, encoder_decoder=True)
    batch = task.batch(20, seed=0, step=0)
    want = np.sort(batch.source) if name == "sort" else batch.source
    np.testing.assert_array_equal(batch.targets, want)
    np.testing.assert_array_equal(batch.inputs[:, 1:], want[:, :-1])
    assert batch.mask.all()
    assert not batch.inputs[:, 0].any()


def test_recall_asks_every_key_once_for_the_value_that_was_told_with_it():
    batch = make_task("recall", tokens=16, vocab_size=20).batch(50, seed=0, step=0)
    for inputs, targets, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
        told = dict(zip(inputs[:8:2], inputs[1:8:2], strict=True))
        assert len(told) == 4
        assert sorted(inputs[mask]) == sorted(told)
        assert [told[key] for key in inputs[mask]] == list(targets[mask])


def test_a_successor_is_five_times_the_token_and_three():
    batch = make_task("successor", tokens=16, vocab_size=32).batch(50, seed=0, step=0)
    np.testing.assert_array_equal(batch.targets, (5 * batch.inputs + 3) % 32)
    assert batch.mask.all()


@pytest.mark.parametrize(
    ("name", "encoder_decoder"),
    [*((name, False) for name in TASKS), ("copy", True), ("sort", True)],
)
def test_chance_is_the_loss_of_the_best_guess_that_knows_the_position_alone(name, encoder_decoder):
    """Frequencies of N = 20,000 sequences: their entropy is too low by about V/2N < 0.002.

    The letters of one passage hang together, so those of `verse` say less than as many alone.
    """
    task = make_task(name, tokens=8, vocab_size=12, encoder_decoder=encoder_decoder)
    batch = task.batch(20_000, seed=0, step=0)
    entropies = []
    for place in np.flatnonzero(batch.mask[0]):
        p = np.bincount(batch.targets[:, place]) / 20_000
        entropies.append(-(p[p > 0] * np.log(p[p > 0])).sum())  # over the vocabulary: (V,) -> ()
    assert np.mean(entropies) == pytest.approx(task.chance, abs=0.01 if name == "verse" else 0.004)


def test_chance_of_uniform_answers_is_the_logarithm_of_their_number():
    assert make_task("copy", vocab_size=16).chance == pytest.approx(math.log(16))
    assert make_task("successor", vocab_size=32).chance == pytest.approx(math.log(32))
    assert make_task("recall", vocab_size=16).chance == pytest.approx(math.log(8))


def test_sorting_two_coins_is_guessed_as_one_in_four():
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert sort_chance(symbols=2, vocab_size=2) == pytest.approx(entropy)


def test_the_rules_of_each_symbol_are_a_distribution():
    for symbol, rules in GRAMMAR.items():
        assert sum(p for p, _ in rules) == pytest.approx(1), symbol
        assert all(p > 0 for p, _ in rules)
        assert set(re.findall("[A-Z]+", " ".join(text for _, text in rules))) <= set(GRAMMAR)


def test_the_text_is_the_same_for_the_same_seed_and_goes_on_for_ever():
    text = write_text(np.random.default_rng(3), 5000)
    assert len(text) == 5000
    assert write_text(np.random.default_rng(3), 2000) == text[:2000]
    assert write_text(np.random.default_rng(4), 2000) != text[:2000]


def test_the_text_has_all_characters_and_each_as_often_as_the_grammar_says():
    """100,000 characters are some 3,000 sentences: frequencies err by about 0.002."""
    text = write_text(np.random.default_rng(0), 100_000)
    assert set(text) == set(CHARACTERS)
    assert decode(encode(text)) == text
    measured = np.bincount(encode(text)) / len(text)
    np.testing.assert_allclose(measured, character_frequencies(), atol=0.003)
    assert -(measured @ np.log(measured)) == pytest.approx(unigram_entropy(), abs=0.005)


def test_the_verb_agrees_with_its_subject_across_a_clause():
    text = write_text(np.random.default_rng(0), 50_000)
    nouns, verbs = ("|".join(word for _, word in GRAMMAR[s]) for s in ("NOUN", "VERB"))
    after_one = re.findall(rf"\. the (?:{nouns}) that (?:{verbs})s (\w+)", text)
    after_many = re.findall(rf"\. the (?:{nouns})s that (?:{verbs}) (\w+)", text)
    assert min(len(after_one), len(after_many)) > 20
    assert all(verb.endswith("s") for verb in after_one)
    assert not any(verb.endswith("s") for verb in after_many)


def test_a_text_that_the_grammar_cannot_write_is_refused():
    with pytest.raises(ValueError, match=r"the text has '!'; expected the characters ' ,.abc"):
        encode("a cat!")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "copi"}, "task is 'copi'; expected one of copy, sort"),
        ({"name": "copy", "tokens": 1}, "got 1 tokens and a vocabulary of 16; expected at least 2"),
        ({"name": "copy", "tokens": 7}, "'copy' got 7 tokens; expected an even .* 6 or 8"),
        ({"name": "recall", "tokens": 6}, "'recall' got 6 tokens .* expected tokens in fours"),
        ({"name": "recall", "tokens": 16, "vocab_size": 6}, "at most 3 pairs"),
        ({"name": "successor", "vocab_size": 10}, "vocabulary of 10, .* 5 does not divide"),
        ({"name": "recall", "encoder_decoder": True}, "has no source .* set encoder_layers to 0"),
    ],
)
def test_a_task_that_cannot_be_is_refused_with_the_mend(given, message):
    with pytest.raises(ValueError, match=message):
        make_task(**given)


def test_passages_longer_than_the_kept_book_are_refused():
    with pytest.raises(ValueError, match="'verse' got 30000 tokens; expected at most 28010"):
        make_task("verse", tokens=30_000)
