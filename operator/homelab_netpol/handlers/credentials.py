"""How Kopf reaches the API server: as the operator's own requests do."""

from __future__ import annotations

import kopf

from homelab_netpol.cluster.connection import ClusterAccess


async def kopf_credentials(access: ClusterAccess) -> kopf.ConnectionInfo:
    """The same as `ClusterAccess.configuration`, in the form that Kopf wants.

    Raises:
        ConnectionFailed: there are none, or they cannot be read.
    """
    configuration = await access.configuration()
    header = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    scheme, _, token = (header or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        username=configuration.username or None,
        password=configuration.password or None,
        scheme=scheme or ("Bearer" if token else None),
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        proxy_url=configuration.proxy,
    )
