#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0
#
# ktap.awk -v origin=NAME: turns KTAP into one record a result, for summary.awk:
#
#   ok|fail|skip TAB origin TAB name TAB reason
#
# The input is that of the kselftest runner, where what a program printed stands before the
# program's own line, behind "# "; or the plain one of a single program. A result is what has
# nothing below it. A program that failed, or ended early, without a failed result of its own
# counts as one failure: so does a skip that gives no reason. Why a result failed is the
# first thing that the harness printed of it, or what common.sh did.

BEGIN { FS = "\n" }

function record(status, name, reason) {
	if (status == "skip" && reason == "") {
		status = "fail"
		reason = "skipped, and does not say why"
	}
	printf "%s\t%s\t%s\t%s\n", status, origin, name, reason
	records++
}

# result(LINE): takes "ok 1 - name # SKIP why" to pieces: status, name, directive.
function result(line) {
	status = line ~ /^ok/ ? "ok" : "fail"
	directive = ""
	sub(/^(not )?ok *[0-9]* *(- )?/, "", line)
	if (match(line, / *# */)) {
		directive = substr(line, RSTART + RLENGTH)
		line = substr(line, 1, RSTART - 1)
	}
	name = line
	if (status == "ok" && directive ~ /^SKIP/) {
		status = "skip"
		directive = why(directive)
	}
}

function why(text) {
	sub(/^.*SKIP[: ]*/, "", text)
	return text
}

function enter(program) {
	inside = program
	results = failures = 0
	plan = -1
	reason = failure = ""
}

# leave(): judges the program by what it printed and how it ended (status, directive).
function leave() {
	if (results == 0 && plan <= 0) {
		record(status, name, status == "skip" && directive == "" ? reason : directive)
	} else if (plan < 0) {
		record("fail", name, "printed results and no plan")
	} else if (results != plan) {
		record("fail", name, "planned " plan " results, printed " results)
	} else if (status == "fail" && !failures) {
		record("fail", name, "failed after its last result: " directive)
	}
	inside = ""
}

# close_document(): a list of programs or results has to be as long as it said.
function close_document() {
	if (inside != "")
		record("fail", inside, "did not come to its end")
	inside = ""
	if (open && total < 0)
		record("fail", "(all)", "no plan")
	else if (open && count != total)
		record("fail", "(all)", "planned " total " results, printed " count)
	open = count = 0
	total = -1
}

{ sub(/\r$/, "") }

/^K?TAP version/ {
	close_document()
	open = 1
}
/^1\.\.[0-9]+/ {
	total = substr($0, 4) + 0
	if (total == 0)
		record(/SKIP/ ? "skip" : "fail", "(all)", /SKIP/ ? why($0) : "no tests")
}
/^# selftests: / {
	enter(substr($0, 14))
}
inside != "" && /^# 1\.\.[0-9]+/ {
	plan = substr($0, 6) + 0
}
inside != "" && /^# .*SKIP/ {
	reason = why($0)
}
inside != "" && /^# # (why: |.*[.]c:[0-9]+:)/ && failure == "" {
	failure = substr($0, 5)
	sub(/^why: /, "", failure)
}
inside != "" && /^# (not )?ok( |$)/ {
	result(substr($0, 3))
	results++
	failures += status == "fail"
	if (status == "fail" && directive == "")
		directive = failure
	failure = ""
	record(status, inside ": " name, directive)
}
/^(not )?ok( |$)/ {
	result($0)
	count++
	sub(/^selftests: /, "", name)
	if (inside != "")
		leave()
	else
		record(status, name, directive)
}

END {
	close_document()
	if (!records)
		record("fail", "(all)", "no tests ran")
}
