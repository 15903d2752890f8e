# Underlay: learn · test · race · lint · bench · prove · kube · kube-lint · kube-test · soak · vm-test · docs · picture

export CGO_ENABLED := 0
GO        ?= go
BIN       := $(CURDIR)/bin
LINT      := $(BIN)/golangci-lint
LINT_AT   := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
BUILD     := $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
# Kubernetes tells the version that it was linked with.
KUBE_AT    = $(shell cd kube && $(GO) list -m -f '{{.Version}}' k8s.io/kubernetes)
KUBE_VARS  = $(foreach package,k8s.io/component-base/version k8s.io/client-go/pkg/version,\
	-X $(package).gitVersion=$(KUBE_AT) -X $(package).gitCommit= -X $(package).gitTreeState=clean \
	-X $(package).gitMajor=$(word 1,$(subst ., ,$(KUBE_AT:v%=%))) -X $(package).gitMinor=$(word 2,$(subst ., ,$(KUBE_AT))))
KUBE_BUILD = $(GO) build -trimpath -ldflags "-s -w $(strip $(KUBE_VARS))"

.PHONY: learn build test race lint bench prove kube kube-lint kube-test soak vm-test docs picture tools clean

# The tutor starts at once. What makes Kubernetes clusters is built meanwhile, and
# after it if need be; `underlay doctor` says how far it is.
learn: tools build
	@./scripts/kube-later.sh
	@exec $(BIN)/underlay

build:
	@mkdir -p $(BIN)
	$(BUILD) -o $(BIN)/underlay .

# Installs what labs need and is missing, or says the one line that would.
tools:
	@./scripts/tools.sh

test: build
	@./scripts/tools.sh test
	@./scripts/test.sh

# Runs the tests of what is concurrent under the race detector.
race:
	@./scripts/race.sh

lint: $(LINT)
	$(LINT) run ./...

bin/golangci-lint $(LINT):
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install $(LINT_AT)

bench: build
	$(BIN)/underlay bench

# Builds the Kubernetes that labs can have: five minutes the first time, because
# it is all of Kubernetes, and seconds later.
kube:
	@mkdir -p $(BIN)
	cd kube && $(KUBE_BUILD) $(KUBE_FLAGS) -o $(BIN)/ ./cmd/...

# Lints it, but for staticcheck, which would have to read all of Kubernetes. go vet has to
# as well, for some minutes the first time, and remembers it in the build cache.
KUBE_LINTERS := bodyclose,depguard,errcheck,errorlint,forbidigo,gocritic,ineffassign,misspell,nilerr,revive,unconvert,unparam,unused,usestdlibvars
kube-lint: kube $(LINT)
	cd kube && $(GO) vet -trimpath ./...
	cd kube/conformance && $(GO) vet -trimpath ./...
	cd kube && GOFLAGS=-trimpath $(LINT) run --config ../.golangci.yml --enable-only $(KUBE_LINTERS) ./...
	cd kube/conformance && GOFLAGS=-trimpath $(LINT) run --config ../../.golangci.yml --enable-only $(KUBE_LINTERS) ./...

# Tests it as the user who calls it and, when that is root, also as an ordinary one.
kube-test: kube
	@./scripts/kube-test.sh

# Works in a cluster for two hours as a learner would, without the store's clock sped up.
# kube-test has two minutes of it.
SOAK ?= 2h
soak: kube
	cd kube && UNDERLAY_KUBE_BIN=$(BIN) UNDERLAY_SOAK=$(SOAK) $(GO) test -trimpath -v -count=1 -timeout=0 -run='^TestSoak$$' ./e2e

# Boots Debian's own kernel in a virtual machine and runs the proofs there.
vm-test:
	@mkdir -p $(BIN)/vm
	@$(GO) build -o $(BIN)/vm/vm ./vm
	@$(BIN)/vm/vm $(VM_FLAGS)

# Makes every proof of every lab and remembers in .ci/proven what has been proven; of that
# the tests make a sample only.
prove: build
	@./scripts/prove.sh

# Writes the table of lessons in the README, which the tests compare with the content.
docs:
	$(GO) test ./cli -run='^TestReadmeListsEveryLab$$' -count=1 -update

# Draws docs/screen.svg, the picture in the README, from the program itself.
picture: build
	$(GO) run ./docs/picture

clean:
	rm -rf $(BIN)
