"""How often studies are wrong where there is no difference, and how often they find one where there is.

    python benchmarks/compare.py [--null 500] [--power 40] [--seed 0] [--json FILE] [--page FILE]

Null studies compare one activation under several names: 2 to 10 arms that differ by their seeds alone, on five kinds of
data. Beside `aw.compare` stand a t-test for paired samples between the arm with the best mean and each other one,
and the
choice of the highest mean. Studies of power compare arms that truly differ. Nothing here depends on how fast the
machine is.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin

import actwise as aw
from actwise.study.conclusion import Standing, conclude

SHARED = {"hidden_layer_sizes": 8, "solver": "adam", "max_iter": 15, "learning_rate_init": 0.02}
SPLITS = (5, 15, 50)
DRAWN, SPREAD, TEST_SHARE = 2000, 0.02, 0.2  # drawn studies, and the spread and correlation of their differences


class Reseeded(RegressorMixin, BaseEstimator):
    """A regressor whose seed is shifted, so that it differs by chance alone."""

    def __init__(self, shift: int = 0, activation: Any = "tanh", random_state: int = 0) -> None:
        self.shift = shift
        self.activation = activation
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Reseeded:
        """Train with the shifted seed."""
        seed = int(np.random.default_rng([self.random_state, self.shift]).integers(2**31 - 1))
        self.model_ = aw.MLPRegressor(activation=self.activation, random_state=seed, **SHARED).fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        """Predict."""
        return self.model_.predict(X)


def linear(random: np.random.Generator, n: int) -> tuple[Any, Any]:
    """Numbers that depend linearly on four columns."""
    X = random.normal(size=(n, 4))
    return X, X @ [1.0, -1.0, 0.5, 0.0] + random.normal(size=n)


def curved(random: np.random.Generator, n: int) -> tuple[Any, Any]:
    """A sum of squares and a product."""
    X = random.normal(size=(n, 3))
    return X, X[:, 0] ** 2 + X[:, 1] * X[:, 2] + 0.3 * random.normal(size=n)


def periodic(random: np.random.Generator, n: int) -> tuple[Any, Any]:
    """A sine of several periods."""
    x = random.uniform(-6, 6, (n, 1))
    return x, np.sin(3 * x[:, 0]) + 0.2 * random.normal(size=n)


def noise(random: np.random.Generator, n: int) -> tuple[Any, Any]:
    """Nothing to learn."""
    return random.normal(size=(n, 3)), random.normal(size=n)


def heavy_tailed(random: np.random.Generator, n: int) -> tuple[Any, Any]:
    """A line with a few errors that are far out."""
    X = random.normal(size=(n, 2))
    return X, X[:, 0] + random.standard_t(2.5, size=n)


KINDS: tuple[Callable[..., tuple[Any, Any]], ...] = (linear, curved, periodic, noise, heavy_tailed)


def null_study(index: int, seed: int) -> dict[str, Any]:
    """Compare arms that differ by their seeds alone."""
    random = np.random.default_rng([seed, index])
    make = KINDS[index % len(KINDS)]
    X, y = make(random, int(random.integers(60, 200)))
    n_arms = 2 + index // len(KINDS) % 9
    arms = {f"arm {k}": Reseeded(k) for k in range(n_arms)}
    with tempfile.TemporaryDirectory() as folder:  # the race finds its trainings done
        whole = aw.compare(arms, X, y, seed=index, workers=1, race=False, study=folder)
        raced = aw.compare(arms, X, y, seed=index, workers=1, study=folder)
    pair = whole.arms[1].contrast
    return {
        "kind": make.__name__,
        "arms": n_arms,
        "winner": raced.winner is not None,
        "some arm called worse": bool(raced.with_verdict("worse")),
        "splits": raced.n_splits,
        "winner without racing": whole.winner is not None,
        "called equivalent": len(raced.equivalent) == n_arms,
        "interval of two arms covers 0": bool(pair.low <= 0 <= pair.high) if n_arms == 2 else None,
        "naive": _naive(whole),
    }


def _naive(found: Any) -> bool:
    """Say whether a paired t-test without any correction tells the best arm from every other one."""
    n, ratio = found.n_splits, found.test_to_train
    p_values = []
    for arm in found.arms[1:]:
        # The corrected statistic and the naive one differ by a factor.
        half = (arm.contrast.high - arm.contrast.low) / 2
        scale = half / stats.t.ppf(0.975, n - 1)
        naive = scale * np.sqrt((1 / n) / (1 / n + ratio))
        p_values.append(2 * stats.t.sf(abs(arm.contrast.difference) / naive, n - 1) if naive > 0 else 1.0)
    return all(each <= 0.05 for each in p_values)


def power_studies(n_studies: int, seed: int) -> list[dict[str, Any]]:
    """Compare arms of which one is truly better, with more and more splits."""
    cases: list[tuple[str, Callable[..., Any], dict[str, Any], str]] = [
        ("identity or tanh on curved data", curved, {"identity": "identity", "tanh": "tanh"}, "tanh"),
        ("tanh or sine on periodic data", periodic, {"tanh": "tanh", "sine": "sin(x)"}, "sine"),
        ("five sigmoid layers or five of ReLU", curved, {"sigmoid": "sigmoid", "relu": "relu"}, "relu"),
    ]
    found = []
    for name, make, activations, better in cases:
        shared = SHARED | {"max_iter": 60} | ({"hidden_layer_sizes": (8,) * 5} if "five" in name else {})
        for splits in SPLITS:
            wins = wrong = 0
            used = []
            for index in range(n_studies):
                random = np.random.default_rng([seed, index, len(name)])
                answer = aw.compare(
                    activations, *make(random, 150), seed=index, splits=splits, settings=shared, workers=1
                )
                wins += answer.winner == better
                wrong += answer.winner not in (better, None)
                used.append(answer.n_splits)
            row = {"case": name, "splits": splits, "studies": n_studies, "told apart": wins, "wrong": wrong}
            found.append(row | {"median splits used": float(np.median(used))})
    return found


def graded_effects(n_studies: int, seed: int) -> list[dict[str, Any]]:
    """Draw scores of a known difference, correlated as they are where a fifth of the rows is tested each time."""
    random, found = np.random.default_rng(seed), []
    for effect in (0.0, 0.005, 0.01, 0.02, 0.05):
        for splits in SPLITS:
            verdicts, naive = Counter(), 0
            for _ in range(n_studies):
                shared = random.normal(0, SPREAD * np.sqrt(TEST_SHARE))
                differences = effect + shared + random.normal(0, SPREAD * np.sqrt(1 - TEST_SHARE), splits)
                standing = Standing(("a", "b"), np.array([differences, np.zeros(splits)]).T)
                ratio = TEST_SHARE / (1 - TEST_SHARE)
                answer = conclude(standing, metric="score", sign=1, rope=0.01, test_to_train=ratio)
                verdicts[answer.arms[1].verdict] += 1
                naive += stats.ttest_1samp(differences, 0).pvalue <= 0.05
            row = {"true difference": effect, "splits": splits, "naive": naive / n_studies}
            found.append(row | {name: verdicts[name] / n_studies for name in ("worse", "equivalent", "undecided")})
    return found


def main() -> None:
    """Run what is asked for, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--null", type=int, default=500)
    parser.add_argument("--power", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    done: dict[str, Any] = json.loads(given.json.read_text()) if given.json and given.json.exists() else {"null": []}
    for index in range(len(done["null"]), given.null):
        done["null"].append(null_study(index, given.seed))
        if given.json and index % 10 == 9:
            given.json.write_text(json.dumps(done, indent=1) + "\n")
    if given.power and "power" not in done:
        done["power"] = power_studies(given.power, given.seed)
    if "graded" not in done:
        done["graded"] = graded_effects(DRAWN, given.seed)
    if given.json:
        given.json.write_text(json.dumps(done, indent=1) + "\n")
    text = page(done)
    print(text)
    if given.page:
        given.page.write_text(text, "utf-8")


def page(done: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    null = done["null"]
    n = len(null)
    two = [each["interval of two arms covers 0"] for each in null if each["interval of two arms covers 0"] is not None]

    def share(name: str) -> str:
        count = sum(bool(each[name]) for each in null)
        return f"{count} of {n} ({count / n:.1%})"

    lines = [
        "# Studies with and without a difference",
        "",
        "Made by `python benchmarks/compare.py --power 20 --json benchmarks/results/compare.json --page "
        "benchmarks/results/compare.md`.",
        "",
        "## No difference",
        "",
        f"{n} studies of one activation under 2 to 10 names with seeds of their own, on five kinds of data. Their "
        "differences "
        "come from the seeds alone and are independent from split to split, so that the correction is stricter than "
        "needed "
        "here; the last table has the correlated kind.",
        "",
        "| what | share of studies |",
        "|---|---|",
        f"| `compare` names a winner (aim: at most 5 %) | {share('winner')} |",
        f"| `compare` without racing names a winner | {share('winner without racing')} |",
        f"| `compare` calls some arm worse than the best | {share('some arm called worse')} |",
        f"| `compare` calls all arms equivalent | {share('called equivalent')} |",
        f"| a paired t-test tells the best arm from every other | {share('naive')} |",
        f"| the highest mean is taken for the best | {n} of {n} (100.0%) |",
        f"| of two arms, the 95 % interval covers 0 | {sum(two)} of {len(two)} ({sum(two) / max(1, len(two)):.1%}) |",
        "",
    ]
    if "power" in done:
        lines += [
            "## A difference",
            "",
            "| arms | splits at most | told apart | wrong winner | splits used, median |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {each['case']} | {each['splits']} | {each['told apart']} of {each['studies']} | {each['wrong']} | "
            f"{each['median splits used']:.0f} |"
            for each in done["power"]
        ]
    if "graded" in done:
        lines += [
            "",
            f"{DRAWN} drawn studies of two arms for each row, whose true difference is known; spread {SPREAD}, "
            "region of "
            "equivalence 0.01. Differences of splits are correlated as they are where training rows overlap, which "
            "a t-test "
            "for independent differences does not know.",
            "",
            "| true difference | splits | told apart | by a t-test without correction | equivalent | undecided |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {each['true difference']} | {each['splits']} | {each['worse']:.3f} | {each['naive']:.3f} | "
            f"{each['equivalent']:.3f} | {each['undecided']:.3f} |"
            for each in done["graded"]
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
