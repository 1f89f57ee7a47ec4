"""The second door: the server interface inside ``xllamacpp``, in this process. A promised interface that gives less."""

import json
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vesica.errors import VesicaError
from vesica.text.sampling import Sampling


class LlamaServer:
    """A model behind llama.cpp's completion interface."""

    name = "server interface"
    gives = frozenset({"grammar"})

    def __init__(self, path: Path, *, threads: int) -> None:
        """Load a GGUF file. Raises ``VesicaError`` when that fails."""
        os.environ.setdefault("GOMP_SPINCOUNT", "0")
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        import xllamacpp

        wish = xllamacpp.CommonParams()
        wish.model.path = str(path)
        wish.n_ctx, wish.n_parallel, wish.n_gpu_layers = 4096, 1, 0
        wish.cpuparams.n_threads = wish.cpuparams_batch.n_threads = threads
        wish.verbosity = -1
        try:
            self._server = xllamacpp.Server(wish)
        except (RuntimeError, ValueError) as fault:
            raise VesicaError(f"{path.name} can't be loaded ({fault}); get it again.") from fault

    def generate(
        self, prompt: str, how: Sampling, *, seed: int, tokens: int, stop: Sequence[str] = (), grammar: str = ""
    ) -> Iterator[str]:
        """Pieces of what the model writes after ``prompt``, at most ``tokens`` tokens of it."""
        request: dict[str, Any] = {
            "prompt": prompt,
            "n_predict": tokens,
            "seed": seed,
            "temperature": how.temperature,
            "min_p": how.min_p,
            "top_k": 0,
            "top_p": 1.0,
            "dry_multiplier": how.dry,
            "dry_base": how.base,
            "dry_allowed_length": how.free,
            "stop": list(stop),
            "cache_prompt": False,
            "stream": True,
        }
        if grammar:
            request["grammar"] = grammar
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stopped = threading.Event()

        def hear(part: Any) -> bool:
            answers.put(part)
            return stopped.is_set()

        def ask() -> None:
            try:
                self._server.handle_completions(json.dumps(request), hear)
            finally:
                answers.put(None)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        try:
            while (answer := answers.get()) is not None:
                told = json.loads(answer) if isinstance(answer, str | bytes) else answer
                for part in told if isinstance(told, list) else [told]:
                    if "error" in part:
                        why = part["error"].get("message", "no reason given")
                        raise VesicaError(f"The language model refused: {why}.")
                    yield part["content"] if "content" in part else part["choices"][0]["text"]
        finally:
            # Whoever stops listening ends the writing too.
            stopped.set()
            asking.join()
