"""What a file's credential says, and whether it holds: for files of any program that writes C2PA."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import c2pa

from vesica.export.manifest import AUTHORSHIP, LEDGER, settings

EMBEDS = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/svg+xml",
        "image/gif",
        "video/mp4",
        "audio/wav",
        "audio/mpeg",
        "audio/flac",
        "application/pdf",
    }
)
"""Media types in which the studio writes a credential."""

READS = EMBEDS | {
    *("image/avif", "image/heic", "image/heif", "image/jxl", "image/tiff", "image/x-adobe-dng"),
    *("audio/mp4", "video/quicktime", "video/x-msvideo", "font/otf", "font/ttf"),
    *("application/epub+zip", "application/zip"),
}
"""Media types in which other programs may have written one."""

State = Literal["trusted", "valid", "invalid", "none"]
"""trusted: unchanged, and signed under a root that the reader trusts. valid: unchanged, by a signer nobody vouches
for. invalid: changed since it was signed, or signed wrongly. none: no credential."""

UNTRUSTED = "signingCredential.untrusted"
ABSENT = "manifest.inaccessible"
"""The standard's code for a credential that the file only points to."""

DEEPEST, MOST = 20, 100
"""Generations and number of ingredients that are followed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """By whom and with what a claim was signed, from the certificate; nobody has checked that the names are true."""

    signer: str = ""
    issuer: str = ""
    algorithm: str = ""
    until: str = ""
    when: str = ""
    """From a time-stamp authority; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Link:
    """An ingredient of the file, or an ingredient of one: ``depth`` is 1 for the file's own.

    signer : who signed the ingredient's own credential; empty where it has none
    faults : the standard's codes of what did not hold
    """

    depth: int
    title: str
    relationship: str
    signer: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file's credential says and whether it holds.

    actions : as stored, in order
    beside : files beside this one that say who made what in it: name, kind, type and sha256
    complete : whether the signer says that these are all; None where nothing is said
    faults : the standard's codes of what does not hold, such as ``assertion.dataHash.mismatch``
    """

    state: State
    title: str = ""
    signature: Signature = field(default_factory=Signature)
    generator: str = ""
    actions: tuple[Mapping[str, Any], ...] = ()
    complete: bool | None = None
    models: tuple[Mapping[str, Any], ...] = ()
    ingredients: tuple[Mapping[str, Any], ...] = ()
    chain: tuple[Link, ...] = ()
    head: Mapping[str, Any] = field(default_factory=dict)
    authorship: Mapping[str, int] = field(default_factory=dict)
    beside: tuple[Mapping[str, Any], ...] = ()
    labels: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def signer(self) -> str:
        """Who signed, as the certificate calls them."""
        return self.signature.signer

    @property
    def sentence(self) -> str:
        """The verdict in a person's words."""
        match self.state:
            case "none" if self.faults:
                return "The credential of this file lies elsewhere, and vesica fetches nothing."
            case "none":
                return "This file carries no credential."
            case "invalid":
                return "This file does not match its credential."
            case "valid":
                return f"Unchanged since it was signed by {self.signer}, for whom nobody vouches here."
            case "trusted":
                return f"Unchanged since it was signed by {self.signer}, whom you trust."


def read(data: bytes, media_type: str, sidecar: bytes | None = None, *, roots: Sequence[bytes] = ()) -> Verdict:
    """Check the credential in ``data``, or the ``sidecar`` beside it; ``roots`` (PEM) are whom the reader trusts."""
    if sidecar is None and media_type not in READS:
        return Verdict("none")
    trusted = b"".join(roots).decode("ascii", "replace")
    try:
        with c2pa.Context.from_dict(settings(trusted)) as context:
            reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), manifest_data=sidecar, context=context)
            if reader is None:
                return Verdict("none")
            with reader:
                store, certificates = json.loads(reader.json()), json.loads(reader.crjson())
    except c2pa.C2paError as fault:
        said = " ".join(str(fault).split())[:200].rstrip(".")
        said = said.removeprefix("Other: ")
        if said.startswith("Remote"):  # it would have to be fetched
            return Verdict("none", faults=(ABSENT,))
        return Verdict("invalid", faults=(said,))
    try:
        return _verdict(store, certificates)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, RecursionError):
        # Signed JSON may have any shape; what we can't follow is no proof of anything.
        return Verdict("invalid", faults=("it is not built as the standard says",))


def _verdict(store: Mapping[str, Any], certificates: Mapping[str, Any]) -> Verdict:
    active = store["manifests"][store["active_manifest"]]
    states: Mapping[str, State] = {"Trusted": "trusted", "Valid": "valid"}
    told: dict[str, list[Any]] = {}
    for assertion in active.get("assertions", ()):
        told.setdefault(assertion["label"].split("__")[0], []).append(assertion["data"])
    acts = [one for label in ("c2pa.actions.v2", "c2pa.actions") for one in told.get(label, ())]
    generators = active.get("claim_generator_info") or [{"name": active.get("claim_generator") or ""}]
    return Verdict(
        states.get(store.get("validation_state", ""), "invalid"),
        title=str(active.get("title") or ""),
        signature=_signature(active, certificates),
        generator=", ".join(f"{one.get('name', '')} {one.get('version', '')}".strip() for one in generators),
        actions=tuple(step for one in acts for step in one["actions"] if "action" in step),
        complete=next((one["allActionsIncluded"] for one in acts if "allActionsIncluded" in one), None),
        models=tuple(told.get("c2pa.ai-disclosure", ())),
        ingredients=tuple(active.get("ingredients", ())),
        chain=tuple(_chain(store)),
        head=next(iter(told.get(LEDGER, ())), {}),
        authorship=told.get(AUTHORSHIP, [{"units": {}}])[0].get("units", {}),
        beside=tuple(told.get(AUTHORSHIP, [{}])[0].get("files", ())),
        labels=tuple(told),
        faults=tuple(_codes(store.get("validation_results", {}).get("activeManifest", {}))),
    )


def _codes(results: Mapping[str, Any]) -> Iterator[str]:
    for row in results.get("failure", ()):
        if row["code"] != UNTRUSTED:
            yield str(row["code"])


def _signature(active: Mapping[str, Any], certificates: Mapping[str, Any]) -> Signature:
    told = active.get("signature_info", {})
    found: Mapping[str, Any] = next(
        (one for one in certificates.get("manifests", ()) if one.get("label") == active.get("label")), {}
    )
    certificate = found.get("signature", {}).get("certificateInfo", {})
    issuer = certificate.get("issuer", {})
    return Signature(
        str(told.get("issuer") or told.get("common_name") or "nobody named"),
        str(issuer.get("O") or issuer.get("CN") or ""),
        str(told.get("alg") or ""),
        str(certificate.get("validity", {}).get("notAfter", ""))[:10],
        str(told.get("time") or ""),
    )


def _chain(store: Mapping[str, Any]) -> Iterator[Link]:
    """All ingredients, each behind the one that it went into."""
    deltas: dict[tuple[str, str], list[str]] = {}
    for delta in store.get("validation_results", {}).get("ingredientDeltas", ()):
        # self#jumbf=/c2pa/<manifest>/c2pa.assertions/<label>
        _, _, manifest, _, label = delta["ingredientAssertionURI"].split("/")
        deltas[manifest, label] = list(_codes(delta["validationDeltas"]))
    seen: set[str] = set()
    count = 0

    def follow(name: str, depth: int) -> Iterator[Link]:
        nonlocal count
        seen.add(name)
        for part in store["manifests"].get(name, {}).get("ingredients", ()):
            if (count := count + 1) > MOST:
                return
            own = str(part.get("active_manifest") or "")
            signature = store["manifests"].get(own, {}).get("signature_info", {})
            own_faults = _codes(part.get("validation_results", {}).get("activeManifest", {}))
            yield Link(
                depth,
                str(part.get("title") or "something unnamed"),
                str(part.get("relationship") or ""),
                str(signature.get("issuer") or signature.get("common_name") or ""),
                tuple(dict.fromkeys([*own_faults, *deltas.get((name, str(part.get("label"))), ())])),
            )
            if own and own not in seen and depth < DEEPEST:
                yield from follow(own, depth + 1)

    yield from follow(store["active_manifest"], 1)
