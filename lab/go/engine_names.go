// Identities by DNS name: an address outside the cluster that some pod has looked up. An agent labels
// it with every toFQDNs selector in force that matches the name, and the selector then looks for its
// label. So these identities change with the policies, as no others do.

package main

import (
	"regexp"
	"strings"

	"github.com/cilium/cilium/pkg/fqdn/dns"
	ipcache "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
)

// nameSelectors are the toFQDNs of all rules in force, with what they match. An agent knows only those
// that select one of its own pods; the labels of others change nothing for a pod.
func nameSelectors(objects map[ipcache.ResourceID]policyObject) map[api.FQDNSelector]*regexp.Regexp {
	selectors := map[api.FQDNSelector]*regexp.Regexp{}
	for _, object := range objects {
		for _, rule := range object.rules {
			for _, peer := range rule.L3 {
				selector, ok := peer.GetFQDNSelector()
				if !ok || selectors[*selector] != nil {
					continue
				}
				// Never an error: the rule has passed Cilium's checks.
				if pattern, err := selector.ToRegex(); err == nil {
					selectors[*selector] = pattern
				}
			}
		}
	}
	return selectors
}

// nameLabels are the labels that Cilium's name manager gives the addresses of a name; it writes names
// in lower case and with their final dot.
func nameLabels(name string, selectors map[api.FQDNSelector]*regexp.Regexp) labels.Labels {
	set := labels.Labels{}
	if name == "" {
		return set
	}
	name = dns.FQDN(strings.ToLower(name))
	for selector, pattern := range selectors {
		if pattern.MatchString(name) {
			label := selector.IdentityLabel()
			set[label.Key] = label
		}
	}
	return set
}

// relabelNames makes new identities when the objects at hand label a name in another way than before.
func (e *engine) relabelNames() {
	var selectors map[api.FQDNSelector]*regexp.Regexp
	for name, r := range e.requests {
		if r.Name == "" {
			continue
		}
		if selectors == nil {
			selectors = nameSelectors(e.objects)
		}
		set, err := r.labelSet(selectors)
		if err == nil && !set.Equals(e.endpoints[name].identity.Labels) {
			// Never an error: the same requests were good before.
			_ = e.replaceEndpoints(e.requests)
			return
		}
	}
}
