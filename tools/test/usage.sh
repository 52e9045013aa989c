#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# Wrong use: one line that says what and where to read more, nothing on the standard output, and
# the exit code for it. Nothing here comes as far as to the module.
set -eu
cd "$(dirname -- "$0")/.."
mbox=${MBOX:-build/mbox}
. test/tap.sh

out=$(mktemp)
err=$(mktemp)
trap 'rm -f "$out" "$err"' EXIT

# refused CODE TEXT ARGUMENT...: TEXT has to be in the line.
refused() {
	local code=$1 text=$2 got=0
	shift 2
	"$mbox" "$@" >"$out" 2>"$err" </dev/null || got=$?
	[ $got = "$code" ] && [ "$(wc -l <"$err")" = 1 ] && [ ! -s "$out" ] &&
		grep -q '^mbox' "$err" && grep -qF -- "$text" "$err" && got=0 || got=1
	ok $got "mbox $*" "$(cat "$err" "$out")"
}

refused 2 "no command is given (see 'mbox --help')"
refused 2 "'nonsense' is not a command" nonsense
refused 2 "'--nonsense' is not a command" --nonsense
refused 2 "'nonsense' is not a command" help nonsense
refused 2 "no command is given (see 'mbox seg --help')" seg
refused 2 "'nonsense' is not a command (see 'mbox seg --help')" seg nonsense
refused 2 "it takes NAME (see 'mbox create --help')" create
refused 2 "'/b' is too much" create /a /b
refused 2 "'--nonsense' is not an option here" create --nonsense /a
refused 2 "there is no option -z" create -xz /a
refused 2 "--capacity needs an argument" create /a --capacity
refused 2 "-c needs an argument" create /a -c
refused 2 "'many' is no capacity" create --capacity=many /a
refused 2 "'-1' is no capacity" create --capacity=-1 /a
refused 2 "too high a capacity" create --capacity=18446744073709551615 /a
refused 2 "'64X' is no message size" create --msgsize=64X /a
refused 2 "'64KB' is no message size" create --msgsize=64KB /a
refused 2 "'' is no message size" create --msgsize= /a
refused 7 "17M is too large a message size: the limit is 16M (16777216 bytes)" create --msgsize=17M /a
refused 7 "too large a message size" create --msgsize=99999999999999999999 /a
refused 7 "too large a limit of bytes" create --bytes=16E /a
refused 2 "raise --bytes or lower --msgsize" create --bytes=8K /a
refused 2 "a broadcast is no rendezvous: its --capacity is at least 1" create --broadcast --capacity=0 /a
refused 2 "--lossy is for a mailbox made with --broadcast" create --lossy /a
refused 2 "'888' is no mode" create --mode=888 /a
refused 2 "'1777' is no mode" create --mode=1777 /a
refused 2 "'rw' is no mode" create --mode=rw /a
refused 2 "'' is no name" create ''
refused 2 "'/' is no name" create /
refused 2 "'//a' is no name" create //a
refused 2 "'/a/b' is no name" create /a/b
refused 2 "'..' is no name" create ..
refused 7 "the name has 256 bytes, more than the limit of 255" create "/$(printf 'n%.0s' {1..256})"
refused 2 "'/a' is too much: it takes nothing" ls /a
refused 2 "it takes NAME" stat
refused 2 "it takes NAME [MESSAGE...], or --pid=PID" send
refused 2 "messages are numbered from 1 on" send --once=0 /a hello
refused 2 "'x' is no number" send --once=x /a hello
refused 2 "'0' is no process id" send --pid=0 hello
refused 2 "'me' is no process id" send --pid=me hello
refused 2 "too high a process id" send --pid=2147483648 hello
refused 2 "it takes NAME, or --own" recv
refused 2 "'/a' is too much: an own mailbox has no name" recv --own /a
refused 2 "'/a' is too much: an own mailbox has no name" recv --from=1 /a
refused 2 "--lease is for --exec" recv --lease=5 /a
refused 2 "'soon' is no time" recv --lease=soon --exec=true /a
refused 2 "32768 is too high a priority: the limit is 32767" send --prio=32768 /a
refused 2 "'-1' is no priority" send --prio=-1 /a
refused 2 "'high' is no priority" send --prio=high /a
refused 2 "too high a tag" send --tag=18446744073709551616 /a
refused 2 "'soon' is no time" send --timeout=soon /a
refused 2 "'-1' is no time" recv --timeout=-1 /a
refused 2 "'inf' is no time" recv --timeout=inf /a
refused 2 "'two' is no count" recv --count=two /a
refused 2 "'--sync' is not an option here" recv --sync /a
refused 2 "65536 is too high a place in the queue" peek /a 65536
refused 2 "it takes NAME [REQUEST...]" call
refused 2 "32768 is too high a priority" call --prio=32768 /a
refused 2 "'--sync' is not an option here" call --sync /a
refused 2 "it takes NAME COMMAND [ARG...]" serve
refused 2 "it takes NAME COMMAND [ARG...]" serve /a
refused 2 "'some' is no count" serve --count=some /a cat
refused 2 "it takes NAME [FILE]" save
refused 2 "'a/b' is no name" save a/b
refused 2 "it takes FILE [NAME]" restore
refused 2 "'//a' is no name" restore - //a
refused 1 "No such file or directory" restore /nonexistent/file
refused 1 "standard input: not a whole file of 'mbox save': its end is missing" restore -
refused 1 "not a whole file of 'mbox save': it begins otherwise" restore test/usage.sh
refused 2 "it takes NAME CAPACITY" resize /a
refused 2 "'x' is no capacity" resize /a x
refused 2 "it takes NAME [OTHER N]" dead-letter
refused 2 "it takes NAME, or NAME OTHER N" dead-letter /a /b
refused 2 "a message is delivered at least once" dead-letter /a /b 0
refused 2 "'many' is no number of deliveries" dead-letter /a /b many
refused 2 "4294967296 is too high a number of deliveries" dead-letter /a /b 4294967296
refused 2 "'a/b' is no name" dead-letter /a a/b 1
refused 2 "it takes MODE NAME..." chmod 600
refused 2 "'/a' is no mode" chmod /a 600
refused 2 "there is no user 'no-such-user'" chown no-such-user /a
refused 2 "there is no group 'no-such-group'" chown :no-such-group /a
refused 2 "it takes NAME..." rm
refused 2 "'a/b' is no name" rm /a a/b
refused 2 "it takes NAME..." mkfifo
refused 2 "'a/b' is no name" mkfifo /a a/b
refused 2 "'rw' is no mode" mkfifo --mode=rw /a
refused 2 "'many' is no capacity: it is a number of bytes" mkfifo --capacity=many /a
refused 2 "4095 is too low a capacity: a FIFO holds at least 4096 bytes" mkfifo --capacity=4095 /a
refused 7 "17M is too large a capacity: the limit is 16M" mkfifo --capacity=17M /a
refused 7 "17M is too large a capacity: the limit is 16M" resize /a 17M
refused 2 "it takes PROGRAM [ARG...]" open --input=/a
refused 2 "no FIFO is given: name one by --input, or --output, or both" open cat
refused 2 "'a/b' is no name" open --input=a/b cat
refused 2 "there is no option -d" open -i /a gzip -dc
refused 2 "it takes PROGRAM [ARG...]" pipe
refused 2 "it takes PROGRAM [ARG...]" pipe --
refused 2 "there is no option -n" pipe yes '|' head -n 1
for empty in '|' '| cat' 'cat |' 'cat | | cat'; do
	# shellcheck disable=SC2086 # each of its words is an argument
	refused 2 "a program is missing before or after '|'" pipe -- $empty
done
refused 2 "it takes [HOST] PORT" nc
refused 2 "'3' is too much: it takes [HOST] PORT" nc localhost 2 3
refused 2 "'example.org' is too far: sockets of mbox reach this machine only, localhost" nc example.org 80
refused 2 "'localhost' is no port: it is a number" nc localhost
refused 2 "65536 is too high a port: the limit is 65535" nc --listen 65536
refused 2 "nobody has port 0: it is for --listen" nc 127.0.0.1 0
refused 2 "--keep is for --listen" nc --keep 5000
refused 2 "--keep is for connections" nc --listen --keep --datagram 5000
refused 2 "it takes NAME LENGTH" seg create /a
refused 2 "'long' is no length" seg create /a long
refused 2 "'long' is no length" seg resize /a long
refused 2 "'tight' is no seal: there are shrink, grow, write and seal" seg seal /a grow tight
refused 2 "'-4' is no offset" seg read --offset=-4 /a
refused 2 "from 0.05 to 3600 seconds" watch --interval=0
refused 2 "this is no terminal: use 'mbox ls'" watch

# told CODE ARGUMENT...: help or version on the standard output alone.
told() {
	local got=0
	"$mbox" "$@" >"$out" 2>"$err" </dev/null || got=$?
	[ $got = 0 ] && [ -s "$out" ] && [ ! -s "$err" ] || got=1
	ok $got "mbox $*" "$(cat "$err")"
}

told --help
told -h
told help
told --version
told -V
told seg --help
told help seg
told send --help /a --nonsense
same "a full disk is told" "$("$mbox" --help 2>&1 >/dev/full || echo $?)" \
	"mbox: standard output: No space left on device
1"

# One program alone needs no pipe: it runs, and its exit status is told as a shell does.
# ends CODE PROGRAM...
ends() {
	local wanted=$1 got=0
	shift
	"$mbox" pipe -- "$@" >"$out" 2>"$err" </dev/null || got=$?
	same "mbox pipe -- $*" "$got" "$wanted"
}

ends 0 test -n x
ends 7 sh -c 'exit 7'
ends 137 sh -c 'kill -KILL $$'
ends 126 /
ends 127 no-such-program
same "it says so" "$(cat "$err")" "mbox pipe: no-such-program: No such file or directory"

# Without the module: each command says so.
without_module() {
	if [ -e /dev/mbox ]; then
		ok 0 "mbox $* without the module # SKIP the module is loaded here"
	else
		refused 10 "/dev/mbox is not there: the module is not loaded: as root 'modprobe mbox', or 'insmod mbox.ko'" "$@"
	fi
}

without_module create /a
without_module ls
without_module stat /a
without_module send /a hello
without_module recv /a
without_module recv --own
without_module send --pid=1 hello
without_module peek /a
without_module call /a hello
without_module serve /a cat
without_module resize /a 1
without_module dead-letter /a
without_module chmod 600 /a
without_module chown 0 /a
without_module rm /a
without_module mkfifo /a
without_module open --input=/a cat
without_module pipe true '|' true
without_module nc 5000
without_module nc --listen --datagram 0
without_module seg create /a 1
without_module seg ls
without_module seg stat /a
without_module seg resize /a 1
without_module seg seal /a grow
without_module seg read /a
without_module seg write /a
without_module seg rm /a
without_module watch --json
done_testing
