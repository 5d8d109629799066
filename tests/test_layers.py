"""Imports run downward only, and `import actwise` stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import actwise

PACKAGE = Path(actwise.__file__).parent
# Bottom up; a room may import from groups before its own and from itself, never from a neighbour.
GROUPS = [
    {"errors"},
    {"arrays"},
    {"formula"},
    {"activations"},
    {"model"},
    {"engines"},
    {"proof"},
    {"handwritten"},
    {"tasks"},
    {"training"},
    {"experiments"},
    {"persistence"},
    {"report"},
    {"recipes"},
    {"tables", "estimators"},
    {"export"},
    {"tabular"},
    {"doctor"},
    {"study"},
    {"cli"},
    {"__main__"},
]
RANK = {room: rank for rank, group in enumerate(GROUPS) for room in group}
LAYER_ZERO = ["errors", "formula", "activations"]
HEAVY = [
    "numba",
    "sklearn",
    "scipy",
    "polars",
    "rich",
    "click",
    "matplotlib",
    "torch",
    "onnx",
    "dask",
    "mpmath",
    "pandas",
]


def _room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def _imports(path: Path) -> set[str]:
    """Full names of everything a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = path.parent if node.level == 1 else path.parent.parent
            found.add(".".join(["actwise", *inside.relative_to(PACKAGE).parts, node.module or ""]))
    return found


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downward(path):
    room = _room(path)
    assert room in RANK, f"{room} has no place in the house: add it to GROUPS"
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] != "actwise" or len(parts) < 2 or parts[1] in {room, "__version__"}:
            continue
        assert parts[1] in RANK, f"{path.name} imports {name}; import rooms, not the package's front door"
        assert RANK[parts[1]] < RANK[room], f"{room} must not import {parts[1]}"


@pytest.mark.parametrize("path", [p for p in FILES if _room(p) in LAYER_ZERO], ids=lambda p: p.name)
def test_layer_zero_needs_only_numpy_to_be_imported(path):
    """SciPy and mpmath may be loaded inside functions; Numba and scikit-learn not at all."""
    tree = ast.parse(path.read_text("utf-8"))
    at_import = {
        alias.name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "").split(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not at_import & {"numba", "sklearn", "scipy", "mpmath"}
    assert not {name.split(".")[0] for name in _imports(path)} & {"numba", "sklearn"}


def test_import_loads_nothing_heavy():
    code = f"import sys, actwise; print([m for m in {HEAVY!r} if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


def test_activations_load_without_numba():
    code = (
        "import sys, actwise as aw; aw.activation('relu')(1.0); aw.activation('x * tanh(x)').derivative(0.5);"
        f"print([m for m in {['numba', 'sklearn', 'polars', 'matplotlib', 'torch', 'onnx']!r} if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


def test_every_public_name_exists_and_is_documented():
    for name in actwise.__all__:
        value = getattr(actwise, name)
        assert name == "__version__" or (value.__doc__ or "").strip(), f"{name} has no docstring"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        actwise.nonsense  # noqa: B018  # looking it up is what must fail


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_fits_on_a_few_screens(path):
    assert len(path.read_text("utf-8").splitlines()) <= 450, "this file holds two ideas: split it"
