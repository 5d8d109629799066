"""Models leave as ONNX and PyTorch, and come in from scikit-learn and PyTorch.

ONNX and PyTorch are loaded when they are needed; `actwise.export.requirements` says what to install.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from actwise.export.pipelines import exported_description
from actwise.export.requirements import require
from actwise.model.network import Network

if TYPE_CHECKING:
    from torch import nn

__all__ = ["from_sklearn", "from_torch", "to_onnx", "to_torch", "to_torch_code", "to_torch_program"]


def to_onnx(model: object, path: str | Path) -> None:
    """Write a model as an ONNX file that answers as the model does, in float32.

    Parameters
    ----------
    model : Network, Run, TableModel, estimator or Pipeline
        A network, the result of a training, a table model or a fitted estimator. A network has an input ``X``
        of shape (batch, n_inputs) and an output ``outputs``; a classifier has the outputs ``labels`` and
        ``probabilities``, a regression ``predictions``. A table model has an input for each of its columns,
        with the preprocessing inside: see ``docs/export.md``.
    path : str or Path
        The file; it appears whole, or not at all.

    Raises
    ------
    InputError
        If the model is of another kind, or the file cannot be written.
    MissingPackageError
        If the package ``onnx`` is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import actwise as aw
    >>> network = aw.Network([aw.Dense(2, "gelu"), aw.Dense(1, "x * tanh(x)")], n_inputs=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     aw.to_onnx(network, f"{folder}/network.onnx")
    """
    from actwise.export.onnx.model import write_onnx

    write_onnx(exported_description(model), path)


def to_torch(model: object, *, native: bool = True) -> nn.Sequential:
    """Make a PyTorch module that computes what the model computes, with the same gradients.

    Parameters
    ----------
    model : Network, Run, TableModel, estimator or Pipeline
        The model. Of a table model the columns stay behind, since PyTorch has no text: give the module what
        ``model.encoding.encode`` returns. A classifier's module puts out what its network does: probabilities,
        for two classes that of the second one.
    native : bool
        Whether PyTorch's own activations are used where they mean the same. Without them every activation is
        written out, and gradients keep their digits where PyTorch's own round to 0.

    Returns
    -------
    torch.nn.Sequential
        In evaluation mode and of the network's dtype. Weights and trained parameters of activations are
        ``nn.Parameter``, dropout is ``nn.Dropout``; call ``.train()`` to go on training.

    Raises
    ------
    InputError
        If the model is of another kind.
    MissingPackageError
        If the package ``torch`` is not installed.

    Examples
    --------
    >>> import actwise as aw
    >>> network = aw.Network([aw.Dense(2, "tanh"), aw.Dense(1, "squareplus")], n_inputs=3)
    >>> to_torch(network)
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): Tanh()
      (2): Linear(in_features=2, out_features=1, bias=True)
      (3): ActivationModule(activation('squareplus', b=4))
    )
    """
    require("torch")
    from actwise.export.torch.model import build_module

    return build_module(exported_description(model), native=native)


def to_torch_code(model: object, path: str | Path) -> None:
    """Write a model as a readable Python file that needs PyTorch and nothing else.

    Parameters
    ----------
    model : Network, Run, TableModel, estimator or Pipeline
        As for `to_torch`. Writing the file does not need PyTorch.
    path : str or Path
        The file, such as ``model.py``; its function ``build()`` returns the module. More than 256 weights stand
        in a file beside it, ``model.HEX.safetensors``, which it reads by itself; its name follows from its content, so
        that old code never reads new weights.

    Raises
    ------
    InputError
        If the model is of another kind, the file cannot be written, or its name is not one of a Python module.

    Examples
    --------
    >>> import tempfile
    >>> import actwise as aw
    >>> network = aw.Network([aw.Dense(2, "tanh"), aw.Dense(1)], n_inputs=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_torch_code(network, f"{folder}/model.py")
    ...     print(Path(f"{folder}/model.py").read_text()[3:67])
    A network that Actwise ... wrote; it needs PyTorch and nothing
    """
    from actwise.export.torch.code import write_code

    write_code(exported_description(model), path)


def to_torch_program(model: object, path: str | Path) -> None:
    """Write a model as a program of ``torch.export``, which PyTorch loads without any source code.

    Parameters
    ----------
    model : Network, Run, TableModel, estimator or Pipeline
        As for `to_torch`.
    path : str or Path
        The file, by custom ending in ``.pt2``: ``torch.export.load(path).module()`` is the module, for batches of
        any number of rows.

    Raises
    ------
    InputError
        If the model is of another kind, or the file cannot be written.
    MissingPackageError
        If the package ``torch`` is not installed.
    """
    require("torch")
    from actwise.export.torch.model import write_program

    write_program(exported_description(model), path)


def from_sklearn(model: Any) -> Network:
    """Make a network of a fitted scikit-learn perceptron.

    Parameters
    ----------
    model : sklearn.neural_network.MLPClassifier or MLPRegressor
        Fitted.

    Returns
    -------
    Network
        It predicts what the perceptron does: of a classifier the probabilities, for two classes that of the
        second one. Its dtype is that of the perceptron's weights.

    Raises
    ------
    InputError
        If it is another object, or not fitted.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> perceptron = MLPRegressor(hidden_layer_sizes=(3,), activation="tanh", solver="lbfgs", random_state=0)
    >>> perceptron = perceptron.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    >>> from_sklearn(perceptron)
    Network([Dense(3, activation('tanh')), Dense(1, activation('identity'))], n_inputs=1)
    """
    from actwise.export.sklearn import network_from_sklearn

    return network_from_sklearn(model)


def from_torch(module: nn.Sequential | nn.Linear) -> Network:
    """Make a network of a PyTorch module.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of ``nn.Linear``, activations, ``nn.Dropout`` and (in evaluation mode) ``nn.BatchNorm1d``; sequential
        modules inside it are taken apart, and what `to_torch` made is read back.

    Returns
    -------
    Network
        It predicts what the module does in evaluation mode. Its dtype is float64 where any weights are, and
        float32 otherwise.

    Raises
    ------
    InputError
        If a module has no counterpart; the message names it.
    MissingPackageError
        If the package ``torch`` is not installed.

    Examples
    --------
    >>> from torch import nn
    >>> from_torch(nn.Sequential(nn.Linear(4, 3), nn.GELU(), nn.Dropout(0.1), nn.Linear(3, 1)))
    Network([Dense(3, activation('gelu')), Dropout(rate=0.1), Dense(1, activation('identity'))], n_inputs=4)
    """
    require("torch")
    from actwise.export.torch.incoming import network_from_torch

    return network_from_torch(module)
