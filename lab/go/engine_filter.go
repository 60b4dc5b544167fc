// Which labels of a pod Cilium puts into its identity: its labels filter, asked for single labels.

package main

import (
	"log/slog"
	"os"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
)

// keptLabels tells of each key whether a pod's label of this key is in its identity, where the
// prefixes of the option `labels` join Cilium's default list.
func keptLabels(prefixes, keys []string) ([]bool, error) {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	if err := labelsfilter.ParseLabelPrefixCfg(logger, prefixes, nil, ""); err != nil {
		return nil, err
	}
	kept := make([]bool, len(keys))
	for index, key := range keys {
		one := labels.Map2Labels(map[string]string{key: "x"}, labels.LabelSourceK8s)
		identity, _ := labelsfilter.Filter(one)
		kept[index] = len(identity) == 1
	}
	return kept, nil
}
