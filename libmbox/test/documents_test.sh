#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# documents_test.sh: documents.sh has to see each kind of disagreement. Each is made in a copy of
# the documents. Prints TAP.
set -euo pipefail

here=$(dirname -- "$(realpath -- "$0")")
top=$here/../..
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
count=0 failed=0

result() {
	count=$((count + 1))
	printf '%s %d - %s\n' "$1" "$count" "$2"
	[ "$1" = ok ] || failed=1
}

fresh() {
	rm -rf "$copy/uapi" "$copy/libmbox"
	mkdir "$copy/libmbox"
	cp -r "$top/uapi" "$copy"
	cp -r "$top/libmbox/include" "$top/libmbox/man" "$top/libmbox/libmbox.map" "$copy/libmbox"
	mkdir "$copy/libmbox/rpc"
	cp "$top/libmbox/rpc/rpc.map" "$copy/libmbox/rpc"
}

# seen WHAT FILE EDIT EXPECTED: after EDIT, an expression of sed, documents.sh says EXPECTED.
seen() {
	local said status=0
	fresh
	sed -i "$3" "$copy/$2"
	if cmp -s "$copy/$2" "$top/$2"; then
		echo "# nothing in $2 to try this on"
		result 'not ok' "$1"
		return
	fi
	said=$("$here/documents.sh" "$copy") || status=$?
	if [ $status = 1 ] && [[ $said = *"$4"* ]]; then
		result ok "$1"
	else
		printf '# status %d, said: %s\n' "$status" "$said"
		result 'not ok' "$1"
	fi
}

uapi=uapi/linux/mbox.h mailbox=libmbox/include/mbox/mailbox.h man=libmbox/man

echo 'TAP version 13'
fresh
if "$here/documents.sh" "$copy"; then
	result ok 'equal documents pass'
else
	result 'not ok' 'equal documents pass'
fi
seen 'an ioctl that is not in mbox(4)' $man/mbox.4 '/^.It Dv MBOX_IOC_STATUS Ta/d' 'ioctl MBOX_IOC_STATUS'
seen 'an ioctl of another number' $uapi 's/TYPE, 0x24/TYPE, 0x26/' 'only in uapi/linux/mbox.h: ioctl MBOX_IOC_STATUS _IOWR 0x26'
seen 'an ioctl of another direction' $uapi 's/_IOWR(MBOX_IOC_TYPE, 0x21/_IOW(MBOX_IOC_TYPE, 0x21/' 'ioctl MBOX_IOC_RECV _IOW 0x21'
seen 'another type of ioctls' $uapi 's/0xB9/0xBA/' 'value MBOX_IOC_TYPE 0xBA'
seen 'another limit' $uapi 's/16 \* 1024/32 * 1024/' 'value MBOX_MSGSIZE_MAX 32'
seen 'a limit that is not in mbox(4)' $man/mbox.4 '/MBOX_PEEK_MAX Ta/d' 'value MBOX_PEEK_MAX'
seen 'a flag that is not in mbox(4)' $uapi 's/^\tMBOX_PEEK = 1 << 4,/&\n\tMBOX_NEW = 1 << 5,/' 'constant MBOX_NEW'
seen 'a flag that is only in mbox(4)' $uapi '/^\tMBOX_SEAL_GROW =/d' 'only in mbox(4): constant MBOX_SEAL_GROW'
seen 'a new field' $uapi 's/^\t__u32 seals;/&\n\t__u32 more;/' 'layout mbox_ioc_set 8 __u32 more'
seen 'a field of another width' $man/mbox.4 's/__u32 signo/__u64 signo/' 'layout mbox_ioc_notify 2 __u64 signo;'
seen 'a field that mbox(4) does not explain' $man/mbox.4 '/^.It Fa msgsize/d' 'field mbox_ioc_create msgsize'
seen 'an errno that mbox(4) does not list with the ioctl' $man/mbox.4 '/^.Er ENOENT$/d' 'errno mbox_ioc_unlink ENOENT'
seen 'an errno that only mbox(4) lists with the ioctl' $uapi 's/ENOENT, EPERM\./EPERM./' 'only in mbox(4): errno mbox_ioc_unlink ENOENT'
seen 'an errno whose meaning mbox(4) does not tell' $man/mbox.4 '/^.It Bq Er ENOMSG/d' 'meaning ENOMSG'
seen 'an ioctl of a struct that mbox(4) does not name there' $man/mbox.4 's/^.Ss MBOX_IOC_SEND , MBOX_IOC_RECV/.Ss MBOX_IOC_SEND/' 'section mbox_ioc_msg MBOX_IOC_RECV'
seen 'a call that is not exported' libmbox/libmbox.map '/mbox_peek;/d' 'only in the headers: mbox_peek'
seen 'a call that no header has' libmbox/libmbox.map 's/\tmbox_peek;/&\n\tmbox_poke;/' 'only in the maps: mbox_poke'
seen 'a call of RPC that is not exported' libmbox/rpc/rpc.map '/svc_mbox_create;/d' 'only in the headers: svc_mbox_create'
seen 'an errno that the page of RPC lacks' $man/mbox_rpc.3 '/^.It Bq Er EIDRM/d' 'mbox_rpc.3 EIDRM'
seen 'a call without a page' $man/mbox_recv.3 '/^.Nm mbox_recvv/d' 'only in the headers: mbox_recvv'
seen 'another prototype' $mailbox 's/int mbox_resize(struct mbox \*mb, uint64_t/int mbox_resize(struct mbox *mb, uint32_t/' 'prototype int mbox_resize(struct mbox *mb, uint32_t capacity);'
seen 'another return type' $man/mbox_open.3 's/^.Ft "void"/.Ft "int"/' 'prototype int mbox_close'
seen 'a field that the page of a struct lacks' $mailbox 's/^\tuint64_t tag;/&\n\tuint64_t more;/' 'layout mbox_message 5 uint64_t more;'
seen 'a constant of the library that no page has' $man/mbox_open.3 '/MBOX_MSGSIZE_DEFAULT/d' 'only in the headers: MBOX_MSGSIZE_DEFAULT'
seen 'a constant that no header has' $man/mbox_send.3 's/^.Dv MBOX_SYNC/.Dv MBOX_SINK/' 'only in the pages: MBOX_SINK'
seen 'an error that the page of a call lacks' $man/mbox_send.3 '/^.It Bq Er EPIPE/d' 'only in the headers: mbox_send.3 EPIPE'
seen 'an error that only the page has' $man/mbox_notify.3 's/^.It Bq Er EBUSY/.It Bq Er ENOSPC\n&/' 'only in the pages: mbox_notify.3 ENOSPC'
printf '1..%d\n' "$count"
[ $failed = 0 ]
