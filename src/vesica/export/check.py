"""A file checked by someone who has nothing else: no studio, no key, no network. What is known, in plain sentences."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from vesica.errors import VesicaError
from vesica.export.authors.files import changed
from vesica.export.facts import IPTC
from vesica.export.marks.source import said
from vesica.export.verdict import ABSENT, READS, Verdict, read
from vesica.ledger.canonical import canonical
from vesica.ledger.chain import Head

ENDINGS = {
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".html": "text/html",
    ".htm": "text/html",
    ".mid": "audio/midi",
    ".midi": "audio/midi",
    ".json": "application/json",
    ".mp3": "audio/mpeg",
    ".musicxml": "application/vnd.recordare.musicxml+xml",
    ".xml": "application/xml",
    ".ogg": "audio/ogg",
    ".dng": "image/x-adobe-dng",
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".epub": "application/epub+zip",
}
_MAGIC = (
    (rb"\x89PNG", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"RIFF....WAVE", "audio/wav"),
    (rb"RIFF....AVI ", "video/x-msvideo"),
    (rb"GIF8", "image/gif"),
    (rb"II\*\0|MM\0\*", "image/tiff"),
    (rb"fLaC", "audio/flac"),
    (rb"%PDF", "application/pdf"),
    (rb"....ftyp(?:avif|avis)", "image/avif"),
    (rb"....ftyp(?:heic|heix|hevc)", "image/heic"),
    (rb"....ftyp(?:mif1|msf1)", "image/heif"),
    (rb"....ftypM4A", "audio/mp4"),
    (rb"....ftypqt", "video/quicktime"),
    (rb"....ftyp", "video/mp4"),
    (rb"....JXL ", "image/jxl"),
    (rb"OggS", "audio/ogg"),
    (rb"MThd", "audio/midi"),
    (rb"\xff[\xe2-\xff]", "audio/mpeg"),
    (rb"(?s:\s*(?:<\?xml.{,2000}?|<!--.{,2000}?|<!DOCTYPE svg.{,500}?)*<svg\b)", "image/svg+xml"),
)

SOURCES = {
    "trainedAlgorithmicMedia": "made by a trained model (AI)",
    "compositeWithTrainedAlgorithmicMedia": "made in part by a trained model (AI)",
    "algorithmicMedia": "made by a program of rules, without a trained model",
    "algorithmicallyEnhanced": "enhanced by a program",
    "composite": "put together from several sources",
    "compositeSynthetic": "put together, with parts made by a trained model (AI)",
    "compositeCapture": "put together from several captures",
    "digitalCreation": "made by a person with a program",
    "humanEdits": "edited by a person",
    "minorHumanEdits": "edited a little by a person",
    "digitalArt": "made by a person with a program",
    "digitalCapture": "captured by a camera or microphone",
    "computationalCapture": "captured by a camera that computes",
    "screenCapture": "captured from a screen",
    "dataDrivenMedia": "made from data by a program",
}
"""IPTC's digital source types in a reader's words; others are told by their name."""

FAULTS = {
    "assertion.dataHash.mismatch": "The file's content is not what was signed: at least one byte of it differs.",
    "assertion.bmffHash.mismatch": "The file's content is not what was signed: at least one byte of it differs.",
    "assertion.boxesHash.mismatch": "The file's content is not what was signed: at least one byte of it differs.",
    "assertion.collectionHash.mismatch": "A part of the file is not what was signed.",
    "claimSignature.mismatch": "The credential was altered after it was signed.",
    "assertion.hashedURI.mismatch": "A statement in the credential was altered after it was signed.",
    "assertion.missing": "A statement that was signed is missing from the credential.",
    "ingredient.manifest.mismatch": "The credential of an ingredient was altered.",
    "signingCredential.invalid": "The certificate is not one that may sign credentials.",
    "signingCredential.expired": "The certificate had ended when this was signed.",
    "signingCredential.revoked": "The certificate was revoked by its issuer.",
    "claimSignature.outsideValidity": "It was signed outside the time for which the certificate is good.",
}
"""The standard's codes in a reader's words; others are told as they are."""

RELATIONS = {"parentOf": "begun from", "componentOf": "holds", "inputTo": "made with"}


@dataclass(frozen=True, slots=True)
class Report:
    """What can be said of a file.

    where : where its credential lies
    holds : whether there is a credential, unchanged, and by a signer that the reader trusts, if they named one
    signed, claimed, checked, changed, unknown : sentences
    """

    verdict: Verdict
    type: str
    where: Literal["inside", "beside", "nowhere"]
    holds: bool
    signed: tuple[str, ...]
    claimed: tuple[str, ...]
    checked: tuple[str, ...]
    changed: tuple[str, ...]
    unknown: tuple[str, ...]


def type_of(data: bytes, name: str) -> str:
    """The media type of a file, by its first bytes, and by its name only where those don't tell."""
    start = data[:5000]
    if data[:3] == b"ID3":  # a tag may stand before MP3 and before FLAC
        size = sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=False))
        return "audio/flac" if data[10 + size : 14 + size] == b"fLaC" else "audio/mpeg"
    for magic, type_ in _MAGIC:
        if re.match(magic, start, re.DOTALL):
            return type_
    return ENDINGS.get(PurePath(name).suffix.lower(), "application/octet-stream")


def check(
    data: bytes,
    name: str,
    sidecar: bytes | None = None,
    *,
    given: bool = False,
    roots: Sequence[bytes] = (),
    folder: Path | None = None,
) -> Report:
    """Check a file by the credential inside it, or else by its ``sidecar``.

    given : whether a person named the sidecar; then it is looked at, whatever lies inside
    roots : certificates (PEM) of those whom the reader trusts
    folder : where files lie that the credential names as beside this one; None looks at none of them

    Raises ``VesicaError`` for an empty file and for a sidecar that is no credential.
    """
    if not data:
        raise VesicaError(f"{name} is empty; give a file with something in it.")
    if sidecar is not None and sidecar[4:8] != b"jumb":
        raise VesicaError("This is not a C2PA credential; give the file that ends with .c2pa.")
    type_ = type_of(data, name)
    verdict = read(data, type_, roots=roots)
    where: Literal["inside", "beside", "nowhere"] = "nowhere" if verdict.state == "none" else "inside"
    if sidecar is not None and (given or verdict.state == "none"):
        # The library knows no types for notation; to it, a file beside a credential is bytes.
        verdict = read(data, type_ if type_ in READS else "application/octet-stream", sidecar, roots=roots)
        where = "beside"
    there = where != "nowhere"
    missing, other = _beside(verdict, folder)
    return Report(
        verdict,
        type_,
        where,
        not other and (verdict.state == "trusted" or (verdict.state == "valid" and not roots)),
        tuple(_signed(verdict, bool(roots))) if there else (),
        tuple(_claimed(verdict)) if there else tuple(_unsigned(data)),
        tuple(_checked(verdict, where)) if there else (),
        (*_changed(verdict), *other),
        (*_unknown(verdict, there), *missing),
    )


def genuine(head: Mapping[str, Any]) -> bool:
    """Whether a ledger's head, as a credential carries it, is signed by the key that it names."""
    try:
        return Head.from_bytes(canonical(dict(head))).genuine
    except (VesicaError, ValueError, TypeError):
        return False


def _signed(verdict: Verdict, named: bool) -> Iterator[str]:
    signature = verdict.signature
    if not signature.signer:
        yield "Nobody can be named: the credential can't be read."
        return
    issued = f", with a certificate by “{signature.issuer}”" if signature.issuer else ""
    until = f" that is good until {signature.until}" if signature.until else ""
    yield f"By “{signature.signer}”{issued}{until} ({signature.algorithm})."
    if verdict.state == "trusted":
        yield "The certificate leads to a root that you trust."
    elif named:
        yield "The certificate does not lead to the root that you gave."
    else:
        yield "Nobody vouches here for this signer: anyone can make a certificate with this name (see --trust)."
    if verdict.generator:
        yield f"With the program {verdict.generator}."


def _unsigned(data: bytes) -> Iterator[str]:
    """What a file without a credential says of itself."""
    for source in said(data):
        yield f"Unsigned, the file says of itself that it was {_source(source)}."


def _claimed(verdict: Verdict) -> Iterator[str]:
    if verdict.title:
        yield f"It is called “{verdict.title}”."
    for act in verdict.actions:
        yield _act(act)
    if verdict.actions:
        match verdict.complete:
            case True:
                yield "That is all that was done, says the signer."
            case False:
                yield "More may have been done: the signer does not say that this is all."
    for model in verdict.models:
        told = [str(model[key]) for key in ("org.vesica.licence", "modelIdentifier") if model.get(key)]
        name = model.get("modelName") or "without a name"
        yield f"The model {name} took part ({', '.join(told) or 'no more is said'})."
    for link in verdict.chain:
        credential = f"with a credential of its own by “{link.signer}”" if link.signer else "without a credential"
        begun = "  " * (link.depth - 1) + _capital(RELATIONS.get(link.relationship, "from"))
        yield f"{begun} “{link.title}”, {credential}."
    if verdict.authorship:
        shares = ", ".join(f"{count:,} {who}" for who, count in verdict.authorship.items())
        yield f"Units of the work by who brought them in: {shares}."
    if "cawg.training-mining" in verdict.labels:
        yield "It says how the file may be used to train models (cawg.training-mining)."
    if verdict.head:
        yield f"It was made in a studio whose ledger then had {verdict.head.get('size')} turns."


def _act(act: Mapping[str, Any]) -> str:
    parameters = act.get("parameters") or {}
    agent = act.get("softwareAgent")
    if isinstance(agent, Mapping):
        agent = f"{agent.get('name', '')} {agent.get('version', '')}".strip()
    by = (
        agent or parameters.get("org.vesica.name") or ("a person" if parameters.get("org.vesica.by") == "human" else "")
    )
    told = _capital(str(act["action"]).removeprefix("c2pa.").replace("_", " "))
    told += f" by {by}" if by else ""
    told += f" on {act['when'][:10]}" if isinstance(act.get("when"), str) else ""
    told += f": {_source(str(act['digitalSourceType']))}" if act.get("digitalSourceType") else ""
    told += f" (“{act['description']}”)" if act.get("description") else ""
    return told + "."


def _source(source: str) -> str:
    name = source.rpartition("/")[2]
    return SOURCES.get(name, name) if source.startswith((IPTC, IPTC.replace("http:", "https:"))) else source


def _checked(verdict: Verdict, where: str) -> Iterator[str]:
    if verdict.state != "invalid":
        outside = " outside its credential" if where == "inside" else ""
        yield f"Every byte of the file{outside} against the signed digest."
        yield "The signature over all that is claimed, and each statement's digest."
        yield "That the certificate may sign credentials and is in its time."
        for link in verdict.chain:
            if link.signer:
                yield f"The credential of “{link.title}”, as far as it travels with this file."
    if verdict.head and genuine(verdict.head):
        yield f"The ledger's head of {verdict.head['size']} turns is signed by the studio's own key."


def _changed(verdict: Verdict) -> Iterator[str]:
    if verdict.state == "invalid":
        for fault in dict.fromkeys(verdict.faults):
            yield FAULTS.get(fault, f"The credential does not hold: {fault}.")
        if not verdict.faults:
            yield "The credential does not hold."
    for link in verdict.chain:
        for fault in link.faults:
            yield f"Ingredient “{link.title}”: {FAULTS.get(fault, fault + '.')}"
    if verdict.head and not genuine(verdict.head):
        yield "The ledger's head in the credential is not signed by the key that it names."


def _beside(verdict: Verdict, folder: Path | None) -> tuple[list[str], list[str]]:
    """Sentences about files beside this one: those that are not here, and those that are not what was signed."""

    missing: list[str] = []
    other: list[str] = []
    if not folder:
        return missing, other
    for told in verdict.beside:
        if sentence := changed(told, folder):
            (missing if sentence.endswith("is missing.") else other).append(sentence)
    return missing, other


def _unknown(verdict: Verdict, there: bool) -> Iterator[str]:
    if not there:
        if ABSENT in verdict.faults:
            yield "What its credential says: it lies on the network; fetch it yourself and give it with --credential."
        else:
            yield "Who made it, and how: a credential can be taken out of a file without a trace."
        return
    if verdict.state == "invalid":
        yield "Whether the change was meant, and who made it: many programs drop or break credentials when they save."
    yield "Whether what the signer claims is true: a credential shows who says it and that nobody changed it since."
    if verdict.state == "valid":
        yield f"Whether the signer is who “{verdict.signer}” seems to be."
    if not verdict.signature.when:
        yield "When it was signed: no time-stamp authority says so, and dates in it are the signer's own."
    yield "Whether the certificate was revoked since: nothing is fetched from the network."
    if verdict.head:
        yield "Whether the ledger still says the same: ask for the studio's ledger, and verify it against this head."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
