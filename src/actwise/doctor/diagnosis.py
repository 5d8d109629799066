"""What the doctor found: records, and the report that a person reads."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal, TypeAlias

import numpy.typing as npt

from actwise.doctor.causes import EXPLANATIONS, Code, Suspicion
from actwise.doctor.data import Data
from actwise.doctor.measures import Measures, outputs_of_layers
from actwise.doctor.reference import Reference
from actwise.doctor.setup import Setup, Training
from actwise.doctor.targets import Numbers
from actwise.errors import InputError
from actwise.model.network import Network
from actwise.tasks import Scaling

Verdict: TypeAlias = Literal["healthy", "broken", "hopeless", "undecided"]
WIDTH = 100
MOSTLY = 0.5  # of the seeds: where more of them fall short, it is no bad luck
WHOLE, NONE = 0.995, 0.005  # shares of a gap that are not worth a number
MOST_ASIDES = 3


@dataclass(frozen=True)
class Finding:
    """One cause.

    Parameters
    ----------
    code : str
        Its code.
    evidence : str
        What was measured, with numbers.
    explanation : str
        What it means.
    fix : str
        What to change, as a clause; empty where nothing was tried.
    code_of_fix : str
        The same as code.
    layer : int or None
        The layer, counted from 1.
    scores_after : tuple of float
        Scores of the trainings with this change, a seed each.
    gap_closed : float or None
        Share of the gap that the change closes.
    settings : mapping
        The fix as changed settings, by the names of `actwise.train`; empty where nothing was tried.
    """

    code: Code
    evidence: str
    explanation: str
    fix: str = ""
    code_of_fix: str = ""
    layer: int | None = None
    scores_after: tuple[float, ...] = ()
    gap_closed: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def untried(each: Suspicion) -> Finding:
    """Make a finding of a suspicion that was not tried."""
    return Finding(each.code, each.evidence, EXPLANATIONS[each.code], layer=each.layer)


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The result of an examination.

    Parameters
    ----------
    verdict : {"healthy", "broken", "hopeless", "undecided"}
        ``hopeless``: nothing that was tried finds anything to learn, or improves this network. ``undecided``: the
        budget was too small.
    findings : tuple of Finding
        Causes, the likeliest first; for a healthy network what is worth knowing all the same.
    metric : str
        What the scores measure.
    scores : tuple of float
        Of the network as it is, a seed each.
    constant_score : float
        Of the best constant answer.
    reference : Reference or None
        What other models reach on the same rows.
    held_out : bool
        Whether scores are of rows that were not trained on.
    failing_share : float
        Share of the seeds that fall short.
    measures : Measures or None
        What happens inside, for the seed that does worst.
    losses : tuple of arrays
        Training loss by epoch: as it is, and with the fix.
    setup, fixed_setup : Setup or None
        What was examined, and the repaired one.
    seconds : float
        How long it took.
    note : str
        Why nothing could be concluded, or what limits the conclusion.
    cured : bool
        Whether the cure makes the network healthy, with seeds that it was not found with.
    cure, code_of_cure : str
        All changes that it takes, in words and as code.
    settings_of_cure : mapping
        The same as settings.
    scores_after : tuple of float
        Scores with the cure.
    confirmed : bool
        Whether these are of seeds that the cure was not found with.
    trained : Network or None
        The network of the seed that does worst, as it was trained.
    data : Data or None
        The rows.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    metric: str = ""
    scores: tuple[float, ...] = ()
    constant_score: float = float("nan")
    reference: Reference | None = None
    held_out: bool = False
    failing_share: float = 0.0
    measures: Measures | None = None
    losses: tuple[Any, ...] = ()
    setup: Setup | None = field(default=None, repr=False)
    fixed_setup: Setup | None = field(default=None, repr=False)
    seconds: float = 0.0
    note: str = ""
    cured: bool = False
    cure: str = ""
    code_of_cure: str = ""
    settings_of_cure: Mapping[str, Any] = field(default_factory=dict)
    scores_after: tuple[float, ...] = ()
    confirmed: bool = False
    trained: Network | None = field(default=None, repr=False)
    data: Data | None = field(default=None, repr=False)

    def plot(self, path: str | None = None) -> Any:
        """Draw the loss before and after, the outputs of each layer, and the gradients by layer.

        Parameters
        ----------
        path : str, optional
            Where to save the figure.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        InputError
            If matplotlib is not installed, or nothing was trained.
        """
        from actwise.report.training import LayerShown, draw_training

        if self.setup is None or self.data is None or self.trained is None or self.measures is None:
            raise InputError("nothing was trained, so there is nothing to draw")
        outputs = outputs_of_layers(self.setup, self.trained, self.data)
        layers = [
            LayerShown(
                f"{each.layer}: {each.activation}\ndead {each.dead:.0%}, saturated {each.saturated:.0%}",
                each.gradient, values,
            )
            for each, values in zip(self.measures.layers, outputs, strict=True)
        ]  # fmt: skip
        losses = dict(zip(("as it is", "with the fix"), self.losses, strict=False))
        return draw_training(f"Loss: {self.verdict}", losses, layers, path)

    def fixed(self, seed: int = 0) -> Any:
        """Train what was handed in, repaired, on the same training rows.

        Parameters
        ----------
        seed : int
            Of initial weights and order of rows.

        Returns
        -------
        Repaired, estimator or TableModel
            For a network a `Repaired`, for everything else the same kind of thing with changed settings, fitted.

        Raises
        ------
        InputError
            If there is no repair: the network is healthy, or nothing that was tried helps.
        """
        if self.fixed_setup is None or self.data is None:
            raise InputError(f"there is nothing to repair with: the verdict is {self.verdict!r}")
        rebuild = self.fixed_setup.origin.rebuild
        if rebuild is not None:
            return rebuild(self.settings_of_cure, self.data.train, seed)
        return repair(self.fixed_setup, self.data, seed)

    def __str__(self) -> str:
        return report(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything that JSON can hold."""
        plain = (
            "verdict", "metric", "held_out", "failing_share", "constant_score", "cure", "code_of_cure", "cured",
            "confirmed", "seconds", "note",
        )  # fmt: skip
        return {name: getattr(self, name) for name in plain} | {
            "findings": [asdict(each) for each in self.findings],
            "scores": list(self.scores),
            "reference": dict(self.reference.scores) if self.reference else None,
            "layers": [asdict(each) for each in self.measures.layers] if self.measures else [],
            "course": asdict(self.measures.course) if self.measures else None,
            "settings_of_cure": dict(self.settings_of_cure),
            "scores_after": list(self.scores_after),
        }


@dataclass(frozen=True, eq=False)
class Repaired:
    """A repaired network, trained.

    Parameters
    ----------
    setup : Setup
        Its description and training.
    network : Network
        It, with trained parameters.
    score : float
        On the test rows.
    inputs, outputs : Scaling
        What is done to the inputs, and undone to the outputs.
    """

    setup: Setup
    network: Network
    score: float
    inputs: Scaling
    outputs: Scaling

    def predict(self, X: npt.ArrayLike) -> Numbers:
        """Compute the outputs for inputs on their own scale; numbers come on the targets' own scale.

        Parameters
        ----------
        X : array_like of shape (n_rows, n_inputs)
            Inputs.
        """
        return self.outputs.undo(self.network.predict(self.inputs.apply(X)))


def repair(setup: Setup, data: Data, seed: int) -> Repaired:
    """Train a setup and keep how its inputs and targets are scaled."""
    outcome = Training(setup, data, whole=True).train(seed)
    inputs = data.scaling if setup.scale_inputs else Scaling.none(data.X.shape[1])
    return Repaired(setup, outcome.network, outcome.score, inputs, setup.targets(data)[1])


def report(diagnosis: Diagnosis) -> str:
    """Write a diagnosis as a short report."""
    paragraphs, opening, code = [_opening(diagnosis)], "Worth knowing", ""
    asides: Sequence[Finding] = diagnosis.findings
    if diagnosis.verdict == "broken" and diagnosis.findings:
        first, *asides = diagnosis.findings
        opening = "Also worth a look"
        paragraphs.append(f"Cause: {first.code}. {first.explanation} Evidence: {first.evidence}.")
        paragraphs.append(_fix(first) if first.fix else "No single change confirms this.")
        paragraphs.append(_cure(diagnosis, first))
        code = diagnosis.code_of_cure if diagnosis.cured else first.code_of_fix or diagnosis.code_of_cure
    listed = "; ".join(f"{each.code} ({each.evidence})" for each in asides[:MOST_ASIDES])
    told = [textwrap.fill(each, WIDTH) for each in paragraphs if each]
    told += ["In code:\n" + textwrap.indent(code, "    ")] * bool(code)
    told += [textwrap.fill(f"{opening}: {listed}.", WIDTH)] * bool(listed)
    told += [textwrap.fill(diagnosis.note, WIDTH)] * bool(diagnosis.note)
    return "\n\n".join(told)


def _opening(d: Diagnosis) -> str:
    words: Mapping[Verdict, str] = {
        "healthy": "This network is healthy.",
        "broken": "This network does not learn what can be learned.",
        "hopeless": "Nothing that was tried finds anything to learn here.",
        "undecided": "Undecided.",
    }
    text = words[d.verdict]
    if d.verdict == "hopeless" and not (d.findings and d.findings[0].code == "no_signal"):
        text = "Other models do better on these rows, but nothing that was tried improves this network."
    if not d.scores:
        return text
    rows = "on held-out rows" if d.held_out else "on the rows it was trained on (there are too few to hold some out)"
    reached = f"median of {len(d.scores)} seeds"
    if min(d.scores) < max(d.scores) - 0.005:
        reached += f", {min(d.scores):.3f} to {max(d.scores):.3f}"
    text += (
        f" Its {d.metric} {rows} is {median(d.scores):.3f} ({reached}); a constant answer scores {d.constant_score:.3f}"
    )
    if d.reference is not None:
        text += f" and {d.reference.name} {d.reference.score:.3f}"
    text += "."
    if d.verdict == "broken" and 0 < d.failing_share < 1:
        text += f" It falls short with {d.failing_share:.0%} of the seeds"
        text += ": part of this is bad luck with the initial weights." if d.failing_share < MOSTLY else "."
    return text


def _fix(finding: Finding) -> str:
    text = f"Fix: {finding.fix}."
    if finding.scores_after:
        text += f" Retrained with only this changed, it reaches {median(finding.scores_after):.3f}"
    if finding.scores_after and finding.gap_closed is not None:
        share = finding.gap_closed
        closed = "the whole" if share >= WHOLE else "none of the" if share < NONE else f"{share:.0%} of the"
        text += f": this closes {closed} gap"
    return text + "." * bool(finding.scores_after)


def _cure(diagnosis: Diagnosis, finding: Finding) -> str:
    if not (diagnosis.cure and diagnosis.scores_after):
        return ""
    reached = f"it reaches {median(diagnosis.scores_after):.3f}"
    seeds = f"{len(diagnosis.scores_after)} {'other ' * diagnosis.confirmed}seeds"
    ending = ", which is healthy" if diagnosis.cured else ""
    if diagnosis.cure == finding.fix:
        return f"Confirmed with {seeds}: {reached}{ending}." if diagnosis.confirmed else ""
    if diagnosis.cured:
        return f"Repaired with: {diagnosis.cure}. Confirmed with {seeds}: {reached}{ending}."
    return f"The best that was found: {diagnosis.cure}. With {seeds} {reached}."
