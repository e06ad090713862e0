# SPDX-License-Identifier: Apache-2.0
"""Random numbers for data that are the same everywhere."""


class Chance:
    """A linear congruential generator (Knuth, MMIX): Python's own may draw otherwise in another version."""

    def __init__(self, seed):
        self.state = seed

    def below(self, count):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % count

    def choice(self, things):
        return things[self.below(len(things))]
