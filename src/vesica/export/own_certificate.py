"""A certificate of the person's own, from an authority that verifiers may know; and what they show for each."""

from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vesica.errors import VesicaError
from vesica.export.certificate import CLAIM_SIGNING, Identity, open_key, signing

_PURPOSES = frozenset(
    {ExtendedKeyUsageOID.EMAIL_PROTECTION, x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"), CLAIM_SIGNING}
)
"""Signing mail, documents, or C2PA claims; the signing library takes no other."""


def own_identity(chain_pem: bytes, key_pem: bytes, passphrase: bytes = b"") -> Identity:
    """What a person's files say, as an ``Identity``.

    chain_pem : the certificate, then those that vouch for it, each for the one before
    key_pem : the certificate's private key; ``passphrase`` opens it, if it is encrypted

    Raises ``VesicaError`` where the files are broken, do not belong together, or can't sign credentials.
    """
    try:
        chain = x509.load_pem_x509_certificates(chain_pem)
    except ValueError as fault:
        raise VesicaError("This is not a chain of certificates in PEM; give one, the signer's own first.") from fault
    pem = serialization.Encoding.PEM
    identity = Identity(
        b"".join(one.public_bytes(pem) for one in chain), chain[-1].public_bytes(pem), key_pem, own=True
    )
    key = open_key(identity, passphrase)
    signing(key)
    if _public(key.public_key()) != _public(chain[0].public_key()):
        raise VesicaError("This key is not the one of the first certificate; give the key that belongs to it.")
    for one, above in pairwise(chain):
        try:
            one.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature) as fault:
            raise VesicaError(
                f"{name(above.subject)} did not issue the certificate of {name(one.subject)}; put the chain in order."
            ) from fault
    _check_purpose(chain[0])
    return identity


def _public(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined, no-any-return]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _check_purpose(leaf: x509.Certificate) -> None:
    try:
        authority = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        authority = False
    try:
        purposes = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        purposes = set()
    if authority:
        raise VesicaError("The first certificate is an authority's; put the signer's own first.")
    if not purposes & _PURPOSES:
        raise VesicaError(
            f"The certificate of {name(leaf.subject)} is not meant for signing documents; ask its issuer for one with "
            "the extended key usage of C2PA claims, documents or e-mail."
        )


def name(who: x509.Name) -> str:
    """A certificate's subject or issuer as people know it: the organisation, or the common name."""
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if found := who.get_attributes_for_oid(kind):
            return str(found[0].value)
    return who.rfc4514_string() or "nobody"


def shown(identity: Identity) -> str:
    """What verifiers will show for a file that is signed so, in a sentence or two."""
    leaf = x509.load_pem_x509_certificate(identity.chain_pem)
    signer, issuer = name(leaf.subject), name(leaf.issuer)
    if not identity.own:
        return (
            f"Verifiers will show “{signer}” and say that they don't know this signer, until someone adds the studio's "
            "root (keys/claim-root.pem) to those they trust. That the file is unchanged shows without that."
        )
    if leaf.subject == leaf.issuer:
        return (
            f"Verifiers will show “{signer}” and say that they don't know this signer: the certificate is self-signed."
        )
    return (
        f"Verifiers will show “{signer}”, with a certificate by “{issuer}”: as trusted where that authority is on "
        "their list, and as a signer they don't know where it is not."
    )
