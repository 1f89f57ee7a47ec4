"""The studio's signing key: Ed25519, kept as an encrypted PEM inside the studio.

The passphrase never lies in the studio. It comes from the environment (``VESICA_PASSPHRASE``), from the person's own
configuration folder (mode 0600) or from the keyring of the operating system, so that a copied studio alone can be read
and verified but not signed for. A random one is made with the first key, never when a key is opened: it could not fit.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vesica.errors import VesicaError
from vesica.ledger.assets import write_durably

_SERVICE = "vesica"


def fingerprint(public: bytes) -> str:
    """SHA-256 of the 32 raw bytes of a public key, as 64 hex digits."""
    return hashlib.sha256(public).hexdigest()


def signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether ``signature`` over ``message`` was made with the key whose 32 public bytes are ``public``."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Key:
    """The private half, opened."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self.fingerprint = fingerprint(self.public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes over ``message``."""
        return self._private.sign(message)


def make(path: Path, passphrase: bytes) -> Key:
    """Make a key and keep it at ``path``, encrypted, readable by its owner alone."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    write_secret(path, pem)
    return Key(private)


def open_key(path: Path, passphrase: bytes) -> Key:
    """Open the key at ``path``. Raises ``VesicaError`` when it is missing, broken or has another passphrase."""
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), passphrase)
    except FileNotFoundError:
        raise VesicaError(
            f"The studio's signing key {path.name} is missing; restore the folder {path.parent.name} from a copy."
        ) from None
    except (ValueError, TypeError) as fault:
        raise VesicaError(
            "The studio's signing key does not open with the passphrase of this computer; "
            "set VESICA_PASSPHRASE to the one it was made with."
        ) from fault
    if not isinstance(private, Ed25519PrivateKey):
        raise VesicaError(f"{path.name} is not an Ed25519 key; restore it from a copy.")
    return Key(private)


def unlock(path: Path, config: Path) -> tuple[Key, bytes]:
    """The key at ``path``, and the one of this computer's passphrases that opens it."""
    refused = VesicaError(
        "This computer does not know the passphrase of the studio's signing key; "
        f"set VESICA_PASSPHRASE to it, or bring {config / 'passphrase'} back from a copy."
    )
    for phrase in passphrases(config):
        try:
            return open_key(path, phrase), phrase
        except VesicaError as fault:
            refused = fault
    raise refused


def write_secret(path: Path, data: bytes, *, first: bool = False) -> None:
    """Write ``data`` durably, with mode 0600 from its first byte on; ``first`` as in ``write_durably``."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with private_umask():
        write_durably(path, iter((data,)), first=first)


@contextlib.contextmanager
def private_umask(mask: int = 0o177) -> Iterator[None]:
    """Files made meanwhile are their owner's alone; with 0o077 folders can be entered too."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def passphrases(config: Path) -> Iterator[bytes]:
    """The passphrases this computer knows: what the environment says, or else ``config``/passphrase and the keyring's.

    There may be both: a keyring that did not answer once leaves a second one in the file.
    """
    if said := os.environ.get("VESICA_PASSPHRASE"):
        yield os.fsencode(said)
        return
    path = config / "passphrase"
    if path.is_file() and (kept := path.read_bytes().strip()):
        yield kept
    if found := _keyring_passphrase(make=False):
        yield found


def passphrase(config: Path) -> bytes:
    """A passphrase for a new key: the first this computer knows, or else a random one, kept for next time."""
    for known in passphrases(config):
        return known
    if made := _keyring_passphrase(make=True):
        return made
    made = secrets.token_urlsafe(32).encode()
    with contextlib.suppress(FileNotFoundError):
        if not (config / "passphrase").read_bytes().strip():
            (config / "passphrase").unlink()  # what a crash or a full disk left of one
    try:
        write_secret(config / "passphrase", made + b"\n", first=True)
    except FileExistsError:  # another vesica made one at the same time
        return (config / "passphrase").read_bytes().strip()
    return made


def _keyring_passphrase(*, make: bool) -> bytes | None:
    """The passphrase in the keyring, put there if ``make`` says so; None where there is none or no usable keyring."""
    import keyring
    from keyring.backends import fail
    from keyring.errors import KeyringError

    try:
        if isinstance(keyring.get_keyring(), fail.Keyring):
            return None
        if not make:
            found = keyring.get_password(_SERVICE, "studios")
            return found.encode() if found else None
        made = secrets.token_urlsafe(32)
        keyring.set_password(_SERVICE, "studios", made)
        return made.encode()
    except (KeyringError, RuntimeError):
        return None
