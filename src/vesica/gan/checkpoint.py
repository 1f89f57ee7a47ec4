"""A checkpoint: one safetensors file that appears whole or not at all, and says when it is damaged or another's."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vesica.errors import VesicaError
from vesica.weights.cache import writing


def write(path: Path, tensors: Mapping[str, Tensor], told: Mapping[str, Any], *, kind: str) -> None:
    """Write tensors, and ``told`` as JSON in the header. What stood there stays until all of it is on the disk.

    kind : what the file is, with a version, as ``vesica-gan-checkpoint/1``
    """
    solid = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    said = json.dumps({"format": kind, "told": told}, sort_keys=True, ensure_ascii=False)
    # One entry: safetensors puts several in no order, and the same state must be the same bytes.
    header = {"vesica": json.dumps({"said": said, "sha256": _digest(solid, said)})}
    with writing(path) as file:
        file.write(save(solid, metadata=header))


def read(path: Path, *, kind: str) -> tuple[dict[str, Tensor], Any]:
    """Tensors and what was told with them.

    Raises ``VesicaError`` where the file is missing, damaged, of another version or not ours.
    """
    if not path.is_file():
        raise VesicaError(f"{path} is not there; give the folder of a model that 'vesica gan train' made.")
    try:
        with safe_open(path, "pt") as file:
            header = (file.metadata() or {}).get("vesica")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header is None:
            raise VesicaError(f"{path} is not vesica's; give the folder of a model that 'vesica gan train' made.")
        outer = json.loads(header)
        if outer["sha256"] != _digest(tensors, outer["said"]):
            raise VesicaError(f"{path} is damaged; put back a copy of it, or train anew in another folder.")
        inner = json.loads(outer["said"])
        if inner["format"] != kind:
            raise VesicaError(f"{path} was written by another version of vesica; train anew in another folder.")
        return tensors, inner["told"]
    except (SafetensorError, KeyError, TypeError, ValueError) as fault:
        raise VesicaError(f"{path} is damaged, or no safetensors file; put back a copy of it.") from fault


def _digest(tensors: Mapping[str, Tensor], said: str) -> str:
    running = hashlib.sha256(said.encode())
    for name in sorted(tensors):
        running.update(f"{name} {tensors[name].dtype} {list(tensors[name].shape)}".encode())
        running.update(tensors[name].numpy().tobytes())
    return running.hexdigest()
