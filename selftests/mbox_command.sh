#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The mbox command, on the module: every subcommand, what it prints as JSON, pipelines, and each
# kind of failure with its exit code and its one line. Wrong use that does not come as far as to
# the module is in tools/test.
set -u

. "$(dirname -- "$(realpath -- "$0")")/common.sh"
out=$dir/out
err=$dir/err
parameters=/sys/module/mbox/parameters

# prints NAME EXPECTED ARGUMENT...: mbox does, says nothing else, and succeeds.
prints() {
	local name=$1 expected=$2 status=0
	shift 2
	: >"$dir/expected"
	mbox "$@" >"$out" 2>"$err" </dev/null || status=1
	[ ! -s "$err" ] || status=1
	[ -z "$expected" ] || printf '%s\n' "$expected" >"$dir/expected"
	cmp -s "$out" "$dir/expected" || status=1
	ok $status "$name" "mbox $*" "got: $(cat "$out" "$err")" "expected: $expected"
}

# does ARGUMENT...: mbox says nothing and succeeds.
does() {
	prints "mbox $*" '' "$@"
}

# refuses CODE TEXT ARGUMENT...: mbox fails so, and TEXT is in the one line that it says.
refuses() {
	local code=$1 text=$2
	shift 2
	refuses_as "$code" "$text" mbox "$@"
}

refuses_as() {
	local code=$1 text=$2 got=0
	shift 2
	"$@" >"$out" 2>"$err" </dev/null || got=$?
	if [ $got = "$code" ] && [ ! -s "$out" ] && [ "$(wc -l <"$err")" = 1 ] &&
		grep -q '^mbox' "$err" && grep -qF -- "$text" "$err"; then
		ok 0 "exit $code: $*"
	else
		ok 1 "exit $code: $*" "exited with $got" "$(cat "$out" "$err")" "expected: $text"
	fi
}

# json NAME FILTER ARGUMENT...: mbox prints JSON, one value a line, of which the filter holds.
json() {
	local name=$1 filter=$2 status=0
	shift 2
	mbox "$@" >"$out" 2>"$err" </dev/null || status=1
	jq -e "$filter" <"$out" >"$dir/jq" 2>>"$err" || status=1
	[ "$(jq -c . <"$out" 2>>"$err" | wc -l)" = "$(wc -l <"$out")" ] || status=1
	ok $status "$name" "mbox $*" "$(cat "$out" "$err")" "expected: $filter"
}

# status NAME FILTER: of the mailbox now
# shellcheck disable=SC2317 # called by becomes
status() {
	mbox stat --json "$1" | jq -e "$2"
}

remove_all() {
	local names
	names=$(mbox ls --json | jq -r '.[].name // empty')
	# shellcheck disable=SC2086 # the names of this test have no blanks
	[ -z "$names" ] || mbox rm $names
}

test_create() {
	does create --capacity=4 --msgsize=100 --bytes=300 --mode=640 /jobs
	json 'it is as asked for' '.capacity == 4 and .msgsize == 100 and .bytes == 300 and
		.mode == "0640" and .hangup == false and .uid == 0 and .name == "/jobs" and
		.kind == "mailbox" and .queued == 0 and .senders == 0 and .receivers == 0' stat --json /jobs
	does create --capacity=4 --msgsize=100 --bytes=300 jobs
	mbox create /jobs 2>"$err"
	holds 'one that is not as asked for is told' grep -q 'was there already, and is not as asked for' "$err"
	refuses 4 "/jobs: the name is in use: choose another, or 'mbox rm' it first" create --exclusive /jobs
	does create --exclusive --hangup -c unbounded -s 16M /other
	json 'the short options too' '.capacity == null and .bytes == null and .hangup and
		.msgsize == 16777216' stat --json /other
	(umask 027 && mbox create /masked && mbox create --mode=666 /unmasked)
	same 'the umask counts' "$(mbox stat --json /masked | jq -r .mode)" 0640
	same 'and a mode given does not mind it' "$(mbox stat --json /unmasked | jq -r .mode)" 0666
	does create --capacity=0 /meet
	json 'rendezvous' '.capacity == 0' stat --json /meet
	remove_all
}

test_send_recv() {
	does create --capacity=10 /jobs
	does send /jobs one 'two words' ''
	prints 'received in order, an empty one too' $'one\ntwo words\n' recv --count=3 /jobs
	printf 'a\n\nb' | mbox send /jobs
	prints 'lines are messages, the last without its newline too' $'a\n\nb' recv --count=3 /jobs
	printf 'x\ny\0z\0' | mbox send --null /jobs
	mbox recv --count=2 --null /jobs | od -c >"$out"
	same 'NUL between messages' "$(cat "$out")" "$(printf 'x\ny\0z\0' | od -c)"
	head -c 5000 /dev/urandom >"$dir/bytes"
	mbox send --raw /jobs <"$dir/bytes"
	mbox recv --raw --count=1 /jobs >"$out"
	holds 'bytes as they are' cmp "$out" "$dir/bytes"
	does send --prio=1 /jobs low
	does send --prio=32767 --tag=18446744073709551615 /jobs high
	does send -- /jobs -dash
	prints 'by priority' $'high\nlow\n-dash' recv --nonblock /jobs
	does send /jobs late
	prints 'what came in time, and success' late recv --timeout=0.1 /jobs
	prints 'none is wanted' '' recv --count=0 /jobs
	remove_all
}

test_json_messages() {
	mbox create /jobs
	mbox send --prio=7 --tag=18446744073709551615 /jobs 'é "x"' &
	local pid=$!
	wait $pid
	printf '\377\0' | mbox send --raw /jobs
	mbox send /jobs ''
	json 'a message with all that is known of it' ".name == \"/jobs\" and .data == \"é \\\"x\\\"\" and
		.length == 6 and .prio == 7 and .pid == $pid and .uid == 0 and .gid == 0" peek --json /jobs
	holds 'its tag has all 64 bits' grep -q '"tag":18446744073709551615,' "$out"
	json 'bytes that are no UTF-8' '.data_base64 == "/wA=" and (has("data") | not)' peek --json /jobs 1
	json 'an empty message' '.data == "" and .length == 0' peek --json /jobs 2
	json 'one a line' '.length != null' recv --json --count=3 /jobs
	same 'three lines' "$(wc -l <"$out")" 3
	chmod 666 /dev/mbox
	mbox chmod 666 /jobs
	as_user mbox send /jobs hello
	json 'the sender as the kernel knows it' '.uid == 1000 and .gid == 1000' recv --json --count=1 /jobs
	remove_all
}

test_peek() {
	mbox create /jobs
	mbox send /jobs a b c
	prints 'the next' a peek /jobs
	prints 'the third' c peek /jobs 2
	refuses 3 "/jobs: there is no message 3 (the first is 0)" peek /jobs 3
	json 'all are there still' '.queued == 3' stat --json /jobs
	mbox peek --null /jobs 1 | od -c >"$out"
	same 'with NUL' "$(cat "$out")" "$(printf 'b\0' | od -c)"
	mbox peek --raw /jobs 1 | od -c >"$out"
	same 'raw' "$(cat "$out")" "$(printf b | od -c)"
	remove_all
}

test_call() {
	local server caller received
	does create --msgsize=100 /upper
	mbox serve --count=5 /upper -- tr a-z A-Z &
	server=$!
	prints 'a reply' 'MAKE ME TALL' call /upper 'make me tall'
	prints 'replies, one a line' 'A
B' call /upper a b
	json 'a reply and who gave it' ".data == \"X\" and .tag == 7 and .pid == $server" \
		call --json --tag=7 /upper x
	same 'each line is a request' "$(echo last | mbox call /upper)" LAST
	ended $server
	same 'it serves as many as it was told' $? 0

	refuses 6 '/upper: request 1 was not answered in time' call --timeout=0.1 /upper x
	refuses 7 '/upper: request 1 is too large' call /upper "$(printf 'x%.0s' {1..101})"
	same 'what was not answered in time is gone' "$(mbox stat --json /upper | jq .queued)" 0

	# shellcheck disable=SC2016 # the command's
	mbox serve --count=3 /upper -- sh -c 'read -r x; [ "$x" != bad ] && echo "$x"' 2>"$dir/served" &
	server=$!
	refuses 8 '/upper: request 1 was received, and its receiver went without an answer' call /upper bad
	prints 'a server outlives what it cannot answer' good call --raw /upper good
	holds 'it says so' grep -qF '/upper: the command failed: its caller gets no reply' "$dir/served"
	mbox call /upper x >"$out" &
	caller=$!
	ended $server
	ended $caller
	same 'the last' "$(cat "$out")" x

	received=$(mbox stat --json /upper | jq .received)
	mbox serve /upper sleep 3 &
	server=$!
	mbox call /upper x 2>"$err" &
	caller=$!
	holds 'the request is received' becomes status /upper ".received > $received"
	kill -9 $server
	ended $caller
	same 'a server that is killed is told at once' $? 8
	mbox rm /upper
}

# damaged WHAT TEXT: the file is refused, and nothing is there.
damaged() {
	echo "# $1"
	refuses 1 "$dir/bad: not a whole file of 'mbox save': $2" restore "$dir/bad" /bad
	refuses 3 /bad stat /bad
}

# patch OFFSET BYTES: in the file, whose checksum is then made good again.
patch() {
	local size
	size=$(($(stat -c %s "$dir/good") - 4))
	head -c $size "$dir/good" >"$dir/bad"
	# shellcheck disable=SC2059 # bytes in octal
	printf "$2" | dd of="$dir/bad" bs=1 seek="$1" conv=notrunc 2>/dev/null
	# The last 8 bytes of a gzip file are the CRC-32 and the length.
	gzip <"$dir/bad" | tail -c 8 | head -c 4 >"$dir/crc"
	cat "$dir/crc" >>"$dir/bad"
}

test_save() {
	local i before
	mbox create --capacity=20 --msgsize=100 --bytes=900 --mode=640 --hangup /jobs
	mbox send --prio=3 --tag=7 /jobs low
	mbox send --prio=9 --tag=8 /jobs 'high' 'high too'
	printf '\0\377\n' | mbox send --raw /jobs
	mbox send /jobs ''
	before=$(mbox stat --json /jobs)
	does save /jobs "$dir/good"
	same 'the messages stay' "$(mbox stat --json /jobs)" "$before"
	same 'others cannot read them' "$(stat -c %a "$dir/good")" 600
	mbox save /jobs >"$dir/piped"
	holds 'the same to a pipe' cmp "$dir/good" "$dir/piped"

	refuses 4 '/jobs' restore "$dir/good"
	does restore "$dir/good" /again
	# shellcheck disable=SC2016 # the variables are jq's
	holds 'the same attributes' jq -en --argjson a "$before" \
		--argjson b "$(mbox stat --json /again)" \
		'[$a, $b] | map([.capacity, .msgsize, .bytes, .mode, .queued, .queued_bytes, .flags]) | .[0] == .[1]'
	mbox save /again "$dir/good2"
	mbox recv --nonblock --json /again | jq -c '[.data, .data_base64, .prio, .tag]' >"$dir/again"
	mbox recv --nonblock --json /jobs | jq -c '[.data, .data_base64, .prio, .tag]' >"$dir/jobs"
	holds 'the same messages in the same order' cmp "$dir/jobs" "$dir/again"
	same 'all of them' "$(wc -l <"$dir/again")" 5
	holds 'the same file, but for its name' cmp <(tail -c +69 "$dir/good" | head -c -4) \
		<(tail -c +70 "$dir/good2" | head -c -4)
	mbox rm /jobs /again
	mbox restore - <"$dir/good"
	json 'under its old name' '.queued == 5' stat --json /jobs

	for i in 0 7 8 60 64 70 80 100; do
		head -c $i "$dir/good" >"$dir/bad"
		damaged "a file cut off after $i bytes" 'its end is missing'
	done
	head -c -1 "$dir/good" >"$dir/bad"
	damaged 'a checksum cut off' 'its end is missing'
	cp "$dir/good" "$dir/bad"
	echo >>"$dir/bad"
	damaged 'a longer file' 'something follows its end'
	cp "$dir/good" "$dir/bad"
	printf X | dd of="$dir/bad" bs=1 seek=90 conv=notrunc 2>/dev/null
	damaged 'a changed byte' 'its checksum is wrong'
	patch 0 M
	damaged 'another magic' 'it begins otherwise'
	patch 12 '\377'
	damaged 'flags that are none' 'no mailbox has such attributes'
	patch 24 '\377\377\377\377'
	damaged 'a size of message past the limit' 'no mailbox has such attributes'
	patch 32 '\1\0'
	damaged 'a limit of bytes below it' 'no mailbox has such attributes'
	patch 60 '\0'
	damaged 'no name' 'no mailbox has such attributes'
	patch 60 '\0\1'
	damaged 'too long a name' 'no mailbox has such attributes'
	patch 40 '\377\377\377\377\377\377\377\377'
	damaged 'more messages than there are' 'its end is missing'
	patch 48 '\377'
	damaged 'more bytes than there are' 'its messages are too small'
	patch 48 '\1'
	damaged 'fewer bytes than there are' 'its messages are too large'
	patch 80 '\377\377\377\377'
	damaged 'a message past the largest' 'no mailbox has such a message'
	patch 8 '\2'
	refuses 1 'it has version 2 of the format' restore "$dir/bad" /bad

	mbox create --capacity=unbounded /empty
	mbox save /empty "$dir/empty"
	mbox rm /empty
	does restore "$dir/empty"
	json 'an empty one' '.queued == 0 and .capacity == null and .senders == 0' stat --json /empty
	refuses 3 'no such name' save /nothing "$dir/nothing"
	refuses 1 'No such file' save /jobs "$dir/no/such"
	holds 'nothing is left over' test -z "$(find "$dir" -mindepth 1 -name '*.??????')"
	remove_all
}

test_waiting() {
	local pid
	mbox create --capacity=1 /jobs
	mbox send /jobs one two &
	pid=$!
	becomes status /jobs '.waiting_senders == 1'
	json 'ls tells who waits to send' ".[0] | .name == \"/jobs\" and .queued == 1 and
		.waiting_senders == 1 and .send_wait_pid == $pid and .send_wait_ms >= 0" ls --json
	mbox ls >"$out"
	holds 'and shows it' grep -qE "^/jobs  ########## 1/1  .* 1, 1 waits [0-9.hms]+ \(pid $pid\)  0 " "$out"
	json 'ls --waits tells it too' ".pid == $pid and .in == \"send\" and .name == \"/jobs\" and
		.for == null and .wait_ms >= 0" ls --waits --json
	mbox ls --waits >"$out"
	holds 'and in a line' grep -qE "^ +$pid  send  +-  +[0-9.hms]+  /jobs$" "$out"
	mbox stat /jobs >"$out"
	holds 'and so does stat' grep -qE "^Senders: +1 open, 1 waiting, the longest for .* \(pid $pid\)$" "$out"
	refuses 6 "/jobs: message 1 would have to wait" send --nonblock /jobs x
	refuses 6 "/jobs: message 1 was not taken in time" send --timeout=0.1 /jobs x
	does resize /jobs 2
	holds 'room lets the sender in' ended $pid
	prints 'with its message' $'one\ntwo' recv --nonblock /jobs
	refuses 6 '/jobs: it is empty after 0 messages' recv --nonblock /jobs
	refuses 6 '/jobs: the time was up after 0 messages' recv --timeout=0.1 /jobs

	mbox recv --count=1 /jobs >"$dir/got" &
	pid=$!
	becomes status /jobs '.waiting_receivers == 1'
	json 'ls tells who waits to receive' ".[0] | .waiting_receivers == 1 and .recv_wait_pid == $pid and
		.receivers == 1" ls --json
	does send --sync /jobs now
	holds 'the receiver ends' ended $pid
	same 'with its message' "$(cat "$dir/got")" now
	refuses 6 'would have to wait' send --sync --nonblock /jobs x
	refuses 6 'was not taken in time' send --sync --timeout=0.1 /jobs x
	json 'what was not sent is not there' '.queued == 0 and .sent == .received' stat --json /jobs
	does send --once=1 /jobs one two
	does send --once=2 /jobs two
	prints 'what was sent before is not sent again' $'one\ntwo' recv --count=2 --nonblock /jobs
	printf '%s\n' one two three >"$dir/numbered"
	holds 'the same command sends what is left' mbox send --once=1 /jobs <"$dir/numbered"
	prints 'and that only' three recv --nonblock /jobs
	mbox send /jobs a
	mbox recv --count=2 --nonblock /jobs >"$out" 2>"$err"
	same 'too few are a failure' "$? $(cat "$out")" '6 a'
	remove_all
}

test_resize() {
	mbox create --capacity=10 /jobs
	mbox send /jobs 1 2 3
	does resize /jobs 2
	refuses 6 'would have to wait' send --nonblock /jobs x
	mbox ls >"$out"
	holds 'more than it holds' grep -q '########## 3/2 ' "$out"
	does resize /jobs unbounded
	does resize /jobs 0
	json 'to none' '.capacity == 0 and .queued == 3' stat --json /jobs
	prints 'nothing is lost' $'1\n2\n3' recv --count=3 /jobs
	remove_all
}

test_hangup() {
	local pid
	does create --hangup --capacity=10 /lines
	mbox recv /lines >"$dir/got" &
	pid=$!
	becomes status /lines '.waiting_receivers == 1'
	mbox stat /lines >/dev/null
	does chmod 666 /lines
	json 'to look at it is not to be its peer' '.receivers == 1 and .senders == 0' stat --json /lines
	seq 100 | mbox send /lines
	ended $pid
	same 'the receiver comes to the end' $? 0
	holds 'with all lines' cmp "$dir/got" <(seq 100)
	refuses 8 '/lines: message 1 not sent: no receiver is left' send /lines x
	remove_all

	mbox create --hangup /lines
	mbox send /lines x
	mbox recv --count=2 /lines >"$out" 2>"$err"
	same 'fewer than wanted' "$? $(cat "$out" "$err")" \
		'8 x
mbox recv: /lines: no sender is left after 1 of 2 messages'
	remove_all
}

# A process that is told on its standard input whom to send to, and then the messages.
sender_told_by() {
	# shellcheck disable=SC2016 # it is for that shell to expand
	exec bash -c 'read -r to; exec mbox send --pid="$to"' <"$1"
}

test_direct() {
	local receiver sender
	mkfifo "$dir/orders"
	mbox recv --own --count=2 --json >"$dir/got" &
	receiver=$!
	becomes mbox send --pid=$receiver one
	refuses_as 5 "process $receiver: no permission to send to it" \
		as_user mbox send --pid=$receiver x
	does send --pid=$receiver two
	ended $receiver
	same 'a process receives what is sent to it' "$? $(jq -r .data <"$dir/got" | paste -sd ' ')" '0 one two'
	refuses 3 "process $receiver: there is no such process" send --pid=$receiver late
	refuses 3 "process $$: it has no mailbox of its own" send --pid=$$ x

	sender_told_by "$dir/orders" &
	sender=$!
	mbox recv --from=$sender >"$dir/got" &
	receiver=$!
	becomes mbox send --pid=$receiver stranger
	printf '%s\n' $receiver hello again >"$dir/orders"
	ended $sender
	same 'a sender that has sent all' $? 0
	ended $receiver
	same 'its messages alone are received, until it is gone' "$? $(paste -sd ' ' "$dir/got")" '0 hello again'

	mbox recv --own >"$dir/got" &
	receiver=$!
	becomes mbox send --pid=$receiver first
	sender_told_by "$dir/orders" 2>"$err" &
	sender=$!
	exec 8>"$dir/orders"
	printf '%s\n' $receiver second >&8
	becomes grep -q second "$dir/got"
	kill -9 $receiver
	ended $receiver 2>/dev/null
	echo third >&8
	ended $sender
	same 'a sender to a process that was killed' "$? $(cat "$err")" \
		"8 mbox send: process $receiver: message 2 not sent: it is gone"
	exec 8>&-
	refuses 8 'it is gone after 0 messages' recv --from=$receiver
	refuses 6 "process $$: the time was up after 0 messages" recv --from=$$ --timeout=0.1
	refuses 6 'own mailbox: it is empty after 0 messages' recv --own --nonblock
}

# Descriptors in messages: a file, and the port that a request wants its answer at.
test_handles() {
	local pid
	does create --handles --capacity=10 /questions
	does create --capacity=10 /answers
	json 'made for descriptors' '.handles and (.hangup | not)' stat --json /questions
	json 'as others are not' '.handles | not' stat --json /answers

	echo 'in the file' >"$dir/file"
	does send --fd=3 /questions 'read it' 3<"$dir/file"
	json 'peek counts them' '.data == "read it" and .descriptors == 1' peek --json /questions
	refuses 7 'carries 1 descriptors, which only --exec can make use of' recv --nonblock /questions
	prints 'the command has message and file' $'read it\nin the file' \
		recv --count=1 --exec='cat; echo; cat <&3' /questions

	mbox recv --count=3 --exec='sed "s/.*/<&>/" >&3' /questions &
	pid=$!
	does send --port=/answers /questions abc def ghi
	prints 'each is answered to the port' $'<abc>\n<def>\n<ghi>' recv --count=3 /answers
	ended $pid
	same 'and that is all' $? 0

	does send --fd=3 --port=/answers --fd=4 /questions x 3<"$dir/file" 4<"$dir/file"
	prints 'in their order' $'in the file\nin the file' \
		recv --count=1 --exec='cat <&3; printf second >&4; cat /dev/fd/5' /questions
	prints 'each of its kind' second recv --count=1 /answers

	mbox send /questions 1 2 3
	refuses 1 'the command failed on message 2 with status 9' \
		recv --exec='grep -qx 1 || exit 9' /questions
	prints 'what comes after it stays' 3 recv --count=1 /questions

	refuses 1 'descriptor 77 is not open' send --fd=77 /questions x
	refuses 1 "only a mailbox made with 'mbox create --handles' takes descriptors" \
		send --fd=0 /answers x
	refuses 3 '/nowhere: no such name' send --port=/nowhere /questions x
	refuses 2 '--exec prints nothing' recv --exec=cat --json /questions
	json 'nothing of that was sent' '.queued == 0' stat --json /questions
	remove_all
}

# Leases: what a command does not get done goes back.
test_lease() {
	local worker
	does create --handles /jobs
	does send --prio=1 /jobs one
	does send /jobs two three
	prints 'acknowledged when the command succeeds' one recv --lease=60 --count=1 --exec='cat; echo' /jobs
	json 'it is gone' '.queued == 2 and .held == 0' stat --json /jobs
	refuses 1 'the command failed on message 1 with status 9: it went back' \
		recv --lease=0 --exec='exit 9' /jobs
	json 'to where it was, and tells so' '.data == "two" and .deliveries == 1' peek --json /jobs
	refuses 1 'the lease of message 1 was over before the command: it went back; give it longer by --lease' \
		recv --lease=0.01 --exec='until mbox stat --json /jobs | jq -e ".held == 0" >/dev/null; do :; done' /jobs
	json 'it came back twice' '.data == "two" and .deliveries == 2' recv --count=1 --json /jobs
	json 'the other never' '.data == "three" and .deliveries == 0 and .sequence == 3' recv --count=1 --json /jobs

	does send --fd=3 /jobs 'read it' 3<"$dir/file"
	refuses 1 'it went back' recv --lease=60 --exec='[ ! -e /proc/self/fd/3 ]' /jobs
	prints 'with its descriptors' 'in the file' recv --lease=60 --count=1 --exec='cat <&3' /jobs

	mkfifo "$dir/hold"
	does send /jobs precious
	mbox recv --lease=0 --exec="read -r x <$dir/hold" /jobs &
	worker=$!
	holds 'a worker is at work' becomes status /jobs '.held == 1 and .queued == 0'
	refuses 6 'it is empty' recv --nonblock /jobs
	mbox stat /jobs >"$out"
	holds 'stat says so' grep -qE '^Held: +1 message, leased or without a reply$' "$out"
	kill -9 $worker
	ended $worker 2>/dev/null
	json 'one that is killed loses nothing' '.data == "precious" and .deliveries == 1' \
		recv --nonblock --json /jobs
	echo >"$dir/hold"
	mbox create --broadcast /news
	refuses 1 'cannot receive from it' recv --lease=0 --exec=true /news
	remove_all
}

test_dead_letter() {
	local i
	does create --msgsize=100 /jobs
	does create --msgsize=100 --capacity=1 /failed
	does send /failed full
	does dead-letter /jobs /failed 2
	json 'stat tells' '.max_deliveries == 2' stat --json /jobs
	mbox stat /jobs >"$out"
	holds 'and shows it' grep -qE '^Deliveries: at most 2, then it is a dead letter$' "$out"
	does send /jobs poison good
	for i in 1 2; do
		refuses 1 'the command failed on message 1 with status 1: it went back' \
			recv --lease=60 --exec='! grep -q poison' /jobs
	done
	does recv --nonblock --lease=60 --exec='! grep -q poison' /jobs
	json 'it is a dead letter, also where that is full' '.data == "poison" and .deliveries == 2' \
		peek --json /failed 1
	does dead-letter /jobs
	json 'no limit any more' '.max_deliveries == null' stat --json /jobs

	refuses 2 '/jobs: it cannot take its own dead letters: name another mailbox' dead-letter /jobs /jobs 1
	mbox create --msgsize=99 /small
	refuses 7 '/small: its messages are smaller than those of /jobs' dead-letter /jobs /small 1
	mbox create --broadcast --msgsize=100 /news
	refuses 1 '/news: it is for --broadcast, or without the --handles of /jobs' dead-letter /jobs /news 1
	refuses 3 '/none: no such name' dead-letter /none /failed 1
	refuses 3 '/none: no such name' dead-letter /jobs /none 1
	mbox seg create /table 1
	refuses 11 '/table: that is a segment' dead-letter /jobs /table 1
	mbox chmod 666 /jobs /failed
	refuses_as 5 '/jobs: only its owner or root may choose its dead-letter mailbox' \
		as_user mbox dead-letter /jobs /failed 1
	mbox chmod 600 /failed
	as_user mbox create /mine
	refuses_as 5 '/failed: no permission to send to it' as_user mbox dead-letter /mine /failed 1
	json 'nothing has changed' '.max_deliveries == null' stat --json /jobs
	remove_all
}

# A megabyte of lines: empty ones, long ones, blanks, tabs, bytes of all kinds.
make_text() {
	awk 'BEGIN {
		for (i = 0; i < 4000; i++) {
			line = sprintf("%d\t  line \\ \"quoted\" é %c", i, 128 + i % 128)
			if (i % 7 == 0)
				line = ""
			if (i % 500 == 0)
				for (j = 0; j < 10; j++)
					line = line line j
			for (j = 0; j < i % 500; j++)
				line = line "."
			print line
		}
	}'
}

# A receiver gets what is sent once it is there: wait until it is.
start_listener() {
	local open=$1
	shift
	mbox recv "$@" &
	becomes status /news ".receivers == $open"
}

test_broadcast() {
	local first second
	does create --broadcast --capacity=2 --hangup /news
	json 'it is one' '.broadcast and (.lossy | not) and .dropped == 0 and .kind == "mailbox" and
		.hangup' stat --json /news
	json 'ls tells' '.[0].broadcast and .[0].kind == "mailbox"' ls --json
	mbox ls >"$out"
	holds 'and shows it' grep -qE '^/news .* broadcast ' "$out"
	mbox stat /news >"$out"
	holds 'and so does stat' grep -qE '^Broadcast: +every receiver gets all, senders wait' "$out"
	start_listener 1 /news >"$dir/first"
	first=$!
	start_listener 2 --json /news >"$dir/second"
	second=$!
	printf '%s\n' one two three four five | mbox send /news
	holds 'the first receiver ends with the senders' ended $first
	holds 'the second too' ended $second
	same 'the first got all' "$(paste -sd ' ' "$dir/first")" 'one two three four five'
	same 'the second got all' "$(jq -r .data "$dir/second" | paste -sd ' ')" 'one two three four five'
	same 'and missed none' "$(jq -s 'map(.missed) | add' "$dir/second")" 0
	json 'it was sent once and received twice' '.sent == 5 and .received == 10' stat --json /news
	refuses 8 'no receiver is left' send /news alone
	refuses 1 'cannot peek into it' peek /news
	refuses 1 'the mailbox was not made for that' send --prio=1 /news x
	remove_all
}

# shellcheck disable=SC2317 # called by becomes
stopped() {
	grep -q '^State:.*stopped' "/proc/$1/status"
}

test_lossy() {
	local listener
	does create --broadcast --lossy --capacity=2 /news
	json 'it is one' '.broadcast and .lossy' stat --json /news
	does send /news nobody hears this
	start_listener 1 --count=2 /news >"$dir/slow" 2>"$dir/told"
	listener=$!
	becomes status /news '.waiting_receivers == 1'
	kill -STOP $listener
	becomes stopped $listener
	does send /news 1 2 3 4 5
	kill -CONT $listener
	holds 'who was slow gets on' ended $listener
	same 'with what there is' "$(paste -sd ' ' "$dir/slow")" '4 5'
	holds 'and is told what it missed' grep -qF 'mbox recv: /news: missed 3 messages:' "$dir/told"
	json 'which were dropped' '.dropped == 3 and .queued == 0' stat --json /news
	mbox stat /news >"$out"
	holds 'stat says so' grep -qE '^Broadcast: .* 3 dropped$' "$out"
	remove_all
}

test_tagged() {
	does create --tagged /replies
	json 'it is one' '.tagged' stat --json /replies
	does send --tag=7 /replies seven
	does send --tag=5 /replies five 'five again'
	does send --tag=9 /replies nine
	same 'one tag alone' "$(mbox recv --tag=5 --nonblock /replies | paste -sd ,)" 'five,five again'
	same 'the lowest up to a limit' "$(mbox recv --tag-most=8 --count=1 /replies)" seven
	refuses 6 'it is empty after 0 messages' recv --tag-except=9 --nonblock /replies
	json 'who was the last' '.send_pid > 1 and .recv_pid > 1 and .recv_time_ms >= .send_time_ms' \
		stat --json /replies
	does resize /replies 10 128K
	json 'it holds fewer bytes' '.bytes == 131072 and .capacity == 10' stat --json /replies
	refuses 2 'cannot hold a message of 65536' resize /replies 10 1K
	does resize /replies 10 unbounded
	json 'or any' '.bytes == null' stat --json /replies
	same 'any but one' "$(mbox recv --tag-except=8 --count=1 /replies)" nine
	refuses 2 'is enough' recv --tag=1 --tag-most=2 /replies
	refuses 2 'its --capacity is at most 65535' create --tagged --capacity=unbounded /more
	refuses 2 'do not go together' create --tagged --broadcast /more
	does create /plain
	refuses 1 "not made with 'mbox create --tagged'" recv --tag=1 --nonblock /plain
	mbox stat /replies >"$out"
	holds 'stat says so' grep -q '^Tagged:' "$out"
	remove_all
}

test_rings() {
	local receiver
	does create --rings /samples
	json 'it is one' '.rings and .hangup and .handles' stat --json /samples
	mbox stat /samples >"$out"
	holds 'stat says so' grep -q '^Rings:' "$out"
	mbox recv /samples >"$dir/got" &
	receiver=$!
	becomes status /samples '.waiting_receivers == 1'
	refuses 1 'has one receiver' recv --nonblock /samples
	seq 100000 >"$dir/sent"
	mbox send --ring=64K /samples <"$dir/sent"
	same 'sent through a ring' $? 0
	holds 'the receiver ends' ended $receiver
	holds 'with all, in order' cmp "$dir/sent" "$dir/got"
	json 'of which the kernel saw none but the offer' '.sent == 1' stat --json /samples
	refuses 2 'power of two' send --ring=5000 /samples x
	refuses 2 'power of two' send --ring=2K /samples x
	refuses 2 'goes with neither' create --rings --broadcast /more
	refuses 2 'goes with neither' create --rings --tagged /more
	does create --rings --msgsize=23 /small
	refuses 7 'too small for the offer' send --ring=4K /small x
	does create /plain
	refuses 1 "not made with 'mbox create --rings'" send --ring=4K /plain x
	remove_all
}

test_end() {
	local receiver
	does create /jobs
	mbox recv /jobs >/dev/null 2>"$dir/told" &
	receiver=$!
	becomes status /jobs '.waiting_receivers == 1'
	does rm --end /jobs
	ended $receiver
	same 'who waits ends' $? 8
	holds 'and is told why' grep -qF '/jobs: it was ended after 0 messages' "$dir/told"
	refuses 3 'no such name' rm --end /jobs
	does mkfifo /lines
	refuses 11 'is a FIFO' rm --end /lines
	remove_all
}

test_fifo() {
	local reader writer
	does mkfifo --mode=640 --capacity=8K /lines
	json 'it is as asked for' '.kind == "stream" and .name == "/lines" and .capacity == 8192 and
		.mode == "0640" and .queued == 0 and .senders == 0 and .receivers == 0' stat --json /lines
	refuses 4 '/lines: the name is in use' mkfifo /lines
	(umask 027 && mbox mkfifo /packed /plain)
	json 'several, of 64K' '[.[] | .name, .kind, .capacity, .mode] ==
		["/lines", "stream", 8192, "0640", "/packed", "stream", 65536, "0640",
		 "/plain", "stream", 65536, "0640"]' ls --json
	does chmod 600 /lines
	does resize /lines 16K
	json 'they are changed as others are' '.mode == "0600" and .capacity == 16384' stat --json /lines
	refuses 2 '100 is too low a capacity' resize /lines 100

	make_text >"$dir/text"
	mbox open --input=/lines sort >"$dir/copy" &
	reader=$!
	mbox open --output=/lines -- dd if="$dir/text" bs=1000 status=none
	same 'a writer ends' $? 0
	ended $reader
	same 'and then its reader' $? 0
	holds 'dd and sort, with a FIFO between them' cmp "$dir/copy" <(sort "$dir/text")
	json 'it is there, for the next' ".queued == 0 and .senders == 0 and .receivers == 0 and
		.sent_bytes == $(wc -c <"$dir/text") and .received_bytes == .sent_bytes" stat --json /lines

	mbox open -i /plain cat >"$dir/copy" &
	reader=$!
	mbox open -i /packed -o /plain -- gzip -dc &
	gzip -c "$dir/text" | mbox open -o /packed -- tee "$dir/packed"
	ended $!
	ended $reader
	holds 'tee, gzip and cat, with two' cmp "$dir/copy" "$dir/text"
	holds 'tee had it too' cmp <(gzip -dc "$dir/packed") "$dir/text"

	mbox open --output=/lines yes &
	writer=$!
	same 'a reader that has enough' "$(mbox open --input=/lines -- head -n 1)" y
	ended $writer
	same 'ends its writer by SIGPIPE' $? 141

	mbox open --output=/lines yes &
	writer=$!
	mbox open --input=/lines sleep 1000 &
	reader=$!
	becomes status /lines '.waiting_senders == 1'
	mbox ls >"$out"
	holds 'ls tells how full it is' grep -qE \
		"^/lines +########## 16K/16K +16K  1, 1 waits .* \(pid $writer\) +1 .* stream +-  rw-------" "$out"
	mbox stat /lines >"$out"
	holds 'stat too' grep -qE '^Queued: +16K bytes  ##########$' "$out"
	kill $reader
	ended $reader 2>/dev/null
	ended $writer 2>/dev/null
	json 'what nobody read is gone' '.queued == 0' stat --json /lines

	mbox open --output=/lines cat /dev/null &
	writer=$!
	refuses_as 127 'mbox open: no-such-program: No such file' mbox open --input=/lines no-such-program
	ended $writer
	refuses 3 '/none: no such name' open --input=/none cat
	mbox chmod 0 /lines
	refuses_as 5 '/lines: no permission to read it' as_user mbox open --input=/lines cat
	refuses_as 5 '/lines: no permission to write it' as_user mbox open --output=/lines cat
	with user_mailboxes 0 refuses_as 9 'root can raise user_mailboxes (0)' as_user mbox mkfifo /mine
	does rm /plain
	remove_all
}

# streams FILTER: of all streams now
# shellcheck disable=SC2317 # called by becomes
streams() {
	mbox ls --json | jq -e "map(select(.kind == \"stream\")) | $1"
}

test_pipe() {
	local pid
	prints 'three programs' 4 pipe -- seq 30 '|' grep 3 '|' wc -l
	prints 'the end reaches the first' y pipe -- yes '|' head -n 1
	make_text >"$dir/text"
	mbox pipe -- cat "$dir/text" '|' tr aeiou AEIOU '|' sort '|' uniq -c '|' sort -rn >"$out"
	holds 'as in the shell' cmp "$out" <(tr aeiou AEIOU <"$dir/text" | sort | uniq -c | sort -rn)
	mbox pipe -- gzip -c '|' gzip -dc '|' dd bs=777 status=none <"$dir/text" >"$out"
	holds 'from the standard input' cmp "$out" "$dir/text"
	prints 'the last says how it ends' '' pipe -- false '|' true
	mbox pipe -- true '|' sh -c 'exit 9'
	same 'with its exit status' $? 9
	mbox pipe -- true '|' sh -c 'kill -TERM $$'
	same 'or the signal' $? 143
	mbox pipe -- true '|' no-such-program 2>"$err"
	same 'or that it is not there' "$? $(cat "$err")" \
		'127 mbox pipe: no-such-program: No such file or directory'

	mkfifo "$dir/begin"
	mbox pipe -- cat "$dir/begin" '|' cat '|' cat >"$out" &
	pid=$!
	exec 3>"$dir/begin"
	holds 'ls shows two pipes' becomes streams 'map([.name, .senders, .receivers, .waiting_receivers]) ==
		[[null, 1, 1, 1], [null, 1, 1, 1]]'
	mbox ls >"$out.table"
	holds 'without a name' grep -qE '^-  +\.{10} 0/64K .* stream +-  ---------' "$out.table"
	echo held >&3
	exec 3>&-
	ended $pid
	same 'it ends with its last program' "$? $(cat "$out")" '0 held'
	holds 'and the pipes are gone' streams 'length == 0'
	with user_mailboxes 0 refuses_as 9 "a pipe: cannot make it: the user's budget is used up" \
		as_user mbox pipe true '|' true
}

# listens PORT: nc waits for a connection there.
listens() {
	becomes status "/stream:$1" '.waiting_receivers == 1'
}

test_nc() {
	local server client
	make_text >"$dir/text"
	seq 300000 >"$dir/numbers"
	mbox nc --listen 5000 <"$dir/numbers" >"$dir/copy" &
	server=$!
	holds 'it waits at its port' listens 5000
	json 'ls shows that' 'any(.[]; .name == "/stream:5000" and .waiting_receivers == 1)' ls --json
	refuses 4 '/stream:5000: another socket has that port: choose another, or 0' nc --listen 5000
	mbox nc localhost 5000 <"$dir/text" >"$out"
	same 'who connects ends' $? 0
	ended $server
	same 'and so does who listens' $? 0
	holds 'many bytes to it' cmp "$dir/copy" "$dir/text"
	holds 'and many from it' cmp "$out" "$dir/numbers"
	refuses 3 '/stream:5000: no such name' stat /stream:5000
	refuses 3 "/stream:5000: nobody listens there, as 'mbox nc --listen 5000' does" nc 5000

	mkfifo "$dir/answer"
	# shellcheck disable=SC2094 # a FIFO
	mbox nc -l 127.0.0.1 5000 <"$dir/answer" | sort >"$dir/answer" &
	server=$!
	listens 5000
	same 'it reads to the end, and answers then' \
		"$(printf '%s\n' b c a | mbox nc 5000 | paste -sd ' ')" 'a b c'
	ended $server
	same 'and that is all' $? 0

	yes | mbox nc -l 5000 &
	server=$!
	listens 5000
	same 'a reader that has enough' "$(mbox nc 5000 </dev/null | head -n 1)" y
	ended $server
	same 'is no failure' $? 0

	# The FIFO does not end: it is open for writing too.
	yes | mbox nc -l 5000 &
	server=$!
	listens 5000
	same 'nor one that had more to say' \
		"$(mbox nc 5000 <>"$dir/answer" | head -n 1)" y
	ended $server
	same 'is a failure' $? 0
	mbox nc -l 5000 >/dev/full 2>"$err" </dev/null &
	server=$!
	listens 5000
	echo x | mbox nc 5000
	ended $server
	same 'a full disk is' "$? $(cat "$err")" '1 mbox nc: standard output: No space left on device'

	mbox nc -l 0 >"$dir/copy" 2>"$err" </dev/null &
	server=$!
	holds 'it tells the port that it has chosen' becomes grep -qE '^mbox nc: it listens on port [0-9]+$' "$err"
	echo found | mbox nc "$(sed 's/.* //' "$err")"
	ended $server
	same 'where it is found' "$? $(cat "$dir/copy")" '0 found'
}

test_nc_servers() {
	local server client
	mbox nc --listen --keep 5000 >"$dir/copy" </dev/null &
	server=$!
	listens 5000
	echo one | mbox nc 5000
	echo two | mbox nc 5000
	holds 'the second is served too' becomes grep -qx two "$dir/copy"
	same 'after the first' "$(paste -sd ' ' "$dir/copy")" 'one two'
	kill -9 $server
	ended $server 2>/dev/null
	refuses 3 '/stream:5000: no such name' stat /stream:5000

	mbox nc -l 5000 >"$dir/copy" </dev/null &
	server=$!
	holds 'the port of one that was killed is free' listens 5000
	mkfifo "$dir/input"
	mbox nc 5000 <"$dir/input" &
	client=$!
	exec 3>"$dir/input"
	echo here >&3
	becomes grep -qx here "$dir/copy"
	kill -9 $server
	ended $server 2>/dev/null
	ended $client
	same 'who is connected ends, though its input has not' $? 0
	exec 3>&-

	refuses_as 5 '/stream:1023: a port below 1024 takes CAP_NET_BIND_SERVICE, which root has' \
		as_user mbox nc -l 1023
	refuses_as 5 '/datagram:1: a port below 1024' as_user mbox nc -u -l 1
	with user_mailboxes 0 refuses_as 9 'root can raise user_mailboxes (0)' as_user mbox nc -l 5000
	mbox nc -l 1023 >"$dir/copy" </dev/null &
	server=$!
	holds 'the other ports are for root' listens 1023
	echo hello | as_user mbox nc 1023
	ended $server
	same 'but all can connect to them' "$? $(cat "$dir/copy")" '0 hello'
}

test_nc_datagrams() {
	local server client
	refuses 3 "/datagram:5000: nobody listens there, as 'mbox nc --listen --datagram 5000' does" nc -u 5000
	mkfifo "$dir/answers" "$dir/questions"
	mbox nc --datagram --listen 5000 <"$dir/answers" >"$dir/copy" 2>"$dir/told" &
	server=$!
	exec 3>"$dir/answers"
	holds 'it has its port' becomes mbox stat /datagram:5000
	mbox nc -u 5000 <"$dir/questions" >"$dir/back" &
	client=$!
	exec 4>"$dir/questions"
	echo question >&4
	holds 'a datagram' becomes grep -qx question "$dir/copy"
	echo answer >&3
	holds 'and one to who has sent it' becomes grep -qx answer "$dir/back"
	exec 4>&-
	ended $client
	same 'who sends ends with its input' $? 0
	echo late >&3
	holds 'who listens goes on' becomes grep -qE '^mbox nc: /datagram:[0-9]+: 5 bytes not sent: it is gone$' "$dir/told"

	mbox nc -u 5000 <"$dir/text"
	same 'many of them' $? 0
	cat <(echo question) "$dir/text" >"$dir/expected"
	holds 'none is lost' becomes cmp "$dir/copy" "$dir/expected"
	exec 3>&-
	kill $server
	ended $server
	same 'a signal ends who listens' $? 143
	refuses 3 '/datagram:5000: no such name' stat /datagram:5000
}

test_pipeline() {
	local pid
	make_text >"$dir/text"
	holds 'the text has a megabyte' test "$(wc -c <"$dir/text")" -gt 1000000
	mbox create --hangup --capacity=16 /jobs
	mbox recv /jobs | cat >"$dir/copy" &
	pid=$!
	becomes status /jobs '.receivers == 1'
	# shellcheck disable=SC2002 # a pipe is the point
	cat "$dir/text" | mbox send /jobs
	ended $pid
	holds 'it comes out as it went in' cmp "$dir/copy" "$dir/text"
	json 'line by line' ".sent == $(wc -l <"$dir/text") and .received == .sent" stat --json /jobs
	remove_all

	mbox create --capacity=0 /meet
	mbox recv --count="$(wc -l <"$dir/text")" /meet >"$dir/copy" &
	pid=$!
	mbox send /meet <"$dir/text"
	ended $pid
	holds 'by rendezvous too' cmp "$dir/copy" "$dir/text"
	remove_all
}

test_line_by_line() {
	local pid
	mbox create /jobs
	mkfifo "$dir/lines"
	mbox send /jobs <"$dir/lines" &
	pid=$!
	exec 3>"$dir/lines"
	echo first >&3
	becomes status /jobs '.queued == 1'
	same 'a line is sent as soon as it is there' "$(mbox peek /jobs)" first
	exec 3>&-
	ended $pid

	mbox recv /jobs > >(while read -r line; do echo "$line" >"$dir/seen"; done) &
	pid=$!
	becomes grep -qx first "$dir/seen"
	same 'a message is printed as soon as it is there' $? 0
	mbox send /jobs second
	becomes grep -qx second "$dir/seen"
	same 'and the next' $? 0
	kill $pid
	ended $pid

	mbox send /jobs third
	mbox recv /jobs | head -n 1 >"$dir/seen" &
	pid=$!
	holds 'it ends when its reader has' ended $pid
	same 'and the reader had its line' "$(cat "$dir/seen")" third
	json 'nobody receives any more' '.receivers == 0' stat --json /jobs
	remove_all
}

test_change() {
	mbox create /jobs
	mbox seg create /table 4096
	does chmod 600 /jobs /table
	json 'both kinds have their mode' '[.[].mode] == ["0600", "0600"]' ls --json
	does chown user /jobs
	does chown 1000:1000 /table
	json 'and their owner' '[.[] | .uid, .gid] == [1000, 0, 1000, 1000]' ls --json
	does chown :user /jobs
	does chmod 0 /jobs
	holds 'the owner gets back in' as_user mbox chmod 600 /jobs
	holds 'and may use it' as_user mbox send /jobs hello
	mbox ls >"$out"
	holds 'ls shows both' grep -qE '^/jobs .* mailbox .* rw-------  user:user$' "$out"
	does rm /jobs /table
	mbox create /jobs
	mbox rm /none /jobs 2>"$err"
	same 'one that is not there keeps none from being removed' \
		"$? $(wc -l <"$err") $(mbox ls --json)" '3 1 []'
}

test_segments() {
	does seg create --mode=640 /table 64K
	does seg create --exclusive --huge /pages 4M
	refuses 4 '/table: the name is in use' seg create --exclusive /table 64K
	mbox seg create /table 1 2>"$err"
	holds 'one of another length is told' grep -q 'was there already, with 65536 bytes' "$err"
	json 'as asked for' '.kind == "segment" and .length == 65536 and .mode == "0640" and
		.seals == [] and .huge == false and .attached == 0 and .buffers == 0' seg stat --json /table
	json 'huge pages' '.huge' stat --json /pages
	echo hello | mbox seg write --offset=4K /table
	prints 'what was written' hello seg read --offset=4096 --length=6 /table
	json 'as JSON' '.data == "hello" and .offset == 4096 and .length == 5' seg read --json -o 4K -l 5 /table
	same 'the whole' "$(mbox seg read /table | wc -c)" 65536
	same 'up to the end' "$(mbox seg read --offset=65530 --length=1M /table | wc -c)" 6
	refuses 7 '/table: offset 65537 is too large: it has 65536 bytes' seg read --offset=65537 /table
	seq 100000 >"$dir/big"
	mbox seg write --offset=60K /table <"$dir/big" 2>"$err"
	same 'more than fits' "$? $(cat "$err")" \
		"7 mbox seg write: /table: standard input is too large: there is room for 4096 bytes: 'mbox seg resize' makes more"
	same 'writes nothing' "$(mbox seg read --offset=60K /table | tr -d '\0' | wc -c)" 0
	does seg resize /table 1M
	json 'seg ls' '[.[].name] == ["/pages", "/table"] and .[1].length == 1048576 and
		.[1].resident > 0' seg ls --json
	mbox seg ls >"$out"
	holds 'as a table' grep -qE '^/table +#\.+ [0-9]+K/1M .* segment +1M  rw-r-----  root:root$' "$out"

	mkfifo "$dir/writer"
	mbox seg write /table <"$dir/writer" &
	local pid=$!
	exec 3>"$dir/writer"
	becomes status /table '.writable == 1'
	refuses 1 '/table: a process has it mapped for writing' seg seal /table write
	exec 3>&-
	ended $pid
	does seg seal /table grow write
	json 'sealed' '.seals == ["grow", "write"]' seg stat --json /table
	refuses 5 '/table: a seal forbids that for ever' seg resize /table 2M
	refuses 5 '/table: a seal forbids writing for ever' seg write /table
	does seg seal /table seal
	refuses 5 '/table: a seal forbids that for ever' seg seal /table shrink
	does seg rm /table /pages

	does seg create /table 0
	prints 'an empty one is read' '' seg read /table
	does seg write /table </dev/null
	echo hello | mbox seg write /table 2>"$err"
	same 'has no room' "$? $(cat "$err")" \
		"7 mbox seg write: /table: standard input is too large: there is room for 0 bytes: 'mbox seg resize' makes more"
	json 'and is listed' '.[0].length == 0' seg ls --json
	mbox seg ls >"$out"
	holds "without a bar" grep -qE "^/table +empty .* segment +0 " "$out"
	does seg resize /table 4K
	does seg resize /table 0
	json 'cut to nothing' '.length == 0' seg stat --json /table
	holds "and told" mbox seg stat /table
	does seg rm /table
}

test_not_found() {
	local hint="/none: no such name: 'mbox ls' lists what there is"
	refuses 3 "$hint" stat /none
	refuses 3 "$hint" send /none x
	refuses 3 "$hint" recv /none
	refuses 3 "$hint" peek none
	refuses 3 "$hint" resize /none 1
	refuses 3 "$hint" chmod 600 /none
	refuses 3 "$hint" chown 0 /none
	refuses 3 "$hint" rm /none
	refuses 3 "$hint" seg stat /none
	refuses 3 "$hint" seg resize /none 1
	refuses 3 "$hint" seg seal /none grow
	refuses 3 "$hint" seg read /none
	refuses 3 "$hint" seg write /none
	refuses 3 "$hint" seg rm /none
}

test_wrong_kind() {
	local mailbox="/jobs: that is a mailbox: use 'mbox send', 'mbox recv' and what else is not of 'mbox seg'"
	local segment="/table: that is a segment: use the commands of 'mbox seg'"
	local fifo="/lines: that is a FIFO, a stream of bytes: 'mbox open' runs a program that reads or writes it"
	mbox create /jobs
	mbox seg create /table 4096
	mbox mkfifo /lines
	refuses 11 "$fifo" create /lines
	refuses 11 "$fifo" send /lines x
	refuses 11 "$fifo" recv /lines
	refuses 11 "$fifo" peek /lines
	refuses 11 "$fifo" call /lines x
	refuses 11 "$fifo" serve /lines cat
	refuses 11 "$fifo" save /lines "$dir/saved"
	refuses 11 "$fifo" dead-letter /lines
	refuses 11 "$fifo" seg stat /lines
	refuses 11 "$mailbox" open --input=/jobs cat
	refuses 11 "$segment" open --output=/table cat
	refuses 11 "$segment" create /table
	refuses 11 "$segment" send /table x
	refuses 11 "$segment" recv /table
	refuses 11 "$segment" peek /table
	refuses 11 "$segment" resize /table 1
	refuses 11 "$mailbox" seg create /jobs 1
	refuses 11 "$mailbox" seg stat /jobs
	refuses 11 "$mailbox" seg resize /jobs 1
	refuses 11 "$mailbox" seg seal /jobs grow
	refuses 11 "$mailbox" seg read /jobs
	refuses 11 "$mailbox" seg write /jobs
	remove_all
}

test_permission() {
	local mode
	mbox create --mode=640 /jobs
	mbox create --mode=622 /drop
	refuses_as 5 "/jobs: no permission to send to it: ask its owner to 'mbox chmod' it" as_user mbox send /jobs x
	refuses_as 5 "/jobs: no permission to look at it" as_user mbox stat /jobs
	refuses_as 5 "/drop: no permission to receive from it: it belongs to root:root and has mode 0622 (rw--w--w-); its owner can 'mbox chmod' it" \
		as_user mbox recv /drop
	holds 'who may send, may send' as_user mbox send /drop x
	holds 'and look' as_user mbox stat /drop
	refuses_as 5 "/drop: only its owner or root may remove it: it belongs to root:root" as_user mbox rm /drop
	refuses_as 5 "/drop: only its owner or root may resize it" as_user mbox resize /drop 1
	refuses_as 5 "/drop: only its owner or root may change the mode of it" as_user mbox chmod 666 /drop
	same 'one sees what one may use' "$(as_user mbox ls --json | jq -c '[.[].name]')" '["/drop"]'
	mode=$(stat -c %a /dev/mbox)
	chmod 600 /dev/mbox
	refuses_as 5 '/dev/mbox: no permission: it has mode 0600 (rw-------); root can mend that: chmod 666 /dev/mbox' \
		as_user mbox create /mine
	chmod "$mode" /dev/mbox
	remove_all
}

test_too_large() {
	mbox create --msgsize=100 /jobs
	head -c 101 /dev/zero | mbox send --raw /jobs 2>"$err"
	same 'the limit and the size' "$? $(cat "$err")" \
		"7 mbox send: /jobs: message 1 is too large: it has 101 bytes, the limit is 100 (100), set by 'mbox create --msgsize'"
	printf 'short\n%0101d\n' 0 | mbox send /jobs 2>"$err"
	same 'which one it was' "$? $(grep -c 'message 2 is too large' "$err")" '7 1'
	head -c 16777217 /dev/zero | mbox send --raw /jobs 2>"$err"
	same 'more than any mailbox takes' "$? $(grep -c 'the limit is 16M' "$err")" '7 1'
	json 'what was sent before stays' '.queued == 1' stat --json /jobs
	remove_all
}

# with PARAMETER VALUE CMD...: while the module's parameter is so
with() {
	local parameter=$1 value
	value=$(cat "$parameters/$1")
	echo "$2" >"$parameters/$1"
	shift 2
	"$@"
	echo "$value" >"$parameters/$parameter"
}

test_budget() {
	mbox create --mode=666 --capacity=unbounded /jobs
	with user_mailboxes 0 refuses_as 9 'root can raise user_mailboxes (0) or user_bytes' as_user mbox create /mine
	with user_segments 0 refuses_as 9 'root can raise user_segments (0) or user_bytes' as_user mbox seg create /mine 1
	with user_bytes 8192 refuses_as 9 'user_bytes (8192)' as_user mbox seg create /mine 1M
	with user_bytes 8192 refuses_as 9 '/jobs: your budget of bytes is used up: receive or remove something, or root can raise user_bytes (8192)' \
		as_user mbox send /jobs "$(printf '%09000d' 0)"
	with user_bytes 0 does send /jobs 'root has no limit'
	remove_all
}

test_no_module() {
	local missing="/dev/mbox is not there: the module is not loaded: as root 'modprobe mbox', or 'insmod mbox.ko'"
	mbox create /jobs
	mv /dev/mbox /dev/mbox.away
	refuses 10 "$missing" create /other
	refuses 10 "$missing" send /jobs x
	refuses 10 "$missing" recv /jobs
	refuses 10 "$missing" rm /jobs
	refuses 10 "$missing" seg create /table 1
	mv /dev/mbox.away /dev/mbox
	remove_all
}

test_listing() {
	mbox create /b
	mbox create "/a name"
	mbox create /$'\e'c
	mbox create --capacity=unbounded "/$(printf 'w%.0s' {1..255})"
	mbox create --capacity=0 /-
	json 'sorted by name' '[.[].name] == ["/\u001bc", "/-", "/a name", "/b", "/" + "w" * 255]' ls --json
	mbox ls >"$out"
	holds 'wide names are kept' grep -qE '^/w{255}  unbounded  0 ' "$out"
	same 'blanks too, but no control characters' "$(sed -nE '2,4s/  +.*//p' "$out")" '/\033c
/-
/a name'
	same 'columns are aligned' "$(awk '{ print match($0, NR == 1 ? "FULL " : "(unbounded|rendezvous|\\.{10}) ") }' \
		"$out" | sort -u | wc -l)" 1
	mbox rm /b '/a name' /$'\e'c "/$(printf 'w%.0s' {1..255})" /-
	prints 'nothing is nothing' '[]' ls --json
}

test_watch() {
	mbox create --capacity=2 /jobs
	mbox send /jobs x
	json 'watch as JSON' '.[0].name == "/jobs"' ls --json
	mbox watch --interval=0.05 --json | head -n 2 | jq -e '.[0].queued == 1' >"$out"
	same 'watch prints JSON until nobody reads' "$(cat "$out")" 'true
true'
	export TERM=vt100
	mkfifo "$dir/keys"
	script -qf -c 'mbox watch --interval=0.1' "$dir/screen" <"$dir/keys" >/dev/null &
	local pid=$!
	exec 3>"$dir/keys"
	becomes grep -q '#####..... 1/2' "$dir/screen"
	same 'watch shows the table' $? 0
	mbox create /later
	becomes grep -q /later "$dir/screen"
	same 'and what changes' $? 0
	printf q >&3
	holds 'q leaves' ended $pid
	exec 3>&-
	remove_all
}

# Each round is answered by a byte, after one that says that all is ready.
test_bench_rpc() {
	local how
	for how in 'RPC by mailbox' 'RPC at most once' 'RPC exactly once' 'RPC by TCP' 'RPC by AF_LOCAL'; do
		same "$how" "$(printf 12 | mbox-bench-rpc "$how" 100000 3 5 | wc -c)" 3
	done
	same 'RPC by UDP' "$(printf 12 | mbox-bench-rpc 'RPC by UDP' 0 1 5 | wc -c)" 3
	same 'RPC by nothing' "$(printf 12 | mbox-bench-rpc 'RPC by nothing' 0 1 5 2>&1)" \
		'mbox-bench-rpc: no transport: RPC by nothing'
}

test_help() {
	holds 'help' mbox --help
	holds 'version' mbox --version
	holds 'help of a command' mbox help send
	holds 'bench can be asked what it does' mbox bench --help
	refuses 2 "'nonsense' is not a command" nonsense
}

echo 'TAP version 13'
for program in jq script; do
	holds "$program is there" command -v $program
done
test_create
test_send_recv
test_json_messages
test_peek
test_call
test_save
test_waiting
test_resize
test_hangup
test_direct
test_broadcast
test_lossy
test_tagged
test_rings
test_end
test_handles
test_lease
test_dead_letter
test_fifo
test_pipe
test_nc
test_nc_servers
test_nc_datagrams
test_pipeline
test_line_by_line
test_change
test_segments
test_not_found
test_wrong_kind
test_permission
test_too_large
test_budget
test_no_module
test_listing
test_watch
test_bench_rpc
test_help
same 'nothing is left' "$(mbox ls --json)" '[]'
done_testing
