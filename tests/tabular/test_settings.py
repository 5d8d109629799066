"""What may be chosen, and what follows from the number of rows."""

import pytest

from actwise.activations import activation
from actwise.errors import FormulaError, InputError
from actwise.model.layers import Dense, Dropout, Maxout
from actwise.model.optimizers import LBFGS, SGD, Adam
from actwise.recipes.plan import choose
from actwise.tables import Target
from actwise.tabular import FitSettings
from actwise.tabular.settings import asked, build_network, hidden_layers
from actwise.tasks import Task


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"task": "ranking"}, "task must be"),
        ({"hidden": ()}, "at least one layer"),
        ({"hidden": (8, 0)}, "positive whole number of units, not 0"),
        ({"activation": ("sigmiod",)}, "did you mean 'sigmoid'"),
        ({"activation": ("relu", "tanh"), "hidden": (4,)}, "2 activations were given for 1 hidden layer:"),
        ({"dropout": 1.0}, "dropout must be 0 or a positive number below 1"),
        ({"dropout": 0.1, "optimizer": "lbfgs"}, "leave one of them out"),
        ({"batch_size": 8, "optimizer": "lbfgs"}, "batch_size is of no use to lbfgs"),
        ({"l2": -1.0}, "l2 must be"),
        ({"l2": float("nan")}, "l2 must be"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"learning_rate": 0.0}, "learning_rate must be a positive number"),
        ({"batch_size": 0}, "batch_size must be a positive whole number, not 0"),
        ({"epochs": -1}, "epochs must be a positive whole number, not -1"),
        ({"patience": -1}, "patience must be"),
        ({"threads": 0}, "threads must be"),
        ({"seed": -1}, "seed must be"),
        ({"test_size": 0}, "without such rows"),
        ({"test_size": float("nan")}, "test_size must be"),
        ({"validation_size": -0.1}, "validation_size must be"),
        ({"time_limit": 0.0}, "time_limit must be"),
    ],
)
def test_bad_choices_are_refused_by_name(choice, message):
    with pytest.raises(InputError, match=message):
        FitSettings(**choice)


def test_a_formula_is_pointed_at():
    with pytest.raises(FormulaError, match=r"\n    x \* \n"):
        FitSettings(activation=("x * ",))


def test_one_activation_serves_all_layers():
    layers = hidden_layers((4, 3), ("tanh",), 0.0)
    assert [(layer.units, layer.activation.name) for layer in layers] == [(4, "tanh"), (3, "tanh")]


def test_each_layer_its_own_with_dropout_between():
    layers = hidden_layers((4, 3, 2), ("relu", "maxout", activation("elu", alpha=0.5)), 0.25)
    assert [type(each) for each in layers] == [Dense, Dropout, Maxout, Dropout, Dense, Dropout]
    assert layers[4].activation.values == {"alpha": 0.5}
    assert layers[1].rate == 0.25


@pytest.mark.parametrize(
    ("target", "units", "activation_name", "loss"),
    [
        (Target(("y",), Task.of_classes((0, 1))), 1, "sigmoid", "binary_cross_entropy"),
        (
            Target(("y",), Task.of_classes(("a", "b", "c"))),
            3,
            "softmax",
            "categorical_cross_entropy",
        ),
        (Target(("y", "z"), Task("regression", 2)), 2, "identity", "squared_error"),
    ],
)
def test_the_output_layer_follows_from_the_target(target, units, activation_name, loss):
    network, found = build_network(FitSettings(hidden=(5,)), target, n_inputs=7), target.task.loss
    assert (network.n_inputs, network.n_outputs, network.output_activation.name) == (7, units, activation_name)
    assert found == loss


def plan(n_rows=600, n_parameters=1000, *, validated=False, **settings):
    return choose(
        asked(FitSettings(**settings)),
        n_rows,
        n_rows,
        n_parameters,
        classifies=False,
        validated=validated,
        partial=False,
    )


def test_the_recipe_chooses_by_size_what_is_left_open():
    assert [plan(n, 20).regime for n in (200, 4_000, 6_000)] == ["tiny", "small", "large"]
    tiny, large = plan(200, 20), plan(1_000_000)
    assert (type(tiny.optimizer), tiny.restarts, tiny.batch_size) == (LBFGS, None, 200)
    assert (type(large.optimizer), large.batch_size, large.early_stopping) == (Adam, 256, True)
    assert type(plan(200, 20, validated=True).optimizer) is Adam, "held-out rows are for steps to be stopped by"


def test_what_was_chosen_stands():
    found = plan(batch_size=7, epochs=3, patience=2, l2=0.25, learning_rate=0.5, optimizer="sgd", dropout=0.3)
    assert [found.batch_size, found.epochs, found.patience, found.dropout] == [7, 3, 2, 0.3]
    assert found.alpha / 7 == 0.25
    assert (type(found.optimizer), found.optimizer.learning_rate) == (SGD, 0.5)
    assert plan(optimizer="adam").recipe == "auto", "a name is no wish for scikit-learn's other values"


def test_lbfgs_takes_all_rows():
    found = plan(5_000, optimizer="lbfgs", l2=0.25)
    assert (found.batch_size, found.stochastic) == (5_000, False)
    assert found.alpha / 5_000 == 0.25


def test_one_activation_is_a_tuple_too():
    with pytest.raises(InputError, match=r"\('tanh',\)"):
        FitSettings(activation="tanh")
