"""What the doctor found: records, and the letter that a person reads."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from actwise.doctor.changes import Code
from actwise.doctor.measures import Measures
from actwise.doctor.subjects import Data, Subject, train_once
from actwise.doctor.targets import Numbers
from actwise.errors import InputError
from actwise.experiments.trials import Reference
from actwise.handwritten import Cause
from actwise.model.network import Network
from actwise.tasks import Scaling

Verdict: TypeAlias = Literal["healthy", "broken", "hopeless", "undecided"]
WIDTH = 100
MOSTLY = 0.5  # of the seeds: where more of them fall short, it is no bad luck
EXPLANATIONS: Mapping[Code, str] = {
    "output_activation_mismatch": "The output activation cannot express the targets, or does not fit the loss.",
    "loss_mismatch": "The loss does not measure what is wanted: it is made for another kind of target.",
    "hidden_activation": "The hidden activation does not suit this network: it saturates, explodes or is flat.",
    "missing_nonlinearity": "Without a nonlinear hidden layer the network can only learn a linear function.",
    "learning_rate_too_high": "The steps are too long: the loss jumps about or diverges.",
    "learning_rate_too_low": "The steps are too short: the weights hardly move in the time they are given.",
    "undertrained": "Training ends before the network has learned: there are too few updates.",
    "optimizer": "The optimiser, as it is set, does not get there; another one does.",
    "init": "The initial weights are too small, too large or all the same.",
    "unscaled_inputs": "The inputs are not on a scale that the initial weights and the learning rate are made for.",
    "unscaled_targets": "The targets are not on a scale that the network starts from.",
    "batch_size": "The batch size gives too few steps, or steps that are too noisy.",
    "missing_bias": "Without a bias the answer for inputs of 0 is fixed, whatever the weights.",
    "capacity": "The network has too few or too many units or layers for this task.",
    "dead_units": "Many units put out 0 for every row: no gradient reaches their weights any more.",
    "vanishing_gradient": "The gradient fades on its way to the first layers, which therefore do not learn.",
    "exploding_gradient": "Values or gradients grow until they are no longer finite.",
    "saturation": "Many units sit where their activation is flat, so that nearly no gradient passes.",
    "label_encoding": "The labels are not encoded as the output layer and the loss expect them.",
    "no_signal": "The targets do not depend on the inputs in a way that anything tried could find.",
    "unlucky_fit": "The settings are sound, but these weights are not: an unlucky start, or fitted to other rows.",
    "regularization": "What holds the weights back, a penalty or dropout, keeps the network from learning.",
    "not_finite": "The data holds NaN or infinity, which makes every result NaN.",
    **dict.fromkeys(
        get_args(Cause),
        "The derivative of an activation is not that of its function, so that the gradient is not that of the loss.",
    ),
}  # fmt: skip


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
        Which share of what was missing the change brought.
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


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What came out of an examination.

    Parameters
    ----------
    verdict : {"healthy", "broken", "hopeless", "undecided"}
        ``hopeless``: nothing that was tried finds anything to learn, or makes this network better. ``undecided``: the
        budget was too small.
    findings : tuple of Finding
        Causes, the likeliest first; for a healthy network what is worth a look all the same.
    metric : str
        What the scores measure.
    scores : tuple of float
        Of the network as it is, a seed each.
    constant_score : float
        Of the best constant answer.
    reference : Reference or None
        What other models reach on the same rows.
    held_out : bool
        Whether scores are of rows that were not learned from.
    failing_share : float
        Share of the seeds that fall short.
    measures : Measures or None
        What happens inside, for the seed that does worst.
    losses : tuple of arrays
        Training loss by epoch: as it is, and with the fix.
    subject, fixed_subject : Subject or None
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
    subject: Subject | None = field(default=None, repr=False)
    fixed_subject: Subject | None = field(default=None, repr=False)
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
        """Draw the loss before and after, what each layer puts out, and the gradients by layer.

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
        from actwise.report.diagnosis import draw

        return draw(self, path)

    def fixed(self, seed: int = 0) -> Any:
        """Train what was handed in, repaired, on the rows that it learned from here.

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
        if self.fixed_subject is None or self.data is None:
            raise InputError(f"there is nothing to repair with: the verdict is {self.verdict!r}")
        rebuild = self.fixed_subject.origin.rebuild
        if rebuild is not None:
            return rebuild(self.settings_of_cure, self.data.train, seed)
        return repair(self.fixed_subject, self.data, seed)

    def __str__(self) -> str:
        return letter(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything that JSON can hold."""
        return {
            "verdict": self.verdict,
            "findings": [asdict(each) for each in self.findings],
            "metric": self.metric,
            "held_out": self.held_out,
            "scores": list(self.scores),
            "failing_share": self.failing_share,
            "constant_score": self.constant_score,
            "reference": dict(self.reference.scores) if self.reference else None,
            "layers": [asdict(each) for each in self.measures.layers] if self.measures else [],
            "course": asdict(self.measures.course) if self.measures else None,
            "cure": self.cure,
            "code_of_cure": self.code_of_cure,
            "settings_of_cure": dict(self.settings_of_cure),
            "cured": self.cured,
            "confirmed": self.confirmed,
            "scores_after": list(self.scores_after),
            "seconds": self.seconds,
            "note": self.note,
        }


@dataclass(frozen=True, eq=False)
class Repaired:
    """A repaired network, trained.

    Parameters
    ----------
    subject : Subject
        Its description and training.
    network : Network
        It, with trained parameters.
    score : float
        On the judging rows.
    input_centre, input_scale, target_centre, target_scale : ndarray
        What inputs are standardised by, and outputs brought back with.
    """

    subject: Subject
    network: Network
    score: float
    input_centre: Numbers
    input_scale: Numbers
    target_centre: Numbers
    target_scale: Numbers

    def predict(self, X: npt.ArrayLike) -> Numbers:
        """Compute the outputs for inputs on their own scale; numbers come on the targets' own scale.

        Parameters
        ----------
        X : array_like of shape (n_rows, n_inputs)
            Inputs.
        """
        wide = (np.asarray(X, np.float64) - self.input_centre) / self.input_scale
        return self.network.predict(wide) * self.target_scale + self.target_centre


def repair(subject: Subject, data: Data, seed: int) -> Repaired:
    """Train a subject and keep what its inputs and targets are scaled by."""
    outcome = train_once(subject, data, seed, whole=True)
    _, target_centre, target_scale = subject.targets(data)
    n = data.X.shape[1]
    scaling = data.scaling if subject.standard_inputs else Scaling.none(n)
    return Repaired(
        subject, outcome.network, outcome.score, scaling.centres, scaling.scales, target_centre, target_scale
    )


def letter(diagnosis: Diagnosis) -> str:
    """Write a diagnosis as a short letter."""
    lines = [_opening(diagnosis)]
    causes = diagnosis.findings
    if diagnosis.verdict == "broken" and causes:
        first = causes[0]
        lines.append(f"Cause: {first.code}. {first.explanation} Seen: {first.evidence}.")
        lines.append(_proof(diagnosis, first) if first.fix else "No single change proved it by itself.")
        if diagnosis.cure and diagnosis.scores_after:
            lines += [told] if (told := _cure(diagnosis, first)) else []
        code = diagnosis.code_of_cure if diagnosis.cured else first.code_of_fix or diagnosis.code_of_cure
        if code:
            lines.append("In code:\n" + textwrap.indent(code, "    "))
        rest = causes[1:4]
        if rest:
            lines.append("Also worth a look: " + "; ".join(f"{each.code} ({each.evidence})" for each in rest) + ".")
    elif causes:
        lines.append("Noted: " + "; ".join(f"{each.code} ({each.evidence})" for each in causes[:3]) + ".")
    if diagnosis.note:
        lines.append(diagnosis.note)
    return "\n\n".join(
        paragraph if paragraph.startswith("In code:") else textwrap.fill(paragraph, WIDTH) for paragraph in lines
    )


def _opening(diagnosis: Diagnosis) -> str:
    d = diagnosis
    words = {
        "healthy": "This network is healthy.",
        "broken": "This network does not learn what can be learned.",
        "hopeless": "Nothing that was tried finds anything to learn here.",
        "undecided": "Undecided.",
    }
    opening = words[d.verdict]
    if d.verdict == "hopeless" and not (d.findings and d.findings[0].code == "no_signal"):
        opening = "Other models do better on these rows, and nothing that was tried makes this network better."
    if not d.scores:
        return opening
    rows = "on rows it has not seen" if d.held_out else "on the rows it learned from (too few to hold some back)"
    reached = f"{d.metric} of {median(d.scores):.3f} in the median of {len(d.scores)} seeds"
    if min(d.scores) < max(d.scores) - 0.005:
        reached += f" ({min(d.scores):.3f} to {max(d.scores):.3f})"
    article = "an" if d.metric == "R2" else "a"
    text = f"{opening} It reaches {article} {reached}, {rows}; a constant answer has {d.constant_score:.3f}"
    if d.reference is not None:
        text += f" and {d.reference.name} {d.reference.score:.3f}"
    text += "."
    if d.verdict == "broken" and 0 < d.failing_share < 1:
        text += f" It falls short with {d.failing_share:.0%} of the seeds"
        text += ": partly this is bad luck with the initial weights." if d.failing_share < MOSTLY else "."
    return text


def _proof(diagnosis: Diagnosis, finding: Finding) -> str:
    text = f"Fix: {finding.fix}."
    if finding.scores_after:
        text += f" Retrained with nothing else changed, it reaches {median(finding.scores_after):.3f}"
        if finding.gap_closed is not None:
            text += f", {min(max(finding.gap_closed, 0), 1):.0%} of what was missing"
        text += "."
    return text


def _cure(diagnosis: Diagnosis, finding: Finding) -> str:
    other = "other seeds" if diagnosis.confirmed else "seeds"
    reached = f"{median(diagnosis.scores_after):.3f} in the median of {len(diagnosis.scores_after)} {other}"
    if diagnosis.cure == finding.fix and not diagnosis.confirmed:
        return ""
    if diagnosis.cure == finding.fix:
        ending = ", which is healthy" if diagnosis.cured else ""
        return f"Confirmed: {reached}{ending}."
    if diagnosis.cured:
        return f"Confirmed, and what is done below: {diagnosis.cure}. It reaches {reached}, which is healthy."
    return f"The best that was found, {diagnosis.cure}, reaches {reached}."
