# Everything a developer does with Carillon. `make` alone lists the commands.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The oldest toolchain that knows every setting in Package.swift.
SWIFT_MAJOR := 6
SWIFT_MINOR := 2

# Debian packages: to build and run, and what the tests need besides.
BUILD_PACKAGES := pkg-config libnghttp2-dev libssl-dev libpq-dev libuv1-dev libcurl4-openssl-dev zlib1g-dev postgresql
TEST_PACKAGES := nghttp2-client nghttp2-server openssl protobuf-compiler libprotobuf-dev grpc-proto python3-venv curl prometheus

VENV := .venv
PYTHON := $(VENV)/bin/python
REPORTS := .build/reports
# The attacks come first: they fork, and other suites start threads.
PYTHON_SUITES := Tests/Attacks Tests/HelmTests Tests/ProtoTests Tests/Conformance Tests/EndToEnd
FORMATTED := Package.swift Sources Tests
PROTO_FOLDERS := Protos Tests/InteropServer/Protos

# The generated code: from our own protos, and those that others define (Debian's grpc-proto and libprotobuf-dev,
# googleapis-common-protos from PyPI; health.proto is a copy of ours, as Debian's is too old). One folder for the product,
# one for the server of the interop tests. Reflection v1alpha has the messages of v1, so it is only described.
GENERATED := Sources/CarillonAPI/Generated
GENERATED_INTEROP := Tests/InteropServer/Generated
GRPC_PROTOS := /usr/share/grpc-proto
OWN_PROTOS = $(sort $(patsubst Protos/%,%,$(wildcard Protos/carillon/v1/*.proto)))
STANDARD_PROTOS := grpc/health/v1/health.proto grpc/reflection/v1/reflection.proto
FOREIGN_PROTOS := $(STANDARD_PROTOS) google/rpc/status.proto google/rpc/error_details.proto
INTEROP_PROTOS := carillon/testing/v1/echo.proto xds/data/orca/v3/orca_load_report.proto \
	$(addprefix grpc/testing/,empty.proto messages.proto test.proto)
DESCRIBED_PROTOS := $(STANDARD_PROTOS) grpc/reflection/v1alpha/reflection.proto

.PHONY: help setup toolchain build test tsan fuzz conformance attacks demo bench bench-check bench-staleness bench-tenants bench-transport generate check-generated \
	format lint clean

help: ## List the commands
	@printf 'usage: make COMMAND\n\n'
	grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort -u | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 20

demo: toolchain ## Build in release and show the sample supplier; ONCE=1 ends after the show
	@$(call install_packages,$(BUILD_PACKAGES))
	swift build -c release --product carillon
	exec "$$(swift build -c release --show-bin-path)/carillon" demo $(if $(ONCE),--once)

setup: toolchain ## Install what building and testing needs
	@$(call install_packages,$(BUILD_PACKAGES) $(TEST_PACKAGES))
	$(MAKE) --silent $(VENV)/requirements.txt

build: ## Build everything, for debugging
	swift build

# So many tests at once: all at once hold 2,000 descriptors, and Foundation reads past its buffer when it starts a program
# then. Toolchains before 6.3 have no such bound.
AT_ONCE := 16
WIDTH = $(if $(shell swift test --help-hidden | grep parallelization-width),--experimental-maximum-parallelization-width $(AT_ONCE))

test: setup ## Run every test: Swift's, the chart's, and end to end with foreign clients
	@rm -rf $(REPORTS)
	mkdir -p $(REPORTS)
	swift build --build-tests
	# The second runner runs whatever the first one says.
	swift=0 python=0
	swift test --skip-build --disable-xctest $(WIDTH) --xunit-output $(REPORTS)/swift.xml || swift=$$?
	binaries="$$(swift build --show-bin-path)"
	E2E_BINARY="$$binaries/carillon" INTEROP_SERVER="$$binaries/interop-server" \
		$(PYTHON) -m pytest -c Tests/pytest.ini --rootdir . --junit-xml $(REPORTS)/python.xml $(PYTHON_SUITES) || python=$$?
	if [ $$((swift + python)) != 0 ]; then echo "swift test exited with $$swift, pytest with $$python"; fi
	$(PYTHON) Tests/count.py $(REPORTS)/swift.xml $(REPORTS)/python.xml
	exit $$((swift + python))

# Where ThreadSanitizer's builds are, and its reports: one file for each process that has any. It is told to overlook nothing;
# tsan_mutex.c tells it what it cannot see of a Mutex. Fewer tests at once, as each takes ten times as long.
TSAN := .build-tsan
TSAN_FLAGS := --scratch-path $(TSAN) --sanitize=thread
tsan: AT_ONCE := 3

tsan: setup ## Run the Swift tests (or those that ONLY names), the foreign clients and the end-to-end tests with ThreadSanitizer
	@swift build $(TSAN_FLAGS) --build-tests
	rm -rf $(TSAN)/races
	mkdir -p $(TSAN)/races
	clang -O1 -Wall -Wextra -Werror -shared -fPIC -o $(TSAN)/mutex.so Tests/Support/tsan_mutex.c -ldl
	binaries="$$(swift build $(TSAN_FLAGS) --show-bin-path)"
	export TSAN_OPTIONS="log_path=$(CURDIR)/$(TSAN)/races/race" LD_PRELOAD="$(CURDIR)/$(TSAN)/mutex.so"
	swift=0 python=0
	swift test $(TSAN_FLAGS) --skip-build --disable-xctest $(WIDTH) $(if $(ONLY),--filter '$(ONLY)') || swift=$$?
	E2E_BINARY="$$binaries/carillon" INTEROP_SERVER="$$binaries/interop-server" \
		$(PYTHON) -m pytest -c Tests/pytest.ini --rootdir . Tests/Conformance Tests/EndToEnd || python=$$?
	unset LD_PRELOAD
	races="$$(find $(TSAN)/races -type f -exec cat {} + | grep -c '^WARNING: ThreadSanitizer' || true)"
	find $(TSAN)/races -type f -exec cat {} +
	echo "$$races races; swift test exited with $$swift, pytest with $$python"
	exit $$((races + swift + python != 0))

conformance: setup ## Let foreign clients and a prober loose on the transport: a line for each case
	@swift build --product interop-server
	$(PYTHON) Tests/Conformance/run.py --server "$$(swift build --show-bin-path)/interop-server"

attacks: setup ## Attack the transport in every way we know, beside a good client: a line for each attack
	@swift build -c release --product interop-server
	INTEROP_SERVER="$$(swift build -c release --show-bin-path)/interop-server" $(PYTHON) Tests/Attacks/attack.py

bench: bench-transport bench-check bench-staleness bench-tenants ## Run every benchmark

bench-check: setup ## Print what a preference check costs with a million users known, in release, next to an echo and to SQL
	@swift build -c release --product carillon
	@swift build -c release --product interop-server
	E2E_BINARY="$$(swift build -c release --show-bin-path)/carillon" \
		INTEROP_SERVER="$$(swift build -c release --show-bin-path)/interop-server" $(PYTHON) Tests/EndToEnd/bench_check.py

bench-staleness: setup ## Print how late one process obeys what another has answered, also while it hears of nothing, in release
	@swift build -c release --product carillon
	E2E_BINARY="$$(swift build -c release --show-bin-path)/carillon" $(PYTHON) Tests/EndToEnd/bench_staleness.py

bench-tenants: setup ## Print what onboarding, calls, memory, start and migration cost with up to 2,000 tenants, in release
	@swift build -c release --product carillon
	E2E_BINARY="$$(swift build -c release --show-bin-path)/carillon" $(PYTHON) Tests/EndToEnd/bench_tenants.py

bench-transport: setup ## Print what calls, messages and connections cost in release, next to nghttpd
	@swift build -c release --product interop-server
	INTEROP_SERVER="$$(swift build -c release --show-bin-path)/interop-server" $(PYTHON) Tests/EndToEnd/bench_transport.py

# Where fuzzing builds, keeps what it learned, and puts what it found.
FUZZ := .build-fuzz
SECONDS_EACH = $(or $(SECONDS),600)
# AddressSanitizer with its leak checker, and assertions as in debug builds.
FUZZ_FLAGS := -c release --scratch-path $(FUZZ) --product fuzz --sanitize=fuzzer -Xswiftc -sanitize=address,fuzzer \
	-Xswiftc -enable-testing -Xswiftc -assert-config -Xswiftc Debug

fuzz: toolchain ## Fuzz each target for SECONDS (600), or the one that is TARGET, under AddressSanitizer
	@$(call install_packages,$(BUILD_PACKAGES))
	CARILLON_FUZZ=1 swift build $(FUZZ_FLAGS)
	fuzz="$(FUZZ)/release/fuzz"
	failed=0
	for target in $(or $(TARGET),$$(FUZZ_TARGET=list "$$fuzz")); do
		mkdir -p "$(FUZZ)/corpus/$$target" "$(FUZZ)/findings/$$target"
		log="$(FUZZ)/findings/$$target.log"
		crashes=0
		FUZZ_TARGET="$$target" FUZZ_SEEDS="$(FUZZ)/corpus/$$target" SWIFT_BACKTRACE=enable=no nice "$$fuzz" \
			"$(FUZZ)/corpus/$$target" -max_total_time=$(SECONDS_EACH) -max_len=65536 -timeout=10 -rss_limit_mb=1024 \
			-print_final_stats=1 -artifact_prefix="$(FUZZ)/findings/$$target/" >"$$log" 2>&1 || crashes=1
		runs="$$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)/\1/p' "$$log")"
		echo "fuzz $$target $${runs:-0} runs, $$crashes crashes"
		if [ $$crashes != 0 ]; then
			failed=1
			tail -n 40 "$$log"
		fi
	done
	exit $$failed

generate: setup ## Make the code in the folders called Generated anew
	@$(call generate_into,.build/generated)
	replace() {
		mkdir -p "$$2"
		rm -f "$$2"/*.swift
		cp "$$1"/*.swift "$$2"/
	}
	replace .build/generated/product $(GENERATED)
	replace .build/generated/interop $(GENERATED_INTEROP)

check-generated: toolchain $(VENV)/requirements.txt ## Say whether the generated code is stale
	@$(call generate_into,.build/generated)
	stale() {
		if diff -ru "$$2" "$$1"; then return 1; fi
		echo "$$2 is stale: run 'make generate' and commit what it makes." >&2
	}
	if stale .build/generated/product $(GENERATED); then exit 1; fi
	if stale .build/generated/interop $(GENERATED_INTEROP); then exit 1; fi

format: ## Format all Swift and proto files
	swift format format --in-place --parallel --recursive $(FORMATTED)
	if [ -x $(VENV)/bin/buf ]; then
		for protos in $(PROTO_FOLDERS); do $(VENV)/bin/buf format --write $$protos; done
	fi

lint: $(VENV)/requirements.txt ## Check formatting and the rules for proto files
	swift format lint --strict --parallel --recursive $(FORMATTED)
	$(VENV)/bin/buf lint Protos
	for protos in $(PROTO_FOLDERS); do $(VENV)/bin/buf format --diff --exit-code $$protos; done

clean: ## Remove what building and testing made; .carillon, the development cluster, stays
	rm -rf .build $(FUZZ) $(TSAN) $(VENV)

# The virtual environment: made anew whenever a pinned version changes, and stamped only when it is complete.
$(VENV)/requirements.txt: Tests/requirements.txt
	@echo "setup: making $(VENV) with the pinned packages of Tests/requirements.txt"
	rm -rf $(VENV)
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r Tests/requirements.txt
	cp Tests/requirements.txt $@

toolchain:
	@found=$$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1 || true)
	major=$${found%%.*}
	minor=$${found##*.}
	if [ -z "$$found" ] || ((major < $(SWIFT_MAJOR) || (major == $(SWIFT_MAJOR) && minor < $(SWIFT_MINOR)))); then
		echo "Carillon needs a Swift toolchain, $(SWIFT_MAJOR).$(SWIFT_MINOR) or newer (found: $${found:-none})." >&2
		echo "Get one from https://www.swift.org/install/ and put its usr/bin on your PATH." >&2
		exit 1
	fi

# Installs those of the packages $(1) that are missing, as root or through a sudo that asks nothing;
# anyone else is told the line to run.
define install_packages
wanted="$(1)"
missing=""
if ! command -v dpkg-query >/dev/null; then
	echo "setup: no Debian system; these must be there by other means: $$wanted" >&2
	wanted=""
fi
for package in $$wanted; do
	case $$package in
	# Any server from 15 on will do, and any python3 that can make virtual environments.
	postgresql)
		for server in /usr/lib/postgresql/*; do
			if [ -x "$$server/bin/initdb" ] && [ "$${server##*/}" -ge 15 ]; then continue 2; fi
		done ;;
	python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null && continue ;;
	esac
	state=$$(dpkg-query -W -f '$${db:Status-Status}' "$$package" 2>/dev/null || true)
	[ "$$state" = installed ] || missing="$$missing $$package"
done
if [ -n "$$missing" ]; then
	root=""
	if [ "$$(id -u)" != 0 ]; then root=sudo; fi
	if [ -n "$$root" ] && ! sudo -n true 2>/dev/null; then
		echo "Debian packages are missing. Run this once, then try again:" >&2
		echo "  sudo apt-get install -y$$missing" >&2
		exit 1
	fi
	echo "setup: installing Debian packages:$$missing"
	$$root apt-get update -qq || true
	$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing </dev/null
fi
endef

# Empties the folder $(1) and generates into its folders product and interop: messages and service stubs of every proto file.
define generate_into
rm -rf $(1)
mkdir -p $(1)/product $(1)/interop
swift build --product protoc-gen-swift
swift build --product protoc-gen-carillon
plugins="$$(swift build --show-bin-path)"
google="$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
generate() {
	folder="$$1"
	shift
	# Ours come before those of the distribution.
	protoc "$$@" -I $(GRPC_PROTOS) -I "$$google" \
		--plugin=protoc-gen-swift="$$plugins/protoc-gen-swift" --swift_out="$$folder" \
		--swift_opt=Visibility=Package,UseAccessLevelOnImports=true,FileNaming=DropPath \
		--plugin=protoc-gen-carillon="$$plugins/protoc-gen-carillon" --carillon_out="$$folder" \
		--carillon_opt=Visibility=Package,FileNaming=DropPath
}
# Writes the Swift file $$1, an enum of the file's name: a FileDescriptorSet with all imports. A text literal compiles at once.
describe() {
	file="$$1"
	shift
	protoc "$$@" -I $(GRPC_PROTOS) -I "$$google" --include_imports --descriptor_set_out="$$file.binpb"
	{
		printf '%s\n' '// DO NOT EDIT.' '// swift-format-ignore-file' '//' '// Generated by make generate.' '' \
			'/// The descriptors that reflection answers from.' "package enum $$(basename "$$file" .swift) {" \
			'    /// A `google.protobuf.FileDescriptorSet` in base64, without source information.' \
			'    package static let base64 = """'
		base64 --wrap 110 "$$file.binpb" | sed -e 's/^/        /' -e '$$!s/$$/\\/'
		printf '%s\n' '        """' '}'
	} >"$$file"
	rm "$$file.binpb"
}
generate $(1)/product -I Protos $(OWN_PROTOS) $(FOREIGN_PROTOS)
generate $(1)/interop -I Tests/InteropServer/Protos $(INTEROP_PROTOS)
describe $(1)/product/CarillonDescriptors.swift -I Protos $(OWN_PROTOS) $(FOREIGN_PROTOS) $(DESCRIBED_PROTOS)
describe $(1)/interop/InteropDescriptors.swift -I Tests/InteropServer/Protos -I Protos $(INTEROP_PROTOS) $(DESCRIBED_PROTOS)
endef
