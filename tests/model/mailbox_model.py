#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every interleaving of the mailboxes of daemon/event/mailbox.c, and of how a shard is shut down over two of them, on a machine with
store buffers (x86-TSO; wake_model.py says how).

The control thread posts more orders than the box has places, and DRAIN; waits for DRAINED in the box of reports, asleep if need be;
posts QUIT, and waits for the shard's end. The shard takes orders, asleep where there are none, and reports.

As it is, every mail is taken once, in order, as it was posted, and both threads end. With any one part left out the exploration must
find a run in which they do not: so it can fail, and each part is needed.
"""
import sys
from collections import namedtuple

PLACES = 2
ORDERS = ("one", "two", "three", "DRAIN", "QUIT")
REPORTS = ("DRAINED",)

State = namedtuple("State", "memory control shard wrong")
# `at` is (what, box, step); `posted` and `taken` are the private counters of the box that a side writes, and of the one that it reads.
Side = namedtuple("Side", "at buffer posted taken copy")

TAIL, HEAD, ASLEEP, EDGE, SLOTS = range(5)
WORDS = SLOTS + PLACES  # of a box; the box of orders is 0, that of reports 1
SENT = (ORDERS, REPORTS)

PARTS = ("slot before tail", "look for room", "fence of post", "copy before head", "fence of arm", "second look")


def word(box, which):
    return box * WORDS + which


def load(memory, side, address):
    for stored, value in reversed(side.buffer):
        if stored == address:
            return value
    return memory[address]


def poke(memory, address, value):
    return memory[:address] + (value,) + memory[address + 1:]


def go(side, step, *stores, **changes):
    return side._replace(at=step, buffer=side.buffer + stores, **changes)


class Threads:
    """Steps of both sides. A step yields (memory, side afterwards, whether a mail was not what it should be)."""

    def __init__(self, without):
        self.without = without

    def has(self, part):
        return part != self.without

    def post(self, memory, side, box, then):
        slot = word(box, SLOTS + side.posted % PLACES), (SENT[box] + (None,))[side.posted]
        tail = word(box, TAIL), side.posted + 1
        first, second = (slot, tail) if self.has("slot before tail") else (tail, slot)
        if side.at == "post":
            if not self.has("look for room") or side.posted - load(memory, side, word(box, HEAD)) < PLACES:
                yield memory, go(side, "publish", first), False
        elif side.at == "publish":
            yield memory, go(side, "fence of post", second), False
        elif side.at == "fence of post":
            if not self.has("fence of post") or not side.buffer:
                yield memory, go(side, "look", posted=side.posted + 1), False
        elif side.at == "look":
            yield memory, go(side, "ring" if load(memory, side, word(box, ASLEEP)) else then), False
        elif side.at == "ring":
            if not side.buffer:  # write() is a system call
                yield poke(memory, word(box, EDGE), 1), go(side, then), False

    def take(self, memory, side, box, handle):
        advance = word(box, HEAD), side.taken + 1
        slot = word(box, SLOTS + side.taken % PLACES)
        if side.at == "take":
            mail = load(memory, side, word(box, TAIL)) != side.taken
            yield memory, go(side, ("copy" if self.has("copy before head") else "head first") if mail else "arm"), False
        elif side.at == "head first":
            yield memory, go(side, "copy", advance), False
        elif side.at == "copy":
            yield memory, go(side, "advance", copy=load(memory, side, slot)), False
        elif side.at == "advance":
            stores = (advance,) if self.has("copy before head") else ()
            wrong = side.copy != SENT[box][side.taken]
            yield memory, go(side, handle(side.copy), *stores, taken=side.taken + 1, copy=None), wrong
        elif side.at == "arm":
            yield memory, go(side, "fence of arm", (word(box, ASLEEP), 1)), False
        elif side.at == "fence of arm":
            if not self.has("fence of arm") or not side.buffer:
                yield memory, go(side, "again"), False
        elif side.at == "again":
            mail = self.has("second look") and load(memory, side, word(box, TAIL)) != side.taken
            yield memory, go(side, "disarm" if mail else "sleep"), False
        elif side.at == "sleep":
            if not side.buffer and memory[word(box, EDGE)]:
                yield poke(memory, word(box, EDGE), 0), go(side, "disarm"), False
        elif side.at == "disarm":
            yield memory, go(side, "take", (word(box, ASLEEP), 0)), False

    def control(self, memory, side):
        posted = side.posted + (side.at not in ("look", "ring"))
        then = {len(ORDERS) - 1: "take", len(ORDERS): "end"}.get(posted, "post")
        yield from self.post(memory, side, 0, then)
        yield from self.take(memory, side, 1, lambda mail: "post")

    def shard(self, memory, side):
        yield from self.post(memory, side, 1, "take")
        yield from self.take(memory, side, 0, lambda mail: {"DRAIN": "post", "QUIT": "end"}.get(mail, "take"))

    def successors(self, state):
        for name, program in (("control", self.control), ("shard", self.shard)):
            side = getattr(state, name)
            if side.buffer:
                (address, value), rest = side.buffer[0], side.buffer[1:]
                yield state._replace(memory=poke(state.memory, address, value), **{name: side._replace(buffer=rest)})
            for memory, after, wrong in program(state.memory, side):
                yield state._replace(memory=memory, wrong=wrong, **{name: after})


def explore(without):
    """The number of states, and what goes wrong in one of them, or None."""
    start = State((0,) * (2 * WORDS), Side("post", (), 0, 0, None), Side("take", (), 0, 0, None), False)
    threads, seen, frontier, fault = Threads(without), {start}, [start], None
    while frontier:
        state = frontier.pop()
        if state.wrong:
            fault = fault or "a mail is not what was posted"
            continue
        after = [state for state in threads.successors(state)]
        ended = state.control.at == state.shard.at == "end"
        if not after and not ended:
            fault = fault or f"{state.control.at} and {state.shard.at} for ever"
        assert not ended or without or state.shard.taken == len(ORDERS), state
        for one in after:
            if one not in seen:
                seen.add(one)
                frontier.append(one)
    return len(seen), fault


def main():
    failed = False
    for without in (None,) + PARTS:
        states, fault = explore(without)
        right = bool(fault) == bool(without)
        failed |= not right
        print(f"{'ok  ' if right else 'FAIL'} {'without ' + without if without else 'as it is':28s}{states:8d} states: {fault or 'all is taken, and both end'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
