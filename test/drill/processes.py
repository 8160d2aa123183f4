"""What the drills have to do with processes: those below this one, and what they are."""
import ctypes
import os
import signal
import time


def adopt_orphans():
    """From now on the orphans below this process are its children (PR_SET_CHILD_SUBREAPER)."""
    if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def read_of(process, name):
    """A file of /proc; empty where the process is gone."""
    try:
        with open("/proc/%d/%s" % (process, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def name_of(process):
    return read_of(process, "comm").rstrip("\n")


def children_of(process):
    return [int(word) for word in read_of(process, "task/%d/children" % process).split()]


def parent_of(process):
    """0 where the process is gone."""
    return int((read_of(process, "stat").rpartition(")")[2].split() or ["X", "0"])[1])


def parents_below(process):
    """All processes below this one, and the parent of each."""
    parents, rest = {}, [process]
    while rest:
        parent = rest.pop()
        for child in children_of(parent):
            parents[child] = parent
            rest.append(child)
    return parents


def below(process):
    return list(parents_below(process))


def line_of(process, parents):
    """The process and those above it."""
    line = []
    while process in parents:
        line.append(process)
        process = parents[process]
    return line


def state_of(process):
    """A letter as ps(1) has it; "X" where the process is gone."""
    return (read_of(process, "stat").rpartition(")")[2].split() or ["X"])[0]


def is_zombie(process):
    return state_of(process) == "Z"


def reap():
    """Buries children that have ended; returns who they were."""
    ended = []
    while True:
        try:
            process = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            return ended
        if process == 0:
            return ended
        ended.append(process)


def wait_for_all(seconds):
    """Until nobody is left below this process; who is, is ended, and returned by name."""
    until = time.monotonic() + seconds
    while below(os.getpid()) and time.monotonic() < until:
        reap()
        time.sleep(0.02)
    left = below(os.getpid())
    names = ["%s (%d)" % (name_of(process), process) for process in left]
    for process in left:
        os.kill(process, signal.SIGKILL)
    return names
