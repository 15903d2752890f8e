package record

import (
	"strings"
	"testing"
)

// TestMasks compares outputs that differ only in what may differ, and outputs
// that differ in what must not.
func TestMasks(t *testing.T) {
	for name, c := range map[string]struct {
		shown, same, other string
	}{
		"link": {
			"eth0@if2         UP             56:d6:2f:19:9f:ee <BROADCAST,UP,LOWER_UP>",
			"eth0@if117       UP             02:00:00:00:00:01 <BROADCAST,UP,LOWER_UP>",
			"eth0@if2         DOWN           56:d6:2f:19:9f:ee <BROADCAST,UP,LOWER_UP>",
		},
		"loopback": {
			"lo               DOWN           00:00:00:00:00:00 <LOOPBACK>",
			"lo               DOWN           00:00:00:00:00:00 <LOOPBACK>",
			"lo               DOWN           00:00:00:00:00:01 <LOOPBACK>",
		},
		"index":                           {"2: eth0@if3: <UP>", "14: eth0@if15: <UP>", "2: eth1@if3: <UP>"},
		"address":                         {"inet 10.0.0.1/24 scope global", "inet 10.0.0.1/24 scope global", "inet 10.0.0.2/24 scope global"},
		"http":                            {"you are 172.17.0.2:37244", "you are 172.17.0.2:55000", "you are 172.17.0.3:37244"},
		"a port that is chosen by people": {"c2 here (172.17.0.3:8080)", "c2 here (172.17.0.3:8080)", "c2 here (172.17.0.3:8081)"},
		"a high port that is not the kernel's to choose": {"dpt:30080", "dpt:30080", "dpt:30081"},
		"capture": {
			"IP 192.168.1.5.49332 > 192.168.1.100.8080: tcp 0",
			"IP 192.168.1.5.33000 > 192.168.1.100.8080: tcp 0",
			"IP 192.168.1.5.49332 > 172.17.0.2.80: tcp 0",
		},
		"ping": {
			"64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.045 ms",
			"64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=1.2 ms",
			"64 bytes from 10.0.0.1: icmp_seq=1 ttl=63 time=0.045 ms",
		},
		"echo": {
			"10:11:12.123456 IP a > b: ICMP echo request, id 74, seq 1, length 64",
			"23:59:59.000001 IP a > b: ICMP echo request, id 9, seq 1, length 64",
			"10:11:12.123456 IP a > b: ICMP echo reply, id 74, seq 1, length 64",
		},
		"conntrack": {
			"tcp      6 119 TIME_WAIT src=172.17.0.2 dst=192.168.1.5 sport=37340\ndport=80 [ASSURED] mark=0 use=1",
			"tcp      6 98 TIME_WAIT src=172.17.0.2 dst=192.168.1.5 sport=40000\ndport=80 [ASSURED] mark=0 use=2",
			"tcp      6 119 ESTABLISHED src=172.17.0.2 dst=192.168.1.5 sport=37340\ndport=80 [ASSURED] mark=0 use=1",
		},
		"rule counters": {"[12:840] -A FORWARD -j ACCEPT", "[0:0] -A FORWARD -j ACCEPT", "[12:840] -A FORWARD -j DROP"},
		"nft counters":  {"counter packets 5 bytes 420 drop", "counter packets 1 bytes 84 drop", "counter packets 5 bytes 420 accept"},
		"iptables -v":   {"    3   180 DROP       tcp  --  *", "12K 1M DROP       tcp  --  *", "    3   180 ACCEPT     tcp  --  *"},
		"protocol":      {"DNAT 6 -- 0.0.0.0/0 0.0.0.0/0 tcp dpt:8080", "DNAT tcp -- 0.0.0.0/0 0.0.0.0/0 tcp dpt:8080", "DNAT 17 -- 0.0.0.0/0 0.0.0.0/0 tcp dpt:8080"},
		"versions":      {"iptables v1.8.9 (nf_tables)", "iptables v1.8.11 (nf_tables)", "iptables v1.8.9 (legacy)"},
		"sockets":       {`users:(("nginx",pid=12,fd=3))`, `users:(("nginx",pid=4711,fd=3))`, `users:(("httpd",pid=12,fd=3))`},
		"a table of MAC addresses": {
			"de:47:33:ec:f1:7a dev vc1 master docker0\nd2:b6:51:b2:61:77 dev vc2 master docker0",
			"02:00:00:00:00:02 dev vc2 master docker0\n02:00:00:00:00:01 dev vc1 master docker0",
			"de:47:33:ec:f1:7a dev vc1 master docker0\nd2:b6:51:b2:61:77 dev vc1 master docker0",
		},
		"trace": {
			"there tcp SYN 172.17.0.2:54753 -> 172.17.0.3:80\no host vc1 -> docker0        0.0 ms",
			"there tcp SYN 172.17.0.2:40001 -> 172.17.0.3:80\no host vc1 -> docker0       12.4 ms",
			"there tcp SYN 172.17.0.2:54753 -> 172.17.0.3:80\no host vc1 -> vc2            0.0 ms",
		},
		"trace's conntrack": {
			"  host 192.168.50.2:40000 → 192.168.50.1:8080 TIME_WAIT", "  host 192.168.50.2:40001 → 192.168.50.1:8080 LAST_ACK",
			"  host 192.168.50.2:40000 → 192.168.50.1:8080 SYN_SENT",
		},
		"trace's JSON": {
			`"sport": 40000, "dport": 8080, "at_ms": 0.25, "took_ms": 31`, `"sport": 55000, "dport": 8080, "at_ms": 0, "took_ms": 30.5`,
			`"sport": 55000, "dport": 8081, "at_ms": 0, "took_ms": 30.5`,
		},
		"left out":      {"a\n…\nz", "a\nb\nc\nz", "a\nb\nc"},
		"nothing":       {"", "", "something"},
		"order":         {"-A one\n-A two", "-A one\n-A two", "-A two\n-A one"},
		"one line more": {"a\nb", "a\nb", "a\nb\nc"},
	} {
		if !same(c.shown, c.same, false) {
			t.Errorf("%s: these are not the same:\n%s\n%s\n%q", name, c.shown, c.same, [][]string{masked(c.shown, false), masked(c.same, false)})
		}
		if same(c.shown, c.other, false) {
			t.Errorf("%s: these are the same:\n%s\n%s", name, c.shown, c.other)
		}
	}
}

// TestClusterMasks does the same with what a cluster prints.
func TestClusterMasks(t *testing.T) {
	for name, c := range map[string]struct {
		shown, same, other string
	}{
		"pods": {
			"NAME                  READY   AGE     IP           NODE\nweb-6fcd57c65-95lj4   1/1     3s      10.244.1.3   node1\ntoolbox               1/1     2m5s    10.244.1.2   node1",
			"NAME                   READY   AGE   IP            NODE\nweb-6fcd57c654-zx9kk   1/1     99s   10.244.2.14   node2\ntoolbox                1/1     10m   10.244.1.9    node2",
			"NAME                  READY   AGE     IP           NODE\nweb-6fcd57c65-95lj4   0/1     3s      10.244.1.3   node1\ntoolbox               1/1     2m5s    10.244.1.2   node1",
		},
		"another Deployment's pod": {"web-6fcd57c65-95lj4 here", "web-75c7f89547-ctftw here", "api-6fcd57c65-95lj4 here"},
		"a pod with a name":        {"pod/toolbox created", "pod/toolbox created", "pod/web-0 created"},
		"a ReplicaSet":             {"replicaset.apps/web-6fcd57c65", "replicaset.apps/web-75c7f89547", "replicaset.apps/web"},
		"slices": {
			"web-b974m    IPv4          8080      10.244.1.3,10.244.2.3   1s",
			"web-p2f29    IPv4          8080      10.244.2.3,10.244.2.4   5s",
			"web-b974m    IPv4          8080      10.244.1.3   1s",
		},
		"a Service's address that was drawn":  {"10.96.83.20", "10.96.229.32", "10.96.0.80"},
		"a Service's address that was chosen": {"10.96.0.80", "10.96.0.80", "10.96.0.81"},
		"a node's port that was drawn":        {"80:31337/TCP", "80:30500/TCP", "80:30080/TCP"},
		"a node's port that was chosen":       {"80:30080/TCP", "80:30080/TCP", "80:30081/TCP"},
		"a node":                              {"node1 Ready", "node1 Ready", "node2 Ready"},
		"a network of pods":                   {"10.244.2.0/24 via 192.168.50.12", "10.244.2.0/24 via 192.168.50.12", "10.244.1.0/24 via 192.168.50.12"},
		"a cable":                             {"cali27d646052a5 UP", "cali083117d9663 UP", "cali083117d9663 DOWN"},
		"rules": {
			"map { 0 : 10.244.1.3 . 8080, 1 : 10.244.1.4 . 8080 }", "map { 0 : 10.244.1.7 . 8080, 1 : 10.244.2.3 . 8080 }",
			"map { 0 : 10.244.1.3 . 8080, 1 : 10.244.1.4 . 80 }",
		},
		"an object": {
			`uid: df2b563c-9938-4c28-a295-1b0e1fd9394a`, `uid: 00000000-9938-4c28-a295-1b0e1fd9394a`, `uid: df2b563c`,
		},
		"its version": {`resourceVersion: "212"`, `resourceVersion: "9"`, `generation: "212"`},
	} {
		if !same(c.shown, c.same, true) {
			t.Errorf("%s: these are not the same:\n%s\n%s\n%q", name, c.shown, c.same, [][]string{masked(c.shown, true), masked(c.same, true)})
		}
		if same(c.shown, c.other, true) {
			t.Errorf("%s: these are the same:\n%s\n%s", name, c.shown, c.other)
		}
		if c.shown != c.same && same(c.shown, c.same, false) {
			t.Errorf("%s: without a cluster this is hidden, too:\n%s\n%s", name, c.shown, c.same)
		}
	}
}

func TestWriteKeepsWhatIsTheSame(t *testing.T) {
	text := "# X\n\n```run c1 start\nbefore host: true\n$ one\nyou are 10.0.0.1:40000\nold\nyou are 10.0.0.2:40000\n$ two\n```\n\nend\n"
	steps := []Step{
		{Line: 3, Index: 0, Shown: "you are 10.0.0.1:40000\nold\nyou are 10.0.0.2:40000", Printed: "you are 10.0.0.1:50000\nnew\nnewer\nyou are 10.0.0.2:50000"},
		{Line: 3, Index: 1, Shown: "", Printed: "said"},
	}
	want := strings.NewReplacer("old\n", "new\nnewer\n", "$ two\n", "$ two\nsaid\n").Replace(text)
	got := Write(text, steps)
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for i := range steps { // a second recording that says the same changes nothing
		steps[i].Shown = steps[i].Printed
	}
	if again := Write(got, steps); again != got {
		t.Errorf("written again:\n%s", again)
	}
	steps = []Step{{Line: 3, Index: 0, Shown: "you are 10.0.0.1:40000\nold\nyou are 10.0.0.2:40000", Printed: ""}}
	if got := Write(text, steps); got != strings.Replace(text, steps[0].Shown+"\n", "", 1) {
		t.Errorf("nothing printed:\n%s", got)
	}
}
