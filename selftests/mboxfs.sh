#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Names as files of mboxfs, for programs that know nothing of mbox: the shell and its
# redirections, what makes, lists and removes files, and what reads and writes them. The mbox
# command is there to see the same names from the other side.
set -u

# In a mount namespace of its own, so that nothing is mounted when this ends.
[ "${1-}" = mounted ] || exec unshare -m "$0" mounted

. "$(dirname -- "$(realpath -- "$0")")/common.sh"
m=/run/mboxfs.test

# refuses TEXT CMD...: CMD fails, and TEXT is in what it says.
refuses() {
	local text=$1 status=0
	shift
	"$@" >"$dir/refused" 2>&1 && status=1
	grep -qF -- "$text" "$dir/refused" || status=1
	ok $status "refused: $*" "$(cat "$dir/refused")" "expected: $text"
}

# contained SCRIPT: an ordinary user runs it as root in a container of its own.
contained() {
	as_user unshare -U -r -m -n bash -c "$1"
}

# is NAME FILTER: of the object now
# shellcheck disable=SC2317 # called by holds and becomes
is() {
	mbox stat --json "$1" | jq -e "$2"
}

# listed FILE: as ls -l shows it, without its time
listed() {
	stat -c '%A %U %G %s' "$1"
}

names() {
	mbox ls --json | jq -r '.[].name' | paste -sd ' '
}

test_mailbox() {
	(umask 026 && echo hello >$m/jobs)
	same 'a file is made' "$(listed $m/jobs)" '-rw-r----- root root 6'
	holds 'ls -l shows it' grep -qE '^-rw-r-----\.? 1 root +root +6 .* jobs$' <(ls -l $m)
	holds 'and is a mailbox' is /jobs '.kind == "mailbox" and .capacity == 8 and .msgsize == 8192 and
		.mode == "0640" and .queued == 1 and .queued_bytes == 6'
	echo more >>$m/jobs
	echo last >$m/jobs
	same 'neither > nor >> lose what is in it' "$(listed $m/jobs)" '-rw-r----- root root 16'
	same 'each echo is a message' "$(mbox recv --raw --count=1 /jobs)" hello
	same 'which dd takes' "$(dd if=$m/jobs bs=64K count=1 status=none)" more
	same 'and dd from a <' "$(dd bs=64K count=1 status=none <$m/jobs)" last
	mbox send /jobs sent
	same 'a message of the command' "$(dd if=$m/jobs bs=64K count=1 status=none)" sent
	seq 500 >"$dir/numbers"
	cp "$dir/numbers" $m/jobs
	same 'a file that is copied' "$(mbox recv --raw --count=1 /jobs | cmp - "$dir/numbers" && echo whole)" whole
	dd if="$dir/numbers" of=$m/jobs bs=1000 status=none
	holds 'or in blocks' is /jobs '.queued == 2 and .queued_bytes == 1892'
	mbox recv --raw --count=2 /jobs >"$dir/got"
	holds 'comes out' cmp "$dir/got" "$dir/numbers"
	refuses 'Message too long' dd if=/dev/zero of=$m/jobs bs=8193 count=1
	echo 'three words' >$m/jobs
	# shellcheck disable=SC2016 # that shell's
	refuses 'Message too long' bash -c 'read -r line <$0' $m/jobs
	refuses 'Invalid argument' truncate -s 0 $m/jobs
	same 'and nothing was lost' "$(listed $m/jobs)" '-rw-r----- root root 12'
	(set -C && echo x >$m/jobs) 2>"$dir/err"
	holds 'noclobber' grep -qF 'cannot overwrite existing file' "$dir/err"
	rm $m/jobs
}

# Capacity 8: those who wait.
test_waiting() {
	local pid
	seq 8 | while read -r number; do
		echo "$number" >$m/jobs
	done
	bash -c "echo nine >$m/jobs" &
	pid=$!
	holds 'a shell that writes to a full one waits' becomes is /jobs '.queued == 8 and .waiting_senders == 1'
	same 'for one that reads' "$(dd if=$m/jobs bs=64K count=1 status=none)" 1
	holds 'and goes on' ended $pid
	mbox recv --raw --count=8 /jobs >"$dir/got"
	same 'in their order' "$(paste -sd ' ' "$dir/got")" '2 3 4 5 6 7 8 nine'
	cat $m/jobs >"$dir/got" &
	pid=$!
	holds 'cat waits for more' becomes is /jobs '.waiting_receivers == 1'
	echo now >$m/jobs
	holds 'and shows it at once' becomes grep -qx now "$dir/got"
	kill $pid
	ended $pid 2>/dev/null
	exec 7<>$m/jobs
	echo back >&7
	same 'to oneself by <>' "$(dd bs=64K count=1 status=none <&7)" back
	exec 7>&-
	rm $m/jobs
}

# made WORD...: a mailbox that ends with its writers, with a line each
made() {
	rm -f $m/lines
	mbox create --hangup /lines
	printf '%s\n' "$@" | mbox send --raw /lines
}

test_ends() {
	made b a c
	same 'sort' "$(sort $m/lines | paste -sd ' ')" 'a b c'
	made b a c
	same 'cat, twice' "$(cat $m/lines $m/lines | paste -sd ' ')" 'b a c'
	made b a c
	same 'grep' "$(grep -v a $m/lines | paste -sd ' ')" 'b c'
	made b a c
	same 'sed' "$(sed 's/a/A/' <$m/lines | paste -sd ' ')" 'b A c'
	made b a c
	same 'tail' "$(tail -n 1 $m/lines)" c
	made b a c
	same 'a loop' "$(cat $m/lines | while read -r line; do printf '<%s>' "$line"; done)" '<b><a><c>'
	made b a c
	cp $m/lines "$dir/copy"
	same 'cp' "$(paste -sd ' ' "$dir/copy")" 'b a c'
	made b a c
	same 'wc -c believes in the size' "$(wc -c $m/lines)" "6 $m/lines"
	same 'wc -l reads' "$(wc -l <$m/lines)" 3
	made b a c
	same 'head has its line' "$(head -n 1 $m/lines 2>"$dir/err")" b
	holds 'and cannot give the others back' grep -qF 'cannot seek' "$dir/err"
	rm $m/lines
}

test_fifo() {
	local reader writer
	mkfifo -m 640 $m/lines
	holds 'mkfifo makes a FIFO' test -p $m/lines
	# shellcheck disable=SC2012 # ls is the point
	same 'that ls shows' "$(ls -l $m | awk 'NR > 1 { print $1, $3, $4, $5, $NF }')" 'prw-r----- root root 0 lines'
	holds 'and is a stream' is /lines '.kind == "stream" and .capacity == 65536 and .mode == "0640"'
	refuses 'File exists' mkfifo $m/lines
	cat <$m/lines >"$dir/got" &
	reader=$!
	holds 'a reader waits for a writer' becomes is /lines '.receivers == 1'
	echo hello >$m/lines
	holds 'and ends with it' ended $reader
	same 'with what it wrote' "$(cat "$dir/got")" hello

	seq 20000 >"$dir/numbers"
	tee $m/lines <"$dir/numbers" | wc -l >"$dir/count" &
	writer=$!
	sort -rn <$m/lines >"$dir/got"
	holds 'tee ends' ended $writer
	holds 'tee and sort' cmp "$dir/got" <(sort -rn "$dir/numbers")
	same 'tee and wc' "$(cat "$dir/count")" 20000
	gzip -c "$dir/numbers" >$m/lines &
	gzip -dc <$m/lines >"$dir/got"
	holds 'gzip and gzip -d' cmp "$dir/got" "$dir/numbers"
	wait $!
	cp "$dir/numbers" $m/lines &
	same 'cp and wc' "$(wc -lc <$m/lines | xargs)" "20000 $(wc -c <"$dir/numbers")"
	wait $!
	dd if="$dir/numbers" of=$m/lines bs=777 status=none &
	same 'dd and grep' "$(grep -c 7 $m/lines)" "$(grep -c 7 "$dir/numbers")"
	wait $!
	yes >$m/lines &
	writer=$!
	same 'a reader that has enough' "$(head -n 1 $m/lines)" y
	ended $writer 2>/dev/null
	same 'ends its writer by SIGPIPE' $? 141

	tail -f $m/lines >"$dir/got" &
	reader=$!
	echo one >$m/lines
	holds 'tail -f shows what a writer left' becomes grep -qx one "$dir/got"
	echo two >$m/lines
	holds 'and the next' becomes grep -qx two "$dir/got"
	kill $reader
	ended $reader 2>/dev/null

	exec 7<>$m/lines
	echo held >&7
	same 'its size is what is in it' "$(stat -c %s $m/lines)" 5
	holds 'as the command sees it' is /lines '.queued_bytes == 5 and .senders == 1 and .receivers == 1'
	exec 7>&-
	mkfifo $m/packed
	mbox open --input=/packed --output=/lines -- gzip -dc &
	gzip -c "$dir/numbers" >$m/packed &
	cmp $m/lines "$dir/numbers"
	same 'with the command at one end' $? 0
	wait
	rm $m/lines $m/packed
}

test_segment() {
	mbox seg create --mode=640 /table 8192
	echo text | mbox seg write /table
	same 'a segment is a file of its length' "$(listed $m/table)" '-rw-r----- root root 8192'
	# What is there to map is not there to read.
	refuses 'Invalid argument' cat $m/table
	refuses 'cannot lseek' cp $m/table "$dir/copy"
	refuses 'Invalid argument' dd if=/dev/zero of=$m/table
	refuses 'cannot open' truncate -s 4096 $m/table
	bash -c ": <>$m/table"
	same 'to open it changes nothing' "$(mbox seg read --length=4 /table)" text
	chmod 600 $m/table
	holds 'chmod' is /table '.mode == "0600" and .length == 8192'
	rm $m/table
}

test_names() {
	mbox create --mode=600 --capacity=2 /made
	same 'what the command makes is a file' "$(listed $m/made)" '-rw------- root root 0'
	mbox send /made x
	same 'with what it sends' "$(listed $m/made)" '-rw------- root root 1'
	mv $m/made $m/moved
	same 'mv' "$(names) $(ls $m)" '/moved moved'
	holds 'it is the same' is /moved '.queued == 1 and .capacity == 2'
	echo new >$m/made
	mv $m/moved $m/made
	same 'mv over another' "$(names) $(ls $m) $(mbox recv --nonblock /made)" '/made made x'
	chmod 640 $m/made
	chown user:user $m/made
	holds 'chmod and chown' is /made '.mode == "0640" and .uid == 1000 and .gid == 1000'
	mbox chmod 604 /made
	mbox chown root:root /made
	same 'the same by the command' "$(listed $m/made)" '-rw----r-- root root 0'
	mbox resize /made 3
	holds 'capacity is for the command' is /made '.capacity == 3'
	mbox rm /made
	refuses 'No such file' ls $m/made
	echo x >$m/'with blanks'
	mkfifo $m/pipe
	same 'ls and find' "$(ls $m; find $m -type p; find $m -type f)" "pipe
with blanks
$m/pipe
$m/with blanks"
	rm $m/*
	same 'rm' "$(ls -A $m)$(names)" ''
	refuses 'not permitted' mkdir $m/folder
	refuses 'not permitted' ln -s x $m/link
	echo x >$m/file
	refuses 'not permitted' ln $m/file $m/link
	mbox recv --nonblock /file >"$dir/held"
	chmod 755 $m/file
	refuses 'ermission denied' $m/file
	refuses 'File name too long' touch "$m/$(printf 'n%.0s' {1..256})"
	rm $m/file
}

test_rights() {
	echo secret >$m/mine
	chmod 600 $m/mine
	refuses 'ermission denied' as_user cat $m/mine
	refuses 'ermission denied' as_user dd if=/dev/zero of=$m/mine count=1
	refuses 'not permitted' as_user rm -f $m/mine
	refuses 'not permitted' as_user mv $m/mine $m/theirs
	refuses 'not permitted' as_user chmod 666 $m/mine
	as_user bash -c "umask 077; echo hello >$m/theirs"
	same 'a file belongs to who made it' "$(listed $m/theirs)" '-rw------- user user 6'
	as_user rm $m/theirs
	same 'and is its to remove' "$(ls $m)" mine
	chmod 622 $m/mine
	as_user bash -c "echo let me in >$m/mine"
	same 'who may send' "$(mbox recv --nonblock --json /mine | jq -c '[.data, .uid]')" '["secret\n",0]
["let me in\n",1000]'
	rm $m/mine
}

test_options() {
	mkdir "$dir/second"
	mount -t mboxfs -o capacity=1,msgsize=10,mode=0700 none "$dir/second"
	same 'a second mount' "$(stat -c '%A %U' "$dir/second")" 'drwx------ root'
	holds 'says how it is' grep -q ' mboxfs .*capacity=1,msgsize=10,uid=0,gid=0,mode=700 ' /proc/self/mounts
	echo x >"$dir/second/small"
	same 'shows the same names' "$(listed $m/small)" '-rw-r--r-- root root 2'
	holds 'has its own defaults' is /small '.capacity == 1 and .msgsize == 10'
	refuses 'ermission denied' as_user ls "$dir/second"
	mount -o remount,capacity=unbounded "$dir/second"
	rm $m/small
	echo x >"$dir/second/small"
	holds 'which a remount changes' is /small '.capacity == null and .msgsize == 10'
	rm "$dir/second/small"
	umount "$dir/second"
	refuses 'nvalid argument' mount -t mboxfs -o capacity=few none "$dir/second"
	rmdir "$dir/second"
}

test_containers() {
	local reader
	echo x >$m/outside
	same 'a container mounts its own names' "$(contained "mount -t mboxfs none $m && ls -A $m &&
		echo y >$m/inside && mkfifo $m/fifo && ls $m && mbox recv --raw --nonblock /inside &&
		stat -c %U $m/inside")" 'fifo
inside
y
root'
	same 'which are not those outside' "$(ls $m)" outside
	refuses 'ermission denied' as_user unshare -U -r -m mount -t mboxfs none $m

	# Given one mailbox, and no other name: the mount is covered, and the network another.
	mkfifo -m 666 $m/given
	mbox create --mode=666 /mail
	touch "$dir/at.given" "$dir/at.mail"
	cat $m/given >"$dir/got" &
	reader=$!
	same 'a container that is given a FIFO and a mailbox' "$(contained "
		mount --bind $m/given $dir/at.given
		mount --bind $m/mail $dir/at.mail
		mount -t tmpfs none $m
		test -p $dir/at.given && echo through the FIFO >$dir/at.given
		echo to the mailbox >$dir/at.mail
		stat -c %s $dir/at.mail
		mbox ls --json; ls -A $m; cat /proc/net/mbox | wc -l
		mbox send /outside x 2>&1 | grep -c 'no such name'")" '15
[]
1
1'
	holds 'its reader ends' ended $reader
	same 'and has it' "$(cat "$dir/got")" 'through the FIFO'
	same 'and so has the mailbox' "$(mbox recv --json --nonblock /mail | jq -c '[.data, .uid]')" '["to the mailbox\n",1000]'
	rm $m/* "$dir"/at.*
}

echo 'TAP version 13'
chmod 711 "$dir"
mkdir -p $m
holds 'mboxfs is mounted' mount -t mboxfs -o capacity=8,msgsize=8192 none $m
same 'it shows nothing where there is nothing' "$(ls -A $m)" ''
test_mailbox
test_waiting
test_ends
test_fifo
test_segment
test_names
test_rights
test_options
test_containers
same 'nothing is left' "$(ls -A $m) $(mbox ls --json)" ' []'
umount $m
rmdir $m
done_testing
