"""What was seen during training, each of which makes some causes more plausible."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from actwise.doctor.architecture import hidden_activations
from actwise.doctor.causes import Suspicion
from actwise.doctor.data import Data
from actwise.doctor.measures import MANY_DEAD, MANY_SATURATED, STILL, VANISHING, Measures
from actwise.doctor.setup import Outcome, Setup
from actwise.training.not_finite import activation_at_fault

SYMPTOM = 0.3  # weight of what was seen inside: more often a consequence than a cause
FALLS, JUMPS, STANDS = 0.35, 0.35, 0.5  # weights of a loss that still falls, one that jumps, weights that stand still
STOPPED = 0.5  # weight of an early stop before the network had learned
NOT_A_NUMBER = 0.9  # weight of an activation that gives no number for what reaches it
EXPLODING_HIDDEN = frozenset({"exponential", "squared_relu", "sinh"})
SQUASHING_HIDDEN = frozenset({"sigmoid", "hardsigmoid", "hardsigmoid_keras2"})


def seen_in_training(
    setup: Setup, data: Data, outcomes: Sequence[Outcome], worst: Outcome, measures: Measures
) -> list[Suspicion]:
    """Return what the trainings of a network that falls short make plausible."""
    return [*_inside(setup, data, outcomes, measures), *_course(setup, outcomes, worst, measures)]


def _inside(setup: Setup, data: Data, outcomes: Sequence[Outcome], measures: Measures) -> list[Suspicion]:
    found = []
    broken_off = [each for each in outcomes if not each.is_finite]
    hidden = set(hidden_activations(setup.network))
    if broken_off:
        seen = f"the loss became infinite or NaN with {len(broken_off)} of {len(outcomes)} seeds"
        found.append(Suspicion("exploding_gradient", SYMPTOM, seen))
        if (at_fault := activation_at_fault(broken_off[0].network, setup.inputs(data)[data.train])) is not None:
            found.append(Suspicion("hidden_activation", NOT_A_NUMBER, at_fault))
        if hidden & EXPLODING_HIDDEN:
            found.append(Suspicion("hidden_activation", 0.75, f"{seen}, with {min(hidden)} in the hidden layers"))
    # An output that is sure of its answer costs nothing where the loss is computed from what it is made of.
    dead, saturated = measures.most_dead, measures.most_saturated(output=setup.loss.output is None)
    if dead.dead >= MANY_DEAD:
        seen = f"after training {dead.dead:.0%} of the units of layer {dead.layer} have slope 0 for every row"
        found.append(Suspicion("dead_units", SYMPTOM, seen, dead.layer))
    if saturated is not None and saturated.saturated >= MANY_SATURATED:
        where = f"layer {saturated.layer} lie where {saturated.activation} is flat"
        seen = f"{saturated.saturated:.0%} of the pre-activations of {where}"
        found.append(Suspicion("saturation", SYMPTOM, seen, saturated.layer))
    ratio = measures.gradient_ratio
    if ratio < VANISHING:
        seen = f"the gradient of the first layer is {ratio:.1g} times that of the last"
        found.append(Suspicion("vanishing_gradient", SYMPTOM, seen, 1))
        if hidden & SQUASHING_HIDDEN:
            found.append(Suspicion("hidden_activation", 0.7, f"{seen}, with sigmoid in the hidden layers"))
    return found


def _course(setup: Setup, outcomes: Sequence[Outcome], worst: Outcome, measures: Measures) -> list[Suspicion]:
    found = []
    course, moved = measures.course, measures.most_moved
    if course.falls:
        seen = (
            f"the loss is still falling at the end: by {course.late_fall:.1%} over the last tenth of the epochs, to "
            f"{worst.losses[-1]:.4g}"
        )
        found += [Suspicion("undertrained", FALLS, seen), Suspicion("learning_rate_too_low", FALLS, seen)]
    pushed = any(each.gradient > 0 for each in measures.layers)  # without a gradient no rate is too low
    if moved < STILL and worst.is_finite and pushed:
        seen = f"in the whole training no layer's weights moved by more than {moved:.1%} of their size"
        found += [Suspicion("learning_rate_too_low", STANDS, seen), Suspicion("undertrained", FALLS, seen)]
    if course.jumps:
        seen = f"the loss rises in {course.rises:.0%} of the later epochs, by {course.jump:.0%} on average"
        found.append(Suspicion("learning_rate_too_high", JUMPS, seen))
    early = [len(each.losses) for each in outcomes if each.stopped_because == "no improvement"]
    if len(early) * 2 > len(outcomes) and median([float(each) for each in early]) < setup.epochs:
        improved = f"fell by less than {setup.tolerance:g}" if setup.tolerance else "no longer fell"
        seen = (
            f"training was stopped after {median([float(each) for each in early]):.0f} of {setup.epochs:,} epochs, "
            f"because the loss {improved}"
        )
        found.append(Suspicion("undertrained", STOPPED, seen))
    return found
