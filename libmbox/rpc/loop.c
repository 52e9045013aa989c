/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The loop that serves: threads that each wait in a mailbox, and the caller, who waits at
 * the descriptors of libtirpc's transports and for the end.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rpc.h"

/* Room for what STACK_MAX allows a body to take, and as much for a dispatch function. */
#define STACK_SIZE	(2 * STACK_MAX)

/**
 * struct thread - a thread of the loop
 * @next: in the list of its loop
 * @worker: its transport
 * @id: to join it by
 * @receiving: it waits for a request, or is about to, or has just got one
 */
struct thread {
	struct thread *next;
	struct worker *worker;
	pthread_t id;
	atomic_bool receiving;
};

/*
 * @lock protects @servers, @process and @running, and is not held while the loop runs.
 * @exit_fd, an eventfd, stays for the life of the process, so that a signal handler can
 * write to it whenever it runs; -1 before the first server is made. It is of @process: a
 * child takes the servers over, which it can serve beside its parent, but not the loop.
 * @stop tells threads that the end has come, and @failure, why, if something else than
 * mbox_svc_exit() was it.
 */
static struct {
	pthread_mutex_t lock;
	struct server *servers;
	pid_t process;
	bool running;
	_Atomic int exit_fd;
	atomic_bool stop;
	_Atomic int failure;
} loop = { .lock = PTHREAD_MUTEX_INITIALIZER, .exit_fd = -1 };

static int begin_process_locked(void)
{
	struct server *server;
	int fd;

	if (loop.process == getpid())
		return 0;
	for (server = loop.servers; server; server = server->next)
		server->inherited = true;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (loop.exit_fd >= 0)
		close(loop.exit_fd);
	loop.exit_fd = fd;
	loop.process = getpid();
	loop.running = false;
	return 0;
}

int mbox_rpc_loop_add(struct server *server)
{
	int ret;

	pthread_mutex_lock(&loop.lock);
	ret = begin_process_locked();
	if (!ret) {
		server->next = loop.servers;
		loop.servers = server;
	}
	pthread_mutex_unlock(&loop.lock);
	return ret;
}

void mbox_rpc_loop_remove(struct server *server)
{
	struct server **s = &loop.servers;

	pthread_mutex_lock(&loop.lock);
	while (*s != server)
		s = &(*s)->next;
	*s = server->next;
	pthread_mutex_unlock(&loop.lock);
}

MBOX_RPC_API void mbox_svc_exit(void)
{
	const int saved = errno;

	loop.stop = true;
	eventfd_write(loop.exit_fd, 1);
	errno = saved;
}

/*
 * Each side says what it does before it looks at the other: either this thread sees that
 * the end has come, or threads_end() sees that it has to be woken.
 */
static int receive(struct thread *thread)
{
	int ret;

	thread->receiving = true;
	ret = loop.stop ? -ECANCELED : mbox_rpc_worker_receive(thread->worker);
	thread->receiving = false;
	return ret;
}

static void *serve(void *arg)
{
	struct thread *thread = arg;
	int ret;

	while (!(ret = receive(thread)) || ret == -EINTR)
		if (!ret)
			mbox_rpc_worker_serve(thread->worker);
	mbox_rpc_worker_flush(thread->worker);
	if (ret != -ECANCELED) {
		loop.failure = ret;
		mbox_svc_exit();
	}
	return NULL;
}

static int thread_create(struct thread *thread)
{
	pthread_attr_t attr;
	int ret;

	pthread_attr_init(&attr);
	ret = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (!ret)
		ret = pthread_create(&thread->id, &attr, serve, thread);
	pthread_attr_destroy(&attr);
	return -ret;
}

static int thread_start(struct thread **threads, struct server *server)
{
	struct thread *thread = calloc(1, sizeof(*thread));
	int ret = -ENOMEM;

	if (!thread)
		return ret;
	thread->worker = mbox_rpc_worker_new(server);
	if (thread->worker)
		ret = thread_create(thread);
	if (ret) {
		free(thread->worker);
		free(thread);
		return ret;
	}
	thread->next = *threads;
	*threads = thread;
	return 0;
}

/* Signals are for the threads of the program. */
static int threads_start(struct thread **threads, unsigned int nr)
{
	struct server *server;
	sigset_t all, before;
	unsigned int i;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (server = loop.servers; server && !ret; server = server->next)
		for (i = 0; i < nr && !ret; i++)
			ret = thread_start(threads, server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

/*
 * A thread that waits in its mailbox is woken by an empty message, which is no request. It
 * goes to who waits at that moment or to nobody, so that none is left over. Other processes
 * can serve the same mailbox: who waits there gets some too, goes to the end of the queue
 * for it, and leaves the next to us.
 */
static void wake(struct thread *thread)
{
	const struct mbox_message empty = { .prio = MBOX_PRIO_MAX };

	while (thread->receiving) {
		mbox_send_msg(thread->worker->server->mb, &empty, MBOX_SYNC | MBOX_NONBLOCK, 0);
		sched_yield();
	}
}

static void threads_end(struct thread *threads)
{
	struct thread *thread;

	loop.stop = true;
	for (thread = threads; thread; thread = thread->next)
		wake(thread);
	while ((thread = threads)) {
		threads = thread->next;
		pthread_join(thread->id, NULL);
		mbox_rpc_worker_end(thread->worker);
		free(thread);
	}
}

/* Those of libtirpc as they are now, and that of the end at the end. */
static nfds_t collect(struct pollfd **fds)
{
	const nfds_t nr = svc_max_pollfd;
	struct pollfd *more = realloc(*fds, (nr + 1) * sizeof(**fds));

	if (!more)
		return 0;
	*fds = more;
	if (nr)
		memcpy(more, svc_pollfd, nr * sizeof(*more));
	more[nr] = (struct pollfd) { .fd = loop.exit_fd, .events = POLLIN };
	return nr + 1;
}

static int serve_others(void)
{
	struct pollfd *fds = NULL;
	eventfd_t value;
	nfds_t nr;
	int ready;

	while ((nr = collect(&fds))) {
		ready = poll(fds, nr, -1);
		if (ready > 0 && fds[nr - 1].revents)
			break;
		if (ready > 0)
			svc_getreq_poll(fds, ready);
	}
	free(fds);
	if (!nr)
		return -ENOMEM;
	eventfd_read(loop.exit_fd, &value);
	return loop.failure;
}

static int run(unsigned int nr)
{
	struct thread *threads = NULL;
	int ret;

	loop.stop = false;
	loop.failure = 0;
	ret = threads_start(&threads, nr);
	if (!ret)
		ret = serve_others();
	threads_end(threads);
	return ret;
}

static int begin(void)
{
	int ret;

	pthread_mutex_lock(&loop.lock);
	ret = begin_process_locked();
	if (!ret && loop.running)
		ret = -EBUSY;
	if (!ret)
		loop.running = true;
	pthread_mutex_unlock(&loop.lock);
	return ret;
}

MBOX_RPC_API int mbox_svc_run(unsigned int threads)
{
	int ret;

	if (!threads)
		return -EINVAL;
	ret = begin();
	if (ret)
		return ret;
	ret = run(threads);
	pthread_mutex_lock(&loop.lock);
	loop.running = false;
	pthread_mutex_unlock(&loop.lock);
	return ret;
}
