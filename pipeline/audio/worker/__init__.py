"""The decoder: a small program of its own that sees one open file and hands samples back.

It imports the standard library, numpy and PyAV alone, so that it starts fast, and can run as a child process
(`start.py`) that may neither open a file nor a connection. `decode.py` is the same within a process, for material that
is trusted.
"""
