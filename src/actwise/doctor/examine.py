"""The examination: is the network broken, by measurement; and if so by what, by experiment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median

from actwise.doctor.conclusion import conclude, from_suspicion
from actwise.doctor.findings import EXPLANATIONS, Diagnosis, Finding
from actwise.doctor.measures import measure
from actwise.doctor.rules import SURE, Suspicion, suspicions
from actwise.doctor.shortfall import Shortfall
from actwise.doctor.states import seen_in_training
from actwise.doctor.subjects import Data, Subject
from actwise.doctor.trials import FIRST_SEEDS, MORE_SEEDS, REPAIRED, find_cure, rank, try_pairs, try_singles, weights_of
from actwise.experiments.trials import Laboratory, Reference, find_reference

LONG_SHARE, FEWEST_SEEDS = 0.08, 3  # trainings longer than this share of the budget are repeated less often
FIRST_SHARE = 0.5  # of the budget for the network as it is; the rest is for comparing and repairing
FIT_AGAIN = "fitting it again, from other initial weights"


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
    note = f"{found.note} {subject.origin.note}".strip()
    return replace(found, seconds=time.perf_counter() - began, note=note)


def _stages(subject: Subject, data: Data, laboratory: Laboratory, suspected: list[Suspicion]) -> Iterator[Diagnosis]:
    """Yield what is known after each stage."""
    if suspected and suspected[0].code == "not_finite":
        yield Diagnosis("broken", tuple(from_suspicion(each) for each in suspected), subject=subject)
        return
    known = Diagnosis(
        "undecided", tuple(from_suspicion(each) for each in suspected if each.weight == SURE), data.task.metric,
        constant_score=data.constant_score, held_out=data.held_out, subject=subject,
        note="The budget was too small to train it often enough.",
    )  # fmt: skip
    yield known
    laboratory.say("training it as it is")
    (outcomes,) = laboratory.train([subject], 2, share=FIRST_SHARE)
    # Fewer seeds where each takes long: a whole training tells more than a broken-off one.
    long = max(each.seconds for each in outcomes) > LONG_SHARE * laboratory.budget
    (more,) = laboratory.train([subject], (FEWEST_SEEDS if long else FIRST_SEEDS) - 2, 2, FIRST_SHARE)
    outcomes = [*outcomes, *more]
    laboratory.say("training what it is compared with")
    reference = find_reference(laboratory)
    verdict = Shortfall(reference, data, outcomes)
    if 0 < verdict.failing_share < 1 and not long and laboratory.seconds_left > 0:
        (more,) = laboratory.train([subject], MORE_SEEDS, len(outcomes))
        outcomes = [*outcomes, *more]
        verdict = Shortfall(reference, data, outcomes)
    certain = any(each.weight == SURE for each in suspected)
    capped = any(each.epochs_share < 1 for each in outcomes) and subject.epochs > subject.most_epochs(data)
    if capped and verdict.failing_share and not certain and laboratory.seconds_left > 0:
        laboratory.say("training it to its end")
        (outcomes,) = laboratory.train([subject], len(outcomes), share=FIRST_SHARE, whole=True)
        verdict = Shortfall(reference, data, outcomes)
    # Of the seed that does worst: what goes wrong shows there.
    worst = min(outcomes, key=lambda each: each.score)
    measures = measure(subject, worst, data)
    known = replace(
        known, scores=verdict.scores, reference=reference, failing_share=verdict.failing_share, measures=measures,
        losses=(worst.losses,), trained=worst.network, data=data,
    )  # fmt: skip
    truncated = median([each.epochs_share for each in outcomes])
    if verdict.is_hopeless:
        seen = (
            f"{reference.name} reaches {reference.score:.3f} on held-out rows, and a constant answer "
            f"{data.constant_score:.3f}"
        )
        first = Finding("no_signal", seen, EXPLANATIONS["no_signal"])
        rest = [from_suspicion(each) for each in suspected if each.code != "no_signal"]
        yield replace(known, verdict="hopeless", findings=(first, *rest), note="")
        return
    if not verdict.is_broken:
        noted = [from_suspicion(each) for each in suspected if each.weight >= 0.5]
        fitted = _score_as_fitted(subject, data)
        if fitted is not None and verdict.falls_short(fitted):
            yield replace(known, verdict="broken", findings=(_unlucky(fitted, verdict), *noted), note="",
                          fixed_subject=subject, cured=True, cure=FIT_AGAIN, code_of_cure="model.fit(X, y)",
                          scores_after=verdict.scores, confirmed=True)  # fmt: skip
            return
        yield replace(
            known, verdict="healthy", findings=tuple(noted), note=_reservations(verdict, reference, truncated)
        )
        return
    if truncated < 1 and not certain:
        updates = subject.epochs * subject.steps_per_epoch(data)
        note = (
            f"The budget allowed {truncated:.1%} of its {updates:,} updates, of {len(outcomes)} seeds: give it more "
            "seconds."
        )
        yield replace(known, findings=tuple(from_suspicion(each) for each in suspected), note=note)
        return
    suspected = sorted(
        [*suspected, *seen_in_training(subject, data, outcomes, worst, measures)], key=lambda each: -each.weight
    )
    known = replace(known, verdict="broken", note="No experiment was possible within the budget.",
                    findings=tuple(from_suspicion(each) for each in suspected))  # fmt: skip
    yield known
    singles = try_singles(subject, data, laboratory, verdict, suspected)
    repairing = [each for each in singles if each.closed >= REPAIRED]
    pairs = [] if repairing else try_pairs(data, laboratory, verdict, singles, suspected)
    known = conclude(known, suspected, singles, pairs, None)
    yield known
    weights = weights_of(suspected)
    candidates = sorted((*singles, *pairs), key=lambda each: -rank(each, weights))
    helping = [each for each in candidates if each.closed >= REPAIRED] or candidates
    yield conclude(
        known, suspected, singles, pairs, find_cure(subject, data, laboratory, verdict, reference, helping, weights)
    )


def _score_as_fitted(subject: Subject, data: Data) -> float | None:
    """Score of the weights that the model came with, on the judging rows; None where it was not fitted."""
    outputs = subject.origin.fitted_outputs
    return None if outputs is None else data.task.score(outputs[data.judge], data.judge)


def _unlucky(fitted: float, verdict: Shortfall) -> Finding:
    seen = (
        f"with the weights that it has it scores {fitted:.3f}; trained again with the same settings, "
        f"{median(verdict.scores):.3f} in the median of {len(verdict.scores)} seeds"
    )
    return Finding("unlucky_fit", seen, EXPLANATIONS["unlucky_fit"], FIT_AGAIN, "model.fit(X, y)",
                   scores_after=verdict.scores, gap_closed=1.0)  # fmt: skip


def _reservations(verdict: Shortfall, reference: Reference, truncated: float) -> str:
    """Say what limits the verdict that a network is healthy."""
    said = []
    if truncated < 1:
        said.append(f"It was judged after {truncated:.1%} of its epochs; the rest was left out to save time.")
    if verdict.failing_share > 0:
        luck = "all the same: bad luck with the initial weights; try another" if truncated == 1 else "by then"
        said.append(f"With {verdict.failing_share:.0%} of the seeds it falls short {luck}.")
    if verdict.is_doubtful:
        name, n_rows = reference.name, len(verdict.data.judge)
        said.append(f"{name[0].upper()}{name[1:]} does better, though by no more than {n_rows} rows can tell.")
    return " ".join(said)
