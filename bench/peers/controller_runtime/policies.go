package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	kindCNP  = "CiliumNetworkPolicy"
	kindCCNP = "CiliumClusterwideNetworkPolicy"

	componentProfile  = "profile"
	componentAccess   = "access"
	componentGrant    = "grant"
	componentHatch    = "hatch"
	componentBaseline = "baseline"
)

// managed selects what is ours: the API server sends the caches nothing else.
var managed = labels.SelectorFromSet(labels.Set{managedByLabel: fieldManager})

type profile struct {
	summary  string
	gateways []string
	https    bool
	intra    bool // pods of the namespace reach each other
}

var profiles = map[string]profile{
	"isolated": {summary: "no ingress, egress to DNS only"},
	"internal": {
		summary:  "ingress from the internal gateway, egress to DNS only",
		gateways: []string{"internal"},
		intra:    true,
	},
	"internal-egress": {
		summary:  "ingress from the internal gateway, egress to DNS and HTTPS",
		gateways: []string{"internal"},
		https:    true,
		intra:    true,
	},
	"standard": {
		summary:  "ingress from both gateways, egress to DNS and HTTPS",
		gateways: []string{"internal", "external"},
		https:    true,
		intra:    true,
	},
}

func newObject(kind string) *unstructured.Unstructured {
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(schema.GroupVersionKind{Group: "cilium.io", Version: "v2", Kind: kind})
	return found
}

// newPolicy puts name and labels on a body: `spec` or `specs`.
func newPolicy(kind, namespace, name, component string, body object) *unstructured.Unstructured {
	policy := newObject(kind)
	policy.SetNamespace(namespace)
	policy.SetName(name)
	policy.SetLabels(map[string]string{managedByLabel: fieldManager, componentLabel: component})
	for key, value := range body {
		policy.Object[key] = value
	}
	return policy
}

func withLabels(
	policy *unstructured.Unstructured, further map[string]string,
) *unstructured.Unstructured {
	merged := policy.GetLabels()
	for key, value := range further {
		merged[key] = value
	}
	policy.SetLabels(merged)
	return policy
}

// namespacePolicies are those of one namespace, the hatch first: it must not wait for the others.
func namespacePolicies(namespace string, wanted intent) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	if wanted.hatch {
		found = append(found, hatchPolicy(namespace))
	}
	if wanted.profile != "" {
		found = append(found, profilePolicy(namespace, wanted.profile))
	}
	for _, resource := range wanted.grants {
		found = append(found, accessPolicy(namespace, resource))
	}
	return found
}

func hatchPolicy(namespace string) *unstructured.Unstructured {
	spec := everything("Escape hatch: enforcement is disabled in this namespace.", object{})
	return newPolicy(
		kindCNP, namespace, "homelab-escape-hatch", componentHatch, object{"spec": spec},
	)
}

func everything(description string, selector object) object {
	return object{
		"description":       description,
		"endpointSelector":  selector,
		"enableDefaultDeny": additive(),
		"ingress":           list{object{"fromEntities": list{"all"}}},
		"egress":            list{object{"toEntities": list{"all"}}},
	}
}

func profilePolicy(namespace, name string) *unstructured.Unstructured {
	what := profiles[name]
	ingress, egress := fromProbes(), list{toDNS()}
	for _, gateway := range what.gateways {
		ingress = append(ingress, fromGateway(gateway))
	}
	if what.https {
		egress = append(egress, toHTTPS())
	}
	intra := "deny"
	if what.intra {
		intra = "allow"
		ingress = append(ingress, object{"fromEndpoints": list{object{}}})
		egress = append(egress, object{"toEndpoints": list{object{}}})
	}
	spec := object{
		"description":      fmt.Sprintf("Profile %s: %s.", name, what.summary),
		"endpointSelector": object{},
		"ingress":          ingress,
		"egress":           egress,
	}
	policy := newPolicy(
		kindCNP, namespace, "homelab-profile", componentProfile, object{"spec": spec},
	)
	policy.SetAnnotations(map[string]string{gatewayPortsNote: "any", internetPortsNote: "default"})
	return withLabels(policy, map[string]string{profileLabel: name, intraLabel: intra})
}

func accessPolicy(namespace string, resource sharedResource) *unstructured.Unstructured {
	rule := object{"toPorts": tcp(resource.ports...)}
	if resource.entity != "" {
		rule["toEntities"] = list{resource.entity}
	} else {
		rule["toEndpoints"] = pods(object{podNamespace: resource.namespace})
	}
	spec := object{
		"description":       fmt.Sprintf("Access to the shared resource %s.", resource.name),
		"endpointSelector":  object{},
		"enableDefaultDeny": additive(),
		"egress":            list{rule},
	}
	name := "homelab-access-" + resource.name
	policy := newPolicy(kindCNP, namespace, name, componentAccess, object{"spec": spec})
	return withLabels(policy, map[string]string{resourceLabel: resource.name})
}

// targetPolicy lets consumers in, in the target's own namespace.
func targetPolicy(resource sharedResource, consumers []string) *unstructured.Unstructured {
	rule := object{"fromEndpoints": podsOf(consumers), "toPorts": tcp(resource.ports...)}
	if resource.isGateway {
		return callersPolicy(resource, rule)
	}
	spec := object{
		"description": fmt.Sprintf(
			"Namespaces with access to the shared resource %s.", resource.name,
		),
		"endpointSelector":  object{"matchLabels": object{}},
		"enableDefaultDeny": additive(),
		"ingress":           list{rule},
	}
	name := targetKey(resource).Name
	policy := newPolicy(kindCNP, resource.namespace, name, componentGrant, object{"spec": spec})
	return withLabels(policy, map[string]string{resourceLabel: resource.name})
}

func callersPolicy(gateway sharedResource, rule object) *unstructured.Unstructured {
	own := object{"matchLabels": object{"k8s:" + gatewayNameLabel: gateway.name}}
	spec := object{
		"description": fmt.Sprintf(
			"Namespaces with access to the gateway %s from inside.", gateway.name,
		),
		"endpointSelector":  own,
		"enableDefaultDeny": additive(),
		"ingress":           list{rule},
	}
	name := targetKey(gateway).Name
	body := object{"specs": list{spec}}
	return newPolicy(kindCNP, gateway.namespace, name, componentGrant, body)
}
