// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "fail.h"
#include "format.h"
#include "objects.h"

#define DEVICE "/dev/mbox"
#define PARAMETERS "/sys/module/mbox/parameters/"

const char exit_codes_text[] =
	"  0   done\n"
	"  1   failed in some other way\n"
	"  2   wrong use of the command\n"
	"  3   no such name, or no such message\n"
	"  4   the name is in use\n"
	"  5   no permission\n"
	"  6   it would have to wait, or waited until the time was up\n"
	"  7   too large\n"
	"  8   nobody is left on the other side\n"
	"  9   the user's budget is used up\n"
	"  10  the module is not loaded\n"
	"  11  it is of another kind: a mailbox, a FIFO or a segment\n";

static const char *failing = "mbox";
static void (*leave_terminal)(void);

void set_failing(const char *command)
{
	failing = command;
}

void set_leave(void (*leave)(void))
{
	leave_terminal = leave;
}

static void vcomplain(const char *format, va_list args)
{
	if (leave_terminal)
		leave_terminal();
	fflush(stdout);
	fprintf(stderr, "%s: ", failing);
	vfprintf(stderr, format, args);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vcomplain(format, args);
	va_end(args);
	fputc('\n', stderr);
}

noreturn void fail(enum exit_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vcomplain(format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(code);
}

noreturn void fail_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vcomplain(format, args);
	va_end(args);
	fprintf(stderr, " (see '%s --help')\n", failing);
	exit(EXIT_USAGE);
}

noreturn void fail_errno(const char *what)
{
	fail(EXIT_OTHER, "%s: %s", what, strerror(errno));
}

void finish_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		fail_errno("standard output");
}

static enum exit_code code_of(int error)
{
	switch (-error) {
	case ENODEV:
		return EXIT_NO_MODULE;
	case ENOENT:
	case ENOMSG:
		return EXIT_NOT_FOUND;
	case EEXIST:
		return EXIT_EXISTS;
	case EACCES:
	case EPERM:
	case EBADF:
		return EXIT_PERMISSION;
	case EAGAIN:
	case ETIMEDOUT:
		return EXIT_WOULD_WAIT;
	case EMSGSIZE:
	case ENAMETOOLONG:
		return EXIT_TOO_LARGE;
	case EPIPE:
	case EIDRM:
		return EXIT_PEER_GONE;
	case EDQUOT:
		return EXIT_BUDGET;
	case EPROTOTYPE:
		return EXIT_WRONG_KIND;
	default:
		return EXIT_OTHER;
	}
}

static void explain_device(void)
{
	struct stat device;
	char mode[MODE_TEXT];

	if (stat(DEVICE, &device))
		device.st_mode = 0;
	mode_text(mode, device.st_mode & 0777);
	complain(DEVICE ": no permission: it has mode %s; root can mend that: chmod 666 "
		 DEVICE, mode);
}

static void explain_denied(const char *name, const char *action)
{
	struct object *object = find_object(name);
	char owner[OWNER_TEXT];
	char mode[MODE_TEXT];

	if (!object) {
		complain("%s: no permission to %s: ask its owner to 'mbox chmod' it",
			 shown(name), action);
		return;
	}
	owner_text(owner, object->uid, object->gid);
	mode_text(mode, object->mode);
	complain("%s: no permission to %s: it belongs to %s and has mode %s; its owner can 'mbox chmod' it",
		 shown(name), action, owner, mode);
	free_object(object);
}

static void explain_owner(const char *name, const char *action)
{
	struct object *object = find_object(name);
	char owner[OWNER_TEXT];

	if (!object) {
		complain("%s: only its owner or root may %s", shown(name),
			 action);
		return;
	}
	owner_text(owner, object->uid, object->gid);
	complain("%s: only its owner or root may %s: it belongs to %s",
		 shown(name), action, owner);
	free_object(object);
}

static void explain_kind(const char *name)
{
	static const char *const texts[] = {
		[MBOX_MAILBOX] = "a mailbox: use 'mbox send', 'mbox recv' and what else is not of 'mbox seg'",
		[MBOX_SEGMENT] = "a segment: use the commands of 'mbox seg'",
		[MBOX_STREAM] = "a FIFO, a stream of bytes: 'mbox open' runs a program that reads or writes it",
	};
	struct object *object = find_object(name);

	complain("%s: that is %s", shown(name),
		 object ? texts[object->kind] : "of another kind: see 'mbox stat'");
	free_object(object);
}

/* What a module parameter is now, "?" if that cannot be read. */
static const char *parameter(const char *path, char *value, size_t size)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(value, size, file))
		strcpy(value, "?");
	if (file)
		fclose(file);
	value[strcspn(value, "\n")] = '\0';
	return value;
}

static enum exit_code explain_budget(const char *name, const char *count)
{
	char path[64];
	char number[32];
	char bytes[32];

	parameter(PARAMETERS "user_bytes", bytes, sizeof(bytes));
	if (!count) {
		complain("%s: your budget of bytes is used up: receive or remove something, or root can raise user_bytes (%s) in "
			 PARAMETERS, shown(name), bytes);
		return EXIT_BUDGET;
	}
	snprintf(path, sizeof(path), PARAMETERS "%s", count);
	complain("%s: your budget is used up: remove something, or root can raise %s (%s) or user_bytes (%s) in "
		 PARAMETERS, shown(name), count,
		 parameter(path, number, sizeof(number)), bytes);
	return EXIT_BUDGET;
}

enum exit_code explain(const char *name, const char *action, int error)
{
	enum exit_code code = code_of(error);

	switch (-error) {
	case ENODEV:
		complain(DEVICE " is not there: the module is not loaded: as root 'modprobe mbox', or 'insmod mbox.ko'");
		break;
	case ENOENT:
		complain("%s: no such name: 'mbox ls' lists what there is",
			 shown(name));
		break;
	case EEXIST:
		complain("%s: the name is in use: choose another, or 'mbox rm' it first",
			 shown(name));
		break;
	case EACCES:
		if (access(DEVICE, R_OK | W_OK))
			explain_device();
		else
			explain_denied(name, action);
		break;
	case EPERM:
		explain_owner(name, action);
		break;
	case EPROTOTYPE:
		explain_kind(name);
		break;
	case EDQUOT:
		explain_budget(name, NULL);
		break;
	default:
		complain("%s: cannot %s: %s", shown(name), action,
			 mbox_strerror(error));
	}
	return code;
}

enum exit_code explain_create(const char *name, const char *count, int error)
{
	if (error == -EDQUOT)
		return explain_budget(name, count);
	return explain(name, "create it", error);
}

noreturn void fail_create(const char *name, const char *count, int error)
{
	exit(explain_create(name, count, error));
}

noreturn void fail_on(const char *name, const char *action, int error)
{
	exit(explain(name, action, error));
}

noreturn void fail_with(const char *process, const char *action, int error)
{
	switch (-error) {
	case ENODEV:
		exit(explain(process, action, error));
	case ESRCH:
		fail(EXIT_NOT_FOUND, "%s: there is no such process: 'ps' lists them",
		     process);
	case ENOENT:
		fail(EXIT_NOT_FOUND, "%s: it has no mailbox of its own, as 'mbox recv --own' has",
		     process);
	case EACCES:
		if (!access(DEVICE, R_OK | W_OK))
			fail(EXIT_PERMISSION, "%s: no permission to %s: it makes its mailbox with the mode that allows it",
			     process, action);
		explain_device();
		exit(EXIT_PERMISSION);
	default:
		fail(code_of(error), "%s: cannot %s: %s", process, action,
		     mbox_strerror(error));
	}
}
