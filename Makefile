# SPDX-License-Identifier: Apache-2.0
# ComputeFi. `make help` lists the targets. Sources are found by folder; adding a file needs no edit here.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

CC := gcc
SAN ?=
comma := ,
O ?= build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))
JOBS ?= 2
WERROR ?= -Werror

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wwrite-strings -Wcast-qual -Wformat=2 -Wvla $(WERROR)
ifneq (,$(findstring clang,$(CC)))
WARN += -Wno-sign-conversion
endif
ifeq ($(SAN),)
OPT ?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
else
OPT ?= -O1 -g -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all
LDFLAGS += -fsanitize=$(SAN)
endif
PG_INCLUDE ?= /usr/include/postgresql
CFLAGS := -std=c11 -D_GNU_SOURCE $(WARN) $(OPT) -fPIE -pthread -I. -isystem $(PG_INCLUDE) $(EXTRA_CFLAGS)
LDFLAGS += -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed

V ?= 0
Q := $(if $(filter 0,$(V)),@)
say = $(if $(filter 0,$(V)),@echo '  $(1)')

# ---- sources -----------------------------------------------------------------------------------
LAYERS := core crypto domain workload db queue http client proc chain
find_c = $(sort $(shell find $(1) $(2) -name '*.c' 2>/dev/null))

$(foreach l,$(LAYERS),$(eval SRC_$(l) := $(call find_c,server/$(l))))
SRC_sql := $(call find_c,sql)
SRC_api := $(call find_c,api)
SRC_workers := $(filter-out workers/main.c,$(call find_c,workers,-maxdepth 1))
SRC_agent := $(filter-out workers/agent/main.c,$(call find_c,workers/agent))
SRC_cli := $(filter-out workers/cli/main.c,$(call find_c,workers/cli))
SRC_support := $(filter-out %_test.c,$(call find_c,tests/support))
LIBS := $(LAYERS) sql api workers agent cli support

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
lib = $(patsubst %,$(O)/lib/lib%.a,$(1))
# an archive exists only for a folder that has sources
have = $(foreach l,$(1),$(if $(SRC_$(l)),$(l)))
group = -Wl,--start-group $(call lib,$(call have,$(1))) -Wl,--end-group

TEST_SRC := $(sort $(shell find tests -name node_modules -prune -o -name '*_test.c' -print 2>/dev/null))
TESTS := $(patsubst tests/%.c,$(O)/tests/%,$(TEST_SRC))
BENCH_SRC := $(call find_c,tests/bench,-maxdepth 1)
BENCHES := $(patsubst tests/bench/%.c,$(O)/bench/%,$(BENCH_SRC))
SIM_SRC := $(call find_c,tests/sim,-maxdepth 1)
SIMS := $(patsubst tests/sim/%.c,$(O)/sim/%,$(SIM_SRC))

# ---- programs ----------------------------------------------------------------------------------
LIBS_server := api sql http queue db workload crypto domain core
LIBS_worker := workers sql db queue chain client proc workload crypto domain core
LIBS_agent := agent workload client proc crypto domain core
LIBS_cli := cli client db workload crypto domain core
LIBS_test := support api sql http workers agent cli chain client queue db proc workload crypto domain core

SYS_CORE := -linih -ljansson -lm
SYS_CRYPTO := -lsodium -lcrypto -lnettle -lsecp256k1
SYS_server := -lmicrohttpd -lpq -lhiredis $(SYS_CRYPTO) $(SYS_CORE)
SYS_worker := -lpq -lhiredis -lcurl -lseccomp $(SYS_CRYPTO) $(SYS_CORE)
SYS_agent := -lcurl -lseccomp $(SYS_CRYPTO) $(SYS_CORE)
SYS_cli := -lcurl -lpq $(SYS_CRYPTO) $(SYS_CORE)
SYS_test := -lmicrohttpd -lpq -lhiredis -lcurl -lseccomp -lcunit $(SYS_CRYPTO) $(SYS_CORE)

PROGRAMS := $(if $(wildcard server/main.c),$(O)/bin/computefi-server) \
	$(if $(wildcard workers/main.c),$(O)/bin/computefi-worker) \
	$(if $(wildcard workers/agent/main.c),$(O)/bin/computefi-agent) \
	$(if $(wildcard workers/cli/main.c),$(O)/bin/computefi)

.PHONY: all libs programs test-programs zk deps run demo test sanitize bench lint fuzz format clean help FORCE
all: programs ## the four programs (default)
programs: $(PROGRAMS)
libs: $(call lib,$(call have,$(LIBS)))
test-programs: $(TESTS)

define program
$(O)/bin/$(1): $(O)/obj/$(3).o $$(call lib,$$(call have,$$(LIBS_$(2))))
	@mkdir -p $$(@D)
	$$(call say,LD $$@)
	$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$< $$(call group,$$(LIBS_$(2))) $$(SYS_$(2))
endef
$(eval $(call program,computefi-server,server,server/main))
$(eval $(call program,computefi-worker,worker,workers/main))
$(eval $(call program,computefi-agent,agent,workers/agent/main))
$(eval $(call program,computefi,cli,workers/cli/main))

define test_program
$(O)/$(1)/%: $(O)/obj/tests/$(2)%.o $$(call lib,$$(call have,$$(LIBS_test)))
	@mkdir -p $$(@D)
	$$(call say,LD $$@)
	$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$< $$(call group,$$(LIBS_test)) $$(SYS_test)
endef
$(eval $(call test_program,tests,))
$(eval $(call test_program,bench,bench/))
$(eval $(call test_program,sim,sim/))

# ---- objects and archives ----------------------------------------------------------------------
# Floating point that several machines must agree on: no fused multiply-add the source did not ask for.
$(O)/obj/server/workload/%.o: CFLAGS += -ffp-contract=off

$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC $@)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# The list file changes when a source appears or goes, so an archive never keeps a removed object.
define archive
$(O)/lib/$(1).list: FORCE
	@mkdir -p $$(@D)
	@echo '$$(SRC_$(1))' | cmp -s - $$@ || echo '$$(SRC_$(1))' > $$@
$(O)/lib/lib$(1).a: $$(call obj,$$(SRC_$(1))) $(O)/lib/$(1).list
	@rm -f $$@
	$(Q)$$(AR) rcsD $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(LIBS),$(eval $(call archive,$(l))))

.SECONDARY:
-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)

# ---- the circuit's keys: made by a local ceremony, cached --------------------------------------
ZK := server/workload/zk_groth16
ZK_IN := $(wildcard $(ZK)/setup.sh $(ZK)/*.circom $(ZK)/*.mjs deploy/tools/package-lock.json)
zk: $(if $(wildcard $(ZK)/setup.sh),$(O)/zk/.done) ## circuit, proving and verification key
$(O)/zk/.done: $(ZK_IN)
	$(ZK)/setup.sh $(abspath $(O)/zk)
	@touch $@

# ---- what people type --------------------------------------------------------------------------
deps: ## install Debian and npm packages that are missing (root or sudo)
	@deploy/deps/install

run: ## a market of your own, with real work; Ctrl-C stops it
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j$(JOBS) all zk
	@COMPUTEFI_BUILD=$(abspath $(O)) exec deploy/local/up --dir var $(if $(PORT),--port $(PORT))

demo: ## one task of each kind, settled, checked; bounded in time
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j$(JOBS) all zk
	@COMPUTEFI_BUILD=$(abspath $(O)) exec deploy/local/demo

test: ## every test; the last line is `N passed, N failed`
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j$(JOBS) all zk test-programs
	@COMPUTEFI_BUILD=$(abspath $(O)) exec tests/run $(TEST)

# The C tests once more under sanitizers; each keeps a build folder of its own.
sanitize: ## the C tests under address and undefined-behaviour sanitizers, the threaded ones under thread's
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=address,undefined zk test-programs
	@COMPUTEFI_BUILD=$(abspath build/san-address-undefined) tests/run _test.c
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=thread test-programs
	@COMPUTEFI_BUILD=$(abspath build/san-thread) tests/run unit/http unit/db unit/queue unit/core unit/client

bench: ## ours against the naive server, at most 3 minutes
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j$(JOBS) all zk $(BENCHES)
	@COMPUTEFI_BUILD=$(abspath $(O)) exec tests/bench/run

lint: ## format, clang-tidy, cppcheck, shellcheck, openapi
	@COMPUTEFI_BUILD=$(abspath $(O)) exec tests/style/lint

FUZZ_SECONDS ?= 20
fuzz: ## each fuzz target for FUZZ_SECONDS
	@tests/fuzz/run.sh $(FUZZ_SECONDS)

format: ## clang-format over every C file
	clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

clean: ## remove what was built
	rm -rf $(O)

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10
	@echo 'Variables: O=build CC=gcc SAN=address,undefined|thread PORT=8080 JOBS=2 TEST=pattern V=1'
