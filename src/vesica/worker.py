"""Machine turns run in a process of their own, with a fixed number of threads that the turn records.

Killing the process is cancelling the turn. Messages both ways are a line of JSON and, if it says so, bytes behind it;
nothing is pickled.
"""

import contextlib
import json
import os
import platform
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any

from vesica.engines import Input, find
from vesica.errors import VesicaError, in_words, is_of_the_disk
from vesica.knobs import build
from vesica.media import craft
from vesica.work import Preview, Progress, Step

PREVIEW_EVERY = 0.5
"""Seconds between two previews that cross from the process; an engine may make them more often."""

PREVIEW_SIDE = 512
"""Pixels of the longest side of a preview."""

ASK_EVERY = 0.05
"""Seconds after which a silent engine's last step is told again, so that whoever listens can cancel it."""

_TOOLS = {
    "numpy": "numpy",
    "torch": "torch",
    "numba": "numba",
    "scipy": "scipy",
    "xllamacpp": "xllamacpp",
    "pillow": "PIL",
    "imageio-ffmpeg": "imageio_ffmpeg",
    "opencv-python-headless": "cv2",
}
"""Packages that a result may depend on, and the modules that show whether they were used."""


@dataclass(frozen=True, slots=True)
class Made:
    """What an engine made: the asset's bytes and type, and what it ran on."""

    data: bytes
    type: str
    runtime: Mapping[str, Any]


def default_threads() -> int:
    """Threads of a machine turn: two where there are two, so that turns repeat on any usual computer."""
    return min(2, os.cpu_count() or 1)


Message = tuple[dict[str, Any], bytes]
"""What the process says, and the bytes that come with it."""


class Worker:
    """The process, started when it is first asked and kept warm for the next turn of the same thread count."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._threads = 0
        self._said: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

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
        """Run an engine. Whatever ends the call early (``Cancelled``, Ctrl-C) ends the process too.

        ``progress`` is called for every step, and 20 times a second when the engine is silent, so that it can cancel
        at any time.
        """
        process = self._start(threads)
        try:
            assert process.stdin
            sizes = {name: len(data) for name, data in inputs.items()}
            _send(process.stdin, {"engine": engine, "params": dict(params), "seed": seed, "inputs": sizes})
            for data in inputs.values():
                process.stdin.write(data)
            process.stdin.flush()
            return self._listen(engine, progress)
        except (BrokenPipeError, EOFError):
            code = process.wait()
            self.stop()
            why = "it may have run out of memory, so try a smaller size" if code == -9 else "its process crashed"
            raise VesicaError(
                f"The engine {engine} ended without an answer (code {code}); {why}. Nothing of the studio is lost."
            ) from None
        except VesicaError:
            raise
        except BaseException:
            self.stop()
            raise

    def _listen(self, engine: str, progress: Progress | None) -> Made:
        last = Step(0, 1, note="starting")
        while True:
            try:
                message = self._said.get(timeout=ASK_EVERY)
            except queue.Empty:
                if progress:
                    progress(last)
                continue
            if message is None:
                raise EOFError
            said, data = message
            match said["kind"]:
                case "step":
                    last = Step(said["done"], said["total"], note=said["note"])
                    if progress:
                        progress(replace(last, preview=_shown(said["preview"], data)))
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
                # -P: modules come from what is installed, never from the folder that the person stands in.
                [sys.executable, "-P", "-m", "vesica.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **fixed},
                # Ctrl-C in the terminal is the parent's to handle.
                start_new_session=True,
            )
            self._threads = threads
            self._said = queue.SimpleQueue()
            assert self._process.stdout
            threading.Thread(target=_hear, args=(self._process.stdout, self._said), daemon=True).start()
        return self._process

    def stop(self) -> None:
        """End the process now."""
        if self._process:
            if os.name == "nt":
                self._process.kill()
            else:
                # It leads a group of its own, in which ffmpeg may be at work for it.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if self._process.stdin:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()
            self._process = None


def _send(stream: IO[bytes], message: Mapping[str, Any], data: bytes = b"") -> None:
    stream.write(json.dumps({**message, "bytes": len(data)} if data else message).encode() + b"\n" + data)
    stream.flush()


def _hear(stream: IO[bytes], said: "queue.SimpleQueue[Message | None]") -> None:
    """Pass on what the process says, and None when it has ended."""
    with stream, contextlib.suppress(EOFError, ValueError, OSError):
        while True:
            message = _receive(stream)
            said.put((message, stream.read(message.get("bytes", 0))))
    said.put(None)


def _shown(type_: str, data: bytes) -> Preview | str | None:
    """A preview as it leaves the process."""
    if not data:
        return None
    return data.decode() if type_ == "text/plain" else Preview(data, type_)


def _receive(stream: IO[bytes]) -> dict[str, Any]:
    line = stream.readline()
    if not line:
        raise EOFError
    message: dict[str, Any] = json.loads(line)
    return message


# The other side: what follows runs in the process.


def _runtime(models: tuple[str, ...]) -> dict[str, Any]:
    from llvmlite.binding import get_host_cpu_name

    from vesica.weights.cards import digest

    def tools() -> Iterator[tuple[str, str]]:
        for name, module in _TOOLS.items():
            if module in sys.modules:
                with contextlib.suppress(PackageNotFoundError):
                    yield name, version(name)

    return {
        "vesica": version("vesica"),
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        # The kind, not the piece: fast code takes other paths on another kind, and rounds otherwise.
        "processor": get_host_cpu_name(),
        "threads": int(os.environ["VESICA_THREADS"]),
        "tools": dict(tools()),
        "models": {name: digest(name) for name in models},
    }


def _preview(value: Any) -> tuple[bytes, str]:
    """A preview's bytes and media type: text as it is, a picture as a small JPEG."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace"), "text/plain"
    from vesica.image.pictures import resize, write_jpeg

    longest = max(value.shape[:2])
    # Every n-th pixel first: a fine filter over a large picture would cost more than a preview is worth.
    coarse = value[:: longest // (2 * PREVIEW_SIDE) or 1, :: longest // (2 * PREVIEW_SIDE) or 1]
    return write_jpeg(resize(coarse, min(PREVIEW_SIDE, max(coarse.shape[:2]))), 80), "image/jpeg"


def _answer(request: Mapping[str, Any], inputs: Mapping[str, bytes], out: Callable[..., None]) -> None:
    engine = find(request["engine"])
    last = 0.0

    def progress(step: Step) -> None:
        nonlocal last
        data, type_ = b"", ""
        if step.preview is not None and time.monotonic() - last > PREVIEW_EVERY:
            last = time.monotonic()
            data, type_ = _preview(step.preview)
        out({"kind": "step", "done": step.done, "total": step.total, "note": step.note, "preview": type_}, data)

    progress(Step(0, 1, note="loading"))
    values = {name: _read(engine.inputs[name], data) for name, data in inputs.items()}
    params = build(engine.load_params(), request["params"])
    value = engine.load()(**values, params=params, seed=request["seed"], progress=progress)
    data, type_ = craft(engine.makes).write(value)
    out({"kind": "made", "type": type_, "runtime": _runtime(engine.models_for(params))}, data)


def _read(wanted: Input, data: bytes) -> Any:
    """The value of an input as its engine takes it."""
    value = craft(wanted.medium).read(data)
    if wanted.medium != "image" or wanted.alpha:
        return value
    from vesica.image.pictures import opaque

    return opaque(value)


def _failure(fault: Exception) -> Mapping[str, Any]:
    """A bug, which the other side raises with this traceback."""
    return {"kind": "failed", "traceback": "".join(traceback.format_exception(fault))}


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
        except OSError as fault:
            if is_of_the_disk(fault):
                out({"kind": "refused", "sentence": in_words(fault)})
            else:
                out(_failure(fault))
        except MemoryError:
            out({"kind": "refused", "sentence": "There is not enough memory for this; try a smaller size."})
        except Exception as fault:
            out(_failure(fault))


if __name__ == "__main__":
    main()
