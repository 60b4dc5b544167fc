"""The kinds of objects that some command reads; all others are counted and left out. Pure."""

from __future__ import annotations

from homelab_netpol.cilium.terms import CCNP, CLUSTER_NETWORK_POLICY, CNP, NETWORK_POLICY

NAMESPACE = "Namespace"
NETWORK_PROFILE = "NetworkProfile"
SHARED_RESOURCE = "SharedResource"
POD = "Pod"
SERVICE = "Service"
CIDR_GROUP = "CiliumCIDRGroup"
API_SERVICE = "APIService"
# Of a list without items, whatever its kind.
EMPTY_LIST = "List"
LOCAL_REDIRECT = "CiliumLocalRedirectPolicy"

CALICO_GROUPS = ("crd.projectcalico.org", "projectcalico.org")

# What makes pods, and the path to their template.
WORKLOADS = {
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}

# The groups of each kind; "" is the core one. A label domain of one's own does not change the group
# of the two custom resources.
_GROUPS: dict[str, tuple[str, ...]] = {
    NAMESPACE: ("",),
    NETWORK_PROFILE: ("network-policy.homelab",),
    SHARED_RESOURCE: ("network-policy.homelab",),
    CNP: ("cilium.io",),
    CCNP: ("cilium.io",),
    CIDR_GROUP: ("cilium.io",),
    NETWORK_POLICY: ("networking.k8s.io", *CALICO_GROUPS),
    CLUSTER_NETWORK_POLICY: ("policy.networking.k8s.io",),
    "AdminNetworkPolicy": ("policy.networking.k8s.io",),
    "BaselineAdminNetworkPolicy": ("policy.networking.k8s.io",),
    "GlobalNetworkPolicy": CALICO_GROUPS,
    POD: ("",),
    "DaemonSet": ("apps",),
    "Deployment": ("apps",),
    "ReplicaSet": ("apps",),
    "StatefulSet": ("apps",),
    "ReplicationController": ("",),
    "Job": ("batch",),
    "CronJob": ("batch",),
    SERVICE: ("",),
    "Endpoints": ("",),
    "EndpointSlice": ("discovery.k8s.io",),
    "Node": ("",),
    "ConfigMap": ("",),
    "Ingress": ("networking.k8s.io",),
    "IngressClass": ("networking.k8s.io",),
    "Gateway": ("gateway.networking.k8s.io",),
    "GatewayClass": ("gateway.networking.k8s.io",),
    "HTTPRoute": ("gateway.networking.k8s.io",),
    "GRPCRoute": ("gateway.networking.k8s.io",),
    "TLSRoute": ("gateway.networking.k8s.io",),
    "AuthorizationPolicy": ("security.istio.io",),
    "PeerAuthentication": ("security.istio.io",),
    LOCAL_REDIRECT: ("cilium.io",),
    "ValidatingWebhookConfiguration": ("admissionregistration.k8s.io",),
    "MutatingWebhookConfiguration": ("admissionregistration.k8s.io",),
    API_SERVICE: ("apiregistration.k8s.io",),
}
_CLUSTER_SCOPED = frozenset(
    {
        NAMESPACE,
        NETWORK_PROFILE,
        SHARED_RESOURCE,
        CCNP,
        CIDR_GROUP,
        CLUSTER_NETWORK_POLICY,
        "AdminNetworkPolicy",
        "BaselineAdminNetworkPolicy",
        "GlobalNetworkPolicy",
        "Node",
        "IngressClass",
        "GatewayClass",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        API_SERVICE,
        "ClusterRole",
        "ClusterRoleBinding",
    }
)

# Who may do what. Read on request only: names that they use are no Namespaces of a tree.
RBAC_GROUP = "rbac.authorization.k8s.io"
CLUSTER_ROLE, ROLE = "ClusterRole", "Role"
CLUSTER_ROLE_BINDING, ROLE_BINDING = "ClusterRoleBinding", "RoleBinding"
RBAC = frozenset({CLUSTER_ROLE, ROLE, CLUSTER_ROLE_BINDING, ROLE_BINDING})
_GROUPS |= dict.fromkeys(RBAC, (RBAC_GROUP,))

# What the operator's own policies depend on.
FOR_RENDERING = (NAMESPACE, NETWORK_PROFILE, SHARED_RESOURCE)
_JUDGED = (CNP, CCNP, CIDR_GROUP, NETWORK_POLICY, CLUSTER_NETWORK_POLICY)
_RULING = frozenset(
    {
        *FOR_RENDERING,
        *_JUDGED,
        *("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "GlobalNetworkPolicy"),
        *("AuthorizationPolicy", "PeerAuthentication"),
    }
)
# What verdicts depend on: Namespaces, definitions, policies, pods and what leads to them.
FOR_VERDICTS = (*FOR_RENDERING, *_JUDGED, POD, SERVICE, "EndpointSlice", "Node")
# What says how a cluster is set up: what stands in it, and who calls whom from outside.
FOR_DETECTION = (
    NAMESPACE,
    POD,
    SERVICE,
    "EndpointSlice",
    "Node",
    "Ingress",
    "IngressClass",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    LOCAL_REDIRECT,
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    API_SERVICE,
)


def is_read(group: str, kind: str) -> bool:
    """Whether some command reads objects of a kind."""
    return group in _GROUPS.get(kind, ())


def is_ruling(kind: str) -> bool:
    """Whether objects of a kind say who may talk to whom: none of them is left out silently."""
    return kind in _RULING


def is_calico(group: str) -> bool:
    """Whether an API group is Calico's."""
    return group in CALICO_GROUPS


def is_namespaced(kind: str) -> bool:
    """Whether objects of a kind, one that is read, are in a namespace."""
    return kind not in _CLUSTER_SCOPED
