package main

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

const (
	domain            = "network-policy.homelab"
	managedByLabel    = "app.kubernetes.io/managed-by"
	fieldManager      = "homelab-netpol"
	componentLabel    = domain + "/component"
	profileLabel      = domain + "/profile"
	intraLabel        = domain + "/intra-namespace"
	gatewayPortsNote  = domain + "/gateway-ports"
	internetPortsNote = domain + "/internet-ports"
	resourceLabel     = domain + "/resource"
	enforcementLabel  = domain + "/enforcement"
	platformLabel     = domain + "/platform"
	accessPrefix      = "access." + domain + "/"
)

var platformNamespaces = []string{
	"argocd", "cache", "cert-manager", "database", "external-secrets", "flux-system", "garage",
	"homelab-netpol", "istio-gateway", "istio-system", "kube-node-lease", "kube-public",
	"kube-system", "kube-tools", "longhorn-system", "monitoring", "network", "networking",
	"observability", "rook-ceph", "security", "spegel", "storage", "system-upgrade",
}

var isPlatform = sets.New(platformNamespaces...)

// A sharedResource is pods of a namespace or, without one, an entity of Cilium's.
type sharedResource struct {
	name      string
	namespace string
	entity    string
	ports     []string
	isGateway bool
}

var sharedResources = []sharedResource{
	{name: "dragonfly", namespace: "cache", ports: []string{"6379"}},
	{name: "garage-s3", namespace: "garage", ports: []string{"3900"}},
	kubeAPI,
	{name: "postgres", namespace: "database", ports: []string{"5432"}},
}

var kubeAPI = sharedResource{
	name: "kube-api", entity: "kube-apiserver", ports: []string{"6443", "443"},
}

// gateways let in whose hatch is open. Ours has a label for others, too, which no scenario sets.
var gateways = []sharedResource{
	{name: "external", namespace: "istio-gateway", ports: gatewayPorts, isGateway: true},
	{name: "internal", namespace: "istio-gateway", ports: gatewayPorts, isGateway: true},
}

var gatewayPorts = []string{"80", "443"}

// targets have a policy beside them, which lists whom they let in.
var targets = withNamespace(append(gateways, sharedResources...))

func withNamespace(resources []sharedResource) []sharedResource {
	return slices.DeleteFunc(resources, func(each sharedResource) bool {
		return each.namespace == ""
	})
}

// An intent is what a Namespace's labels ask for.
type intent struct {
	profile string
	grants  []sharedResource
	hatch   bool
}

func readIntent(namespace *corev1.Namespace) intent {
	found := intent{hatch: namespace.Labels[enforcementLabel] == "disabled"}
	if name := namespace.Labels[profileLabel]; !isPlatform.Has(namespace.Name) {
		if _, known := profiles[name]; known {
			found.profile = name
		}
	}
	for _, resource := range sharedResources {
		if namespace.Labels[accessPrefix+resource.name] == "true" {
			found.grants = append(found.grants, resource)
		}
	}
	return found
}

// usedTargets names those that let a Namespace in.
func usedTargets(namespace *corev1.Namespace) []string {
	if namespace.DeletionTimestamp != nil {
		return nil
	}
	wanted := readIntent(namespace)
	granted := wanted.grants
	if wanted.hatch {
		granted = targets
	}
	var names []string
	for _, resource := range granted {
		if resource.namespace != "" {
			names = append(names, resource.name)
		}
	}
	return names
}
