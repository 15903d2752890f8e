package progress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// eventsEach is how many events each writing program records.
const eventsEach = 400

// play is what the test binary does as another program.
func play(role, dir, name string) (err error) {
	ctx := context.Background()
	s, notice, err := Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	switch role {
	case "open":
		fmt.Println(notice)
	case "write":
		for i := range eventsEach / 2 {
			if err := s.AnswerQuiz(ctx, name, i%2 == 0); err != nil {
				return err
			}
			if _, err := s.StartAttempt(ctx, name, int64(i)); err != nil {
				return err
			}
		}
	case "write-forever": // says so after each event that is committed
		for {
			if err := s.AnswerQuiz(ctx, name, true); err != nil {
				return err
			}
			if _, err := os.Stdout.WriteString("."); err != nil {
				return err
			}
		}
	}
	return nil
}

func program(t *testing.T, role, dir, name string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PROGRESS_TEST_ROLE="+role, "PROGRESS_TEST_DIR="+dir, "PROGRESS_TEST_NAME="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestTwoProgramsWriteAtOnce(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background() // neither finds a file: both try to make it
	var cmds []*exec.Cmd
	for _, name := range []string{"one", "two", "three"} {
		cmd := program(t, "write", dir, name)
		must(t, cmd.Start())
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		must(t, cmd.Wait())
	}
	s := open(t, dir)
	quizzes, labs := value(s.Quizzes(ctx))(t), value(s.Labs(ctx))(t)
	for _, name := range []string{"one", "two", "three"} {
		if q := quizzes[name]; q.Right+q.Wrong != eventsEach/2 {
			t.Errorf("%s: %d answers of %d", name, q.Right+q.Wrong, eventsEach/2)
		}
		if l := labs[name]; l.Attempts != eventsEach/2 {
			t.Errorf("%s: %d attempts of %d", name, l.Attempts, eventsEach/2)
		}
	}
}

func TestKilledProgramLosesNothingCommitted(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	committed := 0
	for _, after := range []int{1, 37, 150} {
		cmd := program(t, "write-forever", dir, "q")
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		r := bufio.NewReader(out)
		_, err = io.ReadFull(r, make([]byte, after))
		must(t, err)
		must(t, cmd.Process.Kill())
		rest, err := io.ReadAll(r)
		must(t, err)
		_ = cmd.Wait() // killed
		committed += after + len(rest)

		s, notice, err := Open(dir)
		must(t, err)
		if notice != "" {
			t.Fatalf("after a kill: %s", notice)
		}
		// One more may have been committed in each program before it was announced.
		if got := value(s.Quizzes(ctx))(t)["q"].Right; got < committed {
			t.Errorf("%d answers are there, %d were committed", got, committed)
		} else {
			committed = got
		}
		must(t, s.Close())
	}
}

func TestProgramsThatFindDamageAtOnceSetItAsideOnce(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/"+fileName, []byte(strings.Repeat("no database ", 1000)), 0o600))
	var cmds []*exec.Cmd
	outs := make([]strings.Builder, 4)
	for i := range outs {
		cmd := program(t, "open", dir, "")
		cmd.Stdout = &outs[i]
		must(t, cmd.Start())
		cmds = append(cmds, cmd)
	}
	told := 0
	for i, cmd := range cmds {
		must(t, cmd.Wait())
		if strings.Contains(outs[i].String(), "damaged") {
			told++
		}
	}
	if aside := glob(t, dir, "*.corrupt-*"); told != 1 || len(aside) != 1 {
		t.Errorf("%d programs told of damage, set aside: %q", told, aside)
	}
}
