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
    "check_derivative": ("actwise.derivatives", "check_derivative"),
    "check_gradient": ("actwise.derivatives", "check_gradient"),
    "DerivativeReport": ("actwise.derivatives", "DerivativeReport"),
    "GradientReport": ("actwise.derivatives", "GradientReport"),
    "save": ("actwise.saving", "save"),
    "load": ("actwise.saving", "load"),
    "to_onnx": ("actwise.export", "to_onnx"),
    "to_torch": ("actwise.export", "to_torch"),
    "to_torch_code": ("actwise.export", "to_torch_code"),
    "to_torch_program": ("actwise.export", "to_torch_program"),
    "from_sklearn": ("actwise.export", "from_sklearn"),
    "from_torch": ("actwise.export", "from_torch"),
    "Dense": ("actwise.layers", "Dense"),
    "Maxout": ("actwise.layers", "Maxout"),
    "Dropout": ("actwise.layers", "Dropout"),
    "ActivationLayer": ("actwise.layers", "ActivationLayer"),
    "BatchNorm": ("actwise.layers", "BatchNorm"),
    "Uniform": ("actwise.initializers", "Uniform"),
    "Normal": ("actwise.initializers", "Normal"),
    "TruncatedNormal": ("actwise.initializers", "TruncatedNormal"),
    "Orthogonal": ("actwise.initializers", "Orthogonal"),
    "Constant": ("actwise.initializers", "Constant"),
    "Scaled": ("actwise.initializers", "Scaled"),
    "Network": ("actwise.network", "Network"),
    "loss": ("actwise.losses", "loss"),
    "SGD": ("actwise.optimizers", "SGD"),
    "Adam": ("actwise.optimizers", "Adam"),
    "AdamW": ("actwise.optimizers", "AdamW"),
    "Adamax": ("actwise.optimizers", "Adamax"),
    "Nadam": ("actwise.optimizers", "Nadam"),
    "RMSprop": ("actwise.optimizers", "RMSprop"),
    "Adagrad": ("actwise.optimizers", "Adagrad"),
    "Adadelta": ("actwise.optimizers", "Adadelta"),
    "LBFGS": ("actwise.optimizers", "LBFGS"),
    "ExponentialDecay": ("actwise.schedules", "ExponentialDecay"),
    "InverseTimeDecay": ("actwise.schedules", "InverseTimeDecay"),
    "CosineDecay": ("actwise.schedules", "CosineDecay"),
    "train": ("actwise.training", "train"),
    "train_many": ("actwise.training", "train_many"),
    "MLPClassifier": ("actwise.estimators", "MLPClassifier"),
    "MLPRegressor": ("actwise.estimators", "MLPRegressor"),
    "diagnose": ("actwise.doctor", "diagnose"),
    "diagnose_functions": ("actwise.doctor", "diagnose_functions"),
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
