package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
)

// namespaceReconciler keeps what stands in a Namespace because of its own labels.
type namespaceReconciler struct {
	writer
	pass *firstPass
}

func addNamespaces(mgr ctrl.Manager, writer writer, pass *firstPass) error {
	ours := policyChanged(componentProfile, componentAccess, componentHatch)
	return ctrl.NewControllerManagedBy(mgr).
		For(&corev1.Namespace{}, builder.WithPredicates(namespaceChanged())).
		Watches(
			newObject(kindCNP),
			handler.EnqueueRequestsFromMapFunc(toNamespace),
			builder.WithPredicates(ours),
		).
		Complete(&namespaceReconciler{writer, pass})
}

func toNamespace(_ context.Context, policy client.Object) []ctrl.Request {
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Name: policy.GetNamespace()}}}
}

func (r *namespaceReconciler) Reconcile(
	ctx context.Context, request ctrl.Request,
) (ctrl.Result, error) {
	var namespace corev1.Namespace
	err := r.Get(ctx, request.NamespacedName, &namespace, client.UnsafeDisableDeepCopy)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, err
	}
	// In one that is being deleted nothing can be created, and everything goes by itself.
	if err == nil && namespace.DeletionTimestamp == nil {
		if err := r.reconcile(ctx, &namespace); err != nil {
			return ctrl.Result{}, err
		}
	}
	r.pass.reconciled(namespaceKey(request.Name))
	return ctrl.Result{}, nil
}

func (r *namespaceReconciler) reconcile(ctx context.Context, namespace *corev1.Namespace) error {
	standing, err := r.standing(ctx, namespace.Name)
	if err != nil {
		return err
	}
	for _, policy := range namespacePolicies(namespace.Name, readIntent(namespace)) {
		if err := r.ensure(ctx, policy, standing[policy.GetName()]); err != nil {
			return err
		}
		delete(standing, policy.GetName())
	}
	for _, policy := range standing {
		if err := r.remove(ctx, policy); err != nil {
			return err
		}
	}
	return nil
}

func (r *namespaceReconciler) standing(
	ctx context.Context, namespace string,
) (map[string]*unstructured.Unstructured, error) {
	var found unstructured.UnstructuredList
	found.SetGroupVersionKind(newObject(kindCNP + "List").GroupVersionKind())
	err := r.List(ctx, &found, client.InNamespace(namespace), client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, err
	}
	byName := map[string]*unstructured.Unstructured{}
	for i := range found.Items {
		// Other Namespaces' grants stand beside a resource, and are not of this one's making.
		if policy := &found.Items[i]; policy.GetLabels()[componentLabel] != componentGrant {
			byName[policy.GetName()] = policy
		}
	}
	return byName, nil
}
