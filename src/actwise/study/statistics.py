"""Statistics of paired scores: corrected t-tests, practical equivalence, Holm's adjustment, ranks over data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LEVEL = 0.05  # of all claims of one study together
SAMPLES = 50_000  # of the posterior of the signed-rank test
PRIOR_STRENGTH = 0.5  # of the signed-rank test's prior observation, which lies in the region of equivalence
SAMPLES_AT_ONCE = 1_000


@dataclass(frozen=True)
class Contrast:
    """How one arm's scores differ from another's, split by split.

    Parameters
    ----------
    difference : float
        Mean difference; positive where the first arm is better.
    low, high : float
        Ends of the interval of `difference`, at 95 %.
    p : float
        Two-sided, for no difference.
    better, equivalent, worse : float
        Posterior probabilities that the difference lies above, within and below the region of practical equivalence.
    """

    difference: float
    low: float
    high: float
    p: float
    better: float
    equivalent: float
    worse: float


def contrast(differences: npt.ArrayLike, rope: float, test_to_train: float) -> Contrast:
    """Compare two arms by their paired differences over splits, whose training rows overlap.

    Shapes: `differences` (n_splits,).
    `rope`: differences up to it are practically none.
    `test_to_train`: rows of a test part over rows of a training part; 0 for independent differences.

    A single split, which tells nothing of chance, has an infinite interval and equal probabilities.

    Source: Nadeau and Bengio 2003, Machine Learning 52 (the corrected variance); Corani and Benavoli 2015, Machine
    Learning 100 (the posterior, a Student distribution of the same scale).

    >>> found = contrast([0.02, 0.03, 0.01, 0.02], rope=0.01, test_to_train=0.25)
    >>> round(found.difference, 3), round(found.p, 3), round(found.better, 3)
    (0.02, 0.041, 0.909)
    """
    values = np.asarray(differences, np.float64)
    n, mean = len(values), float(values.mean())
    if n < 2:
        return Contrast(mean, -np.inf, np.inf, 1.0, 1 / 3, 1 / 3, 1 / 3)
    scale = float(np.sqrt((1 / n + test_to_train) * values.var(ddof=1)))
    if scale <= 8 * np.finfo(float).eps * float(np.abs(values).max()):  # what rounding leaves of one value throughout
        inside = float(abs(mean) <= rope)
        above, below = (1 - inside) * (mean > 0), (1 - inside) * (mean < 0)
        return Contrast(mean, mean, mean, 1.0 if mean == 0 else 0.0, above, inside, below)
    from scipy.stats import t

    half = float(t.ppf(1 - LEVEL / 2, n - 1)) * scale
    above, below = float(t.sf((rope - mean) / scale, n - 1)), float(t.cdf((-rope - mean) / scale, n - 1))
    p = 2 * float(t.sf(abs(mean) / scale, n - 1))
    return Contrast(mean, mean - half, mean + half, p, above, max(0.0, 1 - above - below), below)


def holm(p_values: npt.ArrayLike) -> Floats:
    """Adjust p-values for being several; shape is kept.

    Source: Holm 1979, Scandinavian Journal of Statistics 6.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p_values, np.float64).ravel()
    order = np.argsort(given, kind="stable")
    stepped = np.maximum.accumulate(given[order] * (len(given) - np.arange(len(given))))
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted.reshape(np.shape(p_values))


def levels_of_looks(fractions: Sequence[float], level: float = LEVEL) -> list[float]:
    """Divide the level of a study among the looks at its scores, little for the early ones.

    `fractions`: of the splits that are done at each look, ascending, the last one 1.

    What is spent by a share `t` of the splits is ``2 - 2 * Phi(z / sqrt(t))``, with `z` such that all of it is spent
    at 1.
    Each look has what is newly spent, so that the levels add up to `level` and no false claim is made more often.

    Source: Lan and DeMets 1983, Biometrika 70, for O'Brien and Fleming's bounds.

    >>> [round(each, 4) for each in levels_of_looks([1 / 3, 2 / 3, 1])]
    [0.0007, 0.0157, 0.0336]
    """
    normal = NormalDist()
    z = normal.inv_cdf(1 - level / 2)
    spent = [2 - 2 * normal.cdf(z / fraction**0.5) for fraction in fractions]
    return [now - before for now, before in zip(spent, [0.0, *spent[:-1]], strict=True)]


def signed_rank(differences: npt.ArrayLike, rope: float, seed: int = 0) -> tuple[float, float, float]:
    """Say how probable it is that one method is better, equivalent or worse on a further data set.

    Shapes: `differences` (n_data_sets,).

    Source: Benavoli et al. 2014, "A Bayesian Wilcoxon signed-rank test based on the Dirichlet process", ICML.

    >>> better, equivalent, worse = signed_rank([0.1, 0.2, 0.15, 0.1, 0.3, 0.2], rope=0.01)
    >>> better > 0.99
    True
    """
    values = np.concatenate([[0.0], np.asarray(differences, np.float64)])
    sums = values[:, None] + values
    above, below = (sums > 2 * rope).astype(np.float64), (sums < -2 * rope).astype(np.float64)
    random = np.random.default_rng(seed)
    concentration = np.ones(len(values))
    concentration[0] = PRIOR_STRENGTH
    counts = np.zeros(3)
    for _ in range(SAMPLES // SAMPLES_AT_ONCE):
        weights = random.dirichlet(concentration, SAMPLES_AT_ONCE)
        better = np.einsum("ij,ij->i", weights @ above, weights)
        worse = np.einsum("ij,ij->i", weights @ below, weights)
        likeliest = np.argmax([better, 1 - better - worse, worse], axis=0)
        counts += np.bincount(likeliest, minlength=3)
    better_share, equivalent_share, worse_share = (counts / counts.sum()).tolist()
    return better_share, equivalent_share, worse_share


def average_ranks(scores: Floats) -> Floats:
    """Rank methods on each data set, the best first, and average over data sets; ties share their mean rank.

    Shapes: `scores` (n_data_sets, n_methods), the result (n_methods,).

    >>> average_ranks(np.array([[0.9, 0.8, 0.8], [0.7, 0.9, 0.6]])).tolist()
    [1.5, 1.75, 2.75]
    """
    from scipy.stats import rankdata

    ranks: Floats = rankdata(-scores, axis=1).mean(axis=0)
    return ranks


def friedman(scores: Floats) -> float:
    """Return the p-value for all methods being alike over data sets; two methods are compared by Wilcoxon's test.

    Shapes: `scores` (n_data_sets, n_methods).
    """
    from scipy.stats import friedmanchisquare

    if scores.shape[1] == 2:
        return wilcoxon_p(scores[:, 0] - scores[:, 1])
    if np.all(scores == scores[:, :1]):
        return 1.0
    return float(friedmanchisquare(*scores.T).pvalue)


def wilcoxon_p(differences: Floats) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; data sets without a difference are left out."""
    from scipy.stats import wilcoxon

    if not np.any(differences):
        return 1.0
    return float(wilcoxon(differences, zero_method="wilcox").pvalue)


def critical_rank_difference(n_methods: int, n_data_sets: int) -> float:
    """Return the difference of average ranks from which on Nemenyi's test tells two methods apart.

    Source: Demsar 2006, Journal of Machine Learning Research 7, section 3.2.2.

    >>> round(critical_rank_difference(4, 14), 2)
    1.25
    """
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - LEVEL, n_methods, np.inf)) / np.sqrt(2)
    return float(quantile * np.sqrt(n_methods * (n_methods + 1) / (6 * n_data_sets)))
