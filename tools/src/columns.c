// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "fail.h"

char *next_word(char **line)
{
	char *word;

	do {
		word = strsep(line, " \t\n");
	} while (word && !*word);
	return word;
}

bool parse_digits(const char *word, int base, uint64_t most, uint64_t *to)
{
	char *end;

	errno = 0;
	*to = strtoull(word, &end, base);
	return isdigit((unsigned char)*word) && !*end && !errno && *to <= most;
}

bool next_number(char **line, int base, uint64_t most, uint64_t *to)
{
	char *word = next_word(line);

	return word && parse_digits(word, base, most, to);
}

bool next_u32(char **line, uint32_t *to)
{
	uint64_t number = 0;
	bool ok = next_number(line, 10, UINT32_MAX, &number);

	*to = number;
	return ok;
}

bool next_pid(char **line, pid_t *to)
{
	uint64_t number = 0;
	bool ok = next_number(line, 10, INT32_MAX, &number);

	*to = number;
	return ok;
}

static bool unescape(char *to, const char *from)
{
	for (; *from; from++) {
		unsigned int byte = 0;
		int digit;

		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		for (digit = 0; digit < 3; digit++) {
			from++;
			if (*from < '0' || *from > '7')
				return false;
			byte = byte * 8 + (*from - '0');
		}
		if (!byte || byte > 255)
			return false;
		*to++ = byte;
	}
	*to = '\0';
	return true;
}

bool next_name(char **line, char **name)
{
	char *word = next_word(line);

	*name = NULL;
	if (!word || !strcmp(word, "-"))
		return word != NULL;
	*name = malloc(strlen(word) + 2);
	if (!*name)
		fail_errno("memory");
	**name = '/';
	return unescape(*name + 1, word);
}

bool is_heading(char *line, const char *titles)
{
	char *copy = strdup(titles);
	char *rest = copy;
	bool same = true;
	char *title;

	if (!copy)
		fail_errno("memory");
	while (same && (title = next_word(&rest))) {
		const char *word = next_word(&line);

		same = word && !strcmp(word, title);
	}
	free(copy);
	return same && !next_word(&line);
}
