package check

import (
	"underlay/engine"
	"underlay/engine/internal/phrase"
)

// args are what a message speaks of.
type args = engine.ResultArgs

// message is the words of a verdict, as templates (see phrase) that ResultArgs fill. One of
// a broken check has a Why alone.
type message struct {
	Got string
	Why string
}

// render makes a result of what was found: its code, and what that is about. Nothing else
// in this package words what a check has got, or why. What passes needs no reason.
func render(state engine.State, code string, a args) engine.Result {
	m := messages[code]
	res := engine.Result{State: state, Code: code, Args: a, Got: phrase.Render(m.Got, a)}
	if state != engine.Pass {
		res.Why = phrase.Render(m.Why, a)
	}
	return res
}

// Parts that several messages have.
const (
	nodeOf       = "[{device} in ]{node}"
	addrOf       = "[{device} in ]{node}['s end of the cable to {other}]"
	whyHas       = "[{node} has {found}.]"
	whyElsewhere = "{address} is on {at}."
	whyLoopback  = "A server on a loopback address cannot be reached from another node."

	// What traffic was about, if its check has a purpose, and what came of repeating it.
	trafficOf = "[{attempt}: ]"
	repeated  = "[ for {held}][, after holding for {lapse}][, after {tries#try|tries}: {found}]"

	gotAnswer  = "[ with status {status}][, the server saw {address}]" + repeated
	gotNothing = trafficOf + "no answer[ in {wait}][: {note}]" + repeated
	gotRefusal = trafficOf + "{detail|refused}[: {note}]" + repeated
	gotSeenAs  = "reached, but the server saw {address}" + repeated

	gotTries  = "of {tries#try|tries}: {found}"
	gotChoice = "you chose “{value}”"
)

// messages has the words for each code. A code says what was found; whether that is what
// was wanted is the state's to say.
var messages = map[string]message{
	// Tasks, and checks made of others.
	"unseen":       {Got: "not checked yet"},
	"waiting":      {Got: "not checked yet", Why: "Comes after: {name}"},
	"task.cycle":   {Why: "This task comes after itself, so it can never be checked."},
	"task.after":   {Why: "This task comes after {name:q}, which this lab does not have."},
	"task.empty":   {Why: "This task has no checks."},
	"check.empty":  {Why: "This check asks for nothing."},
	"any.empty":    {Why: "This check offers no alternative."},
	"all":          {Got: "[{found:;}]"},
	"unreadable":   {Why: "Could not read the {name} of {node}: {detail}."},
	"no-namespace": {Got: "there is no network namespace {node}"},
	"no-interface": {Got: "{node} has no interface {device}", Why: whyHas},

	"netns":           {Got: "the network namespace {node} exists"},
	"netns.different": {Got: "{node} and {other} are in different network namespaces"},
	"netns.missing":   {Got: "{node} lacks {missing}[ and also has {found}]"},
	"netns.extra":     {Got: "{node} also has {found}"},
	"netns.unknown":   {Why: "Could not find out which network namespace {node} is in."},

	"link":                 {Got: "{device} in {node} is {kind:a}, {value}[, a port of {bridge}]"},
	"link.none":            {Got: "{node} has no such interface", Why: whyHas},
	"link.kind":            {Got: "{device} is {kind:a}"},
	"link.up":              {Got: "{device} is up"},
	"link.down":            {Got: "{device} is down"},
	"link.no-carrier":      {Got: "{device} is up, but NO-CARRIER"},
	"link.peer-down":       {Got: "{device} is up, but NO-CARRIER: the other end is down", Why: "[The other end is {peer} in {other}.]"},
	"link.none-forwarding": {Got: "{device} is up, but NO-CARRIER: none of its ports is forwarding"},
	"link.bridge":          {Got: "{device} is a port of {bridge}"},
	"link.no-bridge":       {Got: "{device} is not a port of a bridge"},
	"link.peer":            {Got: "the other end of {device} is in {other}"},
	"link.no-peer":         {Got: "{device} has no other end"},
	"link.peer-outside":    {Got: "the other end of {device} is outside this lab"},
	"link.peer-unknown":    {Got: "the other end of {device} was not found"},
	"link.peer-bridge":     {Got: "the other end of {device}, {peer} in {other}, is a port of {bridge}"},
	"link.peer-no-bridge":  {Got: "the other end of {device}, {peer} in {other}, is not a port of a bridge"},
	"link.mtu":             {Got: "{device} has MTU {count}"},

	"addr":                 {Got: "{device} has {address}"},
	"addr.none":            {Got: addrOf + " has no {kind} address"},
	"addr.other":           {Got: addrOf + " has {found}"},
	"addr.elsewhere":       {Got: addrOf + " has no {kind} address", Why: whyElsewhere},
	"addr.other.elsewhere": {Got: addrOf + " has {found}", Why: whyElsewhere},
	"addr.length":          {Got: addrOf + " has {found}", Why: "The address is right, but the prefix length is /{count} instead of /{wanted}."},
	"addr.malformed":       {Why: "{value:q} is not an address."},

	"route.via":            {Got: "{node} sends to {address} via {gateway} by {device}"},
	"route.direct":         {Got: "{node} sends to {address} directly by {device}"},
	"route.none":           {Got: "{node} has no route to {address}"},
	"route.interface-down": {Got: "{node} has no route to {address}", Why: "{device} in {node} is down, so its route to {value} is gone."},
	"route.no-interface":   {Got: "{node} has no route to {address}", Why: "{node} has no interface but lo."},
	"route.all-down":       {Got: "{node} has no route to {address}", Why: "No interface of {node} but lo is up."},
	"route.no-address":     {Got: "{node} has no route to {address}", Why: "{node} has no {kind} address."},
	"route.no-subnet":      {Got: "{node} has no route to {address}", Why: "{node} has no default route and no route to a subnet that holds {address}."},
	"route.default.via":    {Got: "the default route of {node} goes via {gateway} by {device}"},
	"route.default.direct": {Got: "the default route of {node} goes directly by {device}"},
	"route.no-default":     {Got: "{node} has no default route"},
	"route.malformed":      {Why: "{value:q} is not a destination."},
	"route.unable":         {Why: "Could not ask {node} for its route to {address}: {detail}."},

	"rule":       {Got: "{node} has the rule {value}"},
	"rule.none":  {Got: "{node} has only the default rules"},
	"rule.other": {Got: "{node} has {found}"},

	"neigh":      {Got: "{found}"},
	"neigh.none": {Got: nodeOf + " has no neighbour entry[ for {address}]"},

	"fdb":      {Got: nodeOf + " forwards {found}"},
	"fdb.none": {Got: nodeOf + " has no forwarding entry[ for MAC {value}]"},

	"sysctl":      {Got: "{name} is {value} in {node}"},
	"sysctl.none": {Got: "{node} has no setting {name}"},

	"socket.tcp":          {Got: "something listens on TCP {found} in {node}"},
	"socket.udp":          {Got: "a UDP socket is bound to {found} in {node}"},
	"socket.tcp.none":     {Got: "nothing listens on TCP port {port} in {node}"},
	"socket.udp.none":     {Got: "no UDP socket is bound to port {port} in {node}"},
	"socket.tcp.loopback": {Got: "something listens on TCP {found} in {node}", Why: whyLoopback},
	"socket.udp.loopback": {Got: "a UDP socket is bound to {found} in {node}", Why: whyLoopback},

	"firewall":            {Got: "{node} has {found}"},
	"firewall.none":       {Got: "{node} has no {kind} rule"},
	"firewall.unreached":  {Got: "{node} has {found}", Why: "Nothing jumps to chain {name}, so its rules are never reached."},
	"firewall.other-hook": {Got: "{node} has {found}", Why: "Packets at {hook} do not pass there."},
	"firewall.policy":     {Got: "the [{hook} ]policy of {node} is {value}"},
	"firewall.no-policy":  {Got: "{node} has no [{hook} ]chain with a policy, so it accepts"},
	"firewall.unhooked":   {Why: "A chain that nothing jumps to has no policy."},
	"firewall.pattern":    {Why: "The pattern of this check is not valid: {detail}."},

	"conntrack":       {Got: "{node} tracks {value}"},
	"conntrack.empty": {Got: "{node} tracks no flows"},
	"conntrack.none":  {Got: "{node} tracks no such flow"},

	"object":          {Got: "{kind} {name}[: {found:,}]"},
	"object.none":     {Got: "there is no {value}"},
	"object.field":    {Got: "{kind} {name}: {field} is {value}"},
	"object.no-field": {Got: "{kind} {name} has no {field}"},
	"object.unable":   {Why: "Could not list the cluster's objects of kind {kind}: {detail}."},

	"traffic.ping":                  {Got: trafficOf + "answered ping" + gotAnswer},
	"traffic.connected":             {Got: trafficOf + "connected" + gotAnswer},
	"traffic.answered":              {Got: trafficOf + "answered" + gotAnswer},
	"traffic.no-answer":             {Got: gotNothing},
	"traffic.lost":                  {Got: gotNothing, Why: "A refusal is an answer that comes back; here the packet or its answer was lost or dropped."},
	"traffic.refused":               {Got: gotRefusal},
	"traffic.refused-not-dropped":   {Got: gotRefusal, Why: "A refusal is an answer: something turned the packet away and did not drop it."},
	"traffic.unreachable":           {Got: trafficOf + "{detail|unreachable}[: {note}]" + repeated},
	"traffic.unresolved":            {Got: trafficOf + "{detail}" + repeated},
	"traffic.stranger":              {Got: "reached, but something other than this lab's server answered" + repeated},
	"traffic.nameless":              {Got: "reached, but the server did not say its name" + repeated},
	"traffic.served":                {Got: "reached, but {name} answered" + repeated},
	"traffic.body":                  {Got: "reached, but the reply does not contain {value:q}" + repeated, Why: "[The server answered with status {status}.]"},
	"traffic.not-http":              {Got: "reached, but the answer is not HTTP" + repeated},
	"traffic.status":                {Got: "reached, but the server answered with status {status}[ and Location: {value}]" + repeated},
	"traffic.reply":                 {Got: "reached, but the reply has {name}: {value|(none)}" + repeated},
	"traffic.seen":                  {Got: "reached, but the server got {name}: {value|(none)}" + repeated},
	"traffic.not-tls":               {Got: "reached, but the server does not speak TLS" + repeated},
	"traffic.certificate":           {Got: "reached, but {detail}[; it is for {found}]" + repeated},
	"traffic.certificate.good":      {Got: "reached, and the certificate is good[, for {found}]" + repeated},
	"traffic.certificate.names":     {Got: "reached, but the certificate is for {found}, and not for {missing}" + repeated},
	"traffic.seen-as":               {Got: gotSeenAs},
	"traffic.seen-as.not-rewritten": {Got: gotSeenAs, Why: "{address} is the address of {at} itself: nothing on the way rewrote the source."},
	"traffic.seen-as.rewritten":     {Got: gotSeenAs, Why: "{address} is the address of {at}: something there rewrote the source or made the connection itself."},
	"traffic.dnat.untracked":        {Got: "reached, but {node} tracks no such connection" + repeated},
	"traffic.dnat.kept":             {Got: "reached, but {node} did not rewrite the destination {address}" + repeated},
	"traffic.dnat.other":            {Got: "reached, but {node} leads the connection to {value}" + repeated, Why: "[{address} is an address of {at} itself: a program there took the connection.]"},
	"traffic.dnat.rewritten":        {Got: "{attempt}: {node} rewrites the destination to {value}"},
	"traffic.unable":                {Why: "Could not try {attempt}: {detail}."},
	"traffic.unclear":               {Why: "Could not tell how {attempt} ended."},
	"traffic.interrupted":           {Why: "The check was interrupted: {detail}."},

	"spread":                {Got: gotTries},
	"spread.absent":         {Got: gotTries, Why: "{name} answered none of them."},
	"spread.too-few":        {Got: gotTries, Why: "Too few for {name}, whose share is {wanted} or more."},
	"spread.all-answered":   {Got: gotTries, Why: "All of them were answered."},
	"spread.too-few-silent": {Got: gotTries, Why: "Too few went unanswered; {wanted} or more should."},
	"spread.servers":        {Got: gotTries, Why: "{count#server|servers} answered, not {wanted}."},

	"sweep": {Got: gotTries},

	"dns":           {Got: "{value}[, {found}]"},
	"dns.no-answer": {Got: "{detail|no name server answered}"},
	"dns.unable":    {Why: "Could not ask for {name}: {detail}."},

	"resolve":         {Got: "{name} is {found}[, after {tries#query|queries}]"},
	"resolve.failed":  {Got: "{detail}"},
	"resolve.queries": {Got: "{name} is {value}, but only after {tries#query|queries}: {found:;}"},
	"resolve.unable":  {Why: "Could not look up {name}: {detail}."},

	"capture.seen":        {Got: "{count#packet|packets} seen: {value}"},
	"capture.none":        {Got: "no such packet was seen"},
	"capture.own-address": {Got: "no such packet was seen", Why: "{address} is an address of {node} itself, so the packet does not leave it."},
	"capture.no-traffic":  {Why: "This check names no traffic to watch."},
	"capture.not-sent":    {Why: "No traffic was sent while " + nodeOf + " was watched."},
	"capture.unable":      {Why: "Could not watch " + nodeOf + ": {detail}."},

	"answer":             {Got: "you answered {value:q}"},
	"answer.none":        {Got: "no answer yet"},
	"answer.not-mac":     {Got: "you answered {value:q}", Why: "A MAC address is six pairs of hexadecimal digits, such as 02:42:ac:11:00:02."},
	"answer.not-address": {Got: "you answered {value:q}", Why: "An address looks like 172.17.0.2 or 172.17.0.2/16."},
	"answer.not-number":  {Got: "you answered {value:q}", Why: "The answer is a number."},
	"answer.malformed":   {Why: "An answer cannot be compared with {value:q}."},
	"answer.no-peer":     {Why: "Could not find the other end of {device} in {node}."},

	"choice":              {Got: gotChoice},
	"choice.none":         {Got: "no choice yet"},
	"choice.unknown":      {Got: "you chose {value:q}", Why: "That is not one of the choices."},
	"choice.possible":     {Got: gotChoice, Why: "It is not that, although nothing that was checked rules it out."},
	"choice.refuted":      {Got: gotChoice, Why: "It is not that. {detail}"},
	"choice.contradicted": {Got: gotChoice, Why: "It is not that. It would mean: {detail}. But: {note}."},
	"choice.no-right":     {Why: "None of the choices of this task is right."},
}
