"""A small random generator for compiled code: xoshiro256**, whose state is four 64-bit words.

Source: Blackman and Vigna 2021, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4).
"""

import numpy as np
from numba import njit

_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53: the spacing of doubles in [0.5, 1)


@njit(error_model="numpy")
def _rotate(word, count):
    return (word << np.uint64(count)) | (word >> np.uint64(64 - count))


@njit(error_model="numpy")
def next_word(state):
    """Draw 64 random bits."""
    result = _rotate(state[1] * np.uint64(5), 7) * np.uint64(9)
    shifted = state[1] << np.uint64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = _rotate(state[3], 45)
    return result


@njit(error_model="numpy")
def next_unit(state):
    """Draw a double, uniform in [0, 1)."""
    return np.float64(next_word(state) >> np.uint64(11)) * _TO_UNIT


@njit(error_model="numpy")
def shuffle(order, state):
    """Shuffle in place (Fisher and Yates, from the end)."""
    for i in range(order.size - 1, 0, -1):
        j = np.int64(next_unit(state) * (i + 1))
        kept = order[i]
        order[i] = order[j]
        order[j] = kept
