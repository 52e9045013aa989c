// SPDX-License-Identifier: GPL-2.0
#include "common.h"

#include <dirent.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

int ctl(int fd, unsigned long cmd, const void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int device(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/mbox", O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

const char *unique_name(const char *tag)
{
	static char names[16][64];
	static unsigned int next;
	char *name = names[next++ % 16];

	snprintf(name, sizeof(names[0]), "test.%d.%s", getpid(), tag);
	return name;
}

struct mbox_ioc_create mb_template(const char *name, __u64 capacity, __u32 oflag)
{
	return (struct mbox_ioc_create) {
		.name = addr(name),
		.capacity = capacity,
		.msgsize = MSGSIZE,
		.oflag = oflag,
		.mode = 0666,
	};
}

int mb_create_flags(const char *name, __u64 capacity, __u32 oflag, __u32 flags)
{
	struct mbox_ioc_create create = mb_template(name, capacity, oflag);

	create.flags = flags;
	return ctl(device(), MBOX_IOC_CREATE, &create);
}

int mb_create(const char *name, __u64 capacity, __u32 oflag)
{
	return mb_create_flags(name, capacity, oflag, 0);
}

int mb_open_kind(const char *name, __u32 oflag, __u32 kind)
{
	struct mbox_ioc_open open = { .name = addr(name), .oflag = oflag, .kind = kind };

	return ctl(device(), MBOX_IOC_OPEN, &open);
}

int mb_open(const char *name, __u32 oflag)
{
	return mb_open_kind(name, oflag, MBOX_MAILBOX);
}

int mb_reopen(int fd, __u32 oflag)
{
	struct mbox_ioc_open open = { .oflag = oflag };

	return ctl(fd, MBOX_IOC_OPEN, &open);
}

int mb_unlink(const char *name)
{
	struct mbox_ioc_unlink unlink = { .name = addr(name) };

	return ctl(device(), MBOX_IOC_UNLINK, &unlink);
}

int mb_link(int fd, const char *name)
{
	struct mbox_ioc_link link = { .name = addr(name) };

	return ctl(fd, MBOX_IOC_LINK, &link);
}

int mb_snapshot(int fd)
{
	struct mbox_ioc_snapshot snapshot = { .oflag = O_RDONLY };

	return ctl(fd, MBOX_IOC_SNAPSHOT, &snapshot);
}

int mb_set_capacity(int fd, __u64 capacity)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_CAPACITY, .capacity = capacity };

	return ctl(fd, MBOX_IOC_SET, &set);
}

int give_away(int fd, __u32 mode)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID,
		.mode = mode,
		.uid = USER_A,
		.gid = USER_B,
	};

	return ctl(fd, MBOX_IOC_SET, &set);
}

int mb_ends_open(struct mb_ends *ends, __u64 capacity, __u32 flags)
{
	const char *name = unique_name("ends");
	int ret;

	ends->both = mb_create_flags(name, capacity, O_RDWR | O_EXCL, flags);
	if (ends->both < 0)
		return ends->both;
	ends->rx = mb_open(name, O_RDONLY);
	ends->tx = mb_open(name, O_WRONLY);
	ret = mb_unlink(name);
	if (ends->rx < 0)
		return ends->rx;
	return ends->tx < 0 ? ends->tx : ret;
}

void mb_ends_close(struct mb_ends *ends)
{
	close(ends->both);
	close(ends->rx);
	close(ends->tx);
}

struct mbox_ioc_status mb_status(int fd)
{
	struct mbox_ioc_status status;

	/* Every field must be written: what is not shows as this. */
	memset(&status, 0xa5, sizeof(status));
	if (ctl(fd, MBOX_IOC_STATUS, &status))
		memset(&status, 0, sizeof(status));
	return status;
}

bool mb_unchanged(int fd, const struct mbox_ioc_status *before)
{
	struct mbox_ioc_status old = *before, new = mb_status(fd);

	old.send_wait_ns = old.recv_wait_ns = 0;
	new.send_wait_ns = new.recv_wait_ns = 0;
	return !memcmp(&old, &new, sizeof(old));
}

struct mbox_ioc_create st_template(const char *name, __u32 oflag)
{
	return (struct mbox_ioc_create) {
		.name = addr(name),
		.capacity = STREAM_SIZE,
		.oflag = oflag,
		.mode = 0666,
		.flags = MBOX_BYTE_STREAM,
	};
}

int st_create(const char *name, __u32 oflag)
{
	struct mbox_ioc_create create = st_template(name, oflag);

	return ctl(device(), MBOX_IOC_CREATE, &create);
}

int st_open(const char *name, __u32 oflag)
{
	return mb_open_kind(name, oflag, MBOX_STREAM);
}

ssize_t st_get(int fd, void *buf, size_t len)
{
	ssize_t ret = read(fd, buf, len);

	return ret < 0 ? -errno : ret;
}

ssize_t st_put(int fd, const void *buf, size_t len)
{
	ssize_t ret = write(fd, buf, len);

	return ret < 0 ? -errno : ret;
}

int st_unread(int fd)
{
	int unread;

	return ctl(fd, FIONREAD, &unread) ?: unread;
}

ssize_t st_call_get(struct st_call *call)
{
	return st_get(call->fd, call->buf, call->len);
}

ssize_t st_call_put(struct st_call *call)
{
	return st_put(call->fd, call->buf, call->len);
}

static void *st_call_run(void *arg)
{
	struct st_call *call = arg;

	call->ret = call->run(call);
	__atomic_store_n(&call->done, true, __ATOMIC_RELEASE);
	return NULL;
}

int st_call_start(struct st_call *call)
{
	call->done = false;
	return -pthread_create(&call->thread, NULL, st_call_run, call);
}

bool st_call_done(struct st_call *call)
{
	return __atomic_load_n(&call->done, __ATOMIC_ACQUIRE);
}

ssize_t st_call_join(struct st_call *call)
{
	if (!wait_until(st_call_done(call)))
		return -ETIME;
	pthread_join(call->thread, NULL);
	return call->ret;
}

struct mbox_ioc_segment seg_template(const char *name, __u64 length, __u32 oflag)
{
	return (struct mbox_ioc_segment) {
		.name = addr(name),
		.length = length,
		.oflag = oflag,
		.mode = 0666,
	};
}

int seg_create(const char *name, __u64 length, __u32 oflag)
{
	struct mbox_ioc_segment segment = seg_template(name, length, oflag);

	return ctl(device(), MBOX_IOC_SEGMENT, &segment);
}

int seg_open(const char *name, __u32 oflag)
{
	return mb_open_kind(name, oflag, MBOX_SEGMENT);
}

int seg_pool(const char *name, __u64 length, __u64 size)
{
	struct mbox_ioc_set seal = {
		.fields = MBOX_SET_SEALS, .seals = MBOX_SEAL_SHRINK | MBOX_SEAL_GROW };
	struct mbox_ioc_pool divide = { .buffer_size = size };
	int fd = seg_create(name, length, O_RDWR), ret;

	if (fd < 0)
		return fd;
	ret = ctl(fd, MBOX_IOC_SET, &seal);
	if (!ret)
		ret = ctl(fd, MBOX_IOC_POOL, &divide);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

struct mbox_ioc_segment_status seg_status(int fd)
{
	struct mbox_ioc_segment_status status;

	memset(&status, 0xa5, sizeof(status));
	if (ctl(fd, MBOX_IOC_SEGMENT_STATUS, &status))
		memset(&status, 0, sizeof(status));
	return status;
}

void *map_fd(int fd, size_t len, int prot, int flags)
{
	void *p = mmap(NULL, len, prot, flags, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int map_errno(int fd, size_t len, int prot, int flags)
{
	void *p = map_fd(fd, len, prot, flags);

	if (!p)
		return -errno;
	munmap(p, len);
	return 0;
}

struct mbox_ioc_msg mb_msg(const void *buf, size_t len, __u32 flags)
{
	return (struct mbox_ioc_msg) { .buf = addr(buf), .len = len, .flags = flags };
}

int mb_send(int fd, const void *buf, size_t len, __u32 prio, __u32 flags)
{
	struct mbox_ioc_msg msg = mb_msg(buf, len, flags);

	msg.prio = prio;
	return ctl(fd, MBOX_IOC_SEND, &msg);
}

int mb_recv(int fd, void *buf, size_t room, __u32 flags)
{
	struct mbox_ioc_msg msg = mb_msg(buf, room, flags);
	int ret = ctl(fd, MBOX_IOC_RECV, &msg);

	return ret ? ret : (int)msg.len;
}

int mb_put(int fd, __u32 number, __u32 prio, __u32 flags)
{
	return mb_send(fd, &number, sizeof(number), prio, flags);
}

int mb_take(int fd, __u32 flags)
{
	__u32 number;
	int ret = mb_recv(fd, &number, sizeof(number), flags);

	if (ret < 0)
		return ret;
	return ret == sizeof(number) ? (int)number : -EBADMSG;
}

int mb_carrier(__u64 capacity, __u32 oflag)
{
	return mb_create_flags(NULL, capacity, oflag, MBOX_HANDLES);
}

int mb_put_fds(int fd, __u32 number, const struct mbox_fd *fds, __u32 nr, __u32 flags)
{
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), flags);

	msg.fds = addr(fds);
	msg.nr_fds = nr;
	return ctl(fd, MBOX_IOC_SEND, &msg);
}

int mb_take_fds(int fd, __u32 number, struct mbox_fd *fds, __u32 room, __u32 flags)
{
	__u32 got = ~number;
	struct mbox_ioc_msg msg = mb_msg(&got, sizeof(got), flags);
	int ret;

	msg.fds = addr(fds);
	msg.nr_fds = room;
	ret = ctl(fd, MBOX_IOC_RECV, &msg);
	if (ret)
		return ret;
	return msg.len == sizeof(got) && got == number ? (int)msg.nr_fds : -EBADMSG;
}

int mb_put_fd(int fd, int what, __u32 flags)
{
	struct mbox_fd one = { .fd = what };

	return mb_put_fds(fd, 0, &one, 1, flags);
}

int mb_take_fd(int fd, __u32 flags)
{
	struct mbox_fd one;
	int ret = mb_take_fds(fd, 0, &one, 1, flags);

	if (ret < 0)
		return ret;
	return ret == 1 ? one.fd : -ENODATA;
}

int mb_ask(int fd, __u64 deadline)
{
	struct mbox_ioc_msg request = { .deadline = deadline }, reply = { };
	struct mbox_ioc_exchange exchange = {
		.send = addr(&request), .recv = addr(&reply), .msg_size = sizeof(request) };

	return ctl(fd, MBOX_IOC_CALL, &exchange);
}

__s64 mb_accept(int fd)
{
	struct mbox_ioc_msg msg = { };
	int ret = ctl(fd, MBOX_IOC_RECV, &msg);

	return ret ? ret : (__s64)msg.delivery;
}

int mb_answer(int fd, __u64 delivery)
{
	struct mbox_ioc_msg reply = { .delivery = delivery };
	struct mbox_ioc_exchange exchange = { .send = addr(&reply), .msg_size = sizeof(reply) };

	return ctl(fd, MBOX_IOC_REPLY, &exchange);
}

void call_put(struct mb_call *call, int fd, __u32 number, __u32 prio, __u32 flags)
{
	*call = (struct mb_call) { .fd = fd, .cmd = MBOX_IOC_SEND, .number = number };
	call->msg = mb_msg(&call->number, sizeof(call->number), flags);
	call->msg.prio = prio;
}

void call_take(struct mb_call *call, int fd, __u32 flags)
{
	*call = (struct mb_call) { .fd = fd, .cmd = MBOX_IOC_RECV };
	call->msg = mb_msg(&call->number, sizeof(call->number), flags);
}

static void *call_run(void *arg)
{
	struct mb_call *call = arg;

	call->ret = ctl(call->fd, call->cmd, &call->msg);
	__atomic_store_n(&call->done, true, __ATOMIC_RELEASE);
	return NULL;
}

int call_start(struct mb_call *call)
{
	return -pthread_create(&call->thread, NULL, call_run, call);
}

bool call_done(struct mb_call *call)
{
	return __atomic_load_n(&call->done, __ATOMIC_ACQUIRE);
}

int call_join(struct mb_call *call)
{
	if (!wait_until(call_done(call)))
		return -ETIME;
	pthread_join(call->thread, NULL);
	return call->ret;
}

int events(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = IN | OUT | POLLPRI | POLLRDHUP };

	return poll(&pfd, 1, 0) < 0 ? -errno : pfd.revents;
}

pid_t child_fork(void)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* In a pid namespace of its own the child has no parent that it could see. */
		if (getppid() && getppid() != parent)
			_exit(1);
	}
	return pid;
}

int child_wait(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

pid_t child_end(pid_t pid)
{
	int ret;

	if (!pid)
		_exit(0);
	ret = child_wait(pid);
	if (ret) {
		fprintf(stderr, "# a child ended with %d\n", ret);
		abort();
	}
	return -1;
}

int become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	/* A change of user clears both: keep /proc/self ours, and die with the test. */
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

int drop_capability(int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[cap / 32].effective &= ~(1U << cap % 32);
	data[cap / 32].permitted &= ~(1U << cap % 32);
	data[cap / 32].inheritable &= ~(1U << cap % 32);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int enter_user_namespace(uid_t inside, int more_flags)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];
	int ret;

	if (unshare(CLONE_NEWUSER | more_flags))
		return -errno;
	ret = write_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", inside, uid);
	if (!ret)
		ret = write_text("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "%u %u 1", inside, gid);
	if (!ret)
		ret = write_text("/proc/self/gid_map", map);
	return ret;
}

int stay_here(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) ? -errno : 0;
}

int schedule_as(int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO };

	return sched_setscheduler(0, policy, &param) ? -errno : 0;
}

__u64 now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

void *unmapped_page(void)
{
	void *p = shared_memory(getpagesize());

	munmap(p, getpagesize());
	return p;
}

__u32 prng(__u32 *state)
{
	__u32 x = *state ? *state : 0x9e3779b9;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

void pattern_fill(void *buf, size_t len, __u32 seed)
{
	unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (i * 31 + (i >> 12) * 17 + seed * 101 + seed) & 0xff;
}

bool pattern_check(const void *buf, size_t len, __u32 seed)
{
	const unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != ((i * 31 + (i >> 12) * 17 + seed * 101 + seed) & 0xff))
			return false;
	return true;
}

int read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	while (have < size - 1 && (got = read(fd, buf + have, size - 1 - have)) > 0)
		have += got;
	buf[have] = 0;
	close(fd);
	return have;
}

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

#define PARAMETERS "/sys/module/mbox/parameters/"

long long param_get(const char *name)
{
	char path[128], text[32];
	int ret;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	ret = read_text(path, text, sizeof(text));
	return ret < 0 ? ret : strtoll(text, NULL, 10);
}

int param_set(const char *name, long long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%lld", value);
	return write_text(path, text);
}

long long module_refcount(void)
{
	char text[32];
	int ret = read_text("/sys/module/mbox/refcnt", text, sizeof(text));

	return ret < 0 ? ret : strtoll(text, NULL, 10);
}

bool file_locks(void)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool there = !fcntl(fd, F_SETLK, &lock);

	close(fd);
	return there;
}

int fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -3;	/* itself, "." and ".." */

	if (!dir)
		return -errno;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

union fd_control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static struct msghdr fd_message(union fd_control *control, struct iovec *iov)
{
	return (struct msghdr) {
		.msg_iov = iov,
		.msg_iovlen = 1,
		.msg_control = control->room,
		.msg_controllen = sizeof(control->room),
	};
}

int fd_send(int sock, int fd)
{
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	union fd_control control = { 0 };
	struct msghdr msg = fd_message(&control, &iov);

	control.header = (struct cmsghdr) {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) < 0 ? -errno : 0;
}

int fd_recv(int sock)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union fd_control control = { 0 };
	struct msghdr msg = fd_message(&control, &iov);
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	if (msg.msg_controllen < CMSG_LEN(sizeof(int)))
		return -ENODATA;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}
