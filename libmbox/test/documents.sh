#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# documents.sh [TOP]: fails, and says where, unless the sources of the tree TOP and its manual say
# the same: uapi/linux/mbox.h and mbox(4) on each ioctl, struct, field, errno, limit and flag; the
# headers of libmbox, the pages of section 3, libmbox.map and rpc.map on each call, prototype, errno, struct
# and constant.
#
# Each side is boiled down to a sorted list of facts, one a line; the lists have to be equal.
set -euo pipefail

top=${1:-$(dirname -- "$(realpath -- "$0")")/../..}
uapi=$top/uapi/linux/mbox.h
maps=("$top/libmbox/libmbox.map" "$top/libmbox/rpc/rpc.map")
headers=("$top"/libmbox/include/mbox/*.h)
man=$top/libmbox/man
different=0

# agree ONE OTHER FACTS FACTS: what two documents say.
agree() {
	local facts
	facts=$(diff <(LC_ALL=C sort -u "$3") <(LC_ALL=C sort -u "$4") |
		sed -n "s|^< |    only in $1: |p; s|^> |    only in $2: |p") || true
	[ -n "$facts" ] || return 0
	printf '%s and %s do not agree\n%s\n' "$1" "$2" "$facts"
	different=1
}

# errnos: the names of errors among words.
errnos='
function errnos(line, fact,	n, i, words) {
	n = split(line, words, /[^A-Z0-9]+/)
	for (i = 1; i <= n; i++)
		if (words[i] ~ /^E[A-Z0-9][A-Z]+$/)
			print fact, words[i]
}
'

uapi_h() {
	# Continued lines in one.
	sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$uapi" | awk "$errnos"'
	/^#define MBOX_/ { print "constant", $2 }
	/^#define MBOX_.*_IOW/ {
		gsub(/[(),]/, " ")
		print "ioctl", $2, $3, $5, $7
		next
	}
	/^#define MBOX_/ {
		name = $2
		sub(/^#define [A-Z_]+[ \t]+/, "")
		gsub(/^\(|\)$/, "")
		print "value", name, $0
	}
	/^\tMBOX_[A-Z_]+ = / { print "constant", $1 }

	/^ \* DOC:/ { general = 1 }
	general && /^ \*  - / {
		line = $0
		sub(/:.*/, "", line)
		errnos(line, "meaning")
	}

	/^ \* struct / {
		struct = $3
		line = $0
		while (match(line, /MBOX_IOC_[A-Z_]+/)) {
			print "section", struct, substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
		}
	}
	struct && /^ \* @/ { print "field", struct, substr($2, 2, length($2) - 2) }
	struct && /^ \* Return:/ { returns = 1 }
	struct && returns { errnos($0, "errno " struct) }
	/^ \*\// { general = returns = struct = 0 }

	/^struct [a-z_]+ \{/ { body = $2; place = 0 }
	body && /^\t__/ { print "layout", body, ++place, $1, $2 }
	/^\}/ { body = "" }
	' | sed -E '/^field mbox_(iovec|fd|loan) /d'
}

mbox_4() {
	awk "$errnos"'
	/^\.It Dv MBOX_.* Ta _IOW/ { print "ioctl", $3, $5, $7, $NF }
	/^\.It Dv MBOX_.* Ta / && !/ _IOW/ {
		value = $0
		sub(/^\.It Dv [A-Z_]+ Ta /, "", value)
		sub(/ Ta .*/, "", value)
		print "value", $3, value
	}
	/^\.[A-Z][a-z] / {
		line = $0
		while (match(line, /MBOX_[A-Z_]+/)) {
			print "constant", substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
		}
	}

	/^\.S[hs]/ { heading = $0; struct = returns = 0; meanings = /ERRORS/ }
	meanings && /^\.It Bq Er/ { errnos($0, "meaning") }

	/^struct [a-z_]+ \{/ {
		body = $2
		place = 0
		if (body ~ /_ioc_|_uring$/) {
			struct = body
			while (match(heading, /MBOX_IOC_[A-Z_]+/)) {
				print "section", struct, substr(heading, RSTART, RLENGTH)
				heading = substr(heading, RSTART + RLENGTH)
			}
		}
	}
	body && /^\t__/ { print "layout", body, ++place, $1, $2 }
	/^\}/ { body = "" }

	struct && /^\.It Fa / { print "field", struct, $3 }
	struct && /^Returns / { returns = 1 }
	struct && returns && /^\.Er / { errnos($2, "errno " struct) }
	' "$man/mbox.4" | sed '/^constant MBOX_IOC_$/d'
}

headers_h() {
	awk "$errnos"'
	/^#define MBOX_[A-Z_]+[ \t]/ { print "constant", $2 }
	/^\tMBOX_[A-Z_]+,$/ { print "constant", substr($1, 1, length($1) - 1) }

	/^ \* ([a-z]+_)?mbox_[a-z_]+\(\)/ { call = $2; sub(/\(\)/, "", call) }
	call && /^ \* Return:/ { returns = 1 }
	call && returns {
		line = $0
		while (match(line, /[- ]E[A-Z0-9]+/)) {
			print "errno", call, substr(line, RSTART + 1, RLENGTH - 1)
			line = substr(line, RSTART + RLENGTH)
		}
	}
	/^ \*\// { call = returns = "" }

	/^struct [a-z_]+ \{/ { body = $2; place = 0 }
	body && /^\t/ { sub(/^\t/, ""); print "layout", body, ++place, $0 }
	/^\}/ { body = "" }

	/^[A-Za-z].*\(/ { prototype = "" }
	/^[A-Za-z].*\(/, /;$/ {
		prototype = prototype " " $0
		if (/;$/) {
			gsub(/[ \t]+/, " ", prototype)
			print "prototype" prototype
		}
	}
	' "${headers[@]}"
}

pages_3() {
	awk "$errnos"'
	FNR == 1 { page = FILENAME; sub(/.*\//, "", page); section = "" }
	/^\.Sh/ { section = $2 }
	section == "NAME" && /^\.Nm/ { print "call", $2, page }

	/^\.Ft/ { type = quoted($0) }
	/^\.Fn/ && section == "SYNOPSIS" { declare($2, $0) }
	/^\.Fo/ { name = $2; arguments = "" }
	/^\.Fa/ && section == "SYNOPSIS" { arguments = arguments " " $0 }
	/^\.Fc/ { declare(name, arguments) }

	/^struct [a-z_]+ \{/ { body = $2; place = 0 }
	body && /^\t/ { sub(/^\t/, ""); print "layout", body, ++place, $0 }
	/^\}/ { body = "" }

	section == "ERRORS" && /^\.It Bq Er/ { errnos($0, "errno " page) }
	/^\.Dv MBOX_/ { print "mentioned", $2 }
	/^\.It Dv MBOX_/ { print "mentioned", $3 }

	function quoted(line) {
		match(line, /"[^"]*"/)
		rest = substr(line, RSTART + RLENGTH)
		return substr(line, RSTART + 1, RLENGTH - 2)
	}
	function declare(name, line,	arguments, comma) {
		comma = ""
		for (rest = line; rest ~ /"/; comma = ", ")
			arguments = arguments comma quoted(rest)
		line = "prototype " type " " name "(" arguments ");"
		sub(/\* /, "*", line)
		print line
	}
	' "$man"/*.3
}

map_calls() { sed -n 's/^\t\([a-z_]*mbox_[a-z_]*\);$/\1/p' "${maps[@]}"; }
header_calls() { headers_h | sed -nE 's/^prototype [^(]*[ *](([a-z]+_)?mbox_[a-z_]*)\(.*/\1/p'; }
page_calls() { pages_3 | sed -n 's/^call \([^ ]*\) .*/\1/p'; }

header_prototypes() { headers_h | grep '^prototype'; }
page_prototypes() { pages_3 | grep '^prototype'; }

header_structs() { headers_h | grep '^layout'; }
page_structs() { pages_3 | grep '^layout'; }

header_constants() { headers_h | sed -n 's/^constant //p'; }
page_constants() { pages_3 | sed -n 's/^mentioned //p' | grep -vxF "$(uapi_h | sed -n 's/^constant //p')"; }

# The errors of the calls of one page, together.
header_errnos() {
	{ pages_3 | grep '^call'; headers_h; } | awk '
	$1 == "call" { page[$2] = $3 }
	$1 == "errno" && $2 in page { print page[$2], $3 }'
}
page_errnos() { pages_3 | sed -n 's/^errno //p'; }

agree 'uapi/linux/mbox.h' 'mbox(4)' <(uapi_h) <(mbox_4)
agree 'the headers' 'the maps' <(header_calls) <(map_calls)
agree 'the headers' 'the pages' <(header_calls) <(page_calls)
agree 'the headers' 'the pages' <(header_prototypes) <(page_prototypes)
agree 'the headers' 'the pages' <(header_structs) <(page_structs)
agree 'the headers' 'the pages' <(header_constants) <(page_constants)
agree 'the headers' 'the pages' <(header_errnos) <(page_errnos)
[ $different = 0 ]
