// SPDX-License-Identifier: GPL-2.0
/*
 * Protocols as Debian has them in rpcsvc-proto, unchanged: rstat, rusers and spray, at one
 * mailbox and by TCP from the same dispatch functions.
 */
#include "common.h"
#include "harness.h"

#include <utmpx.h>

#include <mbox/rpc.h>

#include "rstat.h"
#include "rusers.h"
#include "spray.h"

void rstatprog_1(struct svc_req *rqstp, SVCXPRT *xprt);
void rstatprog_2(struct svc_req *rqstp, SVCXPRT *xprt);
void rstatprog_3(struct svc_req *rqstp, SVCXPRT *xprt);
void rusersprog_3(struct svc_req *rqstp, SVCXPRT *xprt);
void sprayprog_1(struct svc_req *rqstp, SVCXPRT *xprt);

/* What each of these has to be freed by. */
#define FREERESULT(name)						\
int name##_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t result)	\
{									\
	(void)xprt;							\
	xdr_free(xdr, result);						\
	return TRUE;							\
}
FREERESULT(rstatprog_1)
FREERESULT(rstatprog_2)
FREERESULT(rstatprog_3)
FREERESULT(rusersprog_3)
FREERESULT(sprayprog_1)

/* Of the first line of a file of /proc. */
static bool scan(const char *path, const char *format, void *a, void *b, void *c, void *d)
{
	FILE *file = fopen(path, "r");
	int got = file ? fscanf(file, format, a, b, c, d) : 0;

	if (file)
		fclose(file);
	return got >= 3;
}

bool_t rstatproc_stats_3_svc(void *arg, statstime *result, struct svc_req *rqstp)
{
	float load[3];
	int i;

	(void)arg;
	(void)rqstp;
	*result = (statstime) { .curtime.tv_sec = time(NULL) };
	if (!scan("/proc/stat", "cpu %d %d %d %d", &result->cp_time[0], &result->cp_time[1],
		  &result->cp_time[2], &result->cp_time[3]) ||
	    !scan("/proc/loadavg", "%f %f %f", &load[0], &load[1], &load[2], NULL))
		return FALSE;
	for (i = 0; i < 3; i++)
		result->avenrun[i] = (int)(load[i] * FSCALE);
	return TRUE;
}

bool_t rstatproc_havedisk_3_svc(void *arg, u_int *result, struct svc_req *rqstp)
{
	(void)arg;
	(void)rqstp;
	*result = access("/proc/diskstats", R_OK) == 0;
	return TRUE;
}

bool_t rstatproc_havedisk_2_svc(void *arg, u_int *result, struct svc_req *rqstp)
{
	return rstatproc_havedisk_3_svc(arg, result, rqstp);
}

bool_t rstatproc_havedisk_1_svc(void *arg, u_int *result, struct svc_req *rqstp)
{
	return rstatproc_havedisk_3_svc(arg, result, rqstp);
}

/* Earlier versions have less of it. */
bool_t rstatproc_stats_2_svc(void *arg, statsswtch *result, struct svc_req *rqstp)
{
	statstime now;

	if (!rstatproc_stats_3_svc(arg, &now, rqstp))
		return FALSE;
	*result = (statsswtch) { .avenrun = { now.avenrun[0], now.avenrun[1], now.avenrun[2] } };
	memcpy(result->cp_time, now.cp_time, sizeof(now.cp_time));
	return TRUE;
}

bool_t rstatproc_stats_1_svc(void *arg, stats *result, struct svc_req *rqstp)
{
	statstime now;

	if (!rstatproc_stats_3_svc(arg, &now, rqstp))
		return FALSE;
	*result = (stats) { .if_ipackets = 0 };
	memcpy(result->cp_time, now.cp_time, sizeof(now.cp_time));
	return TRUE;
}

static bool add_user(utmp_array *users, const struct utmpx *entry)
{
	rusers_utmp *all = realloc(users->utmp_array_val,
				   (users->utmp_array_len + 1) * sizeof(*all));

	if (!all)
		return false;
	users->utmp_array_val = all;
	all[users->utmp_array_len++] = (rusers_utmp) {
		.ut_user = strndup(entry->ut_user, sizeof(entry->ut_user)),
		.ut_line = strndup(entry->ut_line, sizeof(entry->ut_line)),
		.ut_host = strndup(entry->ut_host, sizeof(entry->ut_host)),
		.ut_type = RUSERS_USER_PROCESS,
		.ut_time = entry->ut_tv.tv_sec,
	};
	return true;
}

bool_t rusersproc_names_3_svc(void *arg, utmp_array *result, struct svc_req *rqstp)
{
	const struct utmpx *entry;
	bool good = true;

	(void)arg;
	(void)rqstp;
	*result = (utmp_array) { .utmp_array_len = 0 };
	setutxent();
	while (good && (entry = getutxent()))
		if (entry->ut_type == USER_PROCESS)
			good = add_user(result, entry);
	endutxent();
	return good;
}

bool_t rusersproc_allnames_3_svc(void *arg, utmp_array *result, struct svc_req *rqstp)
{
	return rusersproc_names_3_svc(arg, result, rqstp);
}

bool_t rusersproc_num_3_svc(void *arg, int *result, struct svc_req *rqstp)
{
	utmp_array users;
	bool_t good = rusersproc_names_3_svc(arg, &users, rqstp);

	*result = (int)users.utmp_array_len;
	xdr_free((xdrproc_t)(void *)xdr_utmp_array, &users);
	return good;
}

static spraycumul sprayed;

/* Whoever sprays waits for no reply, and gets none. */
bool_t sprayproc_spray_1_svc(sprayarr *arg, void *result, struct svc_req *rqstp)
{
	(void)result;
	(void)rqstp;
	sprayed.counter += arg->sprayarr_len > 0;
	return FALSE;
}

bool_t sprayproc_get_1_svc(void *arg, spraycumul *result, struct svc_req *rqstp)
{
	(void)arg;
	(void)rqstp;
	*result = sprayed;
	return TRUE;
}

bool_t sprayproc_clear_1_svc(void *arg, void *result, struct svc_req *rqstp)
{
	(void)arg;
	(void)result;
	(void)rqstp;
	sprayed = (spraycumul) { .counter = 0 };
	return TRUE;
}

static const struct {
	rpcprog_t prog;
	rpcvers_t vers;
	void (*dispatch)(struct svc_req *, SVCXPRT *);
} programs[] = {
	{ RSTATPROG, RSTATVERS_ORIG, rstatprog_1 },
	{ RSTATPROG, RSTATVERS_SWTCH, rstatprog_2 },
	{ RSTATPROG, RSTATVERS_TIME, rstatprog_3 },
	{ RUSERSPROG, RUSERSVERS_3, rusersprog_3 },
	{ SPRAYPROG, SPRAYVERS, sprayprog_1 },
};

static const struct timeval LONG = { .tv_sec = WAIT_LIMIT_S };
static const struct timeval NONE;

FIXTURE(stock) {
	char name[64];
	char utmp[64];
	pid_t server;
	struct sockaddr_in address;
};

FIXTURE_VARIANT(stock) {
	bool tcp;
};

FIXTURE_VARIANT_ADD(stock, mailbox) {
	.tcp = false,
};

FIXTURE_VARIANT_ADD(stock, tcp) {
	.tcp = true,
};

static bool serve(SVCXPRT *mailbox, SVCXPRT *tcp)
{
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (mbox_svc_reg(mailbox, programs[i].prog, programs[i].vers, programs[i].dispatch) ||
		    !svc_reg(tcp, programs[i].prog, programs[i].vers, programs[i].dispatch, NULL))
			return false;
	return true;
}

FIXTURE_SETUP(stock)
{
	SVCXPRT *mailbox, *tcp;

	snprintf(self->name, sizeof(self->name), "/%s", unique_name("stock"));
	snprintf(self->utmp, sizeof(self->utmp), "/tmp/%s", unique_name("utmp"));
	mailbox = svc_mbox_create(self->name, 0600);
	tcp = svctcp_create(RPC_ANYSOCK, 0, 0);
	ASSERT_NE(NULL, mailbox);
	ASSERT_NE(NULL, tcp);
	self->address = (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(tcp->xp_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	utmpxname(self->utmp);
	self->server = child_fork();
	if (!self->server)
		_exit(serve(mailbox, tcp) ? mbox_svc_run(1) : 1);
	svc_destroy(mailbox);
	svc_destroy(tcp);
}

FIXTURE_TEARDOWN(stock)
{
	kill(self->server, SIGKILL);
	child_wait(self->server);
	unlink(self->utmp);
}

static CLIENT *by_tcp(struct sockaddr_in address, rpcprog_t prog, rpcvers_t vers)
{
	int socket = RPC_ANYSOCK;

	return clnttcp_create(&address, prog, vers, &socket, 0, 0);
}

#define CONNECT(prog, vers) ({						\
	CLIENT *clnt_ = variant->tcp ? by_tcp(self->address, prog, vers) : \
				       clnt_mbox_create(self->name, prog, vers); \
									\
	ASSERT_NE(NULL, clnt_);						\
	clnt_;								\
})

#define DESTROY(clnt) do {						\
	auth_destroy((clnt)->cl_auth);					\
	clnt_destroy(clnt);						\
} while (0)

TEST_F(stock, rstat)
{
	CLIENT *clnt = CONNECT(RSTATPROG, RSTATVERS_TIME);
	statstime first, second;
	u_int disk;
	float load;

	ASSERT_EQ(RPC_SUCCESS, rstatproc_stats_3(NULL, &first, clnt));
	ASSERT_EQ(RPC_SUCCESS, rstatproc_stats_3(NULL, &second, clnt));
	EXPECT_LT(0, first.cp_time[0] + first.cp_time[2]);
	EXPECT_LE(first.cp_time[2], second.cp_time[2]);
	EXPECT_LE(time(NULL), second.curtime.tv_sec + WAIT_LIMIT_S);
	ASSERT_TRUE(scan("/proc/loadavg", "%*f %*f %f %d/%d", &load, &disk, &disk, NULL));
	EXPECT_LE(second.avenrun[2], (int)((load + 0.5) * FSCALE));
	EXPECT_EQ(RPC_SUCCESS, rstatproc_havedisk_3(NULL, &disk, clnt));
	EXPECT_EQ(access("/proc/diskstats", R_OK) == 0, disk);
	DESTROY(clnt);
}

static void log_in(const char *user, const char *line, int type)
{
	struct utmpx entry = { .ut_type = type, .ut_pid = getpid(), .ut_tv.tv_sec = 1000 };

	strncpy(entry.ut_user, user, sizeof(entry.ut_user));
	strncpy(entry.ut_line, line, sizeof(entry.ut_line));
	memcpy(entry.ut_id, line, sizeof(entry.ut_id));
	strcpy(entry.ut_host, "far.away");
	setutxent();
	pututxline(&entry);
	endutxent();
}

TEST_F(stock, earlier_rstat)
{
	CLIENT *clnt = CONNECT(RSTATPROG, RSTATVERS_SWTCH);
	statsswtch swtch;
	stats orig;
	u_int disk;

	ASSERT_EQ(RPC_SUCCESS, rstatproc_stats_2(NULL, &swtch, clnt));
	EXPECT_LT(0, swtch.cp_time[0] + swtch.cp_time[2]);
	ASSERT_TRUE(clnt_control(clnt, CLSET_VERS, &(uint32_t){ RSTATVERS_ORIG }));
	ASSERT_EQ(RPC_SUCCESS, rstatproc_stats_1(NULL, &orig, clnt));
	EXPECT_LE(swtch.cp_time[2], orig.cp_time[2]);
	ASSERT_TRUE(clnt_control(clnt, CLSET_VERS, &(uint32_t){ 9 }));
	EXPECT_EQ(RPC_PROGVERSMISMATCH, rstatproc_havedisk_1(NULL, &disk, clnt));
	DESTROY(clnt);
}

TEST_F(stock, rusers)
{
	CLIENT *clnt = CONNECT(RUSERSPROG, RUSERSVERS_3);
	utmp_array users = { .utmp_array_len = 0 };
	int number = -1;

	if (!file_locks())
		SKIP(return, NO_FILE_LOCKS);
	EXPECT_EQ(RPC_SUCCESS, rusersproc_names_3(NULL, &users, clnt));
	EXPECT_EQ(0, users.utmp_array_len);
	ASSERT_EQ(0, close(open(self->utmp, O_CREAT | O_WRONLY, 0600)));
	log_in("alice", "tty1", USER_PROCESS);
	log_in("LOGIN", "tty2", LOGIN_PROCESS);
	log_in("bob", "tty3", USER_PROCESS);
	EXPECT_EQ(RPC_SUCCESS, rusersproc_num_3(NULL, &number, clnt));
	EXPECT_EQ(2, number);
	EXPECT_EQ(RPC_SUCCESS, rusersproc_names_3(NULL, &users, clnt));
	ASSERT_EQ(2, users.utmp_array_len);
	EXPECT_STREQ("alice", users.utmp_array_val[0].ut_user);
	EXPECT_STREQ("bob", users.utmp_array_val[1].ut_user);
	EXPECT_STREQ("tty3", users.utmp_array_val[1].ut_line);
	EXPECT_STREQ("far.away", users.utmp_array_val[1].ut_host);
	EXPECT_EQ(1000, users.utmp_array_val[1].ut_time);
	xdr_free((xdrproc_t)(void *)xdr_utmp_array, &users);
	DESTROY(clnt);
}

TEST_F(stock, spray)
{
	CLIENT *clnt = CONNECT(SPRAYPROG, SPRAYVERS);
	static char data[SPRAYMAX + 1];
	sprayarr load = { .sprayarr_len = SPRAYMAX, .sprayarr_val = data };
	spraycumul got = { .counter = 0 };
	int i;

	ASSERT_EQ(RPC_SUCCESS, sprayproc_clear_1(NULL, NULL, clnt));
	for (i = 0; i < 50; i++)
		ASSERT_EQ(RPC_SUCCESS, clnt_call(clnt, SPRAYPROC_SPRAY,
						 (xdrproc_t)(void *)xdr_sprayarr, &load,
						 NULL, NULL, NONE));
	ASSERT_EQ(RPC_SUCCESS, clnt_call(clnt, SPRAYPROC_GET, (xdrproc_t)(void *)xdr_void, NULL,
					 (xdrproc_t)(void *)xdr_spraycumul, &got, LONG));
	EXPECT_EQ(50, got.counter);
	load.sprayarr_len++;
	EXPECT_EQ(RPC_CANTENCODEARGS, sprayproc_spray_1(&load, NULL, clnt));
	DESTROY(clnt);
}

TEST_HARNESS_MAIN
