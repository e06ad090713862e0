/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/insist.h"
#include "base/json/json_memory.h"

enum { ALIGNMENT = 16, LEAST = 4096, TIMES_LENGTH = 4 };

/* From which the rest is given where there is no memory, since the reader's buffer for a string doubles, and never
 * finds that it could not: so it has to be able to. All of its sizes together are four times the text. */
struct reserve {
    char *bytes;
    size_t size, used, blocks;
};

/* Of this thread: for what it reads now; and a small one for who reads without json_from_text() of this copy, as a
 * library may. */
static _Thread_local struct reserve of_text;
static _Thread_local _Alignas(ALIGNMENT) char always_there[LEAST];
static _Thread_local struct reserve always;
static _Thread_local bool short_of_memory;

static void *take_from(struct reserve *reserve, size_t size)
{
    void *block = reserve->bytes + reserve->used;
    const size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    if (rounded < size || rounded > reserve->size - reserve->used)
        return NULL;
    reserve->used += rounded;
    reserve->blocks++;
    return block;
}

static bool give_back_to(struct reserve *reserve, const void *block)
{
    const uintptr_t at = (uintptr_t)block, first = (uintptr_t)reserve->bytes;

    if (at < first || at - first >= reserve->size)
        return false;
    insist(reserve->blocks > 0);
    if (!--reserve->blocks)
        reserve->used = 0;
    return true;
}

static void *take(size_t size)
{
    void *block = malloc(size);

    if (block)
        return block;
    short_of_memory = true;
    always.bytes = always_there;
    always.size = sizeof always_there;
    return take_from(of_text.bytes ? &of_text : &always, size);
}

static void give_back(void *block)
{
    if (!give_back_to(&of_text, block) && !give_back_to(&always, block))
        free(block);
}

void json_memory_watch(void)
{
    json_set_alloc_funcs(take, give_back);
}

static bool was_short(void)
{
    const bool was = short_of_memory;

    short_of_memory = false;
    return was;
}

static bool reserve_for(size_t length)
{
    const size_t size = LEAST + TIMES_LENGTH * length;

    insist(!of_text.bytes); /* nobody reads while he reads */
    of_text.bytes = length <= SIZE_MAX / TIMES_LENGTH - LEAST ? malloc(size) : NULL;
    of_text.size = of_text.bytes ? size : 0;
    return of_text.bytes;
}

static void end_reserve(void)
{
    insist(!of_text.blocks, "%zu", of_text.blocks);
    free(of_text.bytes);
    of_text = (struct reserve){ .bytes = NULL };
}

/* Where nobody watches, malloc()'s errno is believed. */
static json_t *read_all(const char *text, size_t length, size_t flags, json_error_t *error, bool *lacks)
{
    json_t *json;

    errno = 0;
    json = json_loadb(text, length, flags, error);
    *lacks = was_short() || errno == ENOMEM;
    if (!*lacks)
        return json;
    json_decref(json);
    return NULL;
}

json_t *json_from_text(const char *text, size_t length, size_t flags, json_error_t *error)
{
    const bool before = was_short(); /* of what is being built meanwhile */
    bool lacks = !reserve_for(length);
    json_t *json = NULL;

    if (!lacks)
        json = read_all(text, length, flags, error, &lacks);
    if (lacks && error)
        *error = (json_error_t){ .text = "out of memory" };
    end_reserve();
    short_of_memory = before;
    errno = lacks ? ENOMEM : 0;
    return json;
}

json_t *json_from_string(const char *text, size_t flags, json_error_t *error)
{
    return json_from_text(text ? text : "", text ? strlen(text) : 0, flags, error);
}

void json_note_short(void)
{
    short_of_memory = true;
}

char *json_to_text(const json_t *value, size_t flags)
{
    char *text = value && !short_of_memory ? json_dumps(value, flags) : NULL;

    if (!was_short())
        return text; /* all of it is malloc()'s */
    give_back(text);
    return NULL;
}

int json_to_file(const json_t *value, FILE *file, size_t flags)
{
    const int failed = value && !short_of_memory ? json_dumpf(value, file, flags) : -1;

    if (was_short() || !value)
        return -ENOMEM;
    return failed ? -EIO : 0;
}
