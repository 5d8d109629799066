"""A large batch in two halves whose gradients are added; a second thread can take the second one.

The halves are the same with one thread and with two, so that the bits do not depend on the threads. Each half has
a context of its own, with its own work arrays, sums and gradients. The second half belongs to the thread that claims
it: where the other processor is busy, the first thread does both.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from .calls import call_stage
from .context import (
    BACKWARD_STAGE,
    BATCH_LOSS,
    BATCH_SIZE,
    BATCH_STAGE,
    COLUMN_STRIDE,
    FIRST_HALF,
    FLOATS,
    GRADIENTS,
    INPUTS,
    LOSS_SUM,
    N_FLOATS,
    N_INTEGERS,
    N_PARAMETERS,
    N_ROWS,
    ORDER,
    PARAMETERS,
    ROW_STRIDE,
    SECOND_HALF,
    TARGETS,
    TEAM,
    WEIGHT_SUM,
    WEIGHTS,
    YIELD,
    doubles,
    elements,
    integers,
)
from .passes import FOR_LOSS, LEARNS

# Places in the memory that the two threads share, each in a cache line of its own.
ASKED, CLAIMED, ANSWERED, FROM = 0, 8, 16, 24
TEAM_SIZE = 32
STOP = -1  # what is asked for when training ends
SPINS = 4000  # looks at a number, about a microsecond each thousand, before the processor is offered to others
_SHARED = (PARAMETERS, INPUTS, ROW_STRIDE, COLUMN_STRIDE, TARGETS, WEIGHTS, N_ROWS, ORDER)
_INT64 = ir.IntType(64)


@intrinsic
def _read(typing_context, address):
    """Read a number that another thread writes; what it wrote before is then seen too."""

    def generate(context, builder, _signature, arguments):
        pointer = builder.inttoptr(arguments[0], _INT64.as_pointer())
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(types.intp), generate


@intrinsic
def _write(typing_context, address, value):
    """Write a number for another thread, after all that was written before."""

    def generate(context, builder, _signature, arguments):
        pointer = builder.inttoptr(arguments[0], _INT64.as_pointer())
        builder.store_atomic(arguments[1], pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(types.intp, types.int64), generate


@intrinsic
def _claim(typing_context, address, before, after):
    """Change a number if it still is what it was; say whether it was."""

    def generate(context, builder, _signature, arguments):
        address, before, after = arguments
        pointer = builder.inttoptr(address, _INT64.as_pointer())
        return builder.extract_value(builder.cmpxchg(pointer, before, after, "acq_rel", "acquire"), 1)

    return types.boolean(types.intp, types.int64, types.int64), generate


@intrinsic
def _offer_processor(typing_context, address):
    """Call the system's function that lets other threads run."""

    def generate(context, builder, _signature, arguments):
        function = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.intp), generate


@njit(error_model="numpy")
def _wait(address, value, wanted, yields):
    """Wait until a number is (or is no longer) a value; return it."""
    spins = 0
    found = _read(address)
    while (found == value) != wanted:
        spins += 1
        if spins > SPINS:
            _offer_processor(yields)
        found = _read(address)
    return found


@njit(error_model="numpy")
def _work_on(half_at, whole_at, start, count):
    half, whole = integers(half_at, N_INTEGERS), integers(whole_at, N_INTEGERS)
    for place in _SHARED:
        half[place] = whole[place]
    half[BATCH_SIZE] = count
    call_stage(half[BATCH_STAGE], half_at, 0, start, LEARNS | FOR_LOSS)
    call_stage(half[BACKWARD_STAGE], half_at, count, 0, 0)


def both(context_at, start, unused_1, unused_2):
    """Fill gradients and loss of the batch that starts at a row; return how many rows it has."""
    context = integers(context_at, N_INTEGERS)
    count = min(context[BATCH_SIZE], context[N_ROWS] - start)
    first, second = (count + 1) // 2, count // 2
    team = context[TEAM]
    asked = 0
    if team != 0 and second > 0:
        integers(team, TEAM_SIZE)[FROM] = start
        asked = _read(team + ASKED * 8) + 1
        _write(team + ASKED * 8, asked)
    _work_on(context[FIRST_HALF], context_at, start, first)
    if asked > 0 and not _claim(team + CLAIMED * 8, asked - 1, asked):
        _wait(team + ANSWERED * 8, asked, True, context[YIELD])
    elif second > 0:
        _work_on(context[SECOND_HALF], context_at, start + first, second)
    floats = doubles(context[FLOATS], N_FLOATS)
    half, other = integers(context[FIRST_HALF], N_INTEGERS), integers(context[SECOND_HALF], N_INTEGERS)
    sums, more = doubles(half[FLOATS], N_FLOATS), doubles(other[FLOATS], N_FLOATS)
    total = elements(context[GRADIENTS], context[N_PARAMETERS])
    ours, theirs = elements(half[GRADIENTS], total.size), elements(other[GRADIENTS], total.size)
    floats[BATCH_LOSS] = sums[BATCH_LOSS]
    if second > 0:
        floats[BATCH_LOSS] += more[BATCH_LOSS]
        for i in range(total.size):
            total[i] = ours[i] + theirs[i]
    else:
        for i in range(total.size):
            total[i] = ours[i]
    floats[LOSS_SUM] += sums[LOSS_SUM] + more[LOSS_SUM]
    floats[WEIGHT_SUM] += sums[WEIGHT_SUM] + more[WEIGHT_SUM]
    for each in (LOSS_SUM, WEIGHT_SUM):
        sums[each] = 0.0
        more[each] = 0.0
    return count


def serve(context_at, unused_1, unused_2, unused_3):
    """Work on second halves of batches, where they can be claimed, until `STOP` is asked for."""
    context = integers(context_at, N_INTEGERS)
    team, seen = context[TEAM], 0
    while True:
        seen = _wait(team + ASKED * 8, seen, False, context[YIELD])
        if seen == STOP:
            return 0
        if _claim(team + CLAIMED * 8, seen - 1, seen):
            start = integers(team, TEAM_SIZE)[FROM]
            count = min(context[BATCH_SIZE], context[N_ROWS] - start)
            _work_on(context[SECOND_HALF], context_at, start + (count + 1) // 2, count // 2)
            _write(team + ANSWERED * 8, seen)
