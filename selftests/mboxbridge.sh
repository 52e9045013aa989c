#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mbox bridge with a NATS server: each message arrives once and in its order, whoever is killed, and
# what cannot be carried is said and stays.
set -u

command -v nats-server >/dev/null || {
	printf '%s\n' 'TAP version 13' '1..0 # SKIP nats-server is not there'
	exit 4
}
. "$(dirname -- "$(realpath -- "$0")")/common.sh"
ip link set lo up

# shellcheck disable=SC2317 # called by becomes
listening() {
	(: <>/dev/tcp/127.0.0.1/4222)
}

start_server() {
	nats-server -a 127.0.0.1 -js -sd "$dir/store" "$@" >>"$dir/server" 2>&1 &
	server=$!
	becomes listening
}

kill_now() {
	kill -KILL "$1"
	wait "$1"
} 2>/dev/null

# finish PID SIGNAL NAME: it ends with 0.
finish() {
	kill "-$2" "$1"
	ended "$1"
	same "$3" $? 0
}

start_out() {
	mbox bridge out "$@" 2>>"$dir/out" &
	out=$!
}

start_in() {
	mbox bridge in "$@" 2>>"$dir/in" &
	in=$!
}

# refuses CODE TEXT ARG...: mbox bridge ends so.
refuses() {
	local code=$1 text=$2
	shift 2
	timeout 60 mbox bridge "$@" >/dev/null 2>"$dir/refused"
	same "it ends: $text" $? "$code"
	holds 'and says so' grep -qF "$text" "$dir/refused"
}

# shellcheck disable=SC2317 # called by becomes
counts() {
	mbox stat --json "$1" | jq -e "$2"
}

test_usage() {
	refuses 2 'is no direction' up /a jobs
	refuses 2 'is no subject' out /a 'jobs.*'
	refuses 2 'is no subject' out /a ''
	refuses 2 'is no subject' in .jobs /a
	refuses 2 'is no name of a stream' --stream=a.b out /a jobs
	refuses 1 '/no/file' --creds=/no/file out /here jobs
	refuses 2 'is no server' --server=nats://here:there out /here jobs
	refuses 3 'no such name' out /nowhere jobs
	refuses 3 'no such name' in jobs /nowhere
}

test_message() {
	start_out /a plain
	start_in plain /b
	mbox send --tag=77 --prio=5 /a hello
	mbox recv --json --count=1 --timeout=30 /b >"$dir/got"
	same 'a message has its bytes, tag and priority' \
		"$(jq -c '[.tag, .prio, .data]' "$dir/got")" '[77,5,"hello"]'
	becomes counts /a '.held == 0'
	timeout 30 mbox bridge in plain /b 2>"$dir/refused"
	same 'one brings messages to a mailbox' $? 4
	finish $out TERM 'SIGTERM ends it'
	finish $in INT 'and so does SIGINT'
}

# Whoever is killed is started again at once; the server with what it has stored.
kill_one() {
	case $((RANDOM % 5)) in
	0)
		kill_now $server
		start_server
		;;
	1 | 2)
		kill_now $out
		start_out /a killed
		;;
	*)
		kill_now $in
		start_in killed /b
		;;
	esac
}

test_kills() {
	local kills=0 receiver
	seq 3000 | mbox send /a &
	mbox recv --timeout=1000 --count=3000 /b >"$dir/got" 2>"$dir/recv" &
	receiver=$!
	start_out /a killed
	start_in killed /b
	while ((kills < 40)) && kill -0 $receiver 2>/dev/null; do
		sleep 0.$((RANDOM % 9))
		kill_one
		kills=$((kills + 1))
	done
	wait $receiver
	same 'the receiver gets as many as it wants' "$? $(cat "$dir/recv")" '0 '
	holds "of 3000 each arrives once and in order, after $kills kills" \
		diff <(seq 3000) "$dir/got"
	holds 'some of them before the end' test "$kills" -gt 10
	holds 'and the mailbox has let go of all' becomes counts /a '.queued + .held == 0'
	same 'nothing comes after' "$(mbox recv --timeout=2 /b 2>/dev/null)" ''
	finish $out TERM 'out ends'
	finish $in TERM 'in ends'
}

# shellcheck disable=SC2317 # called by becomes
brings() {
	mbox recv --timeout=1 "$1" | grep -q "$2"
}

# A mailbox knows a message by its number, which is of the stream.
test_streams() {
	local from
	mbox create /e
	start_out /a older
	mbox send /a 1
	becomes counts /a '.sent == .received and .held == 0'
	finish $out TERM 'out ends'
	for from in older newer; do
		start_out /a $from
		start_in $from /e
		mbox send /a "of the $from"
		holds "what a stream has comes, of the $from" \
			becomes brings /e "of the $from"
		finish $out TERM 'out ends'
		finish $in TERM 'in ends'
	done
	refuses 4 'messages of a newer stream' in older /e
}

# Both make the stream, which takes messages only a little after it is there.
test_fresh() {
	local i
	seq 64 >"$dir/sent"
	for i in 1 2 3 4 5 6; do
		mbox send /a <"$dir/sent"
		start_out /a "fresh$i"
		start_in "fresh$i" /b
		mbox recv --count=64 --timeout=60 /b >"$dir/got"
		holds 'what is sent before there is a stream is in order' diff "$dir/sent" "$dir/got"
		kill $out $in
		wait $out $in
	done
}

# The mailbox at the end is full, and all before it fills up, but for the stream.
test_pressure() {
	local sender
	kill_now $server
	start_out /a full
	seq 300 | mbox send /a &
	sender=$!
	holds 'without a server the mailbox fills, and senders wait' \
		becomes counts /a '.queued == 100 and .waiting_senders == 1'
	start_server
	ended $sender
	same 'a server that comes lets them go on' $? 0
	start_in full /b
	becomes counts /b '.queued == 4 and .waiting_senders == 1'
	same 'at most as many as it holds are there' "$(mbox stat --json /b | jq .queued)" 4
	holds 'nothing is lost' diff <(seq 300) <(mbox recv --timeout=100 --count=300 /b)
	finish $out TERM 'out ends'
	finish $in TERM 'in ends'
}

test_refused() {
	kill_now $server
	echo 'max_payload: 1024' >"$dir/small.conf"
	start_server -c "$dir/small.conf"
	head -c 2000 /dev/zero | mbox send --raw /a
	refuses 7 'more than the server takes' out /a small
	same 'it stays' "$(mbox stat --json /a | jq .queued)" 1
	mbox create /dead
	mbox dead-letter /a /dead 2
	start_out /a small
	start_in small /b
	mbox send /a after them
	same 'those behind it are carried' "$(mbox recv --count=2 --timeout=30 /b)" $'after\nthem'
	same 'and it is with the dead letters' "$(mbox recv --count=1 --timeout=30 /dead | wc -c)" 2001
	finish $out TERM 'out ends'
	mbox dead-letter /a
	finish $in TERM 'in ends'
	mbox create --handles /c
	mbox send --fd=0 /c 'with a descriptor'
	refuses 1 'has descriptors' out /c small
	same 'it stays' "$(mbox stat --json /c | jq .queued)" 1
	mbox create --msgsize=8 /d
	mbox send /a 'nine bytes'
	start_out /a tiny
	refuses 7 'more than it takes' in tiny /d
	finish $out TERM 'out ends'
}

echo 'TAP version 13'
mbox create --capacity=100 /a
mbox create --capacity=4 /b
mbox create /here
start_server
test_usage
test_message
test_kills
test_streams
test_fresh
test_pressure
test_refused
kill_now $server
mbox rm /a /b /c /d /dead /e /here
done_testing
