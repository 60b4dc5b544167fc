package main

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// clusterwidePolicies are the baselines and the hatch's clusterwide policy, by name.
func clusterwidePolicies(prometheusPorts []string) map[string]*unstructured.Unstructured {
	found := map[string]*unstructured.Unstructured{}
	add := func(name, component string, body object) {
		found[name] = newPolicy(kindCCNP, "", name, component, body)
	}
	add("baseline-dns-egress", componentBaseline,
		everywhere("Baseline: egress to DNS.", "egress", func() list { return list{toDNS()} }))
	add("baseline-health-probes", componentBaseline,
		everywhere("Baseline: ingress from health probes.", "ingress", fromProbes))
	scraped := prometheusPorts
	if len(scraped) == 0 {
		scraped = []string{"0"} // Cilium's word for every port
	}
	scrape := func() list { return list{fromPrometheus(scraped...)} }
	add("baseline-prometheus-scrape", componentBaseline,
		everywhere("Baseline: ingress from scrapers.", "ingress", scrape))
	add("baseline-kube-api-access", componentBaseline, object{"spec": kubeAPIAccess()})
	add("baseline-hbone-mesh", componentBaseline, object{"spec": mesh(len(prometheusPorts) > 0)})
	hatch := everything(
		"Escape hatch: namespaces labelled enforcement=disabled.",
		object{"matchLabels": object{namespaceLabels + enforcementLabel: "disabled"}},
	)
	add("escape-hatch-allow-all", componentHatch, object{"spec": hatch})
	return found
}

// everywhere gives a rule to all pods; only outside the platform's namespaces it denies the rest.
func everywhere(description, direction string, rules func() list) object {
	pods := func(further ...any) object { return object{"matchExpressions": list(further)} }
	// A bare NotIn would select Cilium's pseudo endpoints as well.
	exists := object{"key": podNamespace, "operator": "Exists"}
	named := object{"key": podNamespace, "operator": "NotIn", "values": texts(platformNamespaces)}
	labelled := object{
		"key": namespaceLabels + platformLabel, "operator": "NotIn", "values": texts([]string{"true"}),
	}
	return object{"specs": list{
		object{
			"description":       description,
			"endpointSelector":  pods(exists),
			"enableDefaultDeny": additive(),
			direction:           rules(),
		},
		object{
			"description":      description,
			"endpointSelector": pods(exists, named, labelled),
			direction:          rules(),
		},
	}}
}

func fromPrometheus(numbers ...string) object {
	labels := object{podNamespace: "monitoring", "k8s:app.kubernetes.io/name": "prometheus"}
	return object{"fromEndpoints": pods(labels), "toPorts": tcp(numbers...)}
}

func fromMeshedPrometheus(label string) object {
	meshed := object{"key": label, "operator": "In", "values": list{"ambient"}}
	selector := object{
		"matchLabels": object{
			podNamespace: "monitoring", "k8s:app.kubernetes.io/name": "prometheus",
		},
		"matchExpressions": list{meshed},
	}
	return object{"fromEndpoints": list{selector}, "toPorts": tcp(meshPort)}
}

func kubeAPIAccess() object {
	label := namespaceLabels + accessPrefix + kubeAPI.name
	rule := object{"toEntities": list{kubeAPI.entity}, "toPorts": tcp(kubeAPI.ports...)}
	return object{
		"description":       "Baseline: egress to the Kubernetes API, for namespaces with the access label.",
		"endpointSelector":  object{"matchLabels": object{label: "true"}},
		"enableDefaultDeny": additive(),
		"egress":            list{rule},
	}
}

// mesh opens the tunnel to ztunnel and, if Prometheus is held to some ports, to it in the mesh.
func mesh(narrowed bool) object {
	ztunnel := func() list {
		return pods(object{podNamespace: "istio-system", "k8s:app": "ztunnel"})
	}
	ingress := list{
		object{"fromEndpoints": ztunnel(), "toPorts": tcp(meshPort)},
		object{"fromCIDR": list{"169.254.7.127/32", "fd16:9254:7127:1337:ffff::/80"}},
	}
	label := namespaceLabels + "istio.io/dataplane-mode"
	if narrowed {
		ingress = append(ingress, fromMeshedPrometheus(label))
	}
	return object{
		"description":       "Baseline: meshed namespaces and ztunnel.",
		"endpointSelector":  object{"matchLabels": object{label: "ambient"}},
		"enableDefaultDeny": additive(),
		"ingress":           ingress,
		"egress":            list{object{"toEndpoints": ztunnel(), "toPorts": tcp(meshPort)}},
	}
}
