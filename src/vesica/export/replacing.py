"""Which files an export may be written over: only what this studio wrote and nobody changed since.

An artist works on exported files in other programs and saves them under the same name. Such a file is nowhere else; one
that is still as the studio signed it can be made again.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from vesica.errors import VesicaError
from vesica.export.authors.files import changed
from vesica.export.check import genuine
from vesica.export.verdict import EMBEDS, Verdict, read


def refuse_to_lose(
    folder: Path, files: Mapping[str, bytes], media_type: str, *, roots: Sequence[bytes], keys: Collection[str]
) -> None:
    """Raise ``VesicaError`` where one of ``files``, to be written into ``folder``, would take another's place.

    files : by name, the work's own of ``media_type`` first
    roots : certificates (PEM) under which the studio signs
    keys : the ledger's public keys (base64), for what was signed under an older certificate
    """
    there = {name for name, data in files.items() if (folder / name).exists() and not _same(folder / name, data)}
    if not there:
        return
    main = next(iter(files))
    verdict = _verdict(folder / main, media_type, roots)
    ours = {main, f"{main}.c2pa"} if _ours(verdict, keys) else set()
    ours |= {str(told.get("name")) for told in verdict.beside if ours and not changed(told, folder)}
    for name in files:
        if name in there - ours:
            raise VesicaError(
                f"{name} is there already and is not an export of this studio as it left; give another name, or "
                "--force to replace it."
            )


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def _verdict(path: Path, media_type: str, roots: Sequence[bytes]) -> Verdict:
    beside = path.with_name(path.name + ".c2pa")
    if not path.is_file() or (media_type not in EMBEDS and not beside.is_file()):
        return Verdict("none")
    return read(path.read_bytes(), media_type, None if media_type in EMBEDS else beside.read_bytes(), roots=roots)


def _ours(verdict: Verdict, keys: Collection[str]) -> bool:
    if verdict.state == "trusted":
        return True
    return verdict.state == "valid" and verdict.head.get("public") in keys and genuine(verdict.head)
