"""The decoder: a small separate program that reads one open file and returns samples.

It imports only the standard library, numpy and PyAV, so that it starts fast. It runs as a child process (`start.py`)
that can open neither files nor connections; for trusted files, `decode.py` does the same in the calling process.
"""
