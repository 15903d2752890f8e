package labs
import ("testing";"math/rand";"os";"path/filepath";"time";"fmt")
func TestZZ(t *testing.T){
 var seeds [][]byte
 for _,p:=range []string{"*/lab.yaml","testdata/*/*.yaml"}{ fs,_:=filepath.Glob(p); for _,f:=range fs{b,_:=os.ReadFile(f);seeds=append(seeds,b)}}
 r:=rand.New(rand.NewSource(time.Now().UnixNano()))
 end:=time.Now().Add(50*time.Second); n:=0
 for time.Now().Before(end){
  b:=append([]byte(nil),seeds[r.Intn(len(seeds))]...)
  for k:=r.Intn(5)+1;k>0&&len(b)>2;k--{
   i:=r.Intn(len(b)); j:=i+r.Intn(min(20,len(b)-i))
   switch r.Intn(5){
   case 0:b[i]=byte(r.Intn(256))
   case 1:b=append(b[:i:i],b[j:]...)
   case 2:b=append(b[:j:j],b[i:]...)
   case 3:b[i]="{}[]:-?&*!|>'\"%@`#,\n\t $"[r.Intn(23)]
   case 4: s:=seeds[r.Intn(len(seeds))]; a:=r.Intn(len(s)); e:=a+r.Intn(min(60,len(s)-a)); b=append(b[:i:i],append(append([]byte(nil),s[a:e]...),b[i:]...)...)
   }
  }
  done:=make(chan struct{}); st:=time.Now()
  go func(){Load(solveOnly(string(b)),1);close(done)}()
  select{case <-done: if d:=time.Since(st); d>500*time.Millisecond{fmt.Println("slow",d,len(b))}
  case <-time.After(5*time.Second): os.WriteFile("/tmp/hang.yaml",b,0o644); panic("hang")}
  n++
 }
 fmt.Println(n)
}
