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
// of two crews of pods, each with a pair on each node, and lets them be reached on
// the first port only. A node learns of policies in the order in which they
// change; so when the policy has moved to the other crew, and that is no longer
// reached on the second port, everything that was applied before is in force.
// What a pair says to each other is judged by its own node alone.
type beacon struct {
	crews [2][]pair
	lit   int // the crew that the policy selects
}

type pair [2]*probe.Pod

const (
	beaconName = "beacon"
	crewLabel  = "crew"
)

func (s *state) newBeacon(t *testing.T) {
	t.Helper()
	s.createNamespace(t, beaconName, nil)
	policies := s.client.NetworkingV1().NetworkPolicies(beaconName)
	if _, err := policies.Create(t.Context(), s.beacon.policy(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for crew := range s.beacon.crews {
		pairs := make([]pair, len(s.nodes))
		for i := range len(s.nodes) * len(pair{}) { // createPod goes round the nodes
			p := probe.NewDefaultPod(beaconName, strconv.Itoa(crew)+strconv.Itoa(i), ports, []v1.Protocol{v1.ProtocolTCP}, false, "")
			p.Labels = map[string]string{crewLabel: strconv.Itoa(crew)}
			s.createPod(t, p)
			s.awaitPod(t, p)
			pairs[i%len(s.nodes)][i/len(s.nodes)] = p
		}
		s.beacon.crews[crew] = pairs
	}
}

func (b *beacon) policy() *networkingv1.NetworkPolicy {
	port := intstr.FromInt(ports[0])
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: beaconName, Namespace: beaconName},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{crewLabel: strconv.Itoa(b.lit)}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{Ports: []networkingv1.NetworkPolicyPort{{Port: &port}}}},
		},
	}
}

// Light moves the policy to the other crew, and waits until that is kept to it
// on every node.
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

// Questions are what shows that the beacon is lit: one of each pair asks the
// other on both ports.
func (b *beacon) questions(t *testing.T) (questions []*question) {
	t.Helper()
	for _, pair := range b.crews[b.lit] {
		for _, port := range ports {
			questions = append(questions, &question{
				from: space(pair[0].Namespace, pair[0].Name), server: pair[1].PodString().String(), want: port == ports[0],
				to: netip.AddrPortFrom(address(t, pair[1].IP), uint16(port)),
			})
		}
	}
	return questions
}
