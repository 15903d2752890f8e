package fake

import "underlay/engine"

// Lab is a lab of five tasks and three shells.
func Lab() *engine.Lab {
	return &engine.Lab{
		ID: "docker0", Title: "docker0 by hand", Module: "bridge", Minutes: 15,
		Summary:  "Build the bridge that Docker calls docker0, plug two containers into it and let them talk.",
		Requires: []string{"veth", "bridge"},
		Topology: engine.Topology{Nodes: []engine.Node{
			{Name: "host", Kind: engine.KindHost, Shell: true},
			{Name: "c1", Kind: engine.KindContainer, Shell: true},
			{Name: "c2", Kind: engine.KindContainer, Shell: true},
		}},
		Tasks: []engine.Task{
			{ID: "bridge", Goal: "There is a bridge called `docker0` on the host", Hints: hints("ip link add docker0 type bridge")},
			{ID: "address", Goal: "`docker0` has the address 172.17.0.1/16", Hints: hints("ip addr add 172.17.0.1/16 dev docker0")},
			{ID: "up", Goal: "The bridge is up, and so are both of its ports", Hints: hints("ip link set docker0 up")},
			{ID: "mac", Goal: "Say which hardware address c1 sees for its gateway", Hints: hints("ip neigh show"),
				Checks: []engine.Check{{Answer: &engine.AnswerCheck{Prompt: "Which MAC address does c1 see for 172.17.0.1?", Of: "mac:host/docker0"}}}},
			{ID: "talk", Goal: "c1 and c2 reach each other", Hints: hints("ping -c1 172.17.0.3"),
				Checks: []engine.Check{{Traffic: &engine.TrafficCheck{From: "c1", To: "172.17.0.3"}}}},
		},
		Solution: engine.Script{Name: "solve", Node: "host", Text: "# The bridge, its address, and up.\nip link add docker0 type bridge\nip addr add 172.17.0.1/16 dev docker0\nip link set docker0 up\n"},
	}
}

func hints(command string) engine.Hints {
	return engine.Hints{
		Symptom:  "The containers have a cable each, but the other end of it hangs in the air.",
		Layer:    "Look at layer 2 on the host: what connects several interfaces to each other?",
		Command:  "`ip link add NAME type bridge` makes a switch in the kernel.",
		Solution: "Type `" + command + "` on the host.",
	}
}
