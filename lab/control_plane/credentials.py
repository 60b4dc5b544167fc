"""The secrets and the kubeconfig of a local control plane.

Made with nothing but the standard library: neither openssl nor a cryptography package is needed.
"""

import base64
import json
import os
import secrets
from pathlib import Path

CONTEXT = "homelab-netpol-local"

# SEC 1, appendix C.4: version 1, the private key, the curve's object identifier (P-256). The
# public key may be left out, which spares us curve arithmetic: Go computes it.
_EC_HEAD = bytes.fromhex("30310201010420")
_EC_TAIL = bytes.fromhex("a00a06082a8648ce3d030107")
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def ec_private_key() -> str:
    """A fresh P-256 private key in PEM form, for the tokens of service accounts."""
    number = 1 + secrets.randbelow(_P256_ORDER - 1)
    der = _EC_HEAD + number.to_bytes(32, "big") + _EC_TAIL
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"


def token_file(token: str) -> str:
    """The API server's `--token-auth-file` with one user who may do everything."""
    return f'{token},admin,admin,"system:masters"\n'


def kubeconfig(server: str, token: str, ca_certificates: str) -> str:
    """A kubeconfig with one context; JSON, which every YAML reader takes."""
    ca_data = base64.b64encode(ca_certificates.encode()).decode()
    cluster = {"server": server, "certificate-authority-data": ca_data}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    return json.dumps(document, indent=2) + "\n"


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, at no moment otherwise and never half of it."""
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)
