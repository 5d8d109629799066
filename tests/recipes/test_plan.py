"""Plans say what was chosen, by which recipe, in the words of the settings."""

import numpy as np
import pytest

from actwise.estimators import MLPClassifier

X = np.random.default_rng(0).normal(size=(120, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


@pytest.mark.parametrize(
    ("given", "recipe", "regime", "optimizer"),
    [
        ({"hidden_layer_sizes": 4}, "auto", "tiny", "LBFGS"),
        ({"hidden_layer_sizes": 50}, "auto", "small", "LBFGS"),
        ({"hidden_layer_sizes": 400, "max_iter": 2}, "auto", "large", "Adam"),
        ({"hidden_layer_sizes": 4, "solver": "adam", "max_iter": 2, "tol": 1.0}, "sklearn", None, "Adam"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_the_recipe_and_the_size_are_told(given, recipe, regime, optimizer):
    plan = MLPClassifier(random_state=0, **given).fit(X, Y).choices_
    assert (plan.recipe, plan.regime, type(plan.optimizer).__name__) == (recipe, regime, optimizer)
    lines = dict(line.split(": ", 1) for line in str(plan).splitlines())
    assert lines["recipe"] == (recipe if regime is None else f"{recipe} ({regime})")
    assert lines["optimizer"].startswith(optimizer)
    assert lines["epochs"] == str(plan.epochs)
    assert lines["scale_inputs"] == str(recipe == "auto")
