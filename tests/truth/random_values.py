"""Values for random rules, sound ones and wrong ones.

Which are which only steers how many rules come out sound; what is right, Cilium and the API server
say. Wrong ones are what people write by mistake, and what readers of the same text disagree on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pool:
    """Values for one kind of field."""

    sound: tuple[Any, ...]
    wrong: tuple[Any, ...] = ()


LABEL_KEYS = Pool(
    (
        *("app", "k8s:app", "any:app", "reserved:init", "app.kubernetes.io/name", "A_b.c-d"),
        *("k8s:app.kubernetes.io/name", "k8s:io.kubernetes.pod.namespace", "a" * 63, "1"),
        *("k8s:io.cilium.k8s.namespace.labels.team", "cidrgroup:team", f"{'a.' * 126}a/x"),
    ),
    (
        *("", ":", ":app", "k8s:", "a:b:c", "k-8:app", "k8s.io:app", "-app", "app-", "a b", "é"),
        *(
            "a" * 64,
            "/x",
            "x/",
            "a/b/c",
            "App.Example/x",
            "a..b/x",
            f"{'a.' * 127}/x",
            "app\n",
            "a*",
        ),
        *("k8s:/x", "k8s: app", "_a", "a_", ".a", f"{'a' * 254}/x", "a_b/x", "k8s\n:a"),
    ),
)
LABEL_VALUES = Pool(
    ("", "web", "Web-1.2_3", "a" * 63, "true", "10", "v1"),
    ("a" * 64, "-a", "a-", "a b", "a/b", "é", "a\n", 1, True, None, "_", ".", "a:b"),
)
OPERATORS = Pool(
    ("In", "NotIn", "Exists", "DoesNotExist"), ("in", "NotExists", "", "Gt", None, "Equals")
)
ENTITIES = Pool(
    (
        *("all", "cluster", "cluster-mesh", "health", "host", "ingress", "init", "none"),
        *("kube-apiserver", "remote-node", "unmanaged", "world"),
    ),
    ("All", "world-ipv4", "world-ipv6", "", "remote_node", "internet", 1, None, "world "),
)
CIDRS = Pool(
    (
        *("10.0.0.0/8", "10.1.2.3/8", "0.0.0.0/0", "192.168.1.7/32", "::/0", "fd00::/8", "::1/128"),
        *(
            "2001:db8::1/64",
            "::ffff:10.0.0.0/104",
            "1:2:3:4:5:6:7:8/128",
            "FD00::/8",
            "::1.2.3.4/96",
        ),
        *("1:2:3:4:5:6:7::/112", "fe80::/10", "0:0:0:0:0:0:0:0/0", "255.255.255.255/0"),
    ),
    (
        *(
            "10.0.0.0",
            "::1",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/",
            "/8",
            "",
            "10.0.0.0/-1",
        ),
        *("010.0.0.0/8", "10.0.0.0/08", "10.0.0.0/255.0.0.0", "10.0.0.256/32", "fe80::1%eth0/64"),
        *("fe80::%1/64", "10.0.0.0 /8", " 10.0.0.0/8", "10.0.0.0/8\n", "1::2::3/64", "a.b.c.d/8"),
        *(
            "10.0.0.0/8/8",
            "10.0.0.0/+8",
            "10.0.0.0/00",
            "::ffff:010.0.0.0/104",
            "12345::/16",
            "fe80::1%eth0",
        ),
        *("1:2:3:4:5:6:7/64", "1:2:3:4:5:6:7:8:9/64", ":1::/64", "1::/64:", "\u0661.0.0.0/8"),
        *(
            "10.0.0.0/\u0668",
            "0x0a.0.0.0/8",
            "1:2:3:4:5:6:7:8::/64",
            "::10.0.0/96",
            "::1.2.3.4:5/96",
            10,
            None,
        ),
        *("10.0.0.0/0x8", "00000::/8", "::ffff:1.2.3.400/128", "167772160/8", "/", "::/1000"),
    ),
)
# Networks, and what stands in `except` of them: inside, equal, overlapping, or elsewhere.
INSIDE = {
    "10.0.0.0/8": (
        *("10.1.0.0/16", "10.0.0.0/8", "10.9.9.9/32", "11.0.0.0/16", "10.0.0.0/7", "::/0"),
        *("10.1.0.0", "", "::ffff:10.1.0.0/112", "x"),
    ),
    "0.0.0.0/0": ("10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "192.168.0.0/16", "::ffff:1.2.3.4/128"),
    "10.1.2.3/16": ("10.1.9.0/24", "10.2.0.0/24", "10.1.2.3/16", "10.1.255.255/16"),
    "fd00::/8": ("fd12::/16", "fe80::/16", "fd00::/7", "10.0.0.0/8", "fdff::1/128"),
    "::/0": ("fd00::/8", "::ffff:10.0.0.0/104", "10.0.0.0/8", "::/0"),
    "::ffff:10.0.0.0/104": ("::ffff:10.1.0.0/112", "10.1.0.0/16", "::ffff:11.0.0.0/112"),
}
OBJECT_NAMES = Pool(
    ("allies", "a.b-c", "1", "a" * 253),
    ("", "A", "a_b", "-a", "a-", "a..b", "a" * 254, "a/b", "a\n", 1, None),
)
DNS_NAMES = Pool(
    ("example.org", "api.example.org.", "_srv.example.org", "a", "A-b.C", f"{'a' * 60}.org", "-"),
    (
        *(
            "",
            ".",
            ".org",
            "a..b",
            "*.example.org",
            "exa mple.org",
            "é.org",
            "a" * 256,
            "a/b",
            "a..",
            1,
        ),
        *("example.org\n", "a,b", None, f"{'a.' * 127}aa", f"{'a.' * 128}", "https://example.org"),
    ),
)
DNS_PATTERNS = Pool(
    (
        *("*", "**", "*.example.org", "**.example.org", "*example.org", "a*b.org", "*.", "a.*.b"),
        *("example.org", "***.org.", "_*.x"),
    ),
    (
        *("", ".", "*..org", ".*", "*.exa mple", "[a].org", "a" * 256, "*.org\n", "é*", "?.org", 1),
        *("(a|b).org", None, "*" * 300),
    ),
)
PORTS = Pool(
    ("80", "443", "53", "8080", "1", "65535", "0", "http", "a", "http-8080", "1a", "A-b", "a" * 15),
    (
        *(
            "",
            "65536",
            "99999",
            "100000",
            "080",
            "00",
            "0x50",
            "0b11",
            "0o17",
            "1_000",
            "0_8",
            "+80",
        ),
        *(
            "-1",
            "80 ",
            " 80",
            "80\n",
            "http\n",
            "a--b",
            "-a",
            "a-",
            "a" * 16,
            "1-2",
            "80-90",
            "a_b",
        ),
        *(
            "80.0",
            80,
            0,
            None,
            "٨٠",
            "1e3",
            "http.",
            "éa",
            "0x",
            "80/TCP",
            "0100",
            "99a!",
            "1-",
            "*",
        ),
    ),
)
PROTOCOLS = Pool(
    ("TCP", "TCP", "TCP", "UDP", "SCTP", "ANY"),
    (
        *("tcp", "", "ICMP", "ICMPV6", "VRRP", "GRE", "ESP", "AH", "IGMP", "IPIP", "IPV6", "QUIC"),
        *("any", None, 6, "TCP ", "ICMPv6", "gre"),
    ),
)
AUTHENTICATION = Pool(("disabled", "required", "test-always-fail"), ("", "Required", "mtls", None))
LOG = Pool(("web", "é", "a b", "x" * 32), ("x" * 33, "a\tb", "\u200b", "a\n", 5, "é" * 33))
HEADER_NAMES = Pool(("X-Token", "a", "A b"), ("", None, 1))
MISMATCHES = Pool(("LOG", "ADD", "DELETE", "REPLACE"), ("", "log", "DROP", None))
ICMP_V4 = Pool(
    (0, 3, 8, 255, "0", "8", "255", "EchoRequest", "EchoReply", "Echo", "Redirect", "Photuris"),
    (
        *(256, -1, 1000, 10**10, "256", "-1", "00", "007", "+8", "echoRequest", "PacketTooBig", ""),
        *(
            "ExtendedEchoReply",
            "ExtendedEcho Reply",
            True,
            8.0,
            [8],
            "8 ",
            "0x8",
            "Ping",
            "1_0",
            "٨",
        ),
        *(
            "ExtendedEchoRequest",
            "NeighborSolicitation",
            "99999999999999999999",
            "8\n",
            "EchoReply\n",
        ),
    ),
)
ICMP_V6 = Pool(
    (0, 128, "129", "EchoRequest", "PacketTooBig", "NeighborSolicitation", "RouterRenumbering"),
    (
        *(256, "300", "Echo", "Redirect", "ExtendedEchoReply", "Timestamp", "Photuris", "", False),
        *("RouterSelection", "neighborSolicitation", "MobilePrefixSolicitation"),
    ),
)
