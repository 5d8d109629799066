"""A model as a readable Python file that needs PyTorch only."""

from __future__ import annotations

import hashlib
import keyword
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from actwise import __version__
from actwise.errors import InputError
from actwise.export.torch.names import attributes, distinct
from actwise.export.torch.stages import (
    Composed,
    DroppedOut,
    Linear,
    Native,
    Normalised,
    Scaled,
    Stage,
    TrainedSlope,
    stages,
)
from actwise.export.torch.table import arguments
from actwise.export.torch.writing import HELPERS, written_lines
from actwise.formula.expression import Expression, substitute, symbol, symbols
from actwise.model.program import Formula
from actwise.persistence import files
from actwise.training.descriptions import ModelDescription

_BEGINNING = '"""A network that Actwise '
LARGEST_INSIDE = 256  # numbers that are written into the file; more of them stand in a file beside it
WIDTH = 100
Arrays = dict[str, npt.NDArray[Any]]
# What the lines of a class use besides the formula's own symbols.
_USED = {"torch", "nn", "ctx", "given", "upstream", "trained", "inputs", "output", "self", *HELPERS}

_READ_WEIGHTS = '''def weights():
    """Read {name}, by its published layout: a header in JSON, then the numbers."""
    content = bytearray((Path(__file__).resolve().parent / {name!r}).read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    kinds = {{"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}}
    found = {{}}
    for name, entry in json.loads(content[8:start]).items():
        first, last = entry["data_offsets"]
        numbers = torch.frombuffer(content[start + first : start + last], dtype=kinds[entry["dtype"]])
        found[name] = numbers.reshape(entry["shape"]).clone()
    return found
'''
_SCALE = '''class Scale(nn.Module):
    """Standardises columns, or (undone) puts standardised ones back into their own units."""

    def __init__(self, columns, undone, exponential=False):
        super().__init__()
        self.undone, self.exponential = undone, exponential
        self.register_buffer("centres", torch.zeros(columns, dtype=torch.float64))
        self.register_buffer("scales", torch.ones(columns, dtype=torch.float64))

    def forward(self, x):
        wide = x.double()
        scaled = wide * self.scales + self.centres if self.undone else (wide - self.centres) / self.scales
        return (torch.exp(scaled) if self.exponential else scaled).to(x.dtype)
'''


def write_code(description: ModelDescription, path: str | Path) -> None:
    """Write the file, and its weights beside it where they are many; see `actwise.to_torch_code`."""
    place = Path(path)
    if not place.stem.isidentifier() or keyword.iskeyword(place.stem) or place.suffix != ".py":
        raise InputError(
            f"{place.name!r} cannot be imported in Python; choose a name of letters, digits and _ that ends with .py, "
            "such as model.py"
        )
    steps = stages(description)
    arrays = state(steps)
    _refuse_foreign(place)
    files.check_output(place)
    place = place.resolve()  # the weights belong beside the file itself and not beside a link to it
    with files.written(place) as code:
        name = None
        if sum(each.size for each in arrays.values()) > LARGEST_INSIDE:
            weights = safetensors.numpy.save(arrays)
            # Named by what is in it: the code that is there goes with its own weights until the new code replaces it.
            name = f"{place.stem}.{hashlib.sha256(weights).hexdigest()[:12]}.safetensors"
            with files.written(place.with_name(name), of=place) as beside:
                beside.write_bytes(weights)
        code.write_bytes(source(description, steps, name).encode())
    with files.turn(place.parent) as alone:
        if alone and files.remove_left_overs(place):
            _remove_old_weights(place, name)


def _remove_old_weights(place: Path, current: str | None) -> None:
    of_this = re.compile(rf"{re.escape(place.stem)}\.[0-9a-f]{{12}}\.safetensors")
    for each in place.parent.iterdir():
        if of_this.fullmatch(each.name) and each.name != current:
            each.unlink(missing_ok=True)


def _refuse_foreign(place: Path) -> None:
    """Refuse to write over source text that Actwise did not write."""
    with files.blaming_place(place):
        if place.is_file() and not place.read_bytes().startswith(_BEGINNING.encode()):
            raise InputError(f"{place} holds what Actwise did not write; choose another name, or move it away")


def state(steps: Sequence[Stage]) -> Arrays:
    """Return the arrays of a model by the names that an ``nn.Sequential`` gives them."""
    found: Arrays = {}
    for index, step in enumerate(steps):
        for name, array in _arrays(step).items():
            found[f"{index}.{name}"] = np.require(array, requirements="C")
    return found


def _arrays(step: Stage) -> Arrays:
    match step:
        case Linear(weights, biases):
            return {"weight": weights} | ({} if biases is None else {"bias": biases})
        case Normalised():
            return {
                "weight": step.factors,
                "bias": step.shifts,
                "running_mean": step.means,
                "running_var": step.variances,
                "num_batches_tracked": np.array(0),
            }
        case TrainedSlope(slope):
            return {"weight": slope}
        case Composed():
            names = attributes(step.formula.parameters)
            return {names[name]: value for name, value in step.trained.items()}
        case Scaled(scaling):
            return {"centres": scaling.centres, "scales": scaling.scales}
    return {}


def source(description: ModelDescription, steps: Sequence[Stage], weights_file: str | None) -> str:
    """Write the Python file of a model.

    `weights_file`: the name of the file beside it that holds the weights; None to write them inside.
    """
    classes, names, helpers = _activation_classes(steps)
    double = description.network.dtype == "float64"
    layers = [_layer(step, names) for step in steps]
    needs = ["import json\n", "from pathlib import Path\n"] if weights_file else []
    blocks = [
        f'"""{_described(description)}"""\n',
        "".join([*needs, "\n" * bool(needs), "import torch\nfrom torch import nn\n"]),
        *_constants(description),
        *(HELPERS[name] for name in sorted(helpers)),
        *([_SCALE] if any(isinstance(step, Scaled) for step in steps) else []),
        *classes,
        "def build():\n"
        '    """Return the network in evaluation mode."""\n'
        "    model = nn.Sequential(\n"
        + "".join(f"        {each},\n" for each in layers)
        + f"    ){'.double()' * double}\n"
        "    model.load_state_dict(weights())\n"
        "    return model.eval()\n",
        _READ_WEIGHTS.format(name=weights_file) if weights_file else _weights_inside(state(steps)),
    ]
    head, *definitions = blocks
    return head + "\n" + "\n\n".join(definitions)


def _described(description: ModelDescription) -> str:
    network = description.network
    columns = (
        f"    columns: {', '.join(n for each in description.columns for n in each.feature_names)}\n"
        if description.columns
        else ""
    )
    outputs = "numbers"
    if description.classes:
        outputs = (
            f"the probability of {_quoted(description.classes[-1])}"
            if description.has_one_probability
            else "a column for each class"
        )
    text = (
        f"A network that Actwise {__version__} wrote; it needs PyTorch and nothing else.\n\n"
        f"    model = build()\n"
        f"    model(rows)  # rows: {network.dtype}, shape (n, {network.n_inputs}); gives {outputs}\n"
    )
    if columns:
        wrapped = textwrap.fill(columns.strip(), WIDTH, initial_indent="    ", subsequent_indent="      ")
        text += f"\nEach row holds what the table model's `encoding.encode` makes of a table's row:\n\n{wrapped}\n"
    return _inside_docstring(text)


def _inside_docstring(text: str) -> str:
    plain = "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
    return plain.replace("\\", "\\\\").replace('"""', "'''").replace('"', "'" if plain.endswith('"') else '"')


def _constants(description: ModelDescription) -> list[str]:
    found = []
    if description.classes:
        found.append(_wrapped("CLASSES = (", [_quoted(each) for each in description.classes], ",)"))
    if description.names:
        found.append(_wrapped("TARGETS = (", [_quoted(each) for each in description.names], ",)"))
    return ["".join(found)] if found else []


def _wrapped(start: str, items: Sequence[str], end: str, indent: str = "") -> str:
    line = indent + start + ", ".join(items) + end
    if len(line) <= WIDTH:
        return line + "\n"
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(item) + 2 <= WIDTH:
            lines[-1] += f" {item},"
        else:
            lines.append(f"{indent}    {item},")
    return f"{indent}{start}\n" + "\n".join(lines) + f"\n{indent}{end.removeprefix(',')}\n"


def _layer(step: Stage, names: Mapping[int, str]) -> str:
    match step:
        case Linear(weights, biases):
            inputs, outputs = weights.shape[1], weights.shape[0]
            return f"nn.Linear({inputs}, {outputs}{', bias=False' if biases is None else ''})"
        case Normalised():
            return (
                f"nn.BatchNorm1d({len(step.factors)}, eps={step.epsilon!r}, momentum={round(1 - step.momentum, 12)!r})"
            )
        case Native(row, values):
            given = ", ".join(f"{name}={_quoted(value)}" for name, value in arguments(row, values).items())
            return f"nn.{row.module}({given})"
        case TrainedSlope():
            return "nn.PReLU(1)"
        case DroppedOut(rate):
            return f"nn.Dropout({rate!r})"
        case Scaled(scaling, undone, exponential):
            return f"Scale({len(scaling)}, undone={undone}{', exponential=True' * exponential})"
        case Composed():
            return f"{names[id(step)]}()"


def _activation_classes(steps: Sequence[Stage]) -> tuple[list[str], dict[int, str], set[str]]:
    """Write a class for each different activation; returns them, the class of each step, and helpers."""
    classes: list[str] = []
    names: dict[int, str] = {}
    known: dict[Formula, str] = {}
    helpers: set[str] = set()
    for step in steps:
        if not isinstance(step, Composed):
            continue
        if step.formula not in known:
            name = _class_name(step, {*known.values()})
            text, used = _activation_class(name, step)
            classes.append(text)
            helpers |= used
            known[step.formula] = name
        names[id(step)] = known[step.formula]
    return classes, names, helpers


def _class_name(step: Composed, taken: set[str]) -> str:
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*", step.what.name) if step.what.name.isidentifier() else []
    wanted = "".join(word[0].upper() + word[1:] for word in words) or "Formula"
    if keyword.iskeyword(wanted) or wanted in {"Scale", "Path"}:
        wanted += "Activation"
    found, number = wanted, 2
    while found in taken or f"{found}Function" in taken:
        found, number = f"{wanted}{number}", number + 1
    return found


def _activation_class(name: str, step: Composed) -> tuple[str, set[str]]:
    formula = step.formula
    taken = _USED | {each for each in formula.parameters if len(each) == 1}  # short names are left to what is computed
    renamed = {name: symbol(free) for name, free in distinct(formula.parameters, taken).items()}
    pieces = ["x"] if formula.pieces == 1 else [f"x{k}" for k in range(formula.pieces)]
    value = substitute(formula.value, renamed)
    gradients = [substitute(each, renamed) for each in (*formula.gradients, *formula.parameter_gradients)]
    trained = [each.name for each in renamed.values()]
    shown = ", ".join(f"{key} = {each:g}" for key, each in step.values.items() if key not in formula.parameters)
    what = _inside_docstring(" ".join(step.what.formula.split()) + (f" with {shown}" if shown else ""))

    def unpack(source_name: str) -> list[str]:
        wide = f"{source_name}.double()"
        first = f"x = {wide}" if len(pieces) == 1 else f"{', '.join(pieces)} = {wide}.chunk({len(pieces)}, dim=-1)"
        names = f"{', '.join(trained)}{',' * (len(trained) == 1)}"
        return [first, f"{names} = (each.double() for each in trained)"] if trained else [first]

    taken = {*pieces, *trained, "y", "g", *_USED}
    lines, (result,), helpers = written_lines([value], taken)
    forward = [*unpack("given"), *lines, f"y = {_of_shape(value, result, pieces)}", "return y.to(given.dtype)"]
    backward = ["given, *trained = ctx.saved_tensors", *unpack("given"), "g = upstream.double()"]
    if any("y" in symbols(each) for each in gradients):
        lines, (result,), more = written_lines([value], taken)
        backward += [*lines, f"y = {_of_shape(value, result, pieces)}"]
        taken |= {line.split(" = ")[0] for line in lines}
        helpers |= more
    lines, results, more = written_lines(gradients, taken)
    shaped = [_of_shape(each, text, pieces) for each, text in zip(gradients, results, strict=True)]
    parts, sums = shaped[: formula.pieces], shaped[formula.pieces :]
    whole = parts[0] if len(parts) == 1 else f"torch.cat([{', '.join(parts)}], dim=-1)"
    backward += [*lines, f"gradient = {whole}"]
    returned = ["gradient.to(given.dtype)", *(f"torch.sum({each}).to(given.dtype)" for each in sums)]
    backward.append(f"return {', '.join(returned)}")
    stored = attributes(formula.parameters).values()
    init = (
        "    def __init__(self):\n        super().__init__()\n"
        + "".join(f"        self.{each} = nn.Parameter(torch.tensor(0.0))\n" for each in stored)
        + "\n"
    )
    arguments_text = ", ".join(["x", *(f"self.{each}" for each in stored)])
    star = ", *trained" * bool(trained)
    return (
        f"class {name}Function(torch.autograd.Function):\n"
        f'    """{what}, with its slope as declared."""\n\n'
        f"    generate_vmap_rule = True\n\n"
        f"    @staticmethod\n    def forward(given{star}):\n"
        + "".join(f"        {line}\n" for line in forward)
        + "\n    @staticmethod\n    def setup_context(ctx, inputs, output):\n        ctx.save_for_backward(*inputs)\n"
        "\n    @staticmethod\n    def backward(ctx, upstream):\n"
        + "".join(f"        {line}\n" for line in backward)
        + f'\n\nclass {name}(nn.Module):\n    """{what}."""\n\n'
        + init * bool(stored)
        + f"    def forward(self, x):\n        return {name}Function.apply({arguments_text})\n"
    ), helpers | more


def _of_shape(expression: Expression, text: str, pieces: Sequence[str]) -> str:
    """Give a result the shape of the pre-activations, where it does not have it by itself."""
    if text in pieces:
        return f"{text}.clone()"  # autograd does not take an input for an output
    if symbols(expression) & {*pieces, "g", "y"}:
        return text
    return f"{text} + torch.zeros_like({pieces[0]})"


def _weights_inside(arrays: Arrays) -> str:
    lines = []
    for name, array in arrays.items():
        if array.ndim == 2:
            rows = "".join(_wrapped("[", [_number(v) for v in row], "],", "            ") for row in array)
            lines.append(f"        {_quoted(name)}: torch.tensor([\n{rows}        ], dtype={_dtype(array)}),\n")
        elif array.ndim == 1:
            lines.append(_wrapped(f"{_quoted(name)}: torch.tensor([", [_number(v) for v in array],
                                  f"], dtype={_dtype(array)}),", "        "))  # fmt: skip
        else:
            lines.append(f"        {_quoted(name)}: torch.tensor({_number(array[()])}, dtype={_dtype(array)}),\n")
    return f'def weights():\n    """Return the weights by name."""\n    return {{\n{"".join(lines)}    }}\n'


def _quoted(value: object) -> str:
    """Write a label or a name as Python, text in double quotes and without letters that a terminal obeys."""
    if not isinstance(value, str):
        return repr(value)
    return '"' + value.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'


def _dtype(array: npt.NDArray[Any]) -> str:
    return f"torch.{array.dtype.name}"


def _number(value: Any) -> str:
    """Write the shortest digits that read back the same."""
    text = str(value)
    return {"nan": "torch.nan", "inf": "torch.inf", "-inf": "-torch.inf"}.get(text, text)
