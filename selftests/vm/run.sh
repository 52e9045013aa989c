#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [OPTION]... KERNEL COMMAND: boots a kernel in QEMU on build/root.cpio, runs COMMAND there
# by bash, and exits as it did; or with 255 and the reason when the VM came to harm.
#
#   -d DIR          where console, stdout and files (what COMMAND put in /out) are left;
#                   without it build/vm/KERNEL
#   -f FILE[:PATH]  add a file to the root
#   -t SECONDS      call it a hang after that time (600)
#   -n              do not load the module
#   -l              show the output of COMMAND as it comes
#   -s              a person's shell: COMMAND has this terminal
#   -c              counted: one processor, a clock that counts instructions
#   -m              QEMU's monitor is at DIR/monitor, and what it logs goes to DIR/log
#
# MBOX_ACCEL=kvm|tcg overrules the choice of accelerator.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

usage() {
	sed -n 's/^# \{0,1\}//; 3,/^set /{/^set /!p}' "$0" >&2
	exit 2
}

dir='' extra=() seconds=600 load=yes live=no shell=no counted=no monitor=no
while getopts d:f:t:nlscm option; do
	case $option in
	d) dir=$OPTARG ;;
	f) extra+=("$OPTARG") ;;
	t) seconds=$OPTARG ;;
	n) load=no ;;
	l) live=yes ;;
	s) shell=yes ;;
	c) counted=yes ;;
	m) monitor=yes ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 2 ] || usage
name=$1 command=$2
dir=${dir:-$top/build/vm/$name}
kernel=$("$vm/kernel.sh" "$name")

lock "$dir" -n || die "another VM has its files in $dir: give this one its own with -d"
rm -rf "$dir"
mkdir -p "$dir/root" "$dir/files"
dir=$(realpath "$dir")

# The root for this run: the common one, then a second archive with what differs.
# The kernel would put a folder `lib` of the second in the place of the first one's link to usr/lib.
add() {
	local to=$2
	[[ ! $to =~ ^(bin|lib)/ ]] || to=usr/$to
	mkdir -p "$dir/root/$(dirname "$to")"
	cp -L "$1" "$dir/root/$to"
}
printf '%s\n' "$command" >"$dir/root/command"
[ $load = no ] || extra+=("$top/build/$name/mbox.ko:lib/mbox.ko")
for file in "${extra[@]}"; do
	from=${file%%:*}
	to=${file#"$from"}
	to=${to#:}
	add "$from" "${to:-$(basename "$from")}"
done
(
	cat "$top/build/root.cpio"
	cd "$dir/root" && find . | cpio -o -H newc -R 0:0 --quiet
) >"$dir/initrd"
rm -rf "$dir/root"

# An openable /dev/kvm proves nothing: in a VM without nested virtualization guests hang in it.
accelerator() {
	if [ -n "${MBOX_ACCEL-}" ]; then
		echo "$MBOX_ACCEL"
	elif grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then
		echo kvm
	else
		echo tcg
	fi
}

case $counted,$(accelerator) in
yes,*)
	machine=(-accel 'tcg,thread=single' -icount 'shift=0,sleep=off' -smp 1 -seed 1
		-rtc 'base=2024-01-01T00:00:00,clock=vm' -cpu 'max,-erms')
	arguments='nokaslr norandmaps'
	;;
*,kvm) machine=(-accel kvm -smp 2 -cpu host) arguments='' ;;
*,tcg) machine=(-accel 'tcg,thread=multi' -smp 2 -cpu max) arguments='' ;;
*) die "MBOX_ACCEL is kvm or tcg, not '$MBOX_ACCEL'" ;;
esac

# What runs there sees a serial line, and has to be told whether a terminal is at its other end.
if [ -t 1 ]; then
	{ read -r rows cols < <(stty size <&3); } 3>&1
	arguments+=" TERM=${TERM:-dumb} rows=$rows cols=$cols"
else
	arguments+=' TERM=dumb rows=24 cols=80'
fi
# loglevel=5 shows warnings and worse, which is all that the verdict needs. A busy host can keep
# the timer waiting for longer than the kernel's look for a broken one.
arguments+=" no_timer_check console=ttyS0 loglevel=5 panic=-1 oops=panic mitigations=off"
# The kernel would try its ciphers beside all else: that takes time, is counted, and under tcg its
# processor has met a breakpoint that the other one had just put into the code and taken out again.
arguments+=" cryptomgr.notests"
arguments+=" load=$load shell=$shell"

terminal=(-chardev 'stdio,id=terminal')
[ $shell = no ] ||
	terminal=(-chardev 'stdio,id=terminal,mux=on,signal=off' -mon chardev=terminal -echr 0x1d)
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -m 2G "${machine[@]}"
	-kernel "$kernel/vmlinuz" -initrd "$dir/initrd" -append "$arguments"
	-serial "file:$dir/console" -serial "file:$dir/out.tar"
	"${terminal[@]}" -serial chardev:terminal)
[ $monitor = no ] || qemu+=(-monitor "unix:$dir/monitor,server,nowait" -D "$dir/log")

# QEMU makes its stdout non-blocking, which whoever shares it would suffer from: hence the cat.
boot() {
	if [ $shell = yes ]; then
		"${qemu[@]}"
	elif [ $live = yes ]; then
		timeout --foreground "$seconds" "${qemu[@]}" </dev/null 2>"$dir/qemu" | tee "$dir/stdout"
	else
		timeout --foreground "$seconds" "${qemu[@]}" </dev/null 2>"$dir/qemu" | cat >"$dir/stdout"
	fi
}

# fail WHAT: ends with what went wrong; stdin is what there is to see of it.
fail() {
	printf 'VM %s: %s\n' "$name" "$1" >&2
	sed 's/^/    /' >&2
	printf '  the whole console is in %s\n' "$dir/console" >&2
	exit 255
}

# nothing_in FILE WHAT: what the init of the VM leaves there is a reason to fail.
nothing_in() {
	[ ! -s "$dir/files/$1" ] || fail "$2" <"$dir/files/$1"
}

ended=0
boot || ended=$?
rm -f "$dir/initrd"

complaint=$("$vm/splat.awk" "$dir/console") || fail "${complaint%%$'\n'*}" <<<"${complaint#*$'\n'}"
[ $shell = no ] || exit 0
[ $ended != 124 ] || fail "hang: not done after $seconds seconds" < <(tail -n 15 "$dir/stdout")
[ $ended = 0 ] || fail "QEMU failed" <"$dir/qemu"
tar -x -C "$dir/files" -f "$dir/out.tar" 2>/dev/null || true
rm -f "$dir/out.tar"
[ -s "$dir/files/exit" ] || fail 'it ended without its success token' < <(tail -n 15 "$dir/console")
nothing_in load 'the module does not load'
nothing_in unload 'the module is still in use at the end'
nothing_in leaks 'kmemleak reports a leak'
exit "$(cat "$dir/files/exit")"
