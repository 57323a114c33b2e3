"""Runs in every Python program before its first line.

Into a pipe Python writes blocks of 8 KiB, and what is still in the block when the program is killed is lost.
With line buffering a learner sees what was printed before an endless loop. `python -u` would do too, but it
makes two system calls of each print.

A thread's stack counts as memory in full when it is made. With 1 MiB for each, 50 threads fit below the usual limit,
with the system's 8 MiB only 14 do.

The variable that led here is removed again.
"""

import _thread
import os
import sys

try:
    sys.stdout.reconfigure(line_buffering=True)
except AttributeError:
    pass  # Standard output is closed.

_thread.stack_size(1024 * 1024)

sys.path.remove(os.environ.pop("PYTHONPATH"))
