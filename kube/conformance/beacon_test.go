package conformance

import (
	"errors"
	"net/netip"
	"strconv"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/connectivity/probe"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"underlay/kube/internal/testcluster"
)

// A beacon tells when policies are in force. It is a policy that selects one
// of two pairs of pods, each with one on each node, and lets them be reached on
// the first port only. Nodes learn of policies in the order in which they
// change; so when the policy has moved to the other pair, and that is no longer
// reached on the second port, everything that was applied before is in force.
type beacon struct {
	pairs [2][]*probe.Pod
	lit   int // the pair that the policy selects
}

const (
	beaconName = "beacon"
	pairLabel  = "pair"
)

func (s *state) newBeacon(t *testing.T) {
	t.Helper()
	s.createNamespace(t, beaconName, nil)
	policies := s.client.NetworkingV1().NetworkPolicies(beaconName)
	if _, err := policies.Create(t.Context(), s.beacon.policy(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for pair := range s.beacon.pairs {
		for i := range s.nodes {
			p := probe.NewDefaultPod(beaconName, strconv.Itoa(2*pair+i), ports, []v1.Protocol{v1.ProtocolTCP}, false, "")
			p.Labels = map[string]string{pairLabel: strconv.Itoa(pair)}
			s.createPod(t, p)
			s.awaitPod(t, p)
			s.beacon.pairs[pair] = append(s.beacon.pairs[pair], p)
		}
	}
}

func (b *beacon) policy() *networkingv1.NetworkPolicy {
	port := intstr.FromInt(ports[0])
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: beaconName, Namespace: beaconName},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{pairLabel: strconv.Itoa(b.lit)}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{Ports: []networkingv1.NetworkPolicyPort{{Port: &port}}}},
		},
	}
}

// Light moves the policy to the other pair, and waits until both of that are
// kept to it.
func (s *state) light(t *testing.T) {
	t.Helper()
	s.beacon.lit = 1 - s.beacon.lit
	policies := s.client.NetworkingV1().NetworkPolicies(beaconName)
	if _, err := policies.Update(t.Context(), s.beacon.policy(), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, "policies are in force", func() error {
		questions := s.beacon.questions(t)
		ask(t, questions)
		for _, q := range questions {
			if q.got != q.want {
				return errors.New("the beacon is not lit")
			}
		}
		return nil
	})
}

// Questions are what shows that the beacon is lit: each of the pair asks the
// other on both ports.
func (b *beacon) questions(t *testing.T) (questions []*question) {
	t.Helper()
	pair := b.pairs[b.lit]
	for i, to := range pair {
		from := pair[len(pair)-1-i]
		for _, port := range ports {
			questions = append(questions, &question{
				from: space(from.Namespace, from.Name), server: to.PodString().String(), want: port == ports[0],
				to: netip.AddrPortFrom(address(t, to.IP), uint16(port)),
			})
		}
	}
	return questions
}
