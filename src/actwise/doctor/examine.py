"""The examination: is the network broken, by measurement; and if so by what, by experiment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from actwise.doctor.changes import Change, Code, all_changes, hidden_activations
from actwise.doctor.experiments import Laboratory, Reference, find_reference
from actwise.doctor.findings import EXPLANATIONS, Diagnosis, Finding, median
from actwise.doctor.measures import MANY_DEAD, MANY_SATURATED, VANISHING, Measures, measure
from actwise.doctor.rules import Suspicion, suspicions
from actwise.doctor.subjects import Data, Outcome, Subject

MISSING_SHARE = 0.1  # of the way from the constant to the reference: more of it missing is a failure
SAMPLING_NOISE = 0.05  # of a balanced accuracy on held-out rows
FAILING_SEEDS = 1 / 3  # beyond so many, failing is a fault and not bad luck
REPAIRED = 0.5  # share of the gap that a change has to close
FIRST_SEEDS, MORE_SEEDS = 6, 6  # the second so many where the first do not agree
SEEDS_PER_CHANGE = 3
STATE = 0.3  # weight of what was seen inside: more often a consequence than a cause
SURE = 1.0  # weight of a suspicion that needs no experiment
MOST_PAIRS = 6
LEVEL = 0.15  # changes within so much of the best are told apart by plausibility
FALLING = 0.02  # share by which the loss falls over the last tenth of the epochs


@dataclass(frozen=True, eq=False)
class _Tried:
    """A change, or a pair of them, and what it brought."""

    changes: tuple[Change, ...]
    outcomes: list[Outcome]
    closed: float

    @property
    def scores(self) -> tuple[float, ...]:
        return tuple(each.score for each in self.outcomes)


def examine(
    subject: Subject,
    data: Data,
    *,
    budget: float,
    seed: int = 0,
    observe: Callable[[str, float], object] = lambda what, share: None,
) -> Diagnosis:
    """Examine a network.

    Parameters
    ----------
    subject : Subject
        The network and its training.
    data : Data
        The rows.
    budget : float
        Seconds.
    seed : int
        Of everything random.
    observe : callable
        Called with a word on what is done next, and the share of the budget that is used up.

    Returns
    -------
    Diagnosis
        The result; after a `KeyboardInterrupt` what was known by then.
    """
    began = time.perf_counter()
    laboratory = Laboratory(data, seed, budget, observe)
    found = Diagnosis("undecided", (), subject=subject)
    suspected = suspicions(subject, data)
    try:
        for known in _stages(subject, data, laboratory, suspected):
            found = known
    except KeyboardInterrupt:
        found = replace(found, note=f"Interrupted: this is what was known. {found.note}".strip())
    return replace(found, seconds=time.perf_counter() - began)


def _stages(subject: Subject, data: Data, laboratory: Laboratory, suspected: list[Suspicion]) -> Iterator[Diagnosis]:
    """Yield what is known after each stage."""
    if suspected and suspected[0].code == "not_finite":
        yield Diagnosis("broken", tuple(_from_suspicion(each) for each in suspected), subject=subject)
        return
    known = Diagnosis(
        "undecided", tuple(_from_suspicion(each) for each in suspected if each.weight == SURE), data.task.metric,
        constant_score=data.constant_score, held_out=data.held_out, subject=subject,
        note="The budget was too small to train it often enough.",
    )  # fmt: skip
    yield known
    laboratory.say("training it as it is")
    (outcomes,) = laboratory.train([subject], FIRST_SEEDS)
    laboratory.say("training what it is compared with")
    reference = find_reference(laboratory)
    verdict = _Verdict(reference, data, outcomes)
    if 0 < verdict.failing_share < 1 and laboratory.seconds_left > 0:
        (more,) = laboratory.train([subject], MORE_SEEDS, FIRST_SEEDS)
        outcomes = [*outcomes, *more]
        verdict = _Verdict(reference, data, outcomes)
    measures = measure(subject, outcomes[0].network, data)
    known = replace(
        known, scores=verdict.scores, reference=reference, failing_share=verdict.failing_share, measures=measures,
        losses=(outcomes[0].losses,), trained=outcomes[0].network, data=data,
    )  # fmt: skip
    truncated = median([each.epochs_share for each in outcomes])
    if verdict.is_hopeless:
        seen = (
            f"{reference.name} reaches {reference.score:.3f} on held-out rows, and a constant answer "
            f"{data.constant_score:.3f}"
        )
        first = Finding("no_signal", seen, EXPLANATIONS["no_signal"])
        rest = [_from_suspicion(each) for each in suspected if each.code != "no_signal"]
        yield replace(known, verdict="hopeless", findings=(first, *rest), note="")
        return
    if not verdict.is_broken:
        noted = [_from_suspicion(each) for each in suspected if each.weight >= 0.5]
        yield replace(known, verdict="healthy", findings=tuple(noted), note=_luck(verdict.failing_share))
        return
    if truncated < 1 and laboratory.seconds_left <= 0:
        yield replace(known, note=f"The budget allowed {truncated:.0%} of the epochs: give it more seconds.")
        return
    suspected = sorted([*suspected, *_states(subject, outcomes, measures)], key=lambda each: -each.weight)
    known = replace(known, verdict="broken", note="No experiment was possible within the budget.",
                    findings=tuple(_from_suspicion(each) for each in suspected))  # fmt: skip
    yield known
    singles = _try_singles(subject, data, laboratory, verdict, suspected)
    repairing = [each for each in singles if each.closed >= REPAIRED]
    pairs = [] if repairing else _try_pairs(data, laboratory, verdict, singles, suspected)
    yield _conclude(known, suspected, singles, pairs)


class _Verdict:
    """Whether scores fall short of what can be reached."""

    def __init__(self, reference: Reference, data: Data, outcomes: Sequence[Outcome]) -> None:
        self.scores = tuple(each.score for each in outcomes)
        self.data = data
        self.reach = reference.score
        self.noise = 0.0
        if data.task.is_classification and data.held_out:
            self.noise = SAMPLING_NOISE
        elif data.task.is_classification and reference.is_of_others:
            self.noise = 0.5 / float(np.sqrt(len(data.judge)))  # a standard error of a share
        self.failing = [self._falls_short(score) for score in self.scores]
        self.failing_share = float(np.mean(self.failing))

    def _falls_short(self, score: float) -> bool:
        missing = self.reach - score
        return bool(missing > max(MISSING_SHARE * (self.reach - self.data.constant_score), self.noise))

    @property
    def is_broken(self) -> bool:
        # A third of the seeds, and a standard error more, so that a few unlucky seeds are no fault.
        error = np.sqrt(FAILING_SEEDS * (1 - FAILING_SEEDS) / len(self.scores))
        return self._falls_short(median(self.scores)) or self.failing_share >= FAILING_SEEDS + error

    @property
    def is_hopeless(self) -> bool:
        """Whether on held-out rows nothing does better than a constant, beyond what sampling explains."""
        noise = max(SAMPLING_NOISE, 1 / np.sqrt(len(self.data.judge)))
        best = max(self.reach, median(self.scores))
        return self.data.held_out and best - self.data.constant_score < noise

    def base(self) -> float:
        """The score to start from: the mean where only some seeds fail, so that luck does not hide a fault."""
        typical = median(self.scores)
        return typical if self._falls_short(typical) else float(np.mean(self.scores))

    def closed(self, scores: Sequence[float]) -> float:
        """Which share of the gap these scores close."""
        typical = median(list(scores)) if self._falls_short(median(self.scores)) else float(np.mean(scores))
        return (typical - self.base()) / max(1e-12, self.reach - self.base())


def _luck(share: float) -> str:
    if share == 0:
        return ""
    return f"With {share:.0%} of the seeds it falls short all the same: bad luck with the initial weights; try another."


def _from_suspicion(each: Suspicion) -> Finding:
    return Finding(each.code, each.evidence, EXPLANATIONS[each.code], layer=each.layer)


def _states(subject: Subject, outcomes: Sequence[Outcome], measures: Measures) -> list[Suspicion]:
    """Return what was seen during training."""
    found = []
    broken_off = [each for each in outcomes if not each.is_finite]
    hidden = set(hidden_activations(subject.network))
    if broken_off:
        seen = f"the loss became infinite or NaN with {len(broken_off)} of {len(outcomes)} seeds"
        found.append(Suspicion("exploding_gradient", STATE, seen))
        if hidden & {"exponential", "squared_relu", "sinh"}:
            found.append(Suspicion("hidden_activation", 0.75, f"{seen}, with {min(hidden)} in the hidden layers"))
    dead, saturated = measures.most_dead, measures.most_saturated
    if dead.dead >= MANY_DEAD:
        seen = f"{dead.dead:.0%} of the units of layer {dead.layer} put out 0 for every row after training"
        found.append(Suspicion("dead_units", STATE, seen, dead.layer))
    if saturated.saturated >= MANY_SATURATED:
        where = f"layer {saturated.layer} are where {saturated.activation} is flat"
        seen = f"{saturated.saturated:.0%} of the values of {where}"
        found.append(Suspicion("saturation", STATE, seen, saturated.layer))
    ratio = measures.gradient_ratio
    if ratio < VANISHING:
        seen = f"the gradient of the first layer is {ratio:.1g} times that of the last"
        found.append(Suspicion("vanishing_gradient", STATE, seen, 1))
        if hidden & {"sigmoid", "hardsigmoid", "hardsigmoid_keras2"}:
            found.append(Suspicion("hidden_activation", 0.7, f"{seen}, with sigmoid in the hidden layers"))
    losses = outcomes[0].losses
    tail = losses[-max(2, len(losses) // 10) :]
    if len(losses) >= 3 and np.isfinite(tail).all() and tail[0] - tail[-1] > FALLING * abs(tail[0]):
        seen = f"the loss still falls at the end, from {tail[0]:.4g} to {tail[-1]:.4g} over the last epochs"
        found.append(Suspicion("undertrained", 0.35, seen))
        found.append(Suspicion("learning_rate_too_low", 0.35, seen))
    return found


def _weights(suspected: Sequence[Suspicion]) -> dict[Code, float]:
    weights: dict[Code, float] = {}
    for each in suspected:
        weights[each.code] = max(weights.get(each.code, 0.0), each.weight)
    return weights


def _plausibility(change: Change, weights: dict[Code, float]) -> float:
    return max((weights.get(code, 0.0) for code in change.codes), default=0.0)


def _try_singles(
    subject: Subject, data: Data, laboratory: Laboratory, verdict: _Verdict, suspected: Sequence[Suspicion]
) -> list[_Tried]:
    weights = _weights(suspected)
    changes = sorted(all_changes(subject, data), key=lambda each: -_plausibility(each, weights))
    # The longest last: what it would show is often shown by a cheaper one.
    changes.sort(key=lambda each: each.name == "epochs_x10")
    n_seeds = FIRST_SEEDS if 0 < verdict.failing_share < 1 else SEEDS_PER_CHANGE
    found: list[_Tried] = []
    for start in range(0, len(changes), 3):
        if found and laboratory.seconds_left <= 0:
            break
        some = changes[start : start + 3]
        laboratory.say("trying " + ", ".join(each.text for each in some))
        results = laboratory.train([each.subject for each in some], n_seeds)
        for change, outcomes in zip(some, results, strict=True):
            found.append(_Tried((change,), outcomes, verdict.closed([each.score for each in outcomes])))
    return found


def _try_pairs(
    data: Data, laboratory: Laboratory, verdict: _Verdict, singles: Sequence[_Tried], suspected: Sequence[Suspicion]
) -> list[_Tried]:
    weights = _weights(suspected)
    ranked = sorted(singles, key=lambda each: -(min(each.closed, 1) + _plausibility(each.changes[0], weights)))[:4]
    subjects: list[tuple[tuple[Change, Change], Subject]] = []
    for k, one in enumerate(ranked):
        for other in ranked[k + 1 :]:
            first, second = one.changes[0], other.changes[0]
            after = {each.name: each for each in all_changes(first.subject, data)}
            if second.name in after and not _same_knob(first, second):
                subjects.append(((first, second), after[second.name].subject))
    found = []
    for pair, subject in subjects[:MOST_PAIRS]:
        if laboratory.seconds_left <= 0:
            break
        laboratory.say(f"trying {pair[0].text} and {pair[1].text}")
        (outcomes,) = laboratory.train([subject], SEEDS_PER_CHANGE)
        changed = (pair[0], replace(pair[1], subject=subject))
        found.append(_Tried(changed, outcomes, verdict.closed([each.score for each in outcomes])))
    return found


def _same_knob(one: Change, other: Change) -> bool:
    knobs = [{"lr_x10", "lr_div10", "adam"}, {"hidden_relu", "hidden_tanh"}]
    return any({one.name, other.name} <= knob for knob in knobs)


def _conclude(
    known: Diagnosis, suspected: Sequence[Suspicion], singles: Sequence[_Tried], pairs: Sequence[_Tried]
) -> Diagnosis:
    weights = _weights(suspected)

    def rank(each: _Tried) -> float:
        plausible = max(_plausibility(change, weights) for change in each.changes)
        return min(each.closed, 1.0) + LEVEL * 2 * plausible - max(change.effort for change in each.changes)

    repairing = sorted((each for each in singles if each.closed >= REPAIRED), key=lambda each: -rank(each))
    pairs = sorted((each for each in pairs if each.closed >= REPAIRED), key=lambda each: -rank(each))
    helping = sorted((each for each in singles if 0.2 <= each.closed < REPAIRED), key=lambda each: -each.closed)
    evidence = {each.code: each for each in sorted(suspected, key=lambda each: each.weight)}
    findings: list[Finding] = []

    def add(code: Code, tried: _Tried | None) -> None:
        if any(each.code == code for each in findings):
            return
        suspicion = evidence.get(code)
        if tried is None:
            if suspicion is not None:
                findings.append(_from_suspicion(suspicion))
            return
        fix = " and ".join(change.text for change in tried.changes)
        shown = f"with {fix} it reaches {median(tried.scores):.3f}"
        findings.append(
            Finding(
                code, suspicion.evidence if suspicion else shown, EXPLANATIONS[code], fix,
                "\n".join(change.code for change in tried.changes), suspicion.layer if suspicion else None,
                tried.scores, tried.closed,
            )
        )  # fmt: skip

    def best_with(code: Code) -> _Tried | None:
        for each in (*repairing, *pairs, *helping):
            if any(code in change.codes for change in each.changes):
                return each
        return None

    for each in suspected:
        if each.weight == SURE:
            add(each.code, best_with(each.code))
    for tried in repairing:
        for code in sorted(tried.changes[0].codes, key=lambda code: -weights.get(code, 0.0)):
            add(code, tried)
    for tried in pairs:
        for change in sorted(tried.changes, key=lambda change: -_plausibility(change, weights)):
            add(change.codes[0], tried)
    if not repairing and not pairs:
        for each in suspected:
            if each.weight >= 0.4:
                add(each.code, best_with(each.code))
        for tried in helping:
            add(tried.changes[0].codes[0], tried)
    for each in sorted(suspected, key=lambda each: -each.weight):
        add(each.code, None)
    best = next(iter(repairing or pairs), None)
    note = "" if best else "No single change and no pair of changes that was tried closes half of the gap."
    losses = known.losses
    if best:
        losses = (*losses, best.outcomes[0].losses)
    return replace(
        known, findings=tuple(findings), note=note, losses=losses,
        fixed_subject=best.changes[-1].subject if best else None,
    )  # fmt: skip
