package main

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
)

const usesIndex = "uses"

// targetReconciler keeps the list of consumers beside each target. Its key is the policy;
// many changes at once are one request, as the queue holds no key twice.
type targetReconciler struct {
	writer
	pass *firstPass
}

func addTargets(ctx context.Context, mgr ctrl.Manager, writer writer, pass *firstPass) error {
	uses := func(o client.Object) []string { return usedTargets(o.(*corev1.Namespace)) }
	err := mgr.GetFieldIndexer().IndexField(ctx, &corev1.Namespace{}, usesIndex, uses)
	if err != nil {
		return err
	}
	var keys []types.NamespacedName
	for _, resource := range targets {
		keys = append(keys, targetKey(resource))
		pass.expect(targetKey(resource).String())
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("targets").
		Watches(
			&corev1.Namespace{},
			handler.EnqueueRequestsFromMapFunc(toTargets),
			builder.WithPredicates(namespaceChanged()),
		).
		Watches(
			newObject(kindCNP),
			&handler.EnqueueRequestForObject{},
			builder.WithPredicates(policyChanged(componentGrant)),
		).
		WatchesRawSource(atStart(keys)).
		Complete(&targetReconciler{writer, pass})
}

func targetKey(resource sharedResource) types.NamespacedName {
	prefix := "homelab-grant-"
	if resource.isGateway {
		prefix = "homelab-callers-"
	}
	return types.NamespacedName{Namespace: resource.namespace, Name: prefix + resource.name}
}

// toTargets is asked about a Namespace before and after a change, so it need not compare.
func toTargets(_ context.Context, o client.Object) []ctrl.Request {
	uses := usedTargets(o.(*corev1.Namespace))
	var requests []ctrl.Request
	for _, resource := range targets {
		if resource.namespace == o.GetName() || slices.Contains(uses, resource.name) {
			requests = append(requests, ctrl.Request{NamespacedName: targetKey(resource)})
		}
	}
	return requests
}

func (r *targetReconciler) Reconcile(
	ctx context.Context, request ctrl.Request,
) (ctrl.Result, error) {
	if err := r.reconcile(ctx, request.NamespacedName); err != nil {
		return ctrl.Result{}, err
	}
	r.pass.reconciled(request.String())
	return ctrl.Result{}, nil
}

func (r *targetReconciler) reconcile(ctx context.Context, key types.NamespacedName) error {
	var host corev1.Namespace
	err := r.Get(ctx, types.NamespacedName{Name: key.Namespace}, &host, client.UnsafeDisableDeepCopy)
	if err != nil || host.DeletionTimestamp != nil {
		return client.IgnoreNotFound(err)
	}
	live := newObject(kindCNP)
	err = r.Get(ctx, key, live)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err != nil {
		live = nil
	}
	at := slices.IndexFunc(targets, func(each sharedResource) bool {
		return targetKey(each) == key
	})
	var consumers []string
	if at >= 0 { // else it is left over from a resource that there was once
		if consumers, err = r.consumers(ctx, targets[at].name); err != nil {
			return err
		}
	}
	switch {
	case len(consumers) > 0:
		return r.ensure(ctx, targetPolicy(targets[at], consumers), live)
	case live != nil:
		return r.remove(ctx, live)
	}
	return nil
}

func (r *targetReconciler) consumers(ctx context.Context, resource string) ([]string, error) {
	var found corev1.NamespaceList
	using := client.MatchingFields{usesIndex: resource}
	if err := r.List(ctx, &found, using, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(found.Items))
	for i := range found.Items {
		names = append(names, found.Items[i].Name)
	}
	slices.Sort(names)
	return names, nil
}
