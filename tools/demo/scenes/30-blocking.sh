#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Blocking and non-blocking: a mailbox that holds 2"
mbox create --capacity=2 --mode=600 /demo.two
holds "non-blocking receive, none there: exit status" 6 "$(exit_of mbox recv --nonblock --count=1 /demo.two)"
holds "receive with a deadline in 0.2 s, none comes" 6 "$(exit_of mbox recv --timeout=0.2 --count=1 /demo.two)"
mbox send /demo.two one two
holds "non-blocking send, 2 are there: exit status" 6 "$(exit_of mbox send --nonblock /demo.two three)"
mbox send /demo.two three &
until_true is /demo.two waiting_senders 1
say "blocking send: process $(status /demo.two send_wait_pid) waits until the mailbox has its message"
holds "a receive takes the first" one "$(mbox recv --count=1 /demo.two)"
wait $!
holds "and the third is in: queued" 2 "$(status /demo.two queued)"
mbox recv --count=1 /demo.two >/dev/null
mbox send --sync /demo.two four &
until_true is /demo.two waiting_senders 1
say "synchronous send: there is room, but it waits until a receiver has the message"
holds "received" "three four" "$(mbox recv --count=2 /demo.two | paste -sd ' ')"
wait $!
