"""Sentence embeddings: all-MiniLM-L6-v2 (Wang et al., 2020; Reimers and Gurevych, 2019) in numpy.

The encoder is BERT's (Devlin et al., 2019): 6 layers, 12 heads, 384 wide, post-norm, GELU by the error function; the
mean over a text's tokens, scaled to length 1, is its embedding. Texts are packed one after another into one matrix, so
that nothing is padded and no row sees another: only attention looks at texts one by one.

Sums run in float64, twice the time of float32, and rows are rounded to a grid of 2**-20 (1e-6). So the order of sums,
which changes with threads, machines and what is embedded at once, shows in about one row of 100,000, and a picture or
a choice that grows from an embedding can be repeated to the byte.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from vesica.weights.cards import locate

WIDTH = 384
HEADS = 12
LAYERS = 6
MOST_TOKENS = 256
"""Longer texts are cut here: the length the model's makers set; it was trained on 128."""

PACK = 2048
"""Tokens in one pass: enough to keep a processor busy, 25 MB at the widest place."""

GRID = 2.0**20
"""Steps of an embedding's numbers within 1."""

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights of one encoder layer, transposed to ``x @ w``; query, key and value side by side."""

    asked: Floats
    asked_bias: Floats
    mixed: Floats
    mixed_bias: Floats
    mixed_norm: tuple[Floats, Floats]
    wide: Floats
    wide_bias: Floats
    back: Floats
    back_bias: Floats
    back_norm: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Encoder:
    """All weights: token rows, place rows (with the one token type added in), the first norm, the layers."""

    words: Rows
    places: Floats
    norm: tuple[Floats, Floats]
    layers: tuple[Layer, ...]


def embed(texts: Sequence[str]) -> Rows:
    """Embed texts: rows of length 1, so that ``a @ b`` is the cosine of two texts.

    Parameters
    ----------
    texts : any number of any length; what stands after 256 tokens (about 190 English words) is not read

    Returns
    -------
    float32 [len(texts), 384], multiples of 2**-20. A row depends on its text alone: on one thread or several, beside
    other texts or not, its bytes are the same in all but about one case of 100,000, where one number is 1e-6 off.
    An empty text has a row too.

    Raises
    ------
    ModelMissing : the model's package is not installed
    """
    if isinstance(texts, str):
        raise TypeError("embed takes a list of texts, not one text")
    rows = np.empty((len(texts), WIDTH), np.float32)
    if not texts:
        return rows
    encoder = _encoder()
    # Half of a surrogate pair is no character: the tokenizer would refuse it.
    clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    tokens = [line.ids for line in _tokenizer().encode_batch(clean)]
    for first, last in _packs([len(ids) for ids in tokens]):
        rows[first:last] = np.rint(_encode(encoder, tokens[first:last]) * GRID) / GRID
    return rows


def _packs(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut a row of lengths into ranges (first, last) of at most ``PACK`` tokens, or one text."""
    first = total = 0
    for place, length in enumerate(lengths):
        if place > first and total + length > PACK:
            yield first, place
            first, total = place, 0
        total += length
    yield first, len(lengths)


def _encode(encoder: Encoder, texts: Sequence[Sequence[int]]) -> Floats:
    """Encode token ids; float64 [len(texts), 384], rows of length 1."""
    ends = np.cumsum([len(ids) for ids in texts]).tolist()
    spans = [slice(end - len(ids), end) for end, ids in zip(ends, texts, strict=True)]
    ids = np.concatenate([np.asarray(ids, np.intp) for ids in texts])
    places = np.concatenate([np.arange(len(ids)) for ids in texts])
    x = _normed(encoder.words[ids] + encoder.places[places], encoder.norm)
    for layer in encoder.layers:
        asked = x @ layer.asked + layer.asked_bias
        seen: Floats = np.concatenate([_attend(asked[span]) for span in spans])
        x = _normed(x + seen @ layer.mixed + layer.mixed_bias, layer.mixed_norm)
        x = _normed(x + _gelu(x @ layer.wide + layer.wide_bias) @ layer.back + layer.back_bias, layer.back_norm)
    means = np.stack([x[span].mean(axis=0) for span in spans])
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    rows: Floats = means / np.maximum(lengths, 1e-12)
    return rows


def _attend(asked: Floats) -> Floats:
    """Self-attention (Vaswani et al., 2017) within one text: [tokens, 3 * 384] to [tokens, 384]."""
    tokens = len(asked)
    query, key, value = asked.reshape(tokens, 3, HEADS, WIDTH // HEADS).transpose(1, 2, 0, 3)
    scores = query @ key.transpose(0, 2, 1) * (WIDTH // HEADS) ** -0.5
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    seen: Floats = (weights @ value).transpose(1, 0, 2).reshape(tokens, WIDTH)
    return seen


def _normed(x: Floats, norm: tuple[Floats, Floats]) -> Floats:
    """Layer normalisation of each row."""
    gain, bias = norm
    x = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + 1e-12)
    normed: Floats = x / spread * gain + bias
    return normed


def _gelu(x: Floats) -> Floats:
    """x times the share of a normal distribution below x (Hendrycks and Gimpel, 2016), exactly."""
    bent: Floats = 0.5 * x * (1 + erf(x * 0.5**0.5))
    return bent


@cache
def _encoder() -> Encoder:
    from safetensors.numpy import load_file

    held = load_file(locate("minilm"))
    words = held.pop("embeddings.word_embeddings.weight")
    held = {name: weight.astype(np.float64) for name, weight in held.items()}

    def weight(name: str) -> Floats:
        return np.ascontiguousarray(held[name + ".weight"].T)

    def bias(name: str) -> Floats:
        return held[name + ".bias"]

    def norm(name: str) -> tuple[Floats, Floats]:
        return held[name + ".LayerNorm.weight"], held[name + ".LayerNorm.bias"]

    def layer(at: str) -> Layer:
        parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        return Layer(
            np.ascontiguousarray(np.hstack([weight(part) for part in parts])),
            np.concatenate([bias(part) for part in parts]),
            weight(at + ".attention.output.dense"),
            bias(at + ".attention.output.dense"),
            norm(at + ".attention.output"),
            weight(at + ".intermediate.dense"),
            bias(at + ".intermediate.dense"),
            weight(at + ".output.dense"),
            bias(at + ".output.dense"),
            norm(at + ".output"),
        )

    return Encoder(
        words,
        held["embeddings.position_embeddings.weight"] + held["embeddings.token_type_embeddings.weight"][0],
        norm("embeddings"),
        tuple(layer(f"encoder.layer.{number}") for number in range(LAYERS)),
    )


@cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(locate("minilm").with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    return tokenizer
