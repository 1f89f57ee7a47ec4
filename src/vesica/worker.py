"""Machine turns run in a process of their own, with a fixed number of threads that the turn records.

Killing the process is cancelling the turn. Messages both ways are a line of JSON and, if it says so, bytes behind it;
nothing is pickled.
"""

import contextlib
import json
import os
import platform
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any

from vesica.engines import find
from vesica.errors import VesicaError
from vesica.knobs import build
from vesica.media import craft
from vesica.work import Progress, Step

PREVIEW_EVERY = 0.5
"""Seconds between two previews that cross from the process; an engine may make them more often."""

_TOOLS = ("numpy", "torch", "numba", "scipy", "xllamacpp", "pillow")


@dataclass(frozen=True, slots=True)
class Made:
    """What an engine made: the asset's bytes and type, and what it ran on."""

    data: bytes
    type: str
    runtime: Mapping[str, Any]


def default_threads() -> int:
    """Threads of a machine turn: two where there are two, so that turns repeat on any usual computer."""
    return min(2, os.cpu_count() or 1)


class Worker:
    """The process, started when it is first asked and kept warm for the next turn of the same thread count."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._threads = 0

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(
        self,
        engine: str,
        params: Mapping[str, Any],
        inputs: Mapping[str, bytes],
        *,
        seed: int,
        threads: int,
        progress: Progress | None = None,
    ) -> Made:
        """Run an engine. Whatever ends the call early (``Cancelled``, Ctrl-C) ends the process too."""
        process = self._start(threads)
        try:
            assert process.stdin and process.stdout
            sizes = {name: len(data) for name, data in inputs.items()}
            _send(process.stdin, {"engine": engine, "params": dict(params), "seed": seed, "inputs": sizes})
            for data in inputs.values():
                process.stdin.write(data)
            process.stdin.flush()
            return self._listen(process.stdout, engine, progress)
        except (BrokenPipeError, EOFError):
            code = process.wait()
            self.stop()
            raise VesicaError(
                f"The engine {engine} ended without an answer (code {code}); it may have run out of memory. "
                "Try a smaller size; nothing of the studio is lost."
            ) from None
        except VesicaError:
            raise
        except BaseException:
            self.stop()
            raise

    def _listen(self, stream: IO[bytes], engine: str, progress: Progress | None) -> Made:
        while True:
            said = _receive(stream)
            data = stream.read(said.get("bytes", 0))
            match said["kind"]:
                case "step":
                    preview = data.decode() if data else None
                    if progress:
                        progress(Step(said["done"], said["total"], preview, said["note"]))
                case "made":
                    return Made(data, said["type"], said["runtime"])
                case "refused":
                    raise VesicaError(said["sentence"])
                case _:
                    raise RuntimeError(f"{engine} failed in its process:\n{said['traceback']}")

    def _start(self, threads: int) -> subprocess.Popen[bytes]:
        if self._process and (self._process.poll() is not None or self._threads != threads):
            self.stop()
        if not self._process:
            from vesica.weights.cache import cache_dir

            count = str(threads)
            fixed = {
                "OMP_NUM_THREADS": count,
                "OPENBLAS_NUM_THREADS": count,
                "MKL_NUM_THREADS": count,
                "NUMBA_NUM_THREADS": count,
                "VESICA_THREADS": count,
                # Threads that wait must sleep: beside another busy process, spinning ones starve each other.
                "GOMP_SPINCOUNT": "0",
                "OMP_WAIT_POLICY": "passive",
                "PYTHONHASHSEED": "0",
                "NUMBA_CACHE_DIR": str(cache_dir() / "numba"),
            }
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vesica.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **fixed},
                # Ctrl-C in the terminal is the parent's to handle.
                start_new_session=True,
            )
            self._threads = threads
        return self._process

    def stop(self) -> None:
        """End the process now."""
        if self._process:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            self._process = None


def _send(stream: IO[bytes], message: Mapping[str, Any], data: bytes = b"") -> None:
    stream.write(json.dumps({**message, "bytes": len(data)} if data else message).encode() + b"\n" + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> dict[str, Any]:
    line = stream.readline()
    if not line:
        raise EOFError
    message: dict[str, Any] = json.loads(line)
    return message


# The other side: what follows runs in the process.


def _runtime(models: tuple[str, ...]) -> dict[str, Any]:
    from vesica.weights.cards import digest

    def tools() -> Iterator[tuple[str, str]]:
        for name in _TOOLS:
            if name in sys.modules or (name == "pillow" and "PIL" in sys.modules):
                with contextlib.suppress(PackageNotFoundError):
                    yield name, version(name)

    return {
        "vesica": version("vesica"),
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "threads": int(os.environ["VESICA_THREADS"]),
        "tools": dict(tools()),
        "models": {name: digest(name) for name in models},
    }


def _answer(request: Mapping[str, Any], inputs: Mapping[str, bytes], out: Callable[..., None]) -> None:
    engine = find(request["engine"])
    last = 0.0

    def progress(step: Step) -> None:
        nonlocal last
        data = b""
        if isinstance(step.preview, str) and time.monotonic() - last > PREVIEW_EVERY:
            last = time.monotonic()
            data = step.preview.encode("utf-8", "replace")
        out({"kind": "step", "done": step.done, "total": step.total, "note": step.note}, data)

    progress(Step(0, 1, note="loading"))
    values = {name: craft(engine.inputs[name].medium).read(data) for name, data in inputs.items()}
    params = build(engine.load_params(), request["params"])
    value = engine.load()(**values, params=params, seed=request["seed"], progress=progress)
    data, type_ = craft(engine.makes).write(value)
    out({"kind": "made", "type": type_, "runtime": _runtime(engine.models)}, data)


def main() -> None:
    """Answer requests until the other side goes away, then end at once, even in the middle of one."""
    # Libraries that print must not print into the messages.
    out_stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[tuple[dict[str, Any], dict[str, bytes]]] = queue.SimpleQueue()

    def read() -> None:
        try:
            while True:
                request = _receive(sys.stdin.buffer)
                requests.put((request, {name: sys.stdin.buffer.read(n) for name, n in request["inputs"].items()}))
        finally:
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()

    def out(message: Mapping[str, Any], data: bytes = b"") -> None:
        _send(out_stream, message, data)

    while True:
        request, inputs = requests.get()
        try:
            _answer(request, inputs, out)
        except VesicaError as fault:
            out({"kind": "refused", "sentence": str(fault)})
        except MemoryError:
            out({"kind": "refused", "sentence": "There is not enough memory for this; try a smaller size."})
        except Exception as fault:
            # The other side raises it as our bug, with this traceback.
            out({"kind": "failed", "traceback": "".join(traceback.format_exception(fault))})


if __name__ == "__main__":
    main()
