"""The process that decodes one upload: standard input is the file, standard output its samples.

FFmpeg is a million lines of C and the file is a stranger's. So it is read in a process that has a limit on memory and
processor time, opens no file and no socket, writes no file, and goes behind all that talks live.
Exit codes: 0 done, 2 not readable (standard error says why).
"""

from __future__ import annotations

import io
import os
import resource
import sys

from parley.audio.decoding import converted
from parley.audio.files import wav_header
from parley.errors import AudioError

MEMORY_BYTES = 512 << 20
"""Of address space; the interpreter and the libraries take 220 MB."""
CPU_S = 300
"""Processor time for one upload; four hours of MP3 take half of it."""
_LABEL = "upload"
_NICE = 10


def _load_late_parts() -> None:
    """PyAV imports some modules at the first recording; no file can be opened when the real one comes."""
    list(converted(io.BytesIO(wav_header(8000, 8000) + bytes(16000)), _LABEL, int(sys.argv[1])))


def _confine() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        resource.setrlimit(limit, (value, value))
    os.nice(_NICE)


def main() -> int:
    """Decode to float32 at the rate that the first argument says."""
    _load_late_parts()
    _confine()
    try:
        for block in converted(sys.stdin.buffer, _LABEL, int(sys.argv[1])):
            sys.stdout.buffer.write(block.tobytes())
        sys.stdout.buffer.flush()
    except AudioError as fault:
        sys.stderr.write(str(fault).removeprefix(f"{_LABEL}: "))
        return 2
    except BrokenPipeError:  # whoever asked has gone
        os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
