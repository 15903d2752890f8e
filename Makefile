# Underlay: learn · test · lint · bench · vm-test · picture

export CGO_ENABLED := 0
GO        ?= go
BIN       := $(CURDIR)/bin
LINT      := $(BIN)/golangci-lint
LINT_AT   := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
BUILD     := $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

.PHONY: learn build test lint bench vm-test picture tools clean

learn: tools build
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

lint: $(LINT)
	$(LINT) run ./...

bin/golangci-lint $(LINT):
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install $(LINT_AT)

bench: build
	$(BIN)/underlay bench

# Boots Debian's own kernel in a virtual machine and runs the proofs there.
vm-test:
	@mkdir -p $(BIN)/vm
	@$(GO) build -o $(BIN)/vm/vm ./vm
	@$(BIN)/vm/vm $(VM_FLAGS)

# Draws docs/screen.svg, the picture in the README, from the program itself.
picture: build
	$(GO) run ./docs/picture

clean:
	rm -rf $(BIN)
