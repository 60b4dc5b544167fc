// The endpoints of the verdict engine: pods by their labels, Cilium's reserved entities, and
// addresses outside the cluster, each as the identity that an agent would give it.

package main

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/cilium/pkg/identity"
	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/labels"
)

// firstPodNumber is where an agent starts to number the identities of pods.
const firstPodNumber = 256

// endpoint is one end of a flow.
type endpoint struct {
	identity *identity.Identity
	pod      bool
}

// replaceEndpoints makes the given endpoints the only ones; policies stay in force. On an error
// nothing has changed.
func (e *engine) replaceEndpoints(requests map[string]identityRequest) error {
	endpoints := make(map[string]endpoint, len(requests))
	// Pods with equal labels share an identity, as in a cluster.
	numbered := map[string]*identity.Identity{}
	next := map[identity.NumericIdentity]identity.NumericIdentity{
		identity.IdentityScopeGlobal: firstPodNumber,
		identity.IdentityScopeLocal:  identity.MinLocalIdentity,
	}
	for name, r := range requests {
		if err := r.check(); err != nil {
			return fmt.Errorf("identity %q: %w", name, err)
		}
		if r.Entity != "" {
			id := identity.LookupReservedIdentity(identity.GetReservedID(r.Entity))
			if id == nil {
				return fmt.Errorf("identity %q: unknown entity %q", name, r.Entity)
			}
			endpoints[name] = endpoint{identity: id}
			continue
		}
		set, err := r.labelSet()
		if err != nil {
			return fmt.Errorf("identity %q: %w", name, err)
		}
		key := string(set.SortedList())
		if numbered[key] == nil {
			// The number must lie in the range of its scope: Cilium reads from it whether this
			// is a pod of the cluster or an address.
			scope := identity.ScopeForLabels(set)
			numbered[key] = identity.NewIdentity(next[scope], set)
			next[scope]++
		}
		endpoints[name] = endpoint{identity: numbered[key], pod: r.Labels != nil}
	}
	e.endpoints = endpoints
	e.rebuild()
	return nil
}

// check says whether the request has exactly one of its fields.
func (r identityRequest) check() error {
	given := 0
	for _, present := range []bool{r.Labels != nil, r.Entity != "", r.CIDR != ""} {
		if present {
			given++
		}
	}
	if given != 1 {
		return errors.New("give exactly one of labels, entity, cidr")
	}
	return nil
}

// labelSet is the full set of labels of a pod or an address, with their sources.
func (r identityRequest) labelSet() (labels.Labels, error) {
	if r.CIDR != "" {
		prefix, err := netip.ParsePrefix(r.CIDR)
		if err != nil {
			return nil, err
		}
		return labels.GetCIDRLabels(prefix.Masked()), nil
	}
	if r.Labels[ciliumio.PodNamespaceLabel] == "" {
		return nil, fmt.Errorf("label %s is missing", ciliumio.PodNamespaceLabel)
	}
	set := labels.Labels{}
	for key, value := range map[string]string{
		ciliumio.PolicyLabelCluster:        clusterName,
		ciliumio.PolicyLabelServiceAccount: "default",
	} {
		set[key] = labels.NewLabel(key, value, labels.LabelSourceK8s)
	}
	for key, value := range r.Labels {
		set[key] = labels.NewLabel(key, value, labels.LabelSourceK8s)
	}
	return set, nil
}
