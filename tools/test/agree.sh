#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# --help, the manual pages and the completion say the same.
set -eu
cd "$(dirname -- "$0")/.."
mbox=${MBOX:-build/mbox}
page=man/mbox.1
. test/tap.sh

complete() { :; } # not here
. completion/mbox

# help_of COMMAND: its --help; the words of "seg ls" are two.
help_of() {
	local words
	read -ra words <<<"$1"
	"$mbox" "${words[@]}" --help
}

# The commands in --help; a family is one word there too.
commands() {
	"$mbox" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]\+\( [a-z]\+\)\?\)  .*/\1/p'
}

# What is given as "-p, --prio=N" comes out as "p prio= N" in all three.
in_help() {
	sed -nE 's/^  -(.), --([a-z-]+)(=?)([A-Z]*).*/\1 \2\3 \4/p' | sed 's/ $//' | sort
}

in_page() {
	sed -nE 's/^\.It Fl (.) , -([a-z-]+)( Ns = Ns Ar ([A-Z]+))?$/\1 \2 \4/p' |
		sed -E 's/ ([A-Z]+)$/= \1/; s/ $//' | sort
}

help_options() {
	help_of "$1" | in_help | grep -v '^h '
}

# The lines of the page about a command.
section() {
	awk -v words="$1" '
		/^\.S[sh] / { inside = index($0 " ", ".Ss " words " ") == 1; next }
		inside' $page
}

page_options() {
	section "$1" | in_page
}

# Letters and arguments are not in the completion.
completion_options() {
	_mbox_words "$1" | tr ' ' '\n' | sed -n 's/^--//p' | grep -vx help | sort
}

operands() {
	help_of "$1" | sed -nE '1s/^Usage: mbox [a-z-]+( [a-z]+)? \[OPTION\.\.\.\] ?//p'
}

page_operands() {
	sed -nE "s/^\.Ss $1( .*)?\$/\1/p" $page |
		sed -E 's/ Oc Ns Oo/][/; s/ Oo option \.\.\. Oc//; s/ Op option \.\.\.//; s/ (Ar|Ns|Pf)//g
			s/ Oo/ [/g; s/ Oc/]/g; s/\[ /[/g; s/ \.\.\./.../g
			s/ Op ([A-Z.]+)/ [\1]/; s/: /:/; s/^ //'
}

for command in $(commands | tr ' ' _); do
	command=${command/_/ }
	[ "$command" != help ] || continue
	same "$command: options of the page" "$(page_options "$command")" "$(help_options "$command")"
	same "$command: options of the completion" "$(completion_options "$command")" \
		"$(help_options "$command" | cut -d' ' -f2 | sort)"
	[ "$command" != bench ] || continue
	same "$command: operands of the page" "$(page_operands "$command")" "$(operands "$command")"
	read -ra words <<<"$command"
	same "$command: help and --help are one" "$("$mbox" help "${words[@]}")" \
		"$(help_of "$command")"
done

same "commands of the page" \
	"$(sed -nE 's/^\.Ss (seg [a-z]+|[a-z-]+).*/\1/p' $page | sort)" "$(commands | sort)"
same "commands of the completion" \
	"$(_mbox_words '' | tr ' ' '\n' | grep -vx seg | grep -v '^--' | sort)" \
	"$(commands | grep -v ' ' | sort)"
same "seg commands of the completion" \
	"$(_mbox_words seg | tr ' ' '\n' | grep -v '^--' | sort)" \
	"$(commands | sed -n 's/^seg //p' | sort)"
same "exit codes of the page" \
	"$(sed -n '/^\.Sh EXIT STATUS/,/^\.El/p' $page | sed -n '/^\.It /{s///;N;s/\n/ /;p}')" \
	"$("$mbox" --help | sed -n '/^Exit codes:/,$s/^  \([0-9]\+\) *\(.*\)/\1 \2/p')"
same "mboxrpcbind: options of the page" "$(in_page <man/mboxrpcbind.8)" \
	"$("${mbox}rpcbind" --help | in_help)"
done_testing
