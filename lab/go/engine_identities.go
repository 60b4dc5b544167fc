// The endpoints of the verdict engine: pods by their labels, Cilium's reserved entities, and
// addresses outside the cluster, by number or by name, each as the identity that an agent would give
// it.

package main

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"

	"github.com/cilium/cilium/pkg/identity"
	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/types"
)

// firstPodNumber is where an agent starts to number the identities of pods.
const firstPodNumber = 256

// endpoint is one end of a flow.
type endpoint struct {
	identity *identity.Identity
	pod      bool
	ports    types.NamedPortMap
}

// replaceEndpoints makes the given endpoints the only ones; policies stay in force. On an error
// nothing has changed.
func (e *engine) replaceEndpoints(requests map[string]identityRequest) error {
	endpoints := make(map[string]endpoint, len(requests))
	selectors := nameSelectors(e.objects)
	// Pods with equal labels share an identity, as in a cluster; but with other ports under the same
	// names they would get in each other's way there, and do not here.
	numbered := map[string]*identity.Identity{}
	next := map[identity.NumericIdentity]identity.NumericIdentity{
		identity.IdentityScopeGlobal: firstPodNumber,
		identity.IdentityScopeLocal:  identity.MinLocalIdentity,
	}
	for name, r := range requests {
		if err := r.check(); err != nil {
			return fmt.Errorf("identity %q: %w", name, err)
		}
		ports, err := r.namedPorts()
		if err != nil {
			return fmt.Errorf("identity %q: %w", name, err)
		}
		if r.Entity != "" {
			id := identity.LookupReservedIdentity(identity.GetReservedID(r.Entity))
			if id == nil {
				return fmt.Errorf("identity %q: unknown entity %q", name, r.Entity)
			}
			if len(r.Also) > 0 {
				set := maps.Clone(id.Labels)
				maps.Copy(set, labels.NewLabelsFromModel(r.Also))
				id = identity.NewIdentity(id.ID, set)
			}
			endpoints[name] = endpoint{identity: id}
			continue
		}
		set, err := r.labelSet(selectors)
		if err != nil {
			return fmt.Errorf("identity %q: %w", name, err)
		}
		if id := identity.LookupReservedIdentityByLabels(set); id != nil {
			endpoints[name] = endpoint{identity: id} // a name that no policy mentions is just world
			continue
		}
		key := fmt.Sprint(string(set.SortedList()), ports)
		if numbered[key] == nil {
			// The number must lie in the range of its scope: Cilium reads from it whether this
			// is a pod of the cluster or an address.
			scope := identity.ScopeForLabels(set)
			numbered[key] = identity.NewIdentity(next[scope], set)
			next[scope]++
		}
		endpoints[name] = endpoint{identity: numbered[key], pod: r.Labels != nil, ports: ports}
	}
	e.requests, e.endpoints = requests, endpoints
	e.rebuild()
	return nil
}

// check says whether the request has exactly one of its fields; an address and its name count once.
func (r identityRequest) check() error {
	given := 0
	for _, present := range []bool{r.Labels != nil, r.Entity != "", r.CIDR != "" || r.Name != ""} {
		if present {
			given++
		}
	}
	if given != 1 {
		return errors.New("give exactly one of labels, entity, cidr, name; or a cidr with its name")
	}
	if len(r.Also) > 0 && r.CIDR == "" && r.Entity == "" {
		return errors.New("only a cidr or an entity has other labels, in `also`")
	}
	return nil
}

// labelSet is the full set of labels of a pod or an address, with their sources.
//
// selectors are the toFQDNs in force, which label an address that has a name.
func (r identityRequest) labelSet(selectors map[api.FQDNSelector]*regexp.Regexp) (labels.Labels, error) {
	if r.CIDR != "" || r.Name != "" {
		set := labels.Labels{}
		// Nothing but its family is known of an address that has only a name.
		address := netip.IPv4Unspecified()
		if r.CIDR != "" {
			prefix, err := netip.ParsePrefix(r.CIDR)
			if err != nil {
				return nil, err
			}
			address = prefix.Addr()
			set = labels.GetCIDRLabels(prefix.Masked())
			maps.Copy(set, labels.NewLabelsFromModel(r.Also))
		}
		maps.Copy(set, nameLabels(r.Name, selectors))
		set.AddWorldLabel(address)
		return set, nil
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
