"""Runs in every Python program before its first line.

Into a pipe Python writes blocks of 8 KiB, and what is still in the block when the program is killed is lost.
With line buffering a learner sees what was printed before an endless loop. `python -u` would do too, but it
makes two system calls of each print. The variable that led here is removed again.
"""

import os
import sys

try:
    sys.stdout.reconfigure(line_buffering=True)
except AttributeError:
    pass  # Standard output is closed.

sys.path.remove(os.environ.pop("PYTHONPATH"))
