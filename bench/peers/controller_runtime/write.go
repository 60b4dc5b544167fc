package main

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const owner = client.FieldOwner(fieldManager)

type writer struct{ client.Client }

// ensure makes a policy stand as it should; live is what the cache holds of it, or nil.
func (w writer) ensure(ctx context.Context, desired, live *unstructured.Unstructured) error {
	if live != nil && same(desired, live) {
		return nil
	}
	applied := desired.DeepCopy() // the answer is read into it
	configuration := client.ApplyConfigurationFromUnstructured(applied)
	if err := w.Apply(ctx, configuration, owner, client.ForceOwnership); err != nil {
		return err
	}
	if same(desired, applied) {
		return nil
	}
	// An apply leaves what others added beside it, be it a rule that denies.
	for _, key := range []string{"spec", "specs"} {
		delete(applied.Object, key)
		if rules, found := desired.Object[key]; found {
			applied.Object[key] = rules
		}
	}
	return w.Update(ctx, applied, owner)
}

func (w writer) remove(ctx context.Context, live *unstructured.Unstructured) error {
	uid := live.GetUID()
	return client.IgnoreNotFound(w.Delete(ctx, live, client.Preconditions{UID: &uid}))
}

// same says whether all rules, and our labels and annotations, stand as desired; those of others are
// nobody's business.
func same(desired, live *unstructured.Unstructured) bool {
	return within(desired.GetLabels(), live.GetLabels()) &&
		within(desired.GetAnnotations(), live.GetAnnotations()) &&
		equality.Semantic.DeepEqual(desired.Object["spec"], live.Object["spec"]) &&
		equality.Semantic.DeepEqual(desired.Object["specs"], live.Object["specs"])
}

func within(desired, live map[string]string) bool {
	for key, value := range desired {
		if live[key] != value {
			return false
		}
	}
	return true
}
