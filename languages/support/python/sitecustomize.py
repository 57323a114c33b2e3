"""Runs in every Python program before its first line.

Into a pipe Python writes blocks of 8 KiB, and what is still in the block when the program is killed is lost.
With line buffering a learner sees what was printed before an endless loop. `python -u` would do too, but it
makes two system calls of each print.

Where no cgroup counts memory, a thread's stack counts in full when it is made. With 1 MiB for each, 50 threads fit below
the usual limit there, with the system's 8 MiB only 14 do.

The variable that led here is removed again.
"""

import _thread
import os
import sys

try:
    sys.stdout.reconfigure(line_buffering=True)
except AttributeError:
    pass  # Standard output is closed.

with open("/proc/self/limits", "rb", buffering=0) as limits:
    soft = limits.read(4096).partition(b"Max data size")[2].split(None, 1)[0]
if soft.isdigit() and int(soft) < 1 << 30:
    _thread.stack_size(1 << 20)

sys.path.remove(os.environ.pop("PYTHONPATH"))
