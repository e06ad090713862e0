#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every interleaving of the wake-up protocols of libipc/wake.h, on a machine with store buffers (x86-TSO).

Each side is a small program, one memory access or system call a step. A store goes into its side's FIFO buffer and
reaches memory at any later step; a load sees the youngest store of its own buffer, else memory; a fence and a system
call need an empty buffer. The exploration visits every reachable state. A state without a successor in which entries
are left unconsumed, or the publisher is not done, is a lost wake-up.

With both fences there must be none. With either fence left out the exploration must find one: so it can fail, and each
fence is needed. So is the sleeper's second look, after it has raised its flag.

Besides, in every state: what is consumed was published, in order and once.
"""
import sys
from collections import namedtuple

ENTRIES = 3  # entries published; more changes no verdict, only the count of states

State = namedtuple("State", "memory publisher sleeper")
Side = namedtuple("Side", "step buffer registers")

# Words of shared memory.
SEQ, FLAG, WORD, EDGE, ASLEEP = range(5)  # last entry published; sleeper's flag; futex word; eventfd edge; in the kernel
WORDS = 5


def load(memory, side, word):
    for address, value in reversed(side.buffer):
        if address == word:
            return value
    return memory[word]


def poke(memory, word, value):
    return memory[:word] + (value,) + memory[word + 1:]


def goto(side, step, *stores, registers=None):
    return Side(step, side.buffer + stores, side.registers if registers is None else registers)


class Protocol:
    """One publisher and one sleeper. `kind` is eventfd (the daemon sleeps) or futex (the client sleeps).

    The publisher publishes ENTRIES entries one at a time; registers: (published,).
    The sleeper consumes all it sees and sleeps otherwise; registers: (consumed, futex value seen).
    """

    def __init__(self, kind, without=()):
        self.kind = kind
        self.without = without

    def has(self, part):
        return part not in self.without

    def publisher(self, memory, side):
        published, = side.registers
        if side.step == "publish":
            if published < ENTRIES:
                yield memory, goto(side, "fence", (SEQ, published + 1), registers=(published + 1,))
        elif side.step == "fence":
            if not self.has("publisher's fence") or not side.buffer:
                yield memory, goto(side, "look")
        elif side.step == "look":
            yield memory, goto(side, "doorbell" if load(memory, side, FLAG) else "publish")
        elif side.step == "doorbell":
            if self.kind == "eventfd":
                if not side.buffer:  # write() is a system call
                    yield poke(memory, EDGE, 1), goto(side, "publish")
            else:
                yield memory, goto(side, "wake", (WORD, load(memory, side, WORD) + 1))
        elif side.step == "wake":
            if not side.buffer:  # so is FUTEX_WAKE
                yield poke(memory, ASLEEP, 0), goto(side, "publish")

    def sleeper(self, memory, side):
        consumed, seen = side.registers
        if side.step == "poll":
            last = load(memory, side, SEQ)
            if last > consumed:
                yield memory, goto(side, "poll", registers=(consumed + 1, 0))
            else:
                yield memory, goto(side, "value" if self.kind == "futex" else "flag", registers=(consumed, 0))
        elif side.step == "value":
            yield memory, goto(side, "flag", registers=(consumed, load(memory, side, WORD)))
        elif side.step == "flag":
            yield memory, goto(side, "fence", (FLAG, 1))
        elif side.step == "fence":
            if not self.has("sleeper's fence") or not side.buffer:
                yield memory, goto(side, "again")
        elif side.step == "again":
            if self.has("second look") and load(memory, side, SEQ) > consumed:
                yield memory, goto(side, "clear")
            else:
                yield memory, goto(side, "enter")
        elif side.step == "enter":
            if not side.buffer:
                if self.kind == "eventfd":
                    yield memory, goto(side, "sleep")
                elif memory[WORD] != seen:  # the kernel compares, and queues us, under one lock
                    yield memory, goto(side, "clear")
                else:
                    yield poke(memory, ASLEEP, 1), goto(side, "sleep")
        elif side.step == "sleep":
            if self.kind == "eventfd" and memory[EDGE]:
                yield poke(memory, EDGE, 0), goto(side, "clear")
            elif self.kind == "futex" and not memory[ASLEEP]:
                yield memory, goto(side, "clear")
        elif side.step == "clear":
            yield memory, goto(side, "poll", (FLAG, 0))

    def successors(self, state):
        for name, program in (("publisher", self.publisher), ("sleeper", self.sleeper)):
            side = getattr(state, name)
            if side.buffer:
                (word, value), rest = side.buffer[0], side.buffer[1:]
                yield state._replace(memory=poke(state.memory, word, value), **{name: side._replace(buffer=rest)})
            for memory, after in program(state.memory, side):
                yield state._replace(memory=memory, **{name: after})


def explore(protocol):
    """The number of states, and a stuck one with work left, or None."""
    start = State((0,) * WORDS, Side("publish", (), (0,)), Side("poll", (), (0, 0)))
    seen, frontier, lost = {start}, [start], None
    while frontier:
        state = frontier.pop()
        consumed, published = state.sleeper.registers[0], state.publisher.registers[0]
        assert consumed <= published, state
        stuck = True
        for after in protocol.successors(state):
            stuck = False
            assert after.sleeper.registers[0] - consumed in (0, 1), after
            if after not in seen:
                seen.add(after)
                frontier.append(after)
        if stuck and (consumed < ENTRIES or published < ENTRIES):
            lost = state
    return len(seen), lost


def main():
    failed = False
    for kind in ("eventfd", "futex"):
        for without in ((), ("publisher's fence",), ("sleeper's fence",), ("publisher's fence", "sleeper's fence"),
                        ("second look",)):
            states, lost = explore(Protocol(kind, without))
            right = bool(lost) == bool(without)
            failed |= not right
            what = "without " + " and ".join(without) if without else "as it is"
            verdict = "a wake-up can be lost" if lost else "no wake-up is lost"
            print(f"{'ok  ' if right else 'FAIL'} {kind:8s}{what:52s}{states:7d} states: {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
