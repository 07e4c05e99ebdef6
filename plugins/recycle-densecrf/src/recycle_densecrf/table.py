"""A hash table from vertices' codes to their numbers, for compiled code."""

import numpy as np

from recycle_densecrf.jit import compiled


@compiled
def make_table(size):  # type: ignore[no-untyped-def]
    """An empty table of `size` slots, a power of two: codes int64, numbers int32 (-1: free)."""
    return np.empty(size, np.int64), np.full(size, -1, np.int32)


@compiled
def number_of(codes, numbers, code, new):  # type: ignore[no-untyped-def]
    """The number of `code`; it is stored with number `new` if it is not there and `new` is not negative."""
    mask = np.uint64(len(codes) - 1)
    slot = ((np.uint64(code) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(17)) & mask
    while True:
        found = numbers[slot]
        if found < 0:
            if new >= 0:
                codes[slot] = code
                numbers[slot] = new
            return new
        if codes[slot] == code:
            return found
        slot = (slot + np.uint64(1)) & mask


@compiled
def grown(known, count):  # type: ignore[no-untyped-def]
    """A table of four slots for each of the `count` codes in `known`, with them; and room for twice as many codes."""
    size = len(known) * 4
    codes, numbers = make_table(size)
    room = np.empty(len(known) * 2, np.int64)
    for number in range(count):
        room[number] = known[number]
        number_of(codes, numbers, known[number], number)
    return codes, numbers, room


@compiled
def add_all(codes, numbers, known, count, more, renamed):  # type: ignore[no-untyped-def]
    """Add `more` codes; the new count. `renamed` gets the number of each, `known` each number's code."""
    for place in range(len(more)):
        number = number_of(codes, numbers, more[place], count)
        if number == count:
            known[count] = more[place]
            count += 1
        renamed[place] = number
    return count
