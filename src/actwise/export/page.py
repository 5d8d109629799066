"""The page of the documentation on exports; its table follows from the code that exports."""

from __future__ import annotations

from collections.abc import Sequence

from actwise.activations import AnyActivation
from actwise.export.onnx.activations import how_exported
from actwise.export.onnx.model import IR_VERSION, ML_OPSET, OPSET
from actwise.export.torch.code import LARGEST_INSIDE
from actwise.export.torch.table import torch_module

_PAGE = """# Exports: models that run without Actwise

This page is made by `tools/generate_docs.py`; do not edit it.

| call | command | what comes out | needs |
| --- | --- | --- | --- |
| `aw.to_onnx(model, "model.onnx")` | `actwise export DIR --to onnx` | an ONNX file | `pip install '.[onnx]'` |
| `aw.to_torch(model)` | | a `torch.nn.Sequential` | `pip install '.[torch]'` |
| `aw.to_torch_program(model, "model.pt2")` | `actwise export DIR --to torch` | a program of `torch.export` | \
`pip install '.[torch]'` |
| `aw.to_torch_code(model, "model.py")` | `actwise export DIR --to torch-code` | a readable Python file | nothing |
| `aw.save(model, "model")`, `aw.load` | `actwise fit --out DIR` | a directory of JSON and safetensors | nothing |

For the first four rows `model` is a network, the result of a training, a table model, a fitted estimator, or a pipeline
that ends in one and only shifts and scales columns before; `aw.save` takes a network, a table model or a fitted
estimator. Files appear whole or not at all. The other way, `aw.from_torch(sequential)` and `aw.from_sklearn(mlp)` make
networks that predict the same.

## ONNX

Opset {opset}, the lowest that has all native operators below, with `ai.onnx.ml` {ml_opset} for the labels of
columns and IR version {ir}: onnxruntime 1.17 and later read it. ONNX's checker with full shape inference has passed
every file before it is written. Tests compare onnxruntime with Actwise for every activation, with default and other
parameters, at kinks and for pre-activations up to 10,000, and for random formulas: the difference is below 1e-5,
relative to max(1, |value|).

| model | inputs | outputs |
| --- | --- | --- |
| network, training | `X`: float (double for a float64 network), (batch, n_inputs) | `outputs`, of the same type |
| classifier | as above | `labels` (batch,) in their own type; `probabilities`: float, (batch, n_classes); \
`margins` instead after a hinge loss |
| regression that scales its target | as above | `predictions`: double, (batch, n_targets) |
| table model | one for each column, named like it, (batch, 1) | as for a classifier or regression |

- A table model's file holds its preprocessing: filling of missing values, signed logarithm, standardisation, one
  column per label, the calendar of dates. Numbers and truth values (1 and 0) come in as doubles, NaN where missing;
  labels as text without blanks around it, empty where missing; dates as days since 1970-01-01 (in UTC), NaN where
  missing. A label that training did not see counts as one of the others, as in `predict`.
  `model.onnx_inputs(table)` makes these inputs in Python; text that holds numbers ("1,234") or dates is read there
  and not in the file, and what `predict` refuses (infinite numbers, words among numbers) is refused there only.
- Names: where a column is called like one of the outputs, the output's name gets `_1`.
- Activations compute in float32. A formula that loses digits or overflows in float32 where Actwise, whose kernels
  compute in float64 inside, does not, is computed in float64 between two casts; this is decided by trying it on
  some 600 numbers up to 10,000 (and beside its thresholds). Constants and parameters are rounded to float32, so
  that a function that jumps at 0.1 jumps at float32's 0.1.
- onnxruntime's own Sigmoid is 0 below -17: probabilities, and formulas that multiply a sigmoid with something
  large, are written out with an exponential instead.
- Dropout is left out. Metadata hold the version of Actwise, each layer's formula and parameters, and the classes.

## PyTorch

`aw.to_torch` gives a plain `nn.Sequential` of `nn.Linear`, `nn.Dropout`, `nn.BatchNorm1d` and activations, in the
network's dtype. PyTorch's own activation is used where it means the same, kinks included; all others carry their
declared derivative as a function of autograd, computed in float64 inside as in Actwise's kernels. Trained
parameters of activations are `nn.Parameter`. With `native=False` every activation is written out, and gradients
keep their digits in the tails where PyTorch's own round to 0. Second derivatives, `torch.func` and `torch.export`
work.

The Python file of `aw.to_torch_code` needs PyTorch only: `build()` returns the module. More than {inside} weights
stand in a safetensors file beside it, which it reads by itself. A table model's columns stay behind: give the
module what `model.encoding.encode(table)` returns.

`aw.from_torch` takes an `nn.Sequential` of `nn.Linear`, `nn.Dropout`, `nn.BatchNorm1d` in evaluation mode, and the
activations below; it refuses what has no counterpart (such as `nn.Flatten`, a PReLU with a slope per column, or a
softmax over the rows) and names it.

## Every activation, with its default parameters

| activation | in ONNX | in PyTorch |
| --- | --- | --- |
{rows}
"""


def export_page(activations: Sequence[AnyActivation]) -> str:
    """Write the page.

    >>> import actwise as aw
    >>> "| [elu](gallery.md#elu) | `Elu` | `nn.ELU` |" in export_page([aw.activation("elu")])
    True
    """
    rows = "\n".join(_row(each) for each in sorted(activations, key=lambda each: each.name))
    return _PAGE.format(opset=OPSET, ml_opset=ML_OPSET, ir=IR_VERSION, inside=LARGEST_INSIDE, rows=rows)


def _row(what: AnyActivation) -> str:
    how, operators = how_exported(what)
    names = ", ".join(f"`{each}`" for each in operators)
    in_onnx = names if how == "operator" else f"{'composed' if how == 'formula' else 'composed, in float64'}: {names}"
    return f"| [{what.name}](gallery.md#{what.name}) | {in_onnx} | {_in_torch(what)} |"


def _in_torch(what: AnyActivation) -> str:
    own = {"prelu": "`nn.PReLU`", "rrelu": "`nn.LeakyReLU` with the mean slope", "identity": "(nothing)"}.get(what.name)
    if own is not None:
        return own
    row = torch_module(what.name, what.values)
    if row is None:
        return "composed"
    return f"`nn.{row.module}`" + " (composed in float64, where PyTorch's has constants in float32)" * row.float32_only
