"""Actwise trains, checks and chooses neural networks by their activation functions.

Everything public is reached from here and loaded when it is first used, so that ``import actwise`` stays
light.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "activations": ("actwise.activations", None),
    "activation": ("actwise.activations", "activation"),
    "Activation": ("actwise.activations", "Activation"),
    "Param": ("actwise.activations", "Param"),
    "check_derivative": ("actwise.handwritten", "check_derivative"),
    "check_gradient": ("actwise.handwritten", "check_gradient"),
    "DerivativeReport": ("actwise.handwritten", "DerivativeReport"),
    "GradientReport": ("actwise.handwritten", "GradientReport"),
    "save": ("actwise.persistence", "save"),
    "load": ("actwise.persistence", "load"),
    "to_onnx": ("actwise.export", "to_onnx"),
    "to_torch": ("actwise.export", "to_torch"),
    "to_torch_code": ("actwise.export", "to_torch_code"),
    "to_torch_program": ("actwise.export", "to_torch_program"),
    "from_sklearn": ("actwise.export", "from_sklearn"),
    "from_torch": ("actwise.export", "from_torch"),
    "Dense": ("actwise.model.layers", "Dense"),
    "Maxout": ("actwise.model.layers", "Maxout"),
    "Dropout": ("actwise.model.layers", "Dropout"),
    "ActivationLayer": ("actwise.model.layers", "ActivationLayer"),
    "BatchNorm": ("actwise.model.layers", "BatchNorm"),
    "Uniform": ("actwise.model.initializers", "Uniform"),
    "Normal": ("actwise.model.initializers", "Normal"),
    "TruncatedNormal": ("actwise.model.initializers", "TruncatedNormal"),
    "Orthogonal": ("actwise.model.initializers", "Orthogonal"),
    "Constant": ("actwise.model.initializers", "Constant"),
    "Scaled": ("actwise.model.initializers", "Scaled"),
    "Network": ("actwise.model.network", "Network"),
    "loss": ("actwise.model.losses", "loss"),
    "SGD": ("actwise.model.optimizers", "SGD"),
    "Adam": ("actwise.model.optimizers", "Adam"),
    "AdamW": ("actwise.model.optimizers", "AdamW"),
    "Adamax": ("actwise.model.optimizers", "Adamax"),
    "Nadam": ("actwise.model.optimizers", "Nadam"),
    "RMSprop": ("actwise.model.optimizers", "RMSprop"),
    "Adagrad": ("actwise.model.optimizers", "Adagrad"),
    "Adadelta": ("actwise.model.optimizers", "Adadelta"),
    "LBFGS": ("actwise.model.optimizers", "LBFGS"),
    "ExponentialDecay": ("actwise.model.schedules", "ExponentialDecay"),
    "InverseTimeDecay": ("actwise.model.schedules", "InverseTimeDecay"),
    "CosineDecay": ("actwise.model.schedules", "CosineDecay"),
    "train": ("actwise.training", "train"),
    "train_many": ("actwise.training", "train_many"),
    "MLPClassifier": ("actwise.estimators", "MLPClassifier"),
    "MLPRegressor": ("actwise.estimators", "MLPRegressor"),
    "diagnose": ("actwise.doctor", "diagnose"),
    "diagnose_functions": ("actwise.handwritten", "diagnose_functions"),
    "compare": ("actwise.study", "compare"),
    "compare_scores": ("actwise.study", "compare_scores"),
    "ActivationSearchCV": ("actwise.study.search", "ActivationSearchCV"),
    "fit_table": ("actwise.tabular", "fit_table"),
    "FitSettings": ("actwise.tabular", "FitSettings"),
    "TableModel": ("actwise.tabular", "TableModel"),
    "ActwiseError": ("actwise.errors", "ActwiseError"),
    "ActwiseWarning": ("actwise.errors", "ActwiseWarning"),
    "InputError": ("actwise.errors", "InputError"),
    "FormulaError": ("actwise.errors", "FormulaError"),
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'actwise' has no attribute {name!r}")
    module, attribute = _HOME[name]
    loaded = import_module(module)
    value = loaded if attribute is None else getattr(loaded, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
