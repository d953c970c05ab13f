"""Keys and tokens."""

from __future__ import annotations

import base64
import json
import secrets
import string
import time
import zlib
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


def random_word(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))


def make_key(kind: str) -> str:
    """A key of the right form that nobody has registered: `kind` is `adm` or `live`."""
    body = f"cr_{kind}_{random_word(10)}_{random_word(32)}"
    return f"{body}_{base62(zlib.crc32(body.encode()), 6)}"


class ServerSecrets:
    """The operator's key and the key-encryption key, as files."""

    def __init__(self, folder: Path) -> None:
        self.operator_key = make_key("adm")
        self.operator_file = folder / "operator.key"
        self.operator_file.write_text(self.operator_key + "\n")
        self.sealing_file = folder / "sealing.key"
        self.sealing_file.write_text(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        for file in (self.operator_file, self.sealing_file):
            file.chmod(0o600)

    def all(self) -> list[str]:
        return [self.operator_key, self.sealing_file.read_text().strip()]


class PortalSigner:
    """A supplier's portal: it signs the tokens of its users."""

    AUDIENCE = "carillon-portal"

    def __init__(self, tenant: str, key_id: str = "portal-1") -> None:
        self.tenant = tenant
        self.key_id = key_id
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def key_set(self) -> str:
        """The public key as a JWK Set."""
        key = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return json.dumps({"keys": [{**key, "kid": self.key_id, "use": "sig", "alg": "ES256"}]})

    def token(self, user: str, lifetime: float = 600, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token for a user. A claim that is given as None is left out."""
        now = time.time()
        usual = {
            "iss": self.tenant,
            "aud": self.AUDIENCE,
            "sub": user,
            "iat": int(now),
            "exp": int(now + lifetime),
            "jti": secrets.token_hex(8),
        }
        content = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(content, self.key, algorithm="ES256", headers={"kid": self.key_id, **(headers or {})})
