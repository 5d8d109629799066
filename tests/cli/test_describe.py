"""``actwise describe``: what a saved model is, for people and for programs."""

import json

from actwise import __version__


def test_everything_is_told(aw, saved):
    result = aw("describe", saved / "model")
    assert result.exit_code == 0
    for part in (
        "target 'district' holds 2 different texts: classification",
        "2 classes: north, south",
        "> 8 relu > 1 sigmoid",
        "sigmoid: f(x) = 1 / (1 + exp(-x))",
        "f'(x) = ",
        "size: number",
        "price: number",
        "for training",
        "30 epochs",
        "log-loss",
        f"actwise {__version__}",
        "numba",
    ):
        assert part in result.stdout, part


def test_json_is_what_fit_said(aw, saved):
    document = json.loads(aw("describe", saved / "model", "--json").stdout)
    assert document["target"]["classes"] == ["north", "south"]
    assert document["versions"]["actwise"] == __version__
    metrics = json.loads((saved / "model" / "metrics.json").read_text())
    assert {name: document[name] for name in metrics} == metrics
