package server

import (
	"bufio"
	"io"
	"net"
	"testing"
)

func TestTCPGreetsAndEchoes(t *testing.T) {
	s, err := ListenTCP("db", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	c, err := net.Dial("tcp", s.(*tcpServer).ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || line != "db sees "+c.LocalAddr().String()+"\n" {
		t.Errorf("greeting: %q, %v", line, err)
	}
	if _, err := io.WriteString(c, "ping\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := r.ReadString('\n'); err != nil || line != "ping\n" {
		t.Errorf("echo: %q, %v", line, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection outlived its server")
	}
}

func TestUDPAnswers(t *testing.T) {
	s, err := ListenUDP("dns", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve()    //nolint:errcheck // Close ends it
	defer s.Close() //nolint:errcheck // nothing depends on it
	c, err := net.Dial("udp", s.(*udpServer).conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "ping"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	if want := "dns sees " + c.LocalAddr().String() + "\nping"; err != nil || string(buf[:n]) != want {
		t.Errorf("answer: %q, %v; want %q", buf[:n], err, want)
	}
}
