// Package e2e tests the programs of this module together: a cluster in a world
// like that of a lab, driven by kubectl and judged by traffic. The programs are
// those that make kube has built; UNDERLAY_KUBE_BIN says where, if not in bin/.
package e2e
