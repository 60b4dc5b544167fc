package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// A firstPass knows what there was at the start and has not been reconciled since.
type firstPass struct {
	mutex    sync.Mutex
	begun    bool
	done     sets.Set[string] // what was reconciled before it was known what there is
	pending  sets.Set[string]
	expected []string
}

func newFirstPass() *firstPass {
	return &firstPass{done: sets.New[string]()}
}

// expect names something beside the Namespaces; to be called before the start.
func (f *firstPass) expect(key string) { f.expected = append(f.expected, key) }

// begin counts the Namespaces; the manager runs it once the caches are filled.
func (f *firstPass) begin(reader client.Reader) manager.Runnable {
	return manager.RunnableFunc(func(ctx context.Context) error {
		var namespaces corev1.NamespaceList
		if err := reader.List(ctx, &namespaces, client.UnsafeDisableDeepCopy); err != nil {
			return err
		}
		f.mutex.Lock()
		defer f.mutex.Unlock()
		f.pending = sets.New(f.expected...)
		for i := range namespaces.Items {
			f.pending.Insert(namespaceKey(namespaces.Items[i].Name))
		}
		f.pending = f.pending.Difference(f.done)
		f.begun, f.done = true, nil
		return nil
	})
}

func (f *firstPass) reconciled(key string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.begun {
		f.pending.Delete(key)
	} else {
		f.done.Insert(key)
	}
}

func (f *firstPass) check(*http.Request) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if !f.begun || len(f.pending) > 0 {
		return fmt.Errorf("%d to go", len(f.pending))
	}
	return nil
}

func namespaceKey(name string) string { return "namespace/" + name }
