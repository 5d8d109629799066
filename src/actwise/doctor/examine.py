"""The examination: is the network broken, by measurement; and if so by what, by experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median

from actwise.doctor.causes import CERTAIN, EXPLANATIONS, Suspicion, plausible
from actwise.doctor.conclusion import conclude
from actwise.doctor.data import Data
from actwise.doctor.diagnosis import Diagnosis, Finding, untried
from actwise.doctor.gap import Gap
from actwise.doctor.measures import measure
from actwise.doctor.reference import find_reference
from actwise.doctor.rules import suspicions
from actwise.doctor.search import CLOSED, FIRST_SEEDS, MORE_SEEDS, Search, rank
from actwise.doctor.setup import Outcome, Setup, Training
from actwise.doctor.symptoms import seen_in_training
from actwise.experiments.budget import Budget, OutOfTimeError
from actwise.experiments.trials import Trials

DEFAULT_UPDATES = 1_000_000  # of all experiments together
LONG_SHARE, FEWEST_SEEDS = 0.08, 3  # trainings longer than this share of the budget are repeated less often
FIRST_SHARE = 0.5  # of the budget for the network as it is; the rest is for comparing and repairing
WORTH_TELLING = 0.5  # weight of a suspicion that is told of a healthy network
FIT_AGAIN, CODE_TO_FIT_AGAIN = "fitting it again, from other initial weights", "model.fit(X, y)"


def examine(
    setup: Setup,
    data: Data,
    budget: Budget,
    *,
    seed: int = 0,
    observe: Callable[[str, float], object] = lambda what, share: None,
) -> Diagnosis:
    """Examine a network; after a `KeyboardInterrupt`, or where time is up, the result is what was known by then.

    Parameters
    ----------
    setup : Setup
        The network and its training.
    data : Data
        The rows.
    budget : Budget
        Of all experiments.
    seed : int
        Of everything random.
    observe : callable
        Called with a word on what is done next, and the share of the budget that is used up.
    """
    found = Diagnosis("undecided", (), setup=setup)
    suspected = suspicions(setup, data)
    trials = Trials(budget, seed)
    try:
        for known in _stages(setup, data, trials, suspected, lambda what: observe(what, budget.share_used)):
            found = known
    except KeyboardInterrupt:
        found = replace(found, note=f"Interrupted: this is what was known by then. {found.note}")
    except OutOfTimeError:
        note = f"Stopped after {budget.seconds:g} seconds: this is what was known by then. {found.note}"
        found = replace(found, note=note)
    note = f"{found.note} {setup.origin.note}".strip()
    return replace(found, seconds=budget.seconds_taken, note=note)


def _stages(
    setup: Setup, data: Data, trials: Trials, suspected: list[Suspicion], say: Callable[[str], object]
) -> Iterator[Diagnosis]:
    """Yield what is known after each stage."""
    if suspected and suspected[0].code == "not_finite":
        yield Diagnosis("broken", _untried(suspected), setup=setup)
        return
    certain = [each for each in suspected if each.weight == CERTAIN]
    known = Diagnosis(
        "undecided", _untried(certain), data.task.metric, constant_score=data.constant_score, held_out=data.held_out,
        setup=setup,
    )  # fmt: skip
    yield known
    outcomes, gap = _trained(setup, data, trials, bool(certain), say)
    # Of the seed that does worst: what goes wrong shows there.
    worst = min(outcomes, key=lambda each: each.score)
    measures = measure(setup, worst, data)
    known = replace(
        known, scores=gap.scores, reference=gap.reference, failing_share=gap.failing_share, measures=measures,
        losses=(worst.losses,), trained=worst.network, data=data,
    )  # fmt: skip
    truncated = median([each.epochs_share for each in outcomes])
    if gap.is_hopeless:
        rest = [each for each in suspected if each.code != "no_signal"]
        yield replace(known, verdict="hopeless", findings=(_no_signal(gap), *_untried(rest)))
    elif not gap.is_broken:
        noted = _untried([each for each in suspected if each.weight >= WORTH_TELLING])
        fitted = _score_as_fitted(setup, data)
        if fitted is None or not gap.falls_short(fitted):
            yield replace(known, verdict="healthy", findings=noted, note=_reservations(gap, truncated))
        else:
            yield replace(
                known, verdict="broken", findings=(_unlucky(fitted, gap), *noted), fixed_setup=setup, cured=True,
                cure=FIT_AGAIN, code_of_cure=CODE_TO_FIT_AGAIN, scores_after=gap.scores, confirmed=True,
            )  # fmt: skip
    elif truncated < 1 and not certain:
        note = (
            f"The budget allowed for {truncated:.1%} of its {setup.epochs * setup.updates_per_epoch(data):,} updates, "
            f"with {len(outcomes)} seeds: raise `updates`."
        )
        yield replace(known, findings=_untried(suspected), note=note)
    else:
        suspected = [*suspected, *seen_in_training(setup, data, outcomes, worst, measures)]
        suspected.sort(key=lambda each: -each.weight)
        yield from _explained(known, Search(setup, data, gap, suspected, trials, say))


def _untried(suspected: list[Suspicion]) -> tuple[Finding, ...]:
    return tuple(untried(each) for each in suspected)


def _trained(
    setup: Setup, data: Data, trials: Trials, certain: bool, say: Callable[[str], object]
) -> tuple[list[Outcome], Gap]:
    """Train it with several seeds, and what it is compared with: more seeds, or to its end, where that may decide."""
    budget, training = trials.budget, Training(setup, data)
    say("training it as it is")
    (outcomes,) = trials.run([training], 2, share=FIRST_SHARE)
    # Fewer seeds where each takes long: a whole training tells more than a broken-off one.
    long = max(each.updates for each in outcomes) > LONG_SHARE * budget.updates
    (more,) = trials.run([training], (FEWEST_SEEDS if long else FIRST_SEEDS) - 2, 2, FIRST_SHARE)
    outcomes += more
    say("training what it is compared with")
    reference = find_reference(data, trials)
    gap = Gap(reference, data, outcomes)
    if 0 < gap.failing_share < 1 and not long and budget.left > 0:
        (more,) = trials.run([training], MORE_SEEDS, len(outcomes))
        outcomes += more
        gap = Gap(reference, data, outcomes)
    capped = any(each.epochs_share < 1 for each in outcomes) and setup.epochs > setup.most_epochs(data)
    if capped and gap.failing_share and not certain and budget.left > 0:
        say("training it to its end")
        (outcomes,) = trials.run([replace(training, whole=True)], len(outcomes), share=FIRST_SHARE)
        gap = Gap(reference, data, outcomes)
    return outcomes, gap


def _explained(known: Diagnosis, search: Search) -> Iterator[Diagnosis]:
    """Yield what is known of the causes before, between and after the experiments."""
    known = replace(known, verdict="broken", findings=_untried(search.suspected))
    yield known
    singles = search.singles()
    pairs = [] if any(each.closed >= CLOSED for each in singles) else search.pairs(singles)
    known = conclude(known, search.suspected, singles, pairs, None)
    yield known
    weights = plausible(search.suspected)
    candidates = sorted((*singles, *pairs), key=lambda each: -rank(each, weights))
    helping = [each for each in candidates if each.closed >= CLOSED] or candidates
    yield conclude(known, search.suspected, singles, pairs, search.cure(helping))


def _no_signal(gap: Gap) -> Finding:
    seen = (
        f"{gap.reference.name} reaches {gap.reference.score:.3f} on held-out rows, and a constant answer "
        f"{gap.data.constant_score:.3f}"
    )
    return Finding("no_signal", seen, EXPLANATIONS["no_signal"])


def _score_as_fitted(setup: Setup, data: Data) -> float | None:
    """Score of the weights that the model came with, on the test rows; None where it was not fitted."""
    outputs = setup.origin.fitted_outputs
    return None if outputs is None else data.task.score(outputs[data.test], data.test)


def _unlucky(fitted: float, gap: Gap) -> Finding:
    seen = (
        f"with its present weights it scores {fitted:.3f}; trained again with the same settings, "
        f"{median(gap.scores):.3f} (median of {len(gap.scores)} seeds)"
    )
    return Finding("unlucky_fit", seen, EXPLANATIONS["unlucky_fit"], FIT_AGAIN, CODE_TO_FIT_AGAIN,
                   scores_after=gap.scores, gap_closed=1.0)  # fmt: skip


def _reservations(gap: Gap, truncated: float) -> str:
    """Say what limits the verdict that a network is healthy."""
    said = []
    if truncated < 1:
        said.append(f"Its score is that after {truncated:.1%} of its epochs; the rest was left out to save time.")
    if gap.failing_share > 0:
        luck = "is bad luck with the initial weights: try another seed" if truncated == 1 else "may change by the end"
        said.append(f"With {gap.failing_share:.0%} of the seeds it falls short all the same, which {luck}.")
    if gap.is_doubtful:
        name = gap.reference.name[0].upper() + gap.reference.name[1:]
        said.append(f"{name} does better, but {len(gap.data.test)} rows are too few to be sure of the difference.")
    return " ".join(said)
