package probe

import (
	"bytes"
	"testing"
	"time"

	"underlay/engine"
)

// TestSignature looks at the server for the packets that a signature describes.
func TestSignature(t *testing.T) {
	p := newPath(t)
	for _, r := range []Request{
		{Proto: "icmp", Size: 900},
		{Proto: "udp", Port: udpPort, Payload: []byte("this and no other"), Size: 700},
		{Proto: "tcp", Port: tcpPort},
		{Proto: "http", Port: 80},
	} {
		t.Run(r.Proto, func(t *testing.T) {
			// The last words of the connection before may still be on their way.
			seen, err := Capture(t.Context(), p.s, "", Filter{Src: addrOf(t, clientAddr), DPort: r.Port})
			must(t, err)
			var signature Signature
			told := 0
			r.From, r.To, r.Wait = p.c, serverAddr4, 10*time.Second
			r.Sending = func(got Signature) { signature, told = got, told+1 }
			out, err := Do(t.Context(), r)
			must(t, err)
			packets := seen.Stop()
			if out.Ended != engine.OK || told != 1 || signature.To != addrOf(t, serverAddr4) {
				t.Fatalf("%+v, told %d times of %+v", out, told, signature)
			}
			found := 0
			for _, got := range packets {
				if got.Proto == "arp" {
					continue
				}
				if got.SPort != signature.SPort || !bytes.Contains(got.payload, signature.Payload) {
					t.Errorf("%s is not on the signature %+v", got, signature)
				}
				if got.Len < r.Size {
					t.Errorf("%s carries less than %d bytes", got, r.Size)
				}
				found++
			}
			if found == 0 {
				t.Error("no packet was seen")
			}
		})
	}
}
