"""Signed JWTs of auth connections, verified as a service would."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from parola.tools.auth import NotAuthorized, jwt

CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
DIGESTS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def signed(algorithm: str, key: str) -> tuple[bytes, bytes]:
    """What was signed, and the signature; header and claims are checked."""
    settings = {"algorithm": algorithm, "secret_key": key, "issuer": "me", "key_id": "k1", "expiration_seconds": 60}
    token = jwt(settings, 1000.0)
    head, claims, signature = (decoded(part) for part in token.split("."))
    assert orjson.loads(head) == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    assert orjson.loads(claims) == {"iat": 1000, "exp": 1060, "iss": "me"}
    return token.rpartition(".")[0].encode(), signature


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_a_service_can_verify_an_rsa_signature(algorithm: str, rsa_key: rsa.RSAPrivateKey) -> None:
    message, signature = signed(algorithm, pem(rsa_key))
    rsa_key.public_key().verify(signature, message, padding.PKCS1v15(), DIGESTS[algorithm[2:]])
    with pytest.raises(InvalidSignature):
        rsa_key.public_key().verify(signature, message + b"x", padding.PKCS1v15(), DIGESTS[algorithm[2:]])


@pytest.mark.parametrize("algorithm", list(CURVES))
def test_a_service_can_verify_a_signature_on_a_curve(algorithm: str) -> None:
    key = ec.generate_private_key(CURVES[algorithm])
    message, signature = signed(algorithm, pem(key))
    size = (key.curve.key_size + 7) // 8
    assert len(signature) == 2 * size, "two numbers, and no DER"
    numbers = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    key.public_key().verify(encode_dss_signature(*numbers), message, ec.ECDSA(DIGESTS[algorithm[2:]]))


def test_a_key_that_does_not_fit_the_algorithm_is_named(rsa_key: rsa.RSAPrivateKey) -> None:
    other_curve = pem(ec.generate_private_key(ec.SECP384R1()))
    for algorithm, key in (("ES256", pem(rsa_key)), ("ES256", other_curve), ("RS256", other_curve), ("RS256", "x")):
        with pytest.raises(NotAuthorized, match=f"{algorithm} needs a private"):
            jwt({"algorithm": algorithm, "secret_key": key}, 0.0)
