# Rollcall: everything that a developer or a CI job does. Needed: Go, make, git and a POSIX shell with bash and coreutils.
# Tools are pinned in modules of their own below hack/tools and are built when first used.

GO ?= go
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The sample organization that `make run` shows, a folder below config/samples: fjordline, social-care, chat-desk, agent-feedback,
# patient-messaging or voice-center.
SCENARIO ?= fjordline
# Real systems that `make run` starts and connects with the organization: postgres,openfga or one of them; empty: none.
DOWNSTREAMS ?=
# Set to 1 to let `make run` exit after printing instead of staying.
ONCE ?=
# Further arguments for go test, for example TESTFLAGS='-run S-56 -v'.
TESTFLAGS ?=
# What `make bench` measures; empty: all.
BENCH ?=
# Name of the operator's image, and the architecture it is built for.
IMG ?= rollcall:latest
ARCH ?= $(shell $(GO) env GOARCH)

# Two packages at a time: the suites start an API server each, and two cores serve no more.
GOTEST := $(GO) test -p 2 -timeout 30m
TOOL_GEN := $(GO) tool -modfile=hack/tools/gen/go.mod
TOOL_LINT := $(GO) tool -modfile=hack/tools/lint/go.mod
# No version control stamps: a checkout owned by another user, as CI runners have it, would fail to build.
GOBUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false

# Command lines that need the control plane start with it: one line of shell, evaluated only where it is used.
WITH_ASSETS = assets=$$(hack/kube-assets.sh); export KUBEBUILDER_ASSETS="$$assets";

##@ Use

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN { FS = ":.*## "; printf "Usage: make TARGET [NAME=VALUE...]\n" } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-zA-Z0-9_.%<>-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nVariables: SCENARIO=%s ONCE=%s TESTFLAGS=%s BENCH=%s\n' '$(SCENARIO)' '$(ONCE)' '$(TESTFLAGS)' '$(BENCH)'

.PHONY: run
run: build ## Start a cluster and the operator here, apply config/samples/$SCENARIO, show what came out. DOWNSTREAMS=postgres,openfga; ONCE=1: then exit.
	@$(GOBUILD) -o bin/devcluster ./hack/devcluster
	@$(if $(strip $(DOWNSTREAMS)),ROLLCALL_TEST_SERVERS='$(if $(findstring postgres,$(DOWNSTREAMS)),postgresql) $(if $(findstring openfga,$(DOWNSTREAMS)),openfga)' hack/test-servers.sh)
	@$(WITH_ASSETS) exec bin/devcluster --stop-with-parent --assets "$$assets" --scenario '$(SCENARIO)' --downstreams '$(DOWNSTREAMS)' $(if $(filter 1 true yes,$(ONCE)),--once)

.PHONY: build
build: ## Build bin/manager and bin/kubectl-rollcall.
	@echo 'building bin/manager and bin/kubectl-rollcall (the first time this takes a minute or two)'
	@$(GOBUILD) -o bin/manager ./cmd/manager
	@$(GOBUILD) -o bin/kubectl-rollcall ./cmd/kubectl-rollcall

.PHONY: image
image: ## Pack the operator into dist/rollcall.tar, named IMG, for docker load, ctr images import or kind load image-archive.
	@GOOS=linux GOARCH=$(ARCH) $(GOBUILD) -o dist/manager-linux-$(ARCH) ./cmd/manager
	@cd hack/tools/image && $(GO) run . -binary '$(CURDIR)/dist/manager-linux-$(ARCH)' -output '$(CURDIR)/dist/rollcall.tar' -tag '$(IMG)' -arch $(ARCH)

.PHONY: kube-assets
kube-assets: ## Obtain etcd, kube-apiserver, kube-controller-manager and kubectl; print their folder.
	@hack/kube-assets.sh

##@ Test

# The suites first: they take longest, and much of it is waiting.
.PHONY: test
test: test-servers ## Run every test: unit, property, golden, and the suites on a real API server and real connected systems.
	@$(WITH_ASSETS) echo "control plane: $$assets"; \
		$(GOTEST) $(TESTFLAGS) ./test/integration/... $$($(GO) list ./... | grep -v -e /test/integration -e /test/telephony)
	@$(MAKE) test-telephony

.PHONY: test-servers
test-servers: ## Install the servers that tests start, as root on Debian and Ubuntu; elsewhere say which are wanted.
	@hack/test-servers.sh

.PHONY: test-unit
test-unit: test-servers ## Run the tests that need no API server.
	@$(GOTEST) $(TESTFLAGS) $$($(GO) list ./... | grep -v -e /test/integration -e /test/telephony)

.PHONY: test-integration
test-integration: test-servers ## Run the suites on a real API server only.
	@$(WITH_ASSETS) $(GOTEST) $(TESTFLAGS) ./test/integration/...

# By itself: nothing else may take the time of telephones that ring to the tenth of a second.
.PHONY: test-telephony
test-telephony: test-servers ## Place calls through a real Kamailio: who rings, in which order and for how long.
	@$(WITH_ASSETS) $(GOTEST) $(TESTFLAGS) ./test/telephony

.PHONY: bench
bench: test-servers ## Measure all figures of test/bench against their floors.
	@$(GOBUILD) -o bin/bench ./test/bench
	@$(WITH_ASSETS) exec bin/bench $(BENCH)

.PHONY: bench-%
bench-%: test-servers ## Measure one figure, for example bench-f1.
	@$(GOBUILD) -o bin/bench ./test/bench
	@$(WITH_ASSETS) exec bin/bench $*

##@ Change

.PHONY: generate
generate: ## Regenerate deepcopy functions, CRDs and apply configurations from api/.
	@hack/generate.sh

.PHONY: fmt
fmt: ## Format all Go code.
	@gofmt -w $$(hack/go-files.sh)

.PHONY: lint
lint: ## Run the linters of .golangci.yml.
	@echo 'linting (the first run builds golangci-lint: 3 to 5 minutes on two cores)'
	@$(TOOL_LINT) golangci-lint run ./...

.PHONY: verify
verify: verify-generated verify-fmt verify-mod verify-config ## Check generated files, formatting, go.mod and the manifests.

.PHONY: verify-generated
verify-generated: ## Fail when generated files are not what the sources give.
	@hack/verify-generated.sh

.PHONY: verify-fmt
verify-fmt: ## Fail when a Go file is not formatted.
	@unformatted=$$(gofmt -l $$(hack/go-files.sh)); \
	if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi; echo 'formatting: ok'

.PHONY: verify-mod
verify-mod: ## Fail when go.mod or go.sum is not tidy.
	@$(GO) mod tidy -diff && echo 'go.mod: ok'

.PHONY: verify-config
verify-config: ## Fail when a kustomization below config/ does not build.
	@hack/verify-config.sh

.PHONY: clean
clean: ## Remove built programs and the state of make run. The cached control plane stays.
	rm -rf bin dist .rollcall-dev

##@ Install (into the cluster of your kubeconfig)

.PHONY: install
install: ## Install the CRDs.
	@$(WITH_ASSETS) PATH="$$PATH:$$assets" kubectl apply --server-side -k config/crd

.PHONY: uninstall
uninstall: ## Remove the CRDs and with them every Rollcall object of the cluster.
	@$(WITH_ASSETS) PATH="$$PATH:$$assets" kubectl delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## Install the CRDs, the permissions and the operator. IMG=registry/name:tag sets its image.
	@$(WITH_ASSETS) PATH="$$PATH:$$assets"; kubectl kustomize config/default | sed 's#image: rollcall:latest#image: $(IMG)#' | kubectl apply --server-side -f -

.PHONY: undeploy
undeploy: ## Remove the operator, its permissions and the CRDs.
	@$(WITH_ASSETS) PATH="$$PATH:$$assets" kubectl delete --ignore-not-found -k config/default
