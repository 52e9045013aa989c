// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * The parts of mboxrpcbind that need no network: its table, universal
 * addresses, and the file that it keeps the table in. Prints TAP.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "netids.h"
#include "store.h"
#include "table.h"

static int tests;
static int failures;

static void check(bool good, const char *what)
{
	tests++;
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}

static struct registration make(uint32_t program, uint32_t version, const char *netid,
				const char *address, const char *owner)
{
	struct registration r = { .program = program, .version = version };

	snprintf(r.netid, sizeof(r.netid), "%s", netid);
	snprintf(r.address, sizeof(r.address), "%s", address);
	snprintf(r.owner, sizeof(r.owner), "%s", owner);
	return r;
}

static bool set(struct table *table, uint32_t program, uint32_t version,
		const char *netid, const char *address, const char *owner)
{
	struct registration r = make(program, version, netid, address, owner);

	return table_set(table, &r);
}

static bool is(const struct registration *r, uint32_t version, const char *address)
{
	return r && r->version == version && !strcmp(r->address, address);
}

static void test_set(void)
{
	struct table table = { 0 };

	check(!table_find(&table, 7, 1, "tcp"), "nothing is in an empty table");
	check(set(&table, 7, 1, "tcp", "a", "1000"), "a registration");
	check(is(table_find(&table, 7, 1, "tcp"), 1, "a"), "is found");
	check(set(&table, 7, 1, "tcp", "a", "1000") && table.count == 1,
	      "a second time it is the same");
	check(!set(&table, 7, 1, "tcp", "b", "1000"), "another address is refused");
	check(!set(&table, 7, 1, "tcp", "b", SUPERUSER), "to root too");
	check(is(table_find(&table, 7, 1, "tcp"), 1, "a"), "and changes nothing");
	check(set(&table, 7, 2, "tcp", "b", "1000") && set(&table, 7, 1, "udp", "c", "1000"),
	      "another version or netid is another one");
	check(!table_find(&table, 7, 3, "tcp") && !table_find(&table, 8, 1, "tcp"),
	      "what is not there is not found");
	check(is(table_find_any(&table, 7, 2, "tcp"), 2, "b"), "of any version the exact one");
	check(is(table_find_any(&table, 7, 3, "tcp"), 1, "a"), "else another");
	check(!table_find_any(&table, 7, 3, "local"), "of that netid");
	table_free(&table);
}

static void test_unset(void)
{
	struct table table = { 0 };

	set(&table, 7, 1, "tcp", "a", "1000");
	set(&table, 7, 1, "udp", "b", "1000");
	set(&table, 7, 1, "local", "c", "unknown");
	set(&table, 7, 2, "tcp", "a", SUPERUSER);
	check(!table_unset(&table, 7, 1, "tcp", "1001") && table.count == 4,
	      "another user removes nothing");
	check(!table_unset(&table, 7, 2, "tcp", "1000") && table.count == 4,
	      "not what is root's");
	check(table_unset(&table, 7, 1, "tcp", "1000") && table.count == 3 &&
	      !table_find(&table, 7, 1, "tcp"), "the owner does");
	check(table_unset(&table, 7, 1, "tcp", "1001"), "what is gone is gone");
	check(!table_unset(&table, 7, 1, "", "1000") && table.count == 2,
	      "of all netids its own, and it is told of the rest");
	check(table_unset(&table, 7, 1, "", SUPERUSER) && table.count == 1,
	      "root removes all of them");
	check(table_find(&table, 7, 2, "tcp"), "and no other version");
	set(&table, 9, 1, "tcp", "a", "1000");
	set(&table, 9, 1, "udp", "a", "1000");
	check(table_drop(&table, "tcp", "a") && table.count == 1 &&
	      table_find(&table, 9, 1, "udp"), "all at an address, whoever's");
	check(!table_drop(&table, "tcp", "a"), "once");
	table_free(&table);
}

static void test_limit(void)
{
	struct table table = { 0 };
	uint32_t i;

	for (i = 0; i < OWNER_LIMIT && set(&table, i, 1, "tcp", "a", "1000"); i++)
		;
	check(i == OWNER_LIMIT, "a user has as many as the limit");
	check(!set(&table, i, 1, "tcp", "a", "1000"), "and no more");
	check(set(&table, 0, 1, "tcp", "a", "1000"), "those still hold");
	check(set(&table, i, 1, "tcp", "a", "1001"), "another has its own");
	for (i = 0; i <= OWNER_LIMIT && set(&table, i, 2, "tcp", "a", SUPERUSER); i++)
		;
	check(i > OWNER_LIMIT, "and root has no limit");
	table_unset(&table, 0, 1, "tcp", "1000");
	check(set(&table, 0, 3, "tcp", "a", "1000"), "what is removed makes room");
	table_free(&table);
}

static void test_same(const char *netid, const char *text, const char *expected)
{
	const struct netconfig *config = netid_find(netid);
	struct address address;
	char again[ADDRESS_MAX + 1] = "", what[400];
	bool good = config && address_parse(config, text, &address) &&
		    address_format(config, &address, again) && !strcmp(again, expected);

	snprintf(what, sizeof(what), "%s: %s", netid, text);
	check(good, what);
}

static void test_bad(const char *netid, const char *text)
{
	const struct netconfig *config = netid_find(netid);
	char what[400];

	snprintf(what, sizeof(what), "%s: no address: '%s'", netid, text);
	check(config && !address_is_valid(config, text), what);
}

static void test_text(void)
{
	char path[200];

	test_same("tcp", "127.0.0.1.0.111", "127.0.0.1.0.111");
	test_same("udp", "0.0.0.0.255.255", "0.0.0.0.255.255");
	test_same("tcp6", "::.0.111", "::.0.111");
	test_same("udp6", "2001:db8::1.8.1", "2001:db8::1.8.1");
	test_same("local", "/run/x.sock", "/run/x.sock");
	test_bad("tcp", "");
	test_bad("tcp", "1.2.3.4");
	test_bad("tcp", "1.2.3.4.5");
	test_bad("tcp", "1.2.3.4.5.6.7");
	test_bad("tcp", "1.2.3.4.5.256");
	test_bad("tcp", "1.2.3.4.5.0006");
	test_bad("tcp", "1.2.3.4.5.");
	test_bad("tcp", "1.2.3.4..6");
	test_bad("tcp", "1.2.3.4.+5.6");
	test_bad("tcp", "1.2.3.4.-5.6");
	test_bad("tcp", "..");
	test_bad("tcp", "::.0.111");
	test_bad("tcp6", "127.0.0.1.0.111");
	test_bad("tcp6", ":::.0.111");
	test_bad("local", "");
	memset(path, 'p', sizeof(path));
	path[108] = '\0';
	test_bad("local", path);
	check(address_is_valid(netid_find(NETID_MBOX), "/jobs") &&
	      address_is_valid(netid_find(NETID_MBOX), "rpc:111"), "names of mailboxes");
	test_bad(NETID_MBOX, "");
	test_bad(NETID_MBOX, "/");
	test_bad(NETID_MBOX, "/a/b");
	check(!netid_find("carrier") && !netid_find("rawip") && !netid_find(""), "unknown netids");
}

/* What comes from the network is as long as it likes. */
static void test_short(void)
{
	struct address address;
	char text[ADDRESS_MAX + 1];
	struct sockaddr_un *local = (struct sockaddr_un *)&address.storage;
	socklen_t length, good = 0;

	address_parse(netid_find("tcp"), "127.0.0.1.0.111", &address);
	for (length = 0; length < sizeof(struct sockaddr_in); length++) {
		address.length = length;
		good += address_format(netid_find("tcp"), &address, text);
	}
	check(!good, "less than an address of IPv4");
	check(!address_format(netid_find("tcp6"), &address, text), "nor one of another family");
	memset(&address, 'p', sizeof(address));
	local->sun_family = AF_UNIX;
	address.length = sizeof(address.storage);
	check(address_format(netid_find("local"), &address, text) &&
	      strlen(text) == sizeof(local->sun_path), "a path without an end is all of it");
	address.length = sizeof(sa_family_t);
	check(!address_format(netid_find("local"), &address, text), "no path");
}

static bool same(const struct registration *a, const struct registration *b)
{
	return a->program == b->program && is(a, b->version, b->address) &&
	       !strcmp(a->netid, b->netid) && !strcmp(a->owner, b->owner);
}

static struct table loaded;

static void found(const struct registration *registration)
{
	table_set(&loaded, registration);
}

static int load_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	table_free(&loaded);
	if (!file || fputs(text, file) < 0 || fclose(file))
		return -EIO;
	return store_load(path, found);
}

#define GOOD "{\"program\": 7, \"version\": 1, \"netid\": \"tcp\", \"address\": \"a\", \"owner\": \"0\"}"

static void test_store(void)
{
	char folder[] = "/tmp/rpcbind_units.XXXXXX", path[64];
	struct table table = { 0 };

	check(mkdtemp(folder), "a folder");
	snprintf(path, sizeof(path), "%s/table", folder);
	check(!store_load(path, found) && !loaded.count, "no file is an empty table");
	check(!store_save(path, &table) && !store_load(path, found) && !loaded.count,
	      "an empty table");
	set(&table, UINT32_MAX, 0, "tcp", "127.0.0.1.0.111", "1000");
	set(&table, 7, 3, NETID_MBOX, "/a \"b\"\\", SUPERUSER);
	check(!store_save(path, &table), "two are saved");
	check(!store_load(path, found) && loaded.count == 2 &&
	      same(&loaded.list[0], &table.list[0]) && same(&loaded.list[1], &table.list[1]),
	      "and loaded");
	check(load_text(path, "") == -EINVAL, "an empty file is refused");
	check(load_text(path, "{}") == -EINVAL, "and one with something else");
	check(load_text(path, "[" GOOD) == -EINVAL && !loaded.count, "and one that is cut off");
	check(!load_text(path, "[null, 1, [], {}, {\"program\": -1}, " GOOD "]") &&
	      loaded.count == 1, "what is no registration is left out");
	check(store_save("/nonexistent/table", &table) == -ENOENT, "no folder");
	unlink(path);
	rmdir(folder);
	table_free(&table);
	table_free(&loaded);
}

int main(void)
{
	printf("TAP version 13\n");
	test_set();
	test_unset();
	test_limit();
	test_text();
	test_short();
	test_store();
	printf("1..%d\n", tests);
	return failures > 0;
}
