# SPDX-License-Identifier: Apache-2.0
"""A bench that is told to stop, by SIGINT or SIGTERM, ends the programs that it waits for as their user would, once each, and then itself, where it
says: nothing is interrupted in between, so nothing is left behind."""
import contextlib
import signal
import subprocess

to_end = set()  # of what runs now, that it is told to end by a signal
told = False


class Stopped(Exception):
    """By a signal."""


def end(child):
    """Once, whoever comes first: a handler runs between any two steps of this, but taking from a set is one."""
    try:
        to_end.remove(child)
    except KeyError:
        return
    child.send_signal(signal.SIGTERM)


def _note(_number, _frame):
    global told
    told = True
    for child in list(to_end):
        end(child)


def listen():
    signal.signal(signal.SIGTERM, _note)
    signal.signal(signal.SIGINT, _note)


def check():
    if told:
        raise Stopped


@contextlib.contextmanager
def running(words, **more):
    """In a group of its own, so that Ctrl-C reaches it by this alone. Waits for its end; raises Stopped if it was told to."""
    check()
    child = subprocess.Popen([str(word) for word in words], process_group=0, **more)
    to_end.add(child)
    if told:  # just now
        end(child)
    try:
        yield child
    finally:
        child.wait()
        to_end.discard(child)
    check()
