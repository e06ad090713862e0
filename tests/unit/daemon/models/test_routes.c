/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of models over thousands of tables, as a daemon makes them whose models are exchanged for years.
 */
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/size.h"
#include "daemon/models/routes.h"
#include "daemon/models/routes_file.h"

enum { TABLES = 5000, MODELS = 3, NUMBERS = 1 << 16 };

static struct model models[MODELS];
static struct instance instances[MODELS];
static struct routes routes;

/* What a number was said to be, to be held against what it leads to later. */
static struct told {
    uint32_t number;
    char name[MODEL_NAME_MAX], identity[MODEL_IDENTITY_MAX];
} told[NUMBERS];
static uint32_t told_count;

static void become(unsigned model, uint64_t version)
{
    snprintf(models[model].identity, sizeof models[model].identity, "sha256:%u.%llu", model,
             (unsigned long long)version);
    instances[model].model = &models[model];
    snprintf(instances[model].name, sizeof instances[model].name, "model%u", model);
    snprintf(instances[model].processing, sizeof instances[model].processing, "kind%u.of", model);
}

static void make_table(void)
{
    struct routes next;

    assert_int_equal(routes_make(&next, instances, MODELS, routes.count ? &routes : NULL), 0);
    routes_deinit(&routes);
    routes = next;
}

static const struct instance *leads_to(uint32_t number)
{
    const struct route *route = routes_at(&routes, number);

    return route ? route->instance : NULL;
}

static void tell(const char *name, const struct instance *instance)
{
    const uint32_t number = routes_find(&routes, name, strlen(name));
    struct told *one = &told[told_count++ % NUMBERS];

    assert_ptr_equal(leads_to(number), instance);
    one->number = number;
    snprintf(one->name, sizeof one->name, "%s", name);
    snprintf(one->identity, sizeof one->identity, "%s", instance->model->identity);
}

/* To nothing, or to what it was said to be. */
static void nobody_was_misled(void)
{
    for (uint32_t i = 0; i < told_count && i < NUMBERS; i++) {
        const struct route *route = routes_at(&routes, told[i].number);

        if (!route || !route->instance)
            continue;
        assert_string_equal(route->name, told[i].name);
        assert_string_equal(route->instance->model->identity, told[i].identity);
    }
}

static void numbers_are_remembered_and_do_not_grow(void **state)
{
    struct rng rng = rng_make(31, 4);
    uint32_t first, most = 0;

    (void)state;
    for (unsigned m = 0; m < MODELS; m++)
        become(m, 0);
    make_table();
    first = routes_find(&routes, "model0", 6); /* of one that never changes */
    assert_true(first != ROUTE_NONE);
    for (uint64_t table = 1; table < TABLES; table++) {
        const uint32_t before = routes_find(&routes, "model1", 6);

        become(1, table);
        if (!rng_below(&rng, 3))
            become(2, rng_below(&rng, 5)); /* to and fro */
        make_table();
        assert_null(leads_to(before)); /* and its name is known: another model stands behind it */
        assert_non_null(routes_at(&routes, before));
        assert_string_equal(routes_at(&routes, before)->name, "model1");
        assert_int_equal(routes_find(&routes, "model0", 6), first);
        tell("model1", &instances[1]);
        tell("kind1.of", &instances[1]);
        tell("kind2", &instances[2]);
        if (table % 100 == 0)
            nobody_was_misled();
        most = routes.count;
    }
    assert_in_range(most, ROUTES_GONE_MAX, ROUTES_GONE_MAX + 12 * MODELS);
    routes_deinit(&routes);
}

/* What was before comes back with the numbers that it had. */
static void what_comes_back_has_its_number(void **state)
{
    uint32_t numbers[2] = { ROUTE_NONE };

    (void)state;
    for (unsigned m = 0; m < MODELS; m++)
        become(m, 0);
    for (unsigned i = 0; i < 10; i++) {
        become(1, i % 2);
        make_table();
        if (i < 2)
            numbers[i] = routes_find(&routes, "model1", 6);
        assert_int_equal(routes_find(&routes, "model1", 6), numbers[i % 2]);
        assert_null(leads_to(numbers[(i + 1) % 2]));
    }
    assert_null(leads_to(ROUTE_NONE));
    assert_null(routes_at(&routes, UINT32_MAX));
    assert_null(routes_at(&routes, numbers[0] + (1u << ROUTE_PLACE_BITS)));
    routes_deinit(&routes);
}

/* Another daemon gives the same numbers to the same models, whatever the one before had come through. */
static void another_daemon_gives_the_same_numbers(void **state)
{
    struct routes before, after;
    struct reason why = { "" };
    int fd;

    (void)state;
    for (uint64_t version = 0; version < 20; version++) {
        become((unsigned)version % MODELS, version);
        make_table();
    }
    fd = routes_write(&routes);
    assert_true(fd >= 0);
    assert_ok(routes_read(&before, fd, &why), why);
    close(fd);
    assert_int_equal(routes_make(&after, instances, MODELS, &before), 0);
    for (uint32_t place = 1; place < routes.count; place++) {
        const struct route *one = &routes.entries[place], *other = routes_at(&after, one->number);

        assert_non_null(other);
        assert_ptr_equal(other->instance, one->instance);
        assert_string_equal(other->name, one->name);
        assert_string_equal(other->identity, one->identity);
    }
    routes_deinit(&before);
    routes_deinit(&after);
}

/* It is refused, or it is a table that can be made others from. */
static void damaged_routes_are_refused_or_harmless(void **state)
{
    enum { TRIES = 3000, SIZE_MAX_ = 1 << 20 };
    static unsigned char whole[SIZE_MAX_], bytes[SIZE_MAX_];
    struct rng rng = rng_make(3, 3);
    unsigned refused = 0;
    ssize_t size;
    int fd;

    (void)state;
    fd = routes_write(&routes);
    size = pread(fd, whole, sizeof whole, 0);
    close(fd);
    assert_in_range(size, 100, sizeof whole - 1);
    for (int i = 0; i < TRIES; i++) {
        struct reason why = { "" };
        struct routes before, after;
        size_t length = rng_below(&rng, 4) ? (size_t)size : rng_below(&rng, (uint64_t)size);

        memcpy(bytes, whole, (size_t)size);
        for (int k = 0; k < 3; k++)
            bytes[rng_below(&rng, rng_below(&rng, 2) ? 16 : (uint64_t)size)] = (unsigned char)rng_u32(&rng);
        if (routes_parse(&before, bytes, length, &why)) {
            assert_true(why.text[0]);
            refused++;
            continue;
        }
        assert_int_equal(routes_make(&after, instances, MODELS, &before), 0);
        for (uint32_t place = 1; place < after.count; place++)
            assert_int_equal(after.entries[place].number & 0xffff, place);
        routes_deinit(&before);
        routes_deinit(&after);
    }
    assert_in_range(refused, 1, TRIES - 1);
}

static void is_refused(int fd, const char *says)
{
    struct routes read;
    struct reason why = { "" };

    assert_int_equal(routes_read(&read, fd, &why), WISP_E_INVALID);
    if (!strstr(why.text, says))
        fail_msg("said \"%s\", not \"%s\"", why.text, says);
    assert_null(read.entries);
}

/* Each by its sentence: of a table that is whole, one place is another. */
static void what_is_no_table_is_refused(void **state)
{
    enum { HEAD = 16, ENTRY = MODEL_NAME_MAX + MODEL_IDENTITY_MAX + 8, FIRST = HEAD + ENTRY };
    static const struct {
        size_t at, length;
        unsigned char with;
        const char *says;
    } rows[] = {
        { 0, 1, 0, "another build" },
        { 4, 1, 2, "another build" },
        { 8, 4, 0, "0 routes in" },
        { 8, 4, 0xff, "4294967295 routes in" },
        { 8, 1, 1, "1 routes in" },
        { FIRST, MODEL_NAME_MAX, 'x', "the name of route 1 has no end" },
        { FIRST + MODEL_NAME_MAX, MODEL_IDENTITY_MAX, 'x', "the name of route 1 has no end" },
        { FIRST, 1, 0, "route 1 has a number that cannot be its own" },
        { FIRST + ENTRY - 4, 1, 9, "route 1 has a number that cannot be its own" },
        { FIRST + ENTRY - 8, 4, 0xff, "route 1 has a number that cannot be its own" },
    };
    static unsigned char whole[1 << 16];
    int fd = routes_write(&routes), pair[2];
    const ssize_t size = pread(fd, whole, sizeof whole, 0);

    (void)state;
    close(fd);
    assert_in_range(size, FIRST + ENTRY, sizeof whole - 1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned char before[ENTRY];

        memcpy(before, whole + rows[i].at, rows[i].length);
        memset(whole + rows[i].at, rows[i].with, rows[i].length);
        fd = memfd_create("routes", MFD_CLOEXEC);
        assert_int_equal(write(fd, whole, (size_t)size), size);
        is_refused(fd, rows[i].says);
        memcpy(whole + rows[i].at, before, rows[i].length);
        close(fd);
    }
    fd = memfd_create("routes", MFD_CLOEXEC);
    is_refused(fd, "0 bytes are no routes");
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
    is_refused(fd, "no routes");
    close(fd);
    is_refused(fd, "no routes");
    assert_int_equal(pipe(pair), 0);
    is_refused(pair[0], "routes");
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_remembered_and_do_not_grow),
        cmocka_unit_test(what_comes_back_has_its_number),
        cmocka_unit_test(another_daemon_gives_the_same_numbers),
        cmocka_unit_test(damaged_routes_are_refused_or_harmless),
        cmocka_unit_test(what_is_no_table_is_refused),
    };

    return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
