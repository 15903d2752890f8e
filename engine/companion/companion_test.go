package companion

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestConfigIsReadAsWritten(t *testing.T) {
	config := Default()
	config.Nodes = []Node{}
	config.Manifests = []string{"web.yaml"}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"upstream", "compaction"} {
		if strings.Contains(string(text), field) {
			t.Errorf("%s is not set, but in %s", field, text)
		}
	}
	config.Compaction = Duration(5 * time.Second)
	if text, err = json.Marshal(config); err != nil || !strings.Contains(string(text), `"compaction":"5s"`) {
		t.Errorf("no compaction of 5s in %s, %v", text, err)
	}
	var read Config
	if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(read, config) {
		t.Errorf("read %+v, %v; wrote %+v", read, err, config)
	}
	if err := json.Unmarshal([]byte(`{"compaction": "soon"}`), &read); err == nil {
		t.Error("a compaction every “soon” was accepted")
	}
}
