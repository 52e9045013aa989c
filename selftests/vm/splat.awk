#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0
#
# Reads the console of a VM. When the kernel complained, prints the kind of the first complaint
# and the lines around it, and exits with 1. The kinds are tried in order: most of them also
# say BUG or WARNING.

BEGIN {
	n = 0
	kind("KASAN", "BUG: KASAN")
	kind("UBSAN", "UBSAN: ")
	kind("lockdep", "(circular|recursive) locking|inconsistent .*lock state|lock(s)? held|held lock|" \
		"bad unlock balance|bad contention|Invalid wait context|lock order|irq lock|DEBUG_LOCKS|" \
		"suspicious RCU|lockdep")
	kind("RCU stall", "rcu.*(detected|self-detected).*stall|rcu.* kthread starved")
	kind("hung task", "INFO: task .* blocked for more than")
	kind("lockup", "(soft|hard) (lockup|LOCKUP)|workqueue lockup")
	kind("allocation failure", "page allocation failure")
	kind("oops", "Oops|BUG: unable to handle|BUG: kernel NULL|general protection fault|kernel BUG at|" \
		"invalid opcode|stack segment|double fault")
	kind("panic", "Kernel panic")
	kind("corruption", "list_(add|del) corruption|usercopy: Kernel memory|refcount_t:|ODEBUG:")
	kind("BUG", "BUG[: ]")
	kind("WARN", "WARNING: |cut here")
}

function kind(name, pattern) {
	names[++n] = name
	patterns[n] = pattern
}

# "cut here" only opens a complaint: the line after it names the kind.
{
	sub(/\r$/, "")
	if (found)
		after++
	else if ($0 !~ /cut here/)
		for (i = 1; i <= n && !found; i++)
			if ($0 ~ patterns[i])
				found = names[i]
	if (found && after < 20)
		text = text $0 "\n"
}

END {
	if (found) {
		printf "%s: %s", found, text
		exit 1
	}
}
