"""Content Credentials (C2PA 2.4) in files, or beside those that can't hold one, and their reading.

One credential per export, not one per turn: a chain of forty manifests weighs 356 kB, while the ledger's signed head
inside one manifest ties the file to every turn. Nothing here uses the network; no thumbnail is stored.
"""

import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import c2pa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from vesica.errors import VesicaError
from vesica.export import marks
from vesica.export.certificate import Identity, ends, expired, open_key
from vesica.export.facts import Action, Facts, Ingredient, ModelUse, source_of_work
from vesica.export.manifest import AUTHORSHIP, LEDGER, ingredient, manifest, settings

__all__ = ["Action", "Facts", "Ingredient", "ModelUse", "Verdict", "can_embed", "embed", "read", "sidecar"]

EMBEDS = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/svg+xml",
        "audio/wav",
        "audio/mpeg",
        "audio/flac",
        "application/pdf",
    }
)
BESIDE = frozenset(
    {
        "text/plain",
        "text/markdown",
        "text/html",
        "audio/midi",
        "application/vnd.recordare.musicxml+xml",
        "application/vnd.vesica.score+json",
        "application/json",
    }
)

State = Literal["trusted", "valid", "invalid", "none"]
"""trusted: unchanged, and signed under a root that the reader trusts. valid: unchanged, by a signer nobody vouches
for. invalid: changed since it was signed, or signed wrongly. none: no credential."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file's credential says and whether it holds.

    actions : as stored, in order
    faults : the standard's codes of what does not hold, such as ``assertion.dataHash.mismatch``
    """

    state: State
    title: str = ""
    signer: str = ""
    when: str = ""
    actions: tuple[Mapping[str, Any], ...] = ()
    models: tuple[Mapping[str, Any], ...] = ()
    ingredients: tuple[Mapping[str, Any], ...] = ()
    head: Mapping[str, Any] = field(default_factory=dict)
    authorship: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The verdict in a person's words."""
        match self.state:
            case "none":
                return "This file carries no credential."
            case "invalid":
                return f"This file does not match its credential: {', '.join(self.faults) or 'unreadable'}."
            case "valid":
                return f"Unchanged since it was signed by {self.signer}, for whom nobody vouches here."
            case "trusted":
                return f"Unchanged since it was signed by {self.signer}, whom you trust."


def can_embed(media_type: str) -> bool:
    """Whether a credential fits into files of ``media_type``; others get a ``sidecar``."""
    return media_type in EMBEDS


def embed(
    data: bytes,
    media_type: str,
    facts: Facts,
    identity: Identity,
    passphrase: bytes,
    *,
    now: dt.datetime | None = None,
) -> bytes:
    """``data`` with a credential inside; pictures also say their digital source type in XMP.

    Raises ``VesicaError`` for a media type that holds none, data that is not of its type, facts the standard refuses,
    an expired certificate or a wrong passphrase.
    """
    if media_type not in EMBEDS:
        raise VesicaError(f"A file of type {media_type} can't hold a credential; write a sidecar beside it.")
    if source := source_of_work(facts):
        data = marks.with_source(data, media_type, source)
    out = io.BytesIO()
    _sign(data, media_type, facts, identity, passphrase, now, out)
    return out.getvalue()


def sidecar(
    data: bytes,
    media_type: str,
    facts: Facts,
    identity: Identity,
    passphrase: bytes,
    *,
    now: dt.datetime | None = None,
) -> bytes:
    """The credential of ``data`` as bytes of their own, to be kept beside the file as ``<file>.c2pa``."""
    if media_type not in BESIDE:
        raise VesicaError(f"A file of type {media_type} gets no sidecar here; it holds its credential itself.")
    return _sign(data, media_type, facts, identity, passphrase, now, None)


def _sign(
    data: bytes,
    media_type: str,
    facts: Facts,
    identity: Identity,
    passphrase: bytes,
    now: dt.datetime | None,
    out: io.BytesIO | None,
) -> bytes:
    now = now or dt.datetime.now(dt.UTC)
    if expired(identity, now):
        raise VesicaError(
            f"The studio's certificate is good until {ends(identity):%Y-%m-%d}, not on {now:%Y-%m-%d}; check this "
            "computer's clock, or move the claim-*.pem files out of the studio's keys so that new ones are made."
        )
    told = manifest(facts, media_type)
    key = open_key(identity, passphrase)
    try:
        with (
            c2pa.Context.from_dict(settings(identity.root_pem.decode())) as context,
            c2pa.Signer.from_callback(
                lambda message: key.sign(message, ec.ECDSA(hashes.SHA256())),
                c2pa.C2paSigningAlg.ES256,
                identity.chain_pem.decode(),
            ) as signer,
            c2pa.Builder(told, context=context) as builder,
        ):
            for index, part in enumerate(facts.ingredients):
                if part.data is not None:
                    builder.add_ingredient(ingredient(part, index), part.media_type, io.BytesIO(part.data))
            if out is None:
                builder.set_no_embed()
            signed: bytes = builder.sign(signer, media_type, io.BytesIO(data), out or io.BytesIO())
    except c2pa.C2paError as fault:
        raise VesicaError(f"{facts.title or 'This file'} can't be signed as {media_type}: {_short(fault)}.") from fault
    return signed


def read(data: bytes, media_type: str, sidecar: bytes | None = None, *, roots: Sequence[bytes] = ()) -> Verdict:
    """Check the credential in ``data``, or the ``sidecar`` beside it; ``roots`` (PEM) are whom the reader trusts."""
    if sidecar is None and media_type not in EMBEDS:
        return Verdict("none")
    trusted = b"".join(roots).decode("ascii", "replace")
    try:
        with c2pa.Context.from_dict(settings(trusted)) as context:
            reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), manifest_data=sidecar, context=context)
            if reader is None:
                return Verdict("none")
            with reader:
                store = json.loads(reader.json())
    except c2pa.C2paError as fault:
        return Verdict("invalid", faults=(_short(fault),))
    try:
        return _verdict(store)
    except (LookupError, TypeError, AttributeError):
        # A store that names manifests it lacks, or says a thing in another shape than the standard's.
        return Verdict("invalid", faults=("claim.malformed",))


def _verdict(store: Mapping[str, Any]) -> Verdict:
    active = store["manifests"][store["active_manifest"]]
    results = store.get("validation_results", {}).get("activeManifest", {})
    faults = tuple(row["code"] for row in results.get("failure", ()) if row["code"] != "signingCredential.untrusted")
    states: Mapping[str, State] = {"Trusted": "trusted", "Valid": "valid"}
    state = states.get(store.get("validation_state", ""), "invalid")
    told: dict[str, list[Any]] = {}
    for assertion in active.get("assertions", ()):
        told.setdefault(assertion["label"].split("__")[0], []).append(assertion["data"])
    actions = [
        step for label in ("c2pa.actions.v2", "c2pa.actions") for one in told.get(label, ()) for step in one["actions"]
    ]
    signature = active.get("signature_info", {})
    return Verdict(
        state,
        title=active.get("title", ""),
        signer=signature.get("issuer", ""),
        when=signature.get("time", "") or "",
        actions=tuple(actions),
        models=tuple(told.get("c2pa.ai-disclosure", ())),
        ingredients=tuple(active.get("ingredients", ())),
        head=next(iter(told.get(LEDGER, ())), {}),
        authorship=told.get(AUTHORSHIP, [{"units": {}}])[0].get("units", {}),
        faults=faults,
    )


def _short(fault: c2pa.C2paError) -> str:
    """The library's words, on one line and without their last stop."""
    return " ".join(str(fault).split())[:200].rstrip(".")
