#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# programs.sh KERNEL: tries programs that this machine has in a VM, on the kernel's own sockets,
# queues and memory and by `mbox run`. A line for each tells how both ended, and how many messages
# its mailboxes were sent, which for sockets is how many connections went over mailboxes. The same
# script is what runs in the VM.
set -uo pipefail

known=(nc.openbsd socat iperf3 redis-server redis-cli redis-benchmark nginx ab curl python3 postgres
	initdb psql pgbench stress-ng dbus-daemon dbus-send)

# Server and client of one trial: what $run, $text and $out are is known when they are run.
# shellcheck disable=SC2016
trials() {
	trial 'nc (OpenBSD)' 'nc.openbsd' tcp:127.0.0.1:7001 \
		'$run nc.openbsd -lk 127.0.0.1 7001' \
		'$run nc.openbsd -N 127.0.0.1 7001 <$text && sleep 0.2 && cmp $text $out'
	trial 'nc (OpenBSD), UNIX' 'nc.openbsd' unix: \
		'$run nc.openbsd -lkU /tmp/nc' \
		'$run nc.openbsd -NU /tmp/nc <$text && sleep 0.2 && cmp $text $out'
	trial 'socat' 'socat' tcp:127.0.0.1:7002 \
		'$run socat TCP-LISTEN:7002,bind=127.0.0.1,fork EXEC:cat' \
		'$run socat -t 5 - TCP:127.0.0.1:7002 <$text | cmp - $text'
	trial 'socat, UNIX' 'socat' unix: \
		'$run socat UNIX-LISTEN:/tmp/socat,fork EXEC:cat' \
		'$run socat -t 5 - UNIX-CONNECT:/tmp/socat <$text | cmp - $text'
	trial 'iperf3' 'iperf3' 'tcp:*:7003' \
		'$run iperf3 -s -p 7003' '$run iperf3 -c 127.0.0.1 -p 7003 -t 1 -P 2'
	trial 'redis-server, redis-cli' 'redis-server redis-cli' tcp:127.0.0.1:7004 \
		'$run redis-server --port 7004 --bind 127.0.0.1 --save ""' \
		'$run redis-cli -p 7004 -x set key <$text && $run redis-cli -p 7004 get key | grep .'
	trial 'redis-benchmark' 'redis-server redis-benchmark' tcp:127.0.0.1:7005 \
		'$run redis-server --port 7005 --bind 127.0.0.1 --save ""' \
		'$run redis-benchmark -p 7005 -t ping,set,get -n 2000 -q'
	trial 'redis-server, UNIX' 'redis-server redis-cli' unix: \
		'$run redis-server --port 0 --unixsocket /tmp/redis --save ""' \
		'$run redis-cli -s /tmp/redis ping | grep PONG'
	trial 'python3 -m http.server, curl' 'python3 curl' tcp:127.0.0.1:7006 \
		'$run python3 -m http.server -d /tmp -b 127.0.0.1 7006' \
		'$run curl -sSf --retry 9 --retry-connrefused http://127.0.0.1:7006/text | cmp - $text'
	trial 'python3, a descriptor passed' 'python3' unix: \
		'$run python3 /tmp/descriptor.py serve' \
		'$run python3 /tmp/descriptor.py ask | cmp - $text'
	trial 'dbus-daemon, dbus-send' 'dbus-daemon dbus-send' unix: \
		'$run dbus-daemon --session --nofork --nopidfile --address=unix:path=/tmp/dbus' \
		'$run dbus-send --bus=unix:path=/tmp/dbus --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames | grep freedesktop'
	trial 'nginx, curl' 'nginx curl' tcp:127.0.0.1:7007 \
		'$run nginx -c /tmp/nginx.conf' \
		'$run curl -sSf http://127.0.0.1:7007/text http://127.0.0.1:7007/text | cmp -n 1000 - $text'
	trial 'nginx, ab' 'nginx ab' tcp:127.0.0.1:7007 \
		'$run nginx -c /tmp/nginx.conf' \
		'$run ab -c 8 -n 500 http://127.0.0.1:7007/text && $run ab -k -c 8 -n 500 http://127.0.0.1:7007/text'
	trial 'nginx as a proxy, curl' 'nginx curl' tcp:127.0.0.1:7008 \
		'$run nginx -c /tmp/nginx.conf' \
		'$run curl -sSf http://127.0.0.1:7008/text | cmp - $text'
	trial 'nginx to what it is a proxy of' 'nginx curl' tcp:127.0.0.1:7007 \
		'$run nginx -c /tmp/nginx.conf' \
		'$run curl -sSf http://127.0.0.1:7008/text | cmp - $text'
	trial 'postgres, psql, pgbench' 'postgres pgbench' tcp:127.0.0.1:7009 \
		'$run postgres -D /tmp/postgres -p 7009 -h 127.0.0.1 -k ""' \
		'for i in 1 2 3 4 5 6 7 8 9; do $run psql -h 127.0.0.1 -p 7009 -c "select 1" postgres && break; sleep 1; done
		$run pgbench -h 127.0.0.1 -p 7009 -i -q postgres && $run pgbench -h 127.0.0.1 -p 7009 -c 4 -t 20 postgres'
	trial 'stress-ng --mq' stress-ng stress-mq 'sleep 100' \
		'$run stress-ng --mq 2 --mq-ops 20000 --verify --metrics'
	trial 'stress-ng --msg' stress-ng sysv-msg: 'sleep 100' \
		'$run stress-ng --msg 2 --msg-ops 1000 --msg-types 9 --verify --metrics'
	trial 'stress-ng --shm' stress-ng shm: 'sleep 100' \
		'$run stress-ng --shm 2 --shm-ops 60 --verify'
	trial 'stress-ng --shm-sysv' stress-ng sysv-shm: 'sleep 100' \
		'$run stress-ng --shm-sysv 2 --shm-sysv-ops 60 --verify'
	trial 'postgres, UNIX' 'postgres psql' unix: \
		'$run postgres -D /tmp/postgres -p 7010 -h "" -k /tmp' \
		'for i in 1 2 3 4 5 6 7 8 9; do $run psql -h /tmp -p 7010 -c "select 1" postgres && break; sleep 1; done'
}

prepare() {
	seq 20000 >/tmp/text
	cat >/tmp/nginx.conf <<-'END'
		daemon off; worker_processes 2; pid /tmp/nginx.pid; error_log stderr;
		events {}
		http { access_log off; root /tmp; client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy;
		fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
		server { listen 127.0.0.1:7007; }
		server { listen 127.0.0.1:7008; location / { proxy_pass http://127.0.0.1:7007; } } }
	END
	cat >/tmp/descriptor.py <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		if sys.argv[1] == "serve":
		    s.bind("/tmp/descriptor")
		    s.listen()
		    while True:
		        with s.accept()[0] as peer:
		            fds = socket.recv_fds(peer, 100, 4)[1]
		            with open(fds[0], "rb") as text:
		                peer.sendall(text.read())
		s.connect("/tmp/descriptor")
		with open("/tmp/text") as text:
		    socket.send_fds(s, [b"read this"], [text.fileno()])
		with s.makefile("rb") as answer:
		    sys.stdout.buffer.write(answer.read())
	END
	if command -v initdb >/dev/null; then
		initdb -D /tmp/postgres --locale=C -E UTF8 -A trust >/tmp/initdb 2>&1 || cat /tmp/initdb
	fi
}

# sent NAME: how many offers the mailboxes whose names begin so have got.
sent() {
	awk -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
		index($column["name"], name) == 1 { all += $column["sent"] } END { print all + 0 }' \
		/proc/net/mbox
}

# once HOW NAME SERVER CLIENT: leave how it ended in $ended, and the $offers.
once() {
	local server client now
	export run=$1 out=/tmp/out text=/tmp/text
	setsid bash -c "exec $3" >$out 2>/tmp/server.log &
	server=$!
	sleep 1.5
	ended=works offers=0
	timeout 100 bash -c "$4" >/tmp/client.log 2>&1 &
	client=$!
	# A server can end with its client, and its mailbox with it.
	while kill -0 $client; do
		now=$(sent "$2")
		offers=$((now > offers ? now : offers))
		sleep 0.2
	done
	wait $client || ended=fails
	now=$(sent "$2")
	offers=$((now > offers ? now : offers))
	kill -INT -- -$server
	sleep 1
	kill -KILL -- -$server
	wait $server
	rm -f /tmp/nc /tmp/socat /tmp/redis /tmp/dbus /tmp/descriptor
	[ $ended = works ] || tail -n 6 /tmp/client.log /tmp/server.log
} 2>/dev/null

trial() {
	local program kernel
	for program in $2; do
		command -v "$program" >/dev/null || return 0
	done
	once env "$3" "$4" "$5"
	kernel=$ended
	once 'mbox run --' "$3" "$4" "$5"
	printf '%-32s %-8s %-8s %s\n' "$1" $kernel $ended "$offers"
}

# The files of programs that are here, with what they load and read at run time.
files() {
	local programs=() program path
	for program in "${known[@]}"; do
		path=$(PATH=/usr/sbin:/usr/bin:$(echo /usr/lib/postgresql/*/bin) command -v "$program") &&
			programs+=("$path")
	done
	printf '%s\n' "${programs[@]}"
	ldd "${programs[@]}" /usr/lib/python3*/lib-dynload/*.so 2>/dev/null |
		awk '$2 == "=>" { print $3 }' | sort -u | sed 's|^/lib|/usr/lib|'
	find /usr/lib/python3.*/ -name test -prune -o -name '__pycache__' -prune -o -type f -print
	find /usr/lib/postgresql /usr/share/postgresql /usr/share/dbus-1 -type f 2>/dev/null
}

host() {
	local here
	here=$(dirname -- "$(realpath -- "$0")")
	tar=$(mktemp)
	trap 'rm -f "$tar"' EXIT
	files | sed 's|^/||' | tar -C / -chf "$tar" --ignore-failed-read -T -
	"$here/run.sh" -l -t 1200 -d "$here/../../build/vm/programs" -f "$tar:programs.tar" \
		-f "$0:programs.sh" "$1" 'bash /programs.sh guest'
}

# PostgreSQL does not run as root.
guest() {
	tar -C / -xf /programs.tar
	rm /programs.tar
	exec su user -c 'bash /programs.sh user'
}

user() {
	PATH=/usr/bin:/usr/sbin:$(echo /usr/lib/postgresql/*/bin)
	cd /tmp || exit
	prepare
	printf '%-32s %-8s %-8s %s\n' programs kernel mailbox messages
	trials
	# What a program has left behind.
	awk 'NR > 1 && $NF != "-" { print "/" $NF }' /proc/net/mbox | xargs -r mbox rm
}

case ${1-} in
guest | user) "$1" ;;
*) host "$1" ;;
esac
