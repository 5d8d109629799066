"""The compiled generator against a plain-Python twin, and what a shuffle must be."""

import numpy as np

from actwise.engines.numba import build, engine

MASK = (1 << 64) - 1


def _twin(seed):
    """SplitMix64 seeding and xoshiro256** as in the authors' public-domain C code, with Python integers."""
    state = []
    word = seed
    for _ in range(4):
        word = (word + 0x9E3779B97F4A7C15) & MASK
        z = word
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        state.append(z ^ (z >> 31))

    def rotate(x, k):
        return ((x << k) | (x >> (64 - k))) & MASK

    while True:
        yield (rotate((state[1] * 5) & MASK, 7) * 9) & MASK
        t = (state[1] << 17) & MASK
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= t
        state[3] = rotate(state[3], 45)


def test_words_and_units_are_those_of_the_twin():
    module = build.compiled("randomness")
    for seed in (0, 1, 2**62):
        state, twin = engine.random_state(seed), _twin(seed)
        for _ in range(200):
            assert int(module.next_word(state)) == next(twin)
        for _ in range(200):
            assert module.next_unit(state) == (next(twin) >> 11) / 2**53


def test_shuffle_is_a_permutation_with_even_places():
    module = build.compiled("randomness")
    state = engine.random_state(7)
    counts = np.zeros((5, 5))
    for _ in range(4000):
        order = np.arange(5)
        module.shuffle(order, state)
        assert sorted(order) == [0, 1, 2, 3, 4]
        counts[order, np.arange(5)] += 1
    # Each cell is binomial(4000, 0.2): 6 standard deviations are 152.
    assert np.abs(counts - 800).max() < 152
