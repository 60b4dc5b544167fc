// The policies of the verdict engine: objects as the API server would hand them to an agent, parsed
// and checked by Cilium, put in force one resource at a time. Only what differs from the last set
// costs anything.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	ipcache "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/policy/types"
	policyutils "github.com/cilium/cilium/pkg/policy/utils"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// clusterNetworkPolicy is Kubernetes' own clusterwide kind, with tiers before and after all others. An
// agent reads it only with enable-k8s-cluster-network-policy.
const clusterNetworkPolicy = "ClusterNetworkPolicy"

// policyObject is one object as it was sent, and what Cilium said of it.
type policyObject struct {
	text     []byte
	rules    types.PolicyEntries // none if it was rejected
	rejected error
}

// objectMeta is what every object says about itself.
type objectMeta struct {
	Kind     string            `json:"kind"`
	Metadata metav1.ObjectMeta `json:"metadata"`
}

// replacePolicies makes the given objects the only ones, and lists those that are not in force.
func (e *engine) replacePolicies(objects []json.RawMessage) []rejection {
	rejected := []rejection{}
	sent := make(map[ipcache.ResourceID]bool, len(objects))
	for index, text := range objects {
		var meta objectMeta
		resource, err := ipcache.ResourceID(""), json.Unmarshal(text, &meta)
		if err == nil {
			resource, err = meta.resource()
		}
		if err == nil && sent[resource] {
			err = errors.New("an object of this kind, namespace and name comes twice")
		}
		if err == nil {
			sent[resource] = true
			err = e.putPolicy(resource, meta.Kind, text)
		}
		if err != nil {
			rejected = append(rejected, rejection{
				Index:     index,
				Kind:      meta.Kind,
				Namespace: meta.Metadata.Namespace,
				Name:      meta.Metadata.Name,
				Error:     err.Error(),
			})
		}
	}
	for resource := range e.objects {
		if !sent[resource] {
			delete(e.objects, resource)
			e.replaceRules(resource, nil)
		}
	}
	e.relabelNames()
	if e.computed > recycleAfter {
		e.rebuild()
	}
	return rejected
}

// putPolicy puts one object in force. An object that Cilium rejects is not in force, and neither
// is what stood in its place before.
func (e *engine) putPolicy(resource ipcache.ResourceID, kind string, text []byte) error {
	if known, ok := e.objects[resource]; ok && bytes.Equal(known.text, text) {
		return known.rejected
	}
	rules, err := e.parsePolicy(kind, text)
	e.objects[resource] = policyObject{text: bytes.Clone(text), rules: rules, rejected: err}
	e.replaceRules(resource, rules)
	return err
}

// replaceRules hands the rules of one object to Cilium, and drops what was computed for those
// identities that the old or the new rules select.
func (e *engine) replaceRules(resource ipcache.ResourceID, rules types.PolicyEntries) {
	affected, _, _ := e.repo.ReplaceByResource(rules, resource)
	for number := range affected.Members() {
		delete(e.policies, number)
	}
}

// resource names the object as an agent does. A scope that the API server would never let
// through is an error, because Cilium would read the object as one of the other scope.
func (m objectMeta) resource() (ipcache.ResourceID, error) {
	namespace, name := m.Metadata.Namespace, m.Metadata.Name
	if name == "" {
		return "", errors.New("metadata.name is missing")
	}
	var kind ipcache.ResourceKind
	switch m.Kind {
	case "CiliumNetworkPolicy":
		kind = ipcache.ResourceKindCNP
	case "NetworkPolicy":
		kind = ipcache.ResourceKindNetpol
	case "CiliumClusterwideNetworkPolicy":
		if namespace != "" {
			return "", errors.New("a clusterwide object has no metadata.namespace")
		}
		return ipcache.NewResourceID(ipcache.ResourceKindCCNP, "", name), nil
	case clusterNetworkPolicy:
		if namespace != "" {
			return "", errors.New("a clusterwide object has no metadata.namespace")
		}
		return ipcache.NewResourceID(ipcache.ResourceKindKCNP, "", name), nil
	default:
		return "", fmt.Errorf("unknown kind %q", m.Kind)
	}
	if namespace == "" {
		return "", errors.New("metadata.namespace is missing")
	}
	return ipcache.NewResourceID(kind, namespace, name), nil
}

// parsePolicy is Cilium's own reading of an object; an error of Parse is what makes an object
// Valid=False in a cluster.
func (e *engine) parsePolicy(kind string, text []byte) (types.PolicyEntries, error) {
	if kind == "NetworkPolicy" {
		var object networkingv1.NetworkPolicy
		if err := json.Unmarshal(text, &object); err != nil {
			return nil, err
		}
		return k8s.ParseNetworkPolicy(e.logger, clusterName, &object)
	}
	if kind == clusterNetworkPolicy {
		var object policyv1alpha2.ClusterNetworkPolicy
		if err := json.Unmarshal(text, &object); err != nil {
			return nil, err
		}
		return k8s.ParseClusterNetworkPolicy(e.logger, clusterName, &object)
	}
	// An agent reads a clusterwide object into this type too, and Parse tells them apart.
	var object ciliumv2.CiliumNetworkPolicy
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, err
	}
	rules, err := object.Parse(e.logger, clusterName)
	if err != nil {
		return nil, err
	}
	return policyutils.RulesToPolicyEntries(rules), nil
}
