"""What the connections of a superserver take."""
import contextlib
import os
import re

import processes

SECONDS_BETWEEN = 0.02  # two looks


def number_in(process, file, name):
    found = re.search(r"^%s:\s+(\d+)" % name, processes.read_of(process, file), re.M)
    return int(found[1]) if found else 0


def files_in_memory(process):
    """The files of memfd_create that it has open: the inode and the KiB of each."""
    directory, files = "/proc/%d/fd/" % process, {}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for name in os.listdir(directory):
            if os.readlink(directory + name).startswith("/memfd:"):
                status = os.stat(directory + name)
                files[status.st_ino] = status.st_blocks // 2
    return files


class Meter:
    def __init__(self, server):
        self.server = server
        self.memory = 0  # the most of one connection, in KiB
        self.resident = 0  # the most of one process, in KiB

    def look(self):
        """Pss_Anon is what a process wrote to, with what two share since a fork counted once."""
        for process in processes.children_of(self.server):
            memory, files = 0, {}
            for member in [process, *processes.below(process)]:
                memory += number_in(member, "smaps_rollup", "Pss_Anon")
                files |= files_in_memory(member)
                self.resident = max(self.resident, number_in(member, "status", "VmHWM"))
            self.memory = max(self.memory, memory + sum(files.values()))

    def look_until(self, done):
        """Again and again at once until there was something to see: it may be over soon."""
        while not done.wait(SECONDS_BETWEEN if self.memory > 0 else 0):
            self.look()
