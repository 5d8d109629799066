"""Many networks trained at once: threads share the networks, and tiny ones share the lanes of vector registers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from actwise.engines.threads import processors
from actwise.errors import InputError
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.model.schedules import Schedule
from actwise.training.api import reached, start, train_in_silence
from actwise.training.group import Clock, Group
from actwise.training.progress import PAUSE_SECONDS, one_blas_thread
from actwise.training.records import Run
from actwise.training.settings import document, refuse_unknown, rows, setting, with_present_names

Member = tuple[Callable[[], Run], Callable[[], float]]  # how to get the run of a network, and its loss

NOT_OF_MANY = ("seed", "learning_rate", "restarts", "callback", "resumed")  # settings of `train` alone


@dataclass(frozen=True, slots=True)
class PopulationProgress:
    """How far a population has come.

    Parameters
    ----------
    finished, networks : int
        Networks that are trained, and all of them.
    epochs : int
        Epochs done by all networks together.
    seconds : float
        Since training began.
    """

    finished: int
    networks: int
    epochs: int
    seconds: float


class Runs(Sequence[Run]):
    """The trainings of a population, in the order of its networks; a run is made when it is asked for.

    Examples
    --------
    >>> import actwise as aw
    >>> net = aw.Network([aw.Dense(3, "tanh"), aw.Dense(1, "sigmoid")], n_inputs=2)
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> runs = aw.train_many(net, X, y, seeds=20, loss="binary_cross_entropy", optimizer=aw.Adam(0.05), epochs=300)
    >>> len(runs), runs.losses.shape
    (20, (20,))
    >>> runs.best.network.predict(X).round().ravel()
    array([0., 1., 1., 0.], dtype=float32)
    """

    def __init__(self, made: Sequence[Callable[[], Run]], losses: npt.NDArray[np.float64]) -> None:
        self._made = made
        self._losses = losses

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> Run | Runs:
        if isinstance(index, slice):
            return Runs(self._made[index], self._losses[index])
        return self._made[index]()

    def __repr__(self) -> str:
        return f"<Runs of {len(self)} networks>"

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """Loss that each network reached, on validation rows where there are any; infinite where it is not finite."""
        return self._losses.copy()

    @property
    def best(self) -> Run:
        """The run with the smallest loss."""
        return self[int(np.argmin(self._losses))]


@document("train", without=(*NOT_OF_MANY, "threads", "time_limit"))
def train_many(
    networks: Network | Sequence[Network],
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    seeds: int | Sequence[int] | None = None,
    learning_rates: Sequence[float | Schedule] | None = None,
    threads: int | None = None,
    time_limit: float | None = None,
    on_progress: Callable[[PopulationProgress], object] | None = None,
    **settings: Any,
) -> Runs:
    """Train many networks on the same data at once.

    Each network gets the bits that `train` would give it alone with the same arguments: threads work on different
    networks, and networks of at most 64 weights with the same shape are trained 16 at a time in the lanes of the
    vector registers.

    Parameters
    ----------
    networks : Network or sequence of Network
        One network for all seeds, or a network for each training, which may differ in layers and activations.
    X : array_like of shape (n_rows, n_inputs)
        Inputs.
    y : array_like of shape (n_rows,) or (n_rows, n_targets)
        Targets, as for `train`.
    seeds : int or sequence of int, optional
        How many trainings (with the seeds 0, 1, 2...), or the seed of each. They decide initial weights, order of
        rows and dropout. A sequence of networks without seeds is trained with seed 0 each.
    learning_rates : sequence of float or schedule, optional
        One for each training, in place of the optimiser's own.
    threads : int, optional
        As many as there are processors where not given.
    time_limit : float, optional
        Seconds for all together.
    on_progress : callable, optional
        Called with a `PopulationProgress` about ten times a second.
    **settings
        Keyword arguments:

        {settings}

    Returns
    -------
    Runs
        A run for each training, in order. Ctrl-C ends the training early and returns what was reached.

    Raises
    ------
    InputError
        If something does not fit together.

    Examples
    --------
    >>> import actwise as aw
    >>> nets = [aw.Network([aw.Dense(4, name), aw.Dense(1)], n_inputs=1) for name in ("tanh", "relu")]
    >>> X = [[-1.0], [0.0], [1.0]]
    >>> runs = aw.train_many(nets, X, [1, 0, 1], optimizer=aw.Adam(0.01), epochs=50)
    >>> [run.network.layers[0].activation.name for run in runs]
    ['tanh', 'relu']
    """
    settings = with_present_names(settings)
    for name in settings:
        if name in ("on_epochs", *NOT_OF_MANY):
            instead = f"; give {name}s=[...]" if name in ("seed", "learning_rate") else ""
            raise InputError(f"train_many does not take {name!r}{instead}")
    refuse_unknown(settings, [row.name for row in rows("train") if row.name not in NOT_OF_MANY], "train_many")
    given = [networks] if isinstance(networks, Network) else list(networks)
    chosen = _seeds(given, seeds, None if learning_rates is None else len(learning_rates))
    given = given * len(chosen) if len(given) == 1 else given
    if learning_rates is not None and len(learning_rates) != len(given):
        raise InputError(f"there are {len(given)} trainings but {len(learning_rates)} learning rates")
    threads, time_limit = setting("threads").checked(threads), setting("time_limit").checked(time_limit)
    rates = [None] * len(given) if learning_rates is None else list(learning_rates)
    clock, groups, tasks = Clock(time_limit), list[Group](), list[Callable[[], None]]()
    members: dict[int, Member] = {}
    for indices in _of_one_shape(given):
        first = indices[0]
        template = start(given[first], X, y, seed=chosen[first], learning_rate=rates[first], **settings)
        if isinstance(template.settings.optimizer, LBFGS):
            for k in indices:
                alone = _Alone(given[k], X, y, settings | {"seed": chosen[k]}, clock)
                tasks.append(alone.train)
                members[k] = alone.run, alone.loss
            continue
        keep = settings.get("keep_parameters")
        parameters = np.array([given[k].values if keep else given[k].drawn(chosen[k]) for k in indices])
        group = Group(
            template, [given[k] for k in indices], parameters, [chosen[k] for k in indices],
            [rates[k] for k in indices], clock,
        )  # fmt: skip
        groups.append(group)
        tasks += group.tasks()
        for i, k in enumerate(indices):
            members[k] = partial(group.run, i), partial(group.loss, i)
    with suppress(KeyboardInterrupt), closing(_work_off(tasks, threads or processors(), clock)) as pauses:
        for _ in pauses:
            if on_progress is not None:
                on_progress(_progress(groups, len(given), clock))
    ordered = [members[k] for k in range(len(given))]
    return Runs([run for run, _ in ordered], np.array([loss() for _, loss in ordered]))


def _seeds(networks: Sequence[Network], seeds: int | Sequence[int] | None, n_rates: int | None) -> list[int]:
    if not networks:
        raise InputError("there are no networks to train")
    for each in networks:
        if not isinstance(each, Network):
            raise InputError(f"networks must be a Network or a sequence of them, not one with {each!r}")
    wanted = len(networks) if len(networks) > 1 else n_rates
    if seeds is None:
        return [0] * (wanted or 1)
    if isinstance(seeds, int | np.integer):
        if seeds < 1:
            raise InputError(f"seeds must be a positive number of trainings or a sequence of seeds, not {seeds!r}")
        found = list(range(int(seeds)))
    else:
        found = list(seeds)
    for seed in found:
        if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
            raise InputError(f"a seed must be a whole number, 0 or larger, not {seed!r}")
    if not found or (len(networks) > 1 and len(found) != len(networks)):
        raise InputError(f"there are {len(networks)} networks but {len(found)} seeds; give one seed for each")
    return [int(each) for each in found]


def _of_one_shape(networks: Sequence[Network]) -> list[list[int]]:
    """Put the indices of networks with equal layers together."""
    found: dict[Any, list[int]] = {}
    for index, network in enumerate(networks):
        found.setdefault((network.n_inputs, network.dtype, network.structure), []).append(index)
    return list(found.values())


@dataclass
class _Alone:
    """A training that SciPy drives, and that therefore cannot share anything."""

    network: Network
    X: npt.ArrayLike
    y: npt.ArrayLike
    settings: dict[str, Any]
    clock: Clock
    found: Run | None = None

    def train(self) -> None:
        limit = self.clock.time_limit
        settings = self.settings | {"callback": lambda _: self.clock.stop.is_set()}
        if limit is not None:
            settings["time_limit"] = max(limit - self.clock.seconds, 1e-3)
        self.found = train_in_silence(self.network, self.X, self.y, restarts=0, **settings)

    def run(self) -> Run:
        return self.found or start(self.network, self.X, self.y, **self.settings).run()

    def loss(self) -> float:
        return reached(self.run())


def _work_off(tasks: Sequence[Callable[[], None]], threads: int, clock: Clock) -> Generator[None, None, None]:
    """Do all tasks in threads; yield from time to time. Whatever ends this early ends them early."""
    with one_blas_thread(), ThreadPoolExecutor(min(threads, len(tasks))) as pool:
        left = {pool.submit(_unless_ended, task, clock) for task in tasks}
        try:
            while left:
                done, left = wait(left, timeout=PAUSE_SECONDS)
                for each in done:
                    each.result()
                yield
        finally:
            clock.stop.set()


def _unless_ended(task: Callable[[], None], clock: Clock) -> None:
    if clock.ended_because() is None:
        task()


def _progress(groups: Sequence[Group], n_networks: int, clock: Clock) -> PopulationProgress:
    finished = sum(reason is not None for group in groups for reason in group.stopped_because)
    epochs = int(sum(group.column("EPOCH").sum() for group in groups))
    return PopulationProgress(finished, n_networks, epochs, clock.seconds)
