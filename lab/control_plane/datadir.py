"""The directory of one control plane: its secrets, its kubeconfig, its logs.

The directory is removed in the end with all that is in it, so one that holds anything else is
refused.
"""

import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lab.control_plane import credentials
from lab.control_plane.errors import LocalClusterError

_CERTIFICATE_END = "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class DataDirectory:
    """Where a control plane keeps everything.

    Attributes:
        path: The directory; the API server and etcd have folders in it.
        log_dir: Where the components' logs go.
        kubeconfig: Where the kubeconfig goes.
    """

    path: Path
    log_dir: Path
    kubeconfig: Path

    @classmethod
    def at(
        cls, path: Path | None, log_dir: Path | None, kubeconfig: Path | None
    ) -> "DataDirectory":
        """The given places; a temporary directory, or places in it, for those not given.

        Raises:
            LocalClusterError: The directory holds something else.
        """
        temporary = Path(tempfile.gettempdir(), f"homelab-netpol-{secrets.token_hex(6)}")
        path = (path or temporary).absolute()
        directory = cls(path, log_dir or path / "logs", kubeconfig or path / "kubeconfig")
        if path.exists() and any(path.iterdir()) and not directory._tokens.exists():
            raise LocalClusterError(
                f"{path} holds something else than the data of a control plane; "
                "name a directory that is empty or does not exist"
            )
        return directory

    def create(self, token: str) -> None:
        """Makes the directories, and what the API server must find there when it starts.

        Args:
            token: The token of the kubeconfig's user.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log_dir.mkdir(parents=True, exist_ok=True)
        key = self.path / "service-account.key"
        if not key.exists():  # a new one would void the tokens in data that was kept
            credentials.write_private(key, credentials.ec_private_key())
        credentials.write_private(self._tokens, credentials.token_file(token))

    def write_kubeconfig(self, server: str, token: str) -> bool:
        """Writes the kubeconfig; False if the API server has not made its certificates yet."""
        try:
            certificates = (self.path / "certs" / "apiserver.crt").read_text()
        except FileNotFoundError:
            return False
        # Its own, then that of the CA that it made up to sign it.
        if certificates.count(_CERTIFICATE_END) < 2:
            return False
        text = credentials.kubeconfig(server, token, certificates)
        credentials.write_private(self.kubeconfig, text)
        return True

    @property
    def _tokens(self) -> Path:
        return self.path / "tokens.csv"
