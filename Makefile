# SPDX-License-Identifier: GPL-2.0
#
# make                    the module, the library and the command
# make demo               boot a VM and watch the mailboxes at work on real text
# make check              all tests, on Linux 6.1 and 6.12, and a closing line that counts them
# make vm                 a shell in a VM with the module loaded
# make bench              measure; COUNT=1: count instructions; JSON=FILE: leave the figures there
# make compare            count, and fail where mbox takes over 3 % more than in tools/bench/baseline.json
# make baseline           count, and make that the baseline and its picture
# make profile WORK=...   what the instructions of a message are for: see tools/bench/costs.md
# make programs           try programs that this machine has by mbox run, in the VM
# make faults             calls by a network that loses and doubles them; CALLS=100000 for each test
# make lint               everything that reads the sources and complains
# make install DESTDIR=   the library and the command
# make clean              remove build/ (the cache of kernels stays: see selftests/vm/lib.sh)
#
# KERNEL=6.1, 6.12, rt or debug picks the kernel; where nothing is said it is 6.12.

vm := selftests/vm
kernel := $(or $(KERNEL),6.12)
jobs := $(shell nproc)

# Each step uses all processors by itself; two at a time would ask apt for its lock at once.
.NOTPARALLEL:

all: module-$(kernel) tools

deps:
	@$(vm)/deps.sh

module-%: deps
	@printf '  BUILD   mbox.ko for Linux %s\n' $*
	@$(vm)/module.sh $* build/$*

libmbox: deps
	@printf '  BUILD   %s\n' $@
	@$(MAKE) -s -j$(jobs) -C $@

tools: libmbox
	@printf '  BUILD   %s\n' $@
	@$(MAKE) -s -j$(jobs) -C $@
	@$(MAKE) -s -j$(jobs) -C $@/demo

root: libmbox tools
	@printf '  BUILD   %s\n' 'the root of the VM, with the tests'
	@$(vm)/root.sh build/root.cpio

demo: module-$(kernel) root
	@$(vm)/run.sh -l $(kernel) /usr/share/mbox-demo/demo.sh

check: $(addprefix module-,$(or $(KERNEL),6.1 6.12)) root
	@$(vm)/check.sh $(KERNEL)

vm: module-$(kernel) root
	@echo "A shell on Linux $(kernel): leave it with 'exit'; if it hangs, with Ctrl-] and then x."
	@$(vm)/run.sh -s $(kernel) 'exec bash -l'

bench: module-$(kernel) root
	@$(vm)/run.sh $(if $(COUNT),-c) -t 3600 $(if $(JSON),,-l) $(kernel) \
		'mbox bench $(if $(COUNT),--count) $(if $(JSON),--json >/out/bench.json)'
	@$(if $(JSON),cp build/vm/$(kernel)/files/bench.json $(JSON))

# The figures that are kept are those of the default kernel.
build/counted.json: module-6.12 root
	@$(vm)/run.sh -c -t 3600 6.12 'mbox bench --count --json >/out/bench.json'
	@cp build/vm/6.12/files/bench.json $@

counted_kernel = $$(cat "$$($(vm)/kernel.sh 6.12)/version")

compare: build/counted.json
	@tools/bench/compare.sh tools/bench/baseline.json $< "$(counted_kernel)"

baseline: build/counted.json
	@cp $< tools/bench/baseline.json
	@sed -i "\$$s/.*/$(counted_kernel)/" tools/bench/baseline.kernel
	@tools/bench/picture.sh $< >tools/bench/bench.svg

profile: module-6.12 root
	@$(vm)/profile/profile.py $(WORK)

programs: module-$(kernel) root
	@$(vm)/programs.sh $(kernel)

faults: module-$(kernel) root
	@$(vm)/run.sh -l -t 3600 $(kernel) \
		'MBOX_RPC_CALLS=$(or $(CALLS),100000) /usr/lib/kselftests/mbox/libmbox_rpc_faults_test'

lint: libmbox
	@$(vm)/lint.sh

install: all
	@$(MAKE) -s -C libmbox install
	@$(MAKE) -s -C tools install

clean:
	rm -rf build libmbox/build tools/build tools/demo/build

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

.PHONY: all deps libmbox tools root demo check vm bench compare baseline profile programs faults lint install clean help
