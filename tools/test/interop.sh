#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# Programs of libmbox-rpc and of libtirpc alone as each other's servers and clients, with the
# system's rpcbind: in one network, and in two that a cable joins.
set -u
cd "$(dirname -- "$0")/.." || exit
[ "${1-}" = alone ] || exec test/namespace.sh "$PWD/test/${0##*/}" alone
stock=${STOCK_RPC:-$(../selftests/vm/rpcbind.sh)}
programs=${TEST_PROGRAMS:-build/test}
export stock programs LD_LIBRARY_PATH=$stock/lib
. test/tap.sh

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# rpcbind becomes a user that this machine may not have.
{ grep -v '^_rpc:' /etc/passwd; echo '_rpc:x:0:0::/:/bin/sh'; } >"$dir/passwd"
mount --bind "$dir/passwd" /etc/passwd

# becomes CMD...: wait until it succeeds, which it has to within half a minute.
becomes() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		"$@" >"$dir/out" 2>&1 && return
		sleep 0.05
	done
	return 1
}

# finish PID: the status of a process after SIGTERM
finish() {
	kill "$1"
	wait "$1" 2>/dev/null
}

stock_client() {
	timeout 60 "$programs/greeting_client" "$@" you 2>&1
}

# our_client HOST NETTYPE
our_client() {
	timeout 60 "$programs/greeting_mbox" ask "$2" "$1" you 2>&1
}

test_one_network() {
	local how rpcbind
	mkdir -p /run/rpcbind
	"$stock/rpcbind" -f &
	rpcbind=$!
	becomes timeout 30 "$stock/rpcinfo" -t 127.0.0.1 100000
	start 'a server of libmbox-rpc' "$programs/greeting_mbox" serve
	for how in '127.0.0.1 tcp' '127.0.0.1 udp' '::1 tcp' '::1 udp'; do
		# shellcheck disable=SC2086 # two words
		same "greets a stock client by $how" "$(stock_client $how)" 'hello from mbox, you'
	done
	finish "$pid"
	same 'and ends by mbox_svc_exit()' $? 0
	start 'a stock server' "$programs/greeting_server"
	for how in '127.0.0.1 tcp' '127.0.0.1 udp'; do
		# shellcheck disable=SC2086 # two words
		same "greets a client of libmbox-rpc by $how" "$(our_client $how)" 'hello, you'
	done
	finish "$pid"
	finish $rpcbind
}

# As the other end of the cable; $1 is the server.
# shellcheck disable=SC2016 # expanded there
there='mount -t tmpfs tmpfs /run && mkdir /run/rpcbind && ip link set lo up || exit
	"$stock/rpcbind" -f &
	until "$stock/rpcinfo" -t 127.0.0.1 100000 >/dev/null 2>&1; do sleep 0.05; done
	exec "$@"'

# far NAME CMD...: a server in another network, at 10.9.0.2; its process is $server.
far() {
	local name=$1
	shift
	start "$name" unshare --net --mount --pid --fork --kill-child bash -c "$there" - "$@"
	read -r server <"/proc/$pid/task/$pid/children"
	ip link add v0 type veth peer name v1 netns "$server"
	ip address add 10.9.0.1/24 dev v0
	ip link set v0 up
	nsenter --net="/proc/$server/ns/net" bash -c \
		'ip address add 10.9.0.2/24 dev v1 && ip link set v1 up'
	becomes timeout 30 "$stock/rpcinfo" -t 10.9.0.2 100000
}

test_two_networks() {
	local nettype server
	far 'a server of libmbox-rpc in another network' "$programs/greeting_mbox" serve
	for nettype in tcp udp; do
		same "greets a stock client by $nettype" "$(stock_client 10.9.0.2 $nettype)" \
			'hello from mbox, you'
		same "and one of libmbox-rpc" "$(our_client 10.9.0.2 $nettype)" 'hello from mbox, you'
	done
	same 'there is none in this one' "$(our_client 127.0.0.1 tcp)" \
		'127.0.0.1: RPC: Remote system error - Connection refused'
	kill "$server"
	wait "$pid"
	becomes not ip link show v0
	far 'a stock server there' "$programs/greeting_server"
	for nettype in tcp udp; do
		same "greets one of libmbox-rpc by $nettype" "$(our_client 10.9.0.2 $nettype)" 'hello, you'
	done
	kill "$server"
	wait "$pid"
}

# shellcheck disable=SC2317 # called by becomes
not() {
	! "$@"
}

test_one_network
if ip link add v0 type veth peer name v1 2>/dev/null; then
	ip link del v0
	test_two_networks
fi
done_testing
