/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * mq_notify(3). The driver knows signals only, so SIGEV_THREAD and SIGEV_NONE
 * are the signal NOTICE_SIGNAL, whose handler wakes the thread, or nobody.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../src/internal.h"
#include "preload.h"

/* The last one, that programs seldom use. */
#define NOTICE_SIGNAL	SIGRTMAX

/* Registrations with a thread that a process can have at once. */
#define NOTICES		64

/**
 * struct notice - a thread that waits for its queue to get a message
 * @id: of the mailbox, or 0 while this is free; protected by @lock
 * @serial: tells this registration from older ones, whose signal may come yet
 * @fired: the message came; else the registration was dropped
 * @wake: posted for either
 * @event: as it was given
 */
static struct notice {
	uint64_t id;
	_Atomic uint32_t serial;
	atomic_bool fired;
	sem_t wake;
	struct sigevent event;
} notices[NOTICES];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What the signal carries: no pointer, as what it points to may be gone. */
static uintptr_t token_of(const struct notice *notice)
{
	return ((uintptr_t)notice->serial + 1) * NOTICES + (notice - notices);
}

static void take_signal(int signo, siginfo_t *info, void *context)
{
	uintptr_t token = (uintptr_t)info->si_value.sival_ptr;
	struct notice *notice = &notices[token % NOTICES];
	int error = errno;

	(void)signo;
	(void)context;
	if (info->si_code == SI_MESGQ && token == token_of(notice) &&
	    !atomic_exchange(&notice->fired, true))
		sem_post(&notice->wake);
	errno = error;
}

static void take_signals(void)
{
	struct sigaction action = {
		.sa_sigaction = take_signal,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	sigaction(NOTICE_SIGNAL, &action, NULL);
}

static void release(struct notice *notice)
{
	pthread_mutex_lock(&lock);
	notice->serial++;
	notice->id = 0;
	pthread_mutex_unlock(&lock);
}

static void *wait_for_notice(void *arg)
{
	struct notice *notice = arg;
	struct sigevent event = notice->event;
	bool fired;

	while (sem_wait(&notice->wake))
		;
	fired = notice->fired;
	release(notice);
	if (fired)
		event.sigev_notify_function(event.sigev_value);
	return NULL;
}

static bool is_detached(const pthread_attr_t *attr)
{
	int state = PTHREAD_CREATE_JOINABLE;

	pthread_attr_getdetachstate(attr, &state);
	return state == PTHREAD_CREATE_DETACHED;
}

/* The program's threads take its signals, not this one. */
static int start_thread(struct notice *notice)
{
	pthread_attr_t *attr = notice->event.sigev_notify_attributes;
	sigset_t all, old;
	pthread_t thread;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	error = pthread_create(&thread, attr, wait_for_notice, notice);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!error && !(attr && is_detached(attr)))
		pthread_detach(thread);
	return -error;
}

static struct notice *reserve(uint64_t id, const struct sigevent *event)
{
	struct notice *notice = notices;

	pthread_mutex_lock(&lock);
	while (notice < notices + NOTICES && notice->id)
		notice++;
	if (notice == notices + NOTICES) {
		notice = NULL;
	} else {
		notice->id = id;
		notice->fired = false;
		notice->event = *event;
		sem_init(&notice->wake, 0, 0);
	}
	pthread_mutex_unlock(&lock);
	return notice;
}

void preload_notice_drop(uint64_t id)
{
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < NOTICES; i++)
		if (notices[i].id == id)
			sem_post(&notices[i].wake);
	pthread_mutex_unlock(&lock);
}

static int ask(mqd_t queue, int signo, uint64_t value)
{
	struct mbox_ioc_notify req = { .signo = signo, .value = value };

	return mbox_ioctl(queue, MBOX_IOC_NOTIFY, &req);
}

static int ask_for_thread(mqd_t queue, uint64_t id, const struct sigevent *event)
{
	struct notice *notice = reserve(id, event);
	int ret;

	if (!notice)
		return -ENOMEM;
	ret = start_thread(notice);
	if (ret) {
		release(notice);
		return ret;
	}
	ret = ask(queue, NOTICE_SIGNAL, token_of(notice));
	if (ret)
		sem_post(&notice->wake);
	return ret;
}

static int notify(mqd_t queue, uint64_t id, const struct sigevent *event)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (event->sigev_notify == SIGEV_SIGNAL && event->sigev_signo)
		return ask(queue, event->sigev_signo,
			   mbox_address(event->sigev_value.sival_ptr));
	pthread_once(&once, take_signals);
	switch (event->sigev_notify) {
	case SIGEV_SIGNAL:
	case SIGEV_NONE:
		return ask(queue, NOTICE_SIGNAL, 0);
	case SIGEV_THREAD:
		return ask_for_thread(queue, id, event);
	default:
		return -EINVAL;
	}
}

PRELOAD_API int mq_notify(mqd_t queue, const struct sigevent *event)
{
	struct mbox_ioc_status status;
	int ret = preload_queue_status(queue, &status);

	if (!ret && event) {
		ret = notify(queue, status.id, event);
	} else if (!ret) {
		ret = ask(queue, 0, 0);
		preload_notice_drop(status.id);
	}
	return preload_result(ret);
}
