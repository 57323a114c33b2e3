"""Runs in every Python program before its first line.

Into a pipe Python writes blocks of 8 KiB, and what is still in the block when the program is killed is lost.
Written at once, all that was printed before an endless loop is seen, also a line without its end. It takes no more CPU
time than writing line by line, although a print makes several system calls. Standard error keeps the line that has no
end yet, and is told the same.

Where no cgroup counts memory, a thread's stack counts in full when it is made. With 1 MiB for each, 50 threads fit below
the usual limit there, with the system's 8 MiB only 14 do.

PYTHONPATH led here: the directory of this file is the first one in it, in front of those of the request. The program
finds everything as it would be without this file.
"""

import _thread
import io
import os
import sys


def write_at_once(name):
    stream = getattr(sys, name)
    # It is neither closed nor told so by a variable of the request.
    if stream is not None and not stream.write_through:
        how = {"encoding": stream.encoding, "errors": stream.errors, "line_buffering": stream.line_buffering}
        stream = io.TextIOWrapper(stream.detach().detach(), write_through=True, **how)
        stream.mode = "w"
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


write_at_once("stdout")
write_at_once("stderr")
# Programs in Python that this one starts do not come here.
os.environ.setdefault("PYTHONUNBUFFERED", "1")

with open("/proc/self/limits", "rb", buffering=0) as limits:
    soft = limits.read(4096).partition(b"Max data size")[2].split(None, 1)[0]
if soft.isdigit() and int(soft) < 1 << 30:
    _thread.stack_size(1 << 20)

OWN = "/opt/runbay/python"
sys.path.remove(OWN)
sys.path_importer_cache.pop(OWN, None)
given = os.environ.pop("PYTHONPATH")[len(OWN) + 1 :]
if given:
    os.environ["PYTHONPATH"] = given

own = sys.modules.pop(__name__)
try:
    # The one that this file stands in front of.
    import sitecustomize
except ImportError as error:
    sys.modules.setdefault(__name__, own)
    if error.name != __name__:
        raise
