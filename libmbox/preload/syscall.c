/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * syscall(2): the system calls of message queues and System V shared memory by
 * their number.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

#define ARGS	6

/* libc makes SIGEV_THREAD of a thread of its own, and the kernel does not know it. */
static int raw_notify(mqd_t queue, const struct sigevent *event)
{
	if (event && event->sigev_notify == SIGEV_THREAD)
		return preload_fail(-EINVAL);
	return mq_notify(queue, event);
}

/* Whatever kinds they are, all are in registers. */
static void take(long arg[ARGS], va_list args)
{
	int i;

	for (i = 0; i < ARGS; i++)
		arg[i] = va_arg(args, long);
}

PRELOAD_API long syscall(long number, ...)
{
	static long (*next)(long number, ...);
	long arg[ARGS];
	va_list args;

	va_start(args, number);
	take(arg, args);
	va_end(args);
	switch (number) {
	case SYS_mq_open:
		return preload_mq_open((const char *)arg[0], arg[1], arg[2],
				       (const struct mq_attr *)arg[3]);
	case SYS_mq_unlink:
		return preload_mq_unlink((const char *)arg[0]);
	case SYS_mq_timedsend:
		return preload_mq_send(arg[0], (const char *)arg[1], arg[2],
				       arg[3], (const struct timespec *)arg[4]);
	case SYS_mq_timedreceive:
		return preload_mq_receive(arg[0], (char *)arg[1], arg[2],
					  (unsigned int *)arg[3],
					  (const struct timespec *)arg[4]);
	case SYS_shmget:
		return shmget(arg[0], arg[1], arg[2]);
	case SYS_shmat:
		return (long)shmat(arg[0], (const void *)arg[1], arg[2]);
	case SYS_shmdt:
		return shmdt((const void *)arg[0]);
	case SYS_shmctl:
		return shmctl(arg[0], arg[1], (struct shmid_ds *)arg[2]);
	case SYS_msgget:
		return msgget(arg[0], arg[1]);
	case SYS_msgsnd:
		return msgsnd(arg[0], (const void *)arg[1], arg[2], arg[3]);
	case SYS_msgrcv:
		return msgrcv(arg[0], (void *)arg[1], arg[2], arg[3], arg[4]);
	case SYS_msgctl:
		return msgctl(arg[0], arg[1], (struct msqid_ds *)arg[2]);
	case SYS_mq_notify:
		return raw_notify(arg[0], (const struct sigevent *)arg[1]);
	case SYS_mq_getsetattr:
		return preload_mq_getsetattr(arg[0],
					     (const struct mq_attr *)arg[1],
					     (struct mq_attr *)arg[2]);
	}
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
