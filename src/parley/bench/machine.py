"""What the callers and a local server cost: CPU seconds, memory, open files, tasks."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a process and its children."""

    cpu_s: float
    pss_mb_of: Mapping[str, float]
    """By program; further processes of one are numbered."""
    open_files: int

    @property
    def pss_mb(self) -> float:
        """Of all."""
        return sum(self.pss_mb_of.values())


def server_cost(pid: int) -> Cost | None:
    """Of a server on this machine (Linux); None when it cannot be read."""
    try:
        pids = _family(pid)
        pss_mb = dict[str, float]()
        for member in sorted(pids):
            program = _program(member)
            same = sum(name.partition(" #")[0] == program for name in pss_mb)
            pss_mb[f"{program} #{same + 1}" if same else program] = _pss_kb(member) / 1024
        files = sum(1 for p in pids for _ in (Path("/proc") / str(p) / "fd").iterdir())
        return Cost(sum(map(_ticks, pids)) / os.sysconf("SC_CLK_TCK"), pss_mb, files)
    except OSError:
        return None


async def server_tasks(client: httpx.AsyncClient) -> int | None:
    """Tasks of parley's event loop, by its `/metrics`; None where the server tells nothing of the kind."""
    try:
        answer = await client.get("/metrics")
        families = text_string_to_metric_families(answer.text if answer.is_success else "")
        return next((int(f.samples[0].value) for f in families if f.name == "parley_tasks" and f.samples), None)
    except (httpx.HTTPError, ValueError):
        return None


def own_cpu_s() -> float:
    """CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _family(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except OSError:
                continue  # it ended meanwhile
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting += children.get(current, [])
    return found


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on."""
    return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _program(pid: int) -> str:
    """The module that Python runs, else the program's name."""
    words = (Path("/proc") / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    script = next((w for w in words[1:] if "python" in Path(words[0]).name and not w.startswith("-") and w), words[0])
    return Path(script).name


def _ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12])


def _pss_kb(pid: int) -> int:
    for line in (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def listening_pid(port: int) -> int | None:
    """The process on this machine that listens on a TCP port (Linux, same user); None when it cannot be told."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        rows = (line.split() for line in lines)
        inodes |= {f"socket:[{r[9]}]" for r in rows if r[3] == "0A" and int(r[1].rpartition(":")[2], 16) == port}
    for entry in Path("/proc").iterdir() if inodes else ():
        if entry.name.isdigit() and _holds(entry, inodes):
            return int(entry.name)
    return None


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        return any(os.readlink(fd) in inodes for fd in (process / "fd").iterdir())
    except OSError:
        return False  # not ours, or gone
