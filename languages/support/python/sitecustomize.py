"""Runs in every Python program before its first line.

Into a pipe Python writes blocks of 8 KiB, and what is still in the block when the program is killed is lost.
Written at once, all that was printed before an endless loop is seen, also a line without its end. It takes no more CPU
time than writing line by line, although a print makes several system calls.

A thread's stack counts as memory in full when it is made. With 1 MiB for each, 50 threads fit below the usual limit,
with the system's 8 MiB only 14 do.

The variable that led here is removed again.
"""

import _thread
import io
import os
import sys

if sys.stdout is not None:  # Standard output is not closed.
    how = {"encoding": sys.stdout.encoding, "errors": sys.stdout.errors}
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(sys.stdout.detach().detach(), write_through=True, **how)
    sys.stdout.mode = "w"

_thread.stack_size(1024 * 1024)

sys.path.remove(os.environ.pop("PYTHONPATH"))
