"""The first door into a language model: llama.cpp's C interface, which the library inside ``xllamacpp`` exports.

It gives what the server interface does not: the logits of the whole vocabulary, sequences that share a beginning, and
their saved states. It is no promised interface, so the version is pinned, and ``trustworthy`` asks it for numbers that
are known before anything relies on it.
"""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesica.errors import VesicaError

VERSION = "2026.10.11549"
"""Of xllamacpp; the declarations below are those of its llama.h (build 11549)."""

SEQUENCES = 256
"""Texts that can be held at once."""

CONTEXT = 4096
"""Tokens over all of them, shared beginnings counted once."""

BATCH = 512
"""Tokens that are read at once."""

_DECLARATIONS = """
typedef struct { void *devices; void *overrides; int32_t n_gpu_layers; int split_mode, load_mode, lazy_mode;
  int32_t main_gpu; float *tensor_split; void *progress; void *progress_data; void *kv_overrides;
  bool vocab_only, check_tensors, use_extra_bufts, no_host, no_alloc, load_mtp; } model_params;
typedef struct { uint32_t n_ctx, n_batch, n_ubatch, n_seq_max, n_rs_seq, n_outputs_max, n_outputs_max_per_seq;
  int32_t n_threads, n_threads_batch; int ctx_type, rope_scaling, pooling, attention, flash_attn;
  float rope_base, rope_scale, yarn_ext, yarn_attn, yarn_fast, yarn_slow; uint32_t yarn_orig; float defrag;
  void *cb_eval; void *cb_eval_data; int type_k, type_v; size_t moe_cache; void *abort; void *abort_data;
  bool embeddings, offload_kqv, no_perf, op_offload, swa_full, kv_unified; void *samplers; size_t n_samplers;
  void *other; } context_params;
typedef struct { int32_t n; int32_t *token; float *embd; int32_t *pos; int32_t *n_seq; int32_t **seq; int8_t *want; }
  batch;
typedef struct { int32_t id; float logit; float p; } token_data;
typedef struct { token_data *data; size_t size; int64_t selected; bool sorted; } token_data_array;
model_params llama_model_default_params(void);
context_params llama_context_default_params(void);
void *llama_model_load_from_file(const char *path, model_params p);
void *llama_init_from_model(void *model, context_params p);
void *llama_model_get_vocab(void *model);
int32_t llama_vocab_n_tokens(void *vocab);
bool llama_vocab_is_eog(void *vocab, int32_t t);
int32_t llama_tokenize(void *vocab, const char *text, int32_t n, int32_t *out, int32_t most, bool special, bool parse);
int32_t llama_token_to_piece(void *vocab, int32_t t, char *out, int32_t n, int32_t lstrip, bool special);
batch llama_batch_init(int32_t n, int32_t embd, int32_t n_seq);
int32_t llama_decode(void *ctx, batch b);
float *llama_get_logits_ith(void *ctx, int32_t i);
void *llama_get_memory(void *ctx);
void llama_memory_seq_cp(void *mem, int32_t a, int32_t b, int32_t p0, int32_t p1);
bool llama_memory_seq_rm(void *mem, int32_t s, int32_t p0, int32_t p1);
void llama_memory_clear(void *mem, bool data);
size_t llama_state_seq_get_size(void *ctx, int32_t s);
size_t llama_state_seq_get_data(void *ctx, uint8_t *out, size_t n, int32_t s);
size_t llama_state_seq_set_data(void *ctx, const uint8_t *in, size_t n, int32_t s);
void *llama_sampler_init_grammar(void *vocab, const char *grammar, const char *root);
void llama_sampler_apply(void *sampler, token_data_array *candidates);
void llama_sampler_accept(void *sampler, int32_t token);
void llama_sampler_free(void *sampler);
void llama_log_set(void *callback, void *data);
void llama_backend_init(void);
"""

Logits = NDArray[np.float32]


@cache
def _library() -> tuple[Any, Any]:
    # Threads that spin while they wait starve each other beside any busy process.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import cffi

    found = importlib.util.find_spec("xllamacpp")
    if not found or version("xllamacpp") != VERSION:
        raise VesicaError(f"xllamacpp {VERSION} is not installed; see 'vesica doctor'.")
    ffi = cffi.FFI()
    ffi.cdef(_DECLARATIONS)
    folder = Path((found.submodule_search_locations or [""])[0])
    lib = ffi.dlopen(str(next(folder.glob("*.so"))))
    quiet = ffi.callback("void(int, const char *, void *)", lambda *_: None)
    lib.llama_log_set(quiet, ffi.NULL)
    lib.llama_backend_init()
    # The callback must outlive the library.
    ffi.quiet = quiet
    return ffi, lib


class LlamaC:
    """A model held in memory with a context of ``CONTEXT`` tokens shared by ``SEQUENCES`` texts."""

    name = "C interface"
    gives = frozenset({"logits", "branches", "states", "grammar"})

    def __init__(self, path: Path, *, threads: int) -> None:
        """Load a GGUF file. Raises ``VesicaError`` when it is none, is cut off, or does not fit into memory."""
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise VesicaError(f"{path.name} is not a GGUF file; get it again.")
        self.ffi, self.lib = _library()
        wish = self.lib.llama_model_default_params()
        wish.n_gpu_layers = 0
        self.model = self.lib.llama_model_load_from_file(str(path).encode(), wish)
        if self.model == self.ffi.NULL:
            raise VesicaError(
                f"{path.name} can't be loaded; it may be cut off or of a kind not known here. Get it again."
            )
        room = self.lib.llama_context_default_params()
        room.n_ctx, room.n_batch, room.n_ubatch, room.n_seq_max = CONTEXT, BATCH, BATCH, SEQUENCES
        room.n_threads = room.n_threads_batch = threads
        room.kv_unified = True
        self.context = self.lib.llama_init_from_model(self.model, room)
        if self.context == self.ffi.NULL:
            raise VesicaError(f"There is not enough memory for {path.name}; close other programs, then try again.")
        self.vocab = self.lib.llama_model_get_vocab(self.model)
        self.size: int = self.lib.llama_vocab_n_tokens(self.vocab)
        self.memory = self.lib.llama_get_memory(self.context)
        self.batch = self.lib.llama_batch_init(BATCH, 0, 1)

    def trustworthy(self, words: str, next_: bytes) -> bool:
        """Whether the library is laid out as declared.

        Its defaults must be what they are, and the model must go on from ``words`` with the token ``next_``, as it is
        known to.
        """
        usual = self.lib.llama_context_default_params()
        if (usual.n_ctx, usual.n_batch, usual.n_ubatch, usual.type_k, usual.type_v) != (512, 2048, 512, 1, 1):
            return False
        self.clear()
        row = self.read(self.tokens(words), 0)
        self.clear()
        return bool(np.isfinite(row).all() and self.piece(int(row.argmax())) == next_)

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """The tokens of a text; ``special`` reads marks such as ``<|im_start|>`` as what they are."""
        data = text.encode("utf-8", "replace")
        out = self.ffi.new("int32_t[]", len(data) + 8)
        count = self.lib.llama_tokenize(self.vocab, data, len(data), out, len(data) + 8, False, special)
        return list(out[0:count])

    def piece(self, token: int) -> bytes:
        """The bytes of one token; they may be a part of a character."""
        out = self.ffi.new("char[]", 256)
        count = self.lib.llama_token_to_piece(self.vocab, token, out, 256, 0, False)
        return bytes(self.ffi.buffer(out, max(0, count)))

    @property
    def ends(self) -> list[int]:
        """Tokens that end a text."""
        return [token for token in range(self.size) if self.lib.llama_vocab_is_eog(self.vocab, token)]

    def clear(self) -> None:
        """Forget all texts, so that a call depends on nothing before it."""
        self.lib.llama_memory_clear(self.memory, True)

    def copy(self, source: int, target: int) -> None:
        """Let text ``target`` begin as ``source`` stands; what they share is held once."""
        self.drop(target)
        self.lib.llama_memory_seq_cp(self.memory, source, target, -1, -1)

    def drop(self, text: int, *, after: int = -1) -> None:
        """Forget a text, or its tokens from place ``after`` on."""
        self.lib.llama_memory_seq_rm(self.memory, text, after, -1)

    def read(self, tokens: Sequence[int], text: int, *, at: int = 0) -> Logits:
        """Add tokens to a text from place ``at`` on; the logits [vocabulary] after the last."""
        for start in range(0, len(tokens), BATCH):
            part = tokens[start : start + BATCH]
            last = start + len(part) == len(tokens)
            rows = self.step(
                [(token, at + start + i, text, last and i == len(part) - 1) for i, token in enumerate(part)]
            )
        result: Logits = rows[0]
        return result

    def step(self, items: Sequence[tuple[int, int, int, bool]]) -> Logits:
        """One pass over up to ``BATCH`` (token, place, text, wanted); logits [wanted, vocabulary], in order."""
        if not items:
            return np.empty((0, self.size), np.float32)
        self.batch.n = len(items)
        for row, (token, place, text, wanted) in enumerate(items):
            self.batch.token[row], self.batch.pos[row], self.batch.n_seq[row] = token, place, 1
            self.batch.seq[row][0], self.batch.want[row] = text, wanted
        if code := self.lib.llama_decode(self.context, self.batch):
            raise VesicaError(f"The language model has no room for so much text (code {code}); give it less.")
        rows = [
            np.frombuffer(self.ffi.buffer(self.lib.llama_get_logits_ith(self.context, row), 4 * self.size), np.float32)
            for row, item in enumerate(items)
            if item[3]
        ]
        return np.stack(rows) if rows else np.empty((0, self.size), np.float32)

    def save(self, text: int) -> bytes:
        """The state of a text, to go on from later."""
        size = self.lib.llama_state_seq_get_size(self.context, text)
        out = self.ffi.new("uint8_t[]", size)
        self.lib.llama_state_seq_get_data(self.context, out, size, text)
        return bytes(self.ffi.buffer(out, size))

    def restore(self, state: bytes, text: int) -> None:
        """Let a text stand as it was saved. Raises ``VesicaError`` when the state is of another model."""
        self.drop(text)
        if not self.lib.llama_state_seq_set_data(self.context, state, len(state), text):
            raise VesicaError("This saved state is not of this model; read the text again.")

    @contextmanager
    def grammar(self, gbnf: str) -> "Iterator[Grammar]":
        """A grammar in GBNF whose rule ``root`` the text must follow."""
        sampler = self.lib.llama_sampler_init_grammar(self.vocab, gbnf.encode(), b"root")
        if sampler == self.ffi.NULL:
            raise VesicaError("This grammar is not GBNF; look at its rules.")
        try:
            yield Grammar(self, sampler)
        finally:
            self.lib.llama_sampler_free(sampler)


class Grammar:
    """How far a text has come in a grammar."""

    FIRST = 400
    """Candidates looked at first: trying a grammar on all 49,152 tokens takes a hundred times as long."""

    def __init__(self, door: LlamaC, sampler: Any) -> None:
        self.door, self.sampler = door, sampler

    def mask(self, logits: Logits) -> Logits:
        """The logits with what the grammar forbids at minus infinity."""
        for count in (self.FIRST, len(logits)):
            near = np.argpartition(-logits, count - 1)[:count]
            near = near[np.lexsort((near, -logits[near]))]
            data = self.door.ffi.new("token_data[]", count)
            for row, token in enumerate(near):
                data[row].id, data[row].logit = int(token), float(logits[token])
            candidates = self.door.ffi.new("token_data_array *", {"data": data, "size": count, "selected": -1})
            self.door.lib.llama_sampler_apply(self.sampler, candidates)
            masked: Logits = np.full_like(logits, -np.inf)
            for row in range(candidates.size):
                masked[data[row].id] = data[row].logit
            if np.isfinite(masked).any():
                return masked
        raise VesicaError("No token of this model can go on in this grammar; loosen its rules.")

    def accept(self, token: int) -> None:
        """Go on by one token."""
        self.door.lib.llama_sampler_accept(self.sampler, token)
