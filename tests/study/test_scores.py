"""Scores that were measured elsewhere."""

import numpy as np
import polars as pl
import pytest

import actwise as aw
from actwise.errors import InputError
from actwise.study.conclusion import score_of_the_chosen


def _scores(means, n=20, spread=0.01, seed=0):
    random = np.random.default_rng(seed)
    shared = random.normal(0, 0.02, n)
    return {name: mean + shared + random.normal(0, spread, n) for name, mean in means.items()}


def test_an_arm_that_is_better_beyond_chance_wins():
    found = aw.compare_scores(_scores({"a": 0.95, "b": 0.90, "c": 0.85}), test_share=0.2)
    assert found.winner == found.recommended == "a"
    assert [arm.verdict for arm in found.arms] == ["best", "worse", "worse"]
    assert "a is better than each of the 2 others" in str(found)


def test_equal_arms_are_equivalent_where_scores_are_precise():
    found = aw.compare_scores(_scores({"a": 0.9, "b": 0.9, "c": 0.9}, spread=0.002), test_share=0.2)
    assert found.winner is None
    assert set(found.equivalent) == {"a", "b", "c"}
    assert str(found).startswith("Any of these will do")


def test_equal_arms_are_undecided_where_scores_are_noisy():
    found = aw.compare_scores(_scores({"a": 0.9, "b": 0.9}, spread=0.05), test_share=0.2)
    assert found.winner is None
    assert found.with_verdict("undecided")
    assert "cannot be told apart" in str(found)


def test_small_scores_can_be_the_good_ones():
    scores = _scores({"a": 0.2, "b": 0.3})
    found = aw.compare_scores(scores, larger_is_better=False, metric="error")
    assert found.winner == "a"
    assert found.best.score == pytest.approx(np.mean(scores["a"]))
    assert found.with_verdict("worse")[0].contrast.difference == pytest.approx(np.mean(scores["a"] - scores["b"]))


def test_frames_of_both_kinds_are_read():
    scores = _scores({"a": 0.95, "b": 0.90})
    expected = str(aw.compare_scores(scores).to_dict())
    assert str(aw.compare_scores(pl.DataFrame(scores).with_columns(name=pl.lit("x"))).to_dict()) == expected
    pandas = pytest.importorskip("pandas")
    assert str(aw.compare_scores(pandas.DataFrame(scores)).to_dict()) == expected


def test_methods_over_data_sets_have_ranks():
    random = np.random.default_rng(0)
    difficulty = random.uniform(0.5, 0.9, 40)
    table = {
        name: difficulty + bonus + random.normal(0, 0.02, 40) for name, bonus in (("a", 0.05), ("b", 0.0), ("c", 0.0))
    }
    found = aw.compare_scores(table, over="datasets")
    assert found.winner == "a"
    assert found.arms[0].rank < found.arms[1].rank
    assert found.to_frame().height == 3
    assert "a is better than each of the others" in str(found)


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"a": [1, 2]}, {}, "needs two arms at least, not 1"),
        ({"a": [1, 2], "b": [1]}, {}, "give all of them the same"),
        ({"a": [1], "b": [2]}, {}, "tells nothing of chance"),
        ({"a": [1, np.nan], "b": [1, 2]}, {}, "score of 'a' in row 1 is nan"),
        ([1, 2], {}, "give a dictionary of arm to scores"),
        ({"a": [1, 2], "b": [1, 2]}, {"over": "rows"}, "over must be"),
        ({"a": [1, 2], "b": [1, 2]}, {"rope": -1}, "rope must be"),
        ({"a": [1, 2], "b": [1, 2]}, {"test_share": 1}, "test_share must be"),
    ],
)
def test_tables_that_cannot_be_compared_are_refused(table, options, message):
    with pytest.raises(InputError, match=message):
        aw.compare_scores(table, **options)


def test_the_score_of_the_chosen_arm_is_free_of_the_choice():
    """Arms that differ by chance alone: the best mean is too good, the score of the chosen one is not."""
    random = np.random.default_rng(0)
    chosen = [score_of_the_chosen(each, 5) for each in random.normal(0, 1, (300, 5, 20))]
    assert np.mean(chosen) == pytest.approx(0, abs=0.1)
    assert np.mean([each.mean(axis=0).max() for each in random.normal(0, 1, (300, 5, 20))]) > 0.5
