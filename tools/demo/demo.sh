#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# demo.sh: shows mailboxes and segments at work, scene by scene (scenes/, in their order), on
# the machine that it runs on, with the module loaded. Every scene checks what it shows; the
# exit status is 0 only if all hold.
set -eu

demo=$(dirname "$(realpath "$0")")
export demo LC_ALL=C PATH="$demo/build:$PATH"

[ -c /dev/mbox ] || {
	echo "demo.sh: no /dev/mbox: load the module first (insmod mbox.ko)" >&2
	exit 1
}
failed=()
shown=0
for scene in "$demo"/scenes/*.sh; do
	bash "$scene" || failed+=("$(basename "$scene" .sh)")
	shown=$((shown + 1))
done
echo
if [ ${#failed[@]} -gt 0 ]; then
	echo "FAILED: ${failed[*]}"
	exit 1
fi
echo "All $shown scenes hold."
