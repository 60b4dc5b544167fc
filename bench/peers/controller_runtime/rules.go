package main

// The parts of policies. Everything is made of JSON's types, as unstructured objects ask for.

type object = map[string]any
type list = []any

const (
	podNamespace     = "k8s:io.kubernetes.pod.namespace"
	namespaceLabels  = "k8s:io.cilium.k8s.namespace.labels."
	gatewayNameLabel = "gateway.networking.k8s.io/gateway-name"
	meshPort         = "15008"
)

func additive() object { return object{"egress": false, "ingress": false} }

func texts(values []string) list {
	found := make(list, 0, len(values))
	for _, value := range values {
		found = append(found, value)
	}
	return found
}

func ports(protocolsByPort ...[2]string) list {
	found := make(list, 0, len(protocolsByPort))
	for _, each := range protocolsByPort {
		found = append(found, object{"port": each[0], "protocol": each[1]})
	}
	return list{object{"ports": found}}
}

func tcp(numbers ...string) list {
	found := make([][2]string, 0, len(numbers))
	for _, number := range numbers {
		found = append(found, [2]string{number, "TCP"})
	}
	return ports(found...)
}

func pods(labels object) list { return list{object{"matchLabels": labels}} }

func podsOf(namespaces []string) list {
	within := object{"key": podNamespace, "operator": "In", "values": texts(namespaces)}
	return list{object{"matchExpressions": list{within}}}
}

func fromProbes() list {
	return list{
		object{"fromEntities": list{"health"}},
		object{"fromCIDR": list{"169.254.0.0/16", "fd16:9254:7127:1337:ffff::/80"}},
	}
}

func fromGateway(name string) object {
	gateway := object{podNamespace: "istio-gateway", "k8s:" + gatewayNameLabel: name}
	return object{"fromEndpoints": pods(gateway), "toPorts": tcp("0")}
}

func toDNS() object {
	labels := object{podNamespace: "kube-system", "k8s:k8s-app": "kube-dns"}
	return object{
		"toEndpoints": pods(labels),
		"toPorts":     ports([2]string{"53", "UDP"}, [2]string{"53", "TCP"}),
	}
}

func toHTTPS() object {
	return object{"toEntities": list{"world"}, "toPorts": tcp("443")}
}
