package main

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// resync lets the caches' periodic resync through, in which nothing has changed.
func resync(e event.UpdateEvent) bool {
	return e.ObjectOld.GetResourceVersion() == e.ObjectNew.GetResourceVersion()
}

// namespaceChanged drops updates that no policy depends on, such as annotations.
func namespaceChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		leaving := e.ObjectOld.GetDeletionTimestamp() == nil &&
			e.ObjectNew.GetDeletionTimestamp() != nil
		return resync(e) || leaving || predicate.LabelChangedPredicate{}.Update(e)
	}}
}

// policyChanged drops updates of a policy's status, and policies of other components.
func policyChanged(components ...string) predicate.Predicate {
	ours := predicate.NewPredicateFuncs(func(policy client.Object) bool {
		component := policy.GetLabels()[componentLabel]
		for _, each := range components {
			if component == each {
				return true
			}
		}
		return false
	})
	changed := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return resync(e) || predicate.GenerationChangedPredicate{}.Update(e) ||
			predicate.LabelChangedPredicate{}.Update(e) ||
			predicate.AnnotationChangedPredicate{}.Update(e)
	}}
	return predicate.And(ours, changed)
}

// atStart asks for a first look at what may not stand yet, and so causes no event.
func atStart(keys []types.NamespacedName) source.Source {
	return source.Func(func(
		_ context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request],
	) error {
		for _, key := range keys {
			queue.Add(ctrl.Request{NamespacedName: key})
		}
		return nil
	})
}
