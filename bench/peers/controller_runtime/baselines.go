package main

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// baselineReconciler keeps the clusterwide policies. Its key is the policy.
type baselineReconciler struct {
	writer
	pass    *firstPass
	desired map[string]*unstructured.Unstructured
}

func addBaselines(
	mgr ctrl.Manager, writer writer, pass *firstPass, prometheusPorts []string,
) error {
	desired := clusterwidePolicies(prometheusPorts)
	var keys []types.NamespacedName
	for name := range desired {
		keys = append(keys, types.NamespacedName{Name: name})
		pass.expect(baselineKey(name))
	}
	changed := builder.WithPredicates(policyChanged(componentBaseline, componentHatch))
	return ctrl.NewControllerManagedBy(mgr).
		Named("baselines").
		For(newObject(kindCCNP), changed).
		WatchesRawSource(atStart(keys)).
		Complete(&baselineReconciler{writer, pass, desired})
}

func baselineKey(name string) string { return "baseline/" + name }

func (r *baselineReconciler) Reconcile(
	ctx context.Context, request ctrl.Request,
) (ctrl.Result, error) {
	if err := r.reconcile(ctx, request.NamespacedName); err != nil {
		return ctrl.Result{}, err
	}
	r.pass.reconciled(baselineKey(request.Name))
	return ctrl.Result{}, nil
}

func (r *baselineReconciler) reconcile(ctx context.Context, key types.NamespacedName) error {
	live := newObject(kindCCNP)
	err := r.Get(ctx, key, live)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err != nil {
		live = nil
	}
	desired := r.desired[key.Name]
	switch {
	case desired != nil:
		return r.ensure(ctx, desired, live)
	case live != nil:
		return r.remove(ctx, live) // left over from another version
	}
	return nil
}
