package kubelet

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// token asks the API server for a token of the pod's service account. It is not
// renewed: a lesson ends before it does.
func (w *worker) token(ctx context.Context, p *v1.ServiceAccountTokenProjection, defaultMode *int32) (map[string]file, error) {
	account := w.pod.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: p.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: w.name, UID: w.uid},
	}}
	if p.Audience != "" {
		request.Spec.Audiences = []string{p.Audience}
	}
	got, err := w.k.Client.CoreV1().ServiceAccounts(w.namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("token of service account %s: %w", account, err)
	}
	return map[string]file{p.Path: {got.Status.Token, mode(defaultMode)}}, nil
}
