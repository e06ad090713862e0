/* SPDX-License-Identifier: Apache-2.0
 *
 * The structure database: matching, queries, several writers, sudden death, damage.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/rng.h"
#include "forge/catalog/store/store.h"
#include "support/test.h"

static struct store_structure make(const char *name, const char *processing, uint32_t depth, unsigned hash)
{
    static char document[] = "layers: []\n";
    struct store_structure made = { .depth = depth, .layers = depth, .potential = 1000, .document = document };

    snprintf(made.hash, sizeof made.hash, "%032x", hash);
    snprintf(made.name, sizeof made.name, "%s", name);
    snprintf(made.processing, sizeof made.processing, "%s", processing);
    snprintf(made.network, sizeof made.network, "mlp");
    return made;
}

static void add(struct store *store, const char *name, const char *processing, uint32_t depth, unsigned hash)
{
    struct store_structure structure = make(name, processing, depth, hash);
    struct store_added added;
    struct reason why;

    assert_ok(store_add(store, &structure, &added, &why), why);
    assert_true(added.stored);
}

static int count_one(void *argument, const struct store_structure *structure)
{
    assert_true(structure->name[0]);
    ++*(unsigned *)argument;
    return 0;
}

static unsigned count(struct store *store, const char *processing, uint32_t min, uint32_t max)
{
    struct store_query query = { .processing = processing, .depth_min = min, .depth_max = max };
    struct reason why;
    unsigned found = 0;

    assert_ok(store_list(store, &query, count_one, &found, &why), why);
    return found;
}

static const char *fresh(struct store **store)
{
    const char *folder = scratch_make();
    struct reason why;

    assert_ok(store_open(scratch_path(folder, "deep/er/s.db"), true, store, &why), why);
    return folder;
}

static void test_same_structure_is_not_stored_twice(void **state)
{
    struct store_structure again = make("other-name", "image.classification", 3, 1);
    struct store_structure clash = make("a", "image.classification", 4, 2);
    struct store_added added;
    struct store *store;
    struct reason why;
    const char *folder = fresh(&store);

    (void)state;
    add(store, "a", "image.classification", 3, 1);
    assert_ok(store_add(store, &again, &added, &why), why);
    assert_false(added.stored);
    assert_string_equal(added.same_as, "a");
    assert_int_equal(store_add(store, &clash, &added, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "already called \"a\""));
    assert_int_equal(count(store, NULL, 0, 0), 1);
    store_close(store);
    scratch_remove(folder);
}

static void test_an_unknown_type_is_created_once(void **state)
{
    struct store_structure first = make("a", "scent.classification", 3, 1);
    struct store_structure second = make("b", "scent.classification", 3, 2);
    struct store_added added;
    struct store *store;
    struct reason why;
    const char *folder = fresh(&store);

    (void)state;
    assert_ok(store_add(store, &first, &added, &why), why);
    assert_true(added.new_type);
    assert_ok(store_add(store, &second, &added, &why), why);
    assert_false(added.new_type);
    store_close(store);
    scratch_remove(folder);
}

static void test_queries_by_type_and_depth(void **state)
{
    struct store *store;
    struct reason why;
    unsigned found = 0;
    const char *folder = fresh(&store);

    (void)state;
    add(store, "a", "image.classification", 3, 1);
    add(store, "b", "image.segmentation", 8, 2);
    add(store, "c", "imagery.classification", 8, 3);
    add(store, "d", "text.classification", 8, 4);
    assert_int_equal(count(store, "image", 0, 0), 2);
    assert_int_equal(count(store, "image.segmentation", 0, 0), 1);
    assert_int_equal(count(store, NULL, 8, 8), 3);
    assert_ok(
        store_list(store, &(struct store_query){ .network = "mlp", .processing = "image" }, count_one, &found, &why),
        why);
    assert_int_equal(found, 2);
    assert_ok(store_list(store, &(struct store_query){ .network = "vit" }, count_one, &found, &why), why);
    assert_int_equal(found, 2);
    assert_int_equal(count(store, "image", 4, 0), 1);
    assert_int_equal(count(store, "audio", 0, 0), 0);
    store_close(store);
    scratch_remove(folder);
}

static void test_replace_and_remove(void **state)
{
    struct store_structure changed = make("renamed", "image.classification", 5, 9), found;
    struct store *store;
    struct reason why;
    const char *folder = fresh(&store);

    (void)state;
    add(store, "lenet-5", "image.classification", 3, 1);
    add(store, "other", "image.classification", 3, 2);
    assert_ok(store_replace(store, "lenet-5", &changed, &why), why);
    assert_ok(store_find(store, "renamed", &found, &why), why);
    assert_int_equal(found.depth, 5);
    assert_string_equal(found.document, "layers: []\n");
    store_structure_deinit(&found);
    changed = make("other", "image.classification", 5, 10);
    assert_int_equal(store_replace(store, "renamed", &changed, &why), WISP_E_INVALID);
    assert_int_equal(store_remove(store, "renamd", &why), WISP_E_NO_MODEL);
    assert_non_null(strstr(why.text, "did you mean \"renamed\""));
    assert_ok(store_remove(store, "renamed", &why), why);
    assert_int_equal(count(store, NULL, 0, 0), 1);
    store_close(store);
    scratch_remove(folder);
}

enum { WRITERS = 4, EACH = 50 };

static void test_two_writers_lose_nothing(void **state)
{
    struct store *store;
    struct reason why;
    const char *folder = scratch_make(), *path = scratch_path(folder, "s.db");
    pid_t children[WRITERS];

    (void)state;
    for (int w = 0; w < WRITERS; w++) {
        children[w] = fork();
        if (children[w] == 0) {
            if (store_open(path, true, &store, &why))
                _exit(1);
            for (int i = 0; i < EACH; i++) {
                struct store_structure structure = make("", "image.classification", 3, (unsigned)(w * EACH + i + 1));
                struct store_added added;

                snprintf(structure.name, sizeof structure.name, "w%d-%d", w, i);
                if (store_add(store, &structure, &added, &why) || !added.stored)
                    _exit(2);
            }
            store_close(store);
            _exit(0);
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;

        assert_int_equal(waitpid(children[w], &status, 0), children[w]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_ok(store_open(path, false, &store, &why), why);
    assert_int_equal(count(store, NULL, 0, 0), WRITERS * EACH);
    store_close(store);
    scratch_remove(folder);
}

/* An import is one transaction: whenever the process dies, all of it is there or none. */
static void test_sudden_death_during_an_import(void **state)
{
    struct rng rng = rng_make(1, 1);
    struct reason why;
    unsigned before = 1;

    (void)state;
    for (int round = 0; round < 10; round++) {
        struct store *store;
        const char *folder = scratch_make(), *path = scratch_path(folder, "s.db");
        unsigned found;
        pid_t child;
        int status;

        assert_ok(store_open(path, true, &store, &why), why);
        add(store, "first", "image.classification", 3, 1);
        store_close(store);
        child = fork();
        if (child == 0) {
            if (store_open(path, true, &store, &why) || store_begin(store, &why))
                _exit(1);
            for (unsigned i = 2;; i++) {
                struct store_structure structure = make("", "text.classification", 3, i);
                struct store_added added;

                snprintf(structure.name, sizeof structure.name, "n%u", i);
                if (store_add(store, &structure, &added, &why))
                    _exit(2);
            }
        }
        usleep(1000 + (useconds_t)rng_below(&rng, 30000));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        assert_ok(store_open(path, true, &store, &why), why);
        found = count(store, NULL, 0, 0);
        assert_int_equal(found, before);
        add(store, "after", "image.classification", 3, 3);
        store_close(store);
        scratch_remove(folder);
    }
}

static void test_damage_is_named_and_nothing_is_lost(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "s.db");
    cleanup_free unsigned char *data = NULL, *after = NULL;
    struct store *store;
    struct reason why;
    size_t size, after_size;
    int refused = 0;

    (void)state;
    assert_ok(store_open(path, true, &store, &why), why);
    for (unsigned i = 1; i <= 300; i++) {
        char name[32];

        snprintf(name, sizeof name, "n%u", i);
        add(store, name, "image.classification", 3, i);
    }
    store_close(store);
    assert_ok(file_read(path, 1 << 24, (void **)&data, &size, &why), why);
    /* Zero one page after another: wherever it hits, a clear refusal or the whole list, and the file is not touched. */
    for (size_t page = 0; page < size / 4096; page++) {
        struct file_part parts[] = { { data, page * 4096 }, { "", 0 }, { data + (page + 1) * 4096, 0 } };
        static const unsigned char zeroes[4096];
        unsigned found = 0;
        int result;

        parts[1] = (struct file_part){ zeroes, 4096 };
        parts[2].size = size - (page + 1) * 4096;
        assert_ok(file_write(path, parts, 3, &why), why);
        result = store_open(path, false, &store, &why);
        if (!result) {
            result = store_list(store, &(struct store_query){ .documents = true }, count_one, &found, &why);
            store_close(store);
        }
        if (result) {
            assert_int_equal(result, WISP_E_FORMAT);
            assert_non_null(strstr(why.text, path));
            refused++;
        }
        assert_ok(file_read(path, 1 << 24, (void **)&after, &after_size, &why), why);
        assert_int_equal(after_size, size);
        assert_memory_equal(after + page * 4096, zeroes, 4096);
        free(steal(&after));
    }
    assert_true(refused > 0);
    scratch_remove(folder);
}

static void test_what_is_not_a_database_is_left_alone(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "notes.txt");
    struct file_part parts[] = { { "my notes, not a database, and longer than a header of one hundred bytes: keep them "
                                   "as they are, please, whoever opens them",
                                   121 } };
    struct store *store;
    struct reason why;
    cleanup_free void *data = NULL;
    size_t size;

    (void)state;
    assert_ok(file_write(path, parts, 1, &why), why);
    assert_int_equal(store_open(path, true, &store, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "not a structure database"));
    assert_ok(file_read(path, 4096, &data, &size, &why), why);
    assert_int_equal(size, 121);
    assert_int_equal(store_open(scratch_path(folder, "absent.db"), false, &store, &why), -ENOENT);
    scratch_remove(folder);
}

static int compare_record(void *argument, const struct store_record *record)
{
    const struct store_record *expected = argument;
    size_t numbers = offsetof(struct store_record, density); /* before them are texts, and bytes that are nobody's */

    assert_int_equal(record->event, expected->event);
    assert_string_equal(record->hash, expected->hash);
    assert_string_equal(record->machine, expected->machine);
    assert_string_equal(record->method, expected->method);
    assert_memory_equal((const char *)expected + numbers, (const char *)record + numbers, sizeof *record - numbers);
    return 42;
}

static void test_history_round_trip(void **state)
{
    struct store_record record = { .event = STORE_TRAINED,
                                   .machine = "m",
                                   .method = "er",
                                   .density = 0.05,
                                   .potential = 2794000,
                                   .connections = 139700,
                                   .arrays = 840000,
                                   .layers = 4,
                                   .neurons = 6794,
                                   .bytes = 850000,
                                   .memory = 2000000,
                                   .flops = 5e10,
                                   .seconds = 2.5,
                                   .accuracy = 0.9,
                                   .samples = 60000,
                                   .epochs = 40,
                                   .batch = 128,
                                   .threads = 2,
                                   .time = 17 };
    struct store *store;
    struct reason why;
    const char *folder = fresh(&store);

    (void)state;
    assert_ok(store_record(store, &record, &why), why);
    assert_int_equal(store_history(store, STORE_TRAINED, NULL, compare_record, &record, &why), 42);
    assert_ok(store_history(store, STORE_BUILT, NULL, compare_record, &record, &why), why);
    assert_ok(store_history(store, STORE_TRAINED, "00", compare_record, &record, &why), why);
    store_close(store);
    scratch_remove(folder);
}

/* A database of the first version gets its history when it is next written; until then it has none. */
static void test_older_databases(void **state)
{
    struct store_record record = { .event = STORE_BUILT, .machine = "m", .method = "er", .time = 1 };
    struct store *store;
    struct reason why;
    const char *folder = fresh(&store), *path = scratch_path(folder, "s.db");
    sqlite3 *database;

    (void)state;
    path = strdup(store_path(store));
    store_close(store);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "DROP TABLE history; CREATE TABLE history (event, hash, time);"
                                  "DROP INDEX structure_place; DROP INDEX structure_depth;"
                                  "CREATE INDEX structure_place ON structure (processing, depth, name);"
                                  "ALTER TABLE structure DROP COLUMN kinds;"
                                  "CREATE INDEX structure_depth ON structure (depth);"
                                  "PRAGMA user_version = 1;",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    assert_ok(store_open(path, false, &store, &why), why);
    assert_ok(store_history(store, STORE_BUILT, NULL, compare_record, &record, &why), why);
    store_close(store);
    assert_ok(store_open(path, true, &store, &why), why);
    assert_ok(store_record(store, &record, &why), why);
    assert_int_equal(store_history(store, STORE_BUILT, NULL, compare_record, &record, &why), 42);
    store_close(store);
    assert_ok(store_open(path, false, &store, &why), why);
    assert_int_equal(store_history(store, STORE_BUILT, NULL, compare_record, &record, &why), 42);
    store_close(store);
    free((char *)path);
    scratch_remove(folder);
}

/* ---- what a process that died left ---- */

static void copy_file(const char *from, const char *to)
{
    cleanup_free void *data = NULL;
    struct file_part part;
    struct reason why;
    size_t size;

    assert_ok(file_read(from, 1 << 28, &data, &size, &why), why);
    part = (struct file_part){ data, size };
    assert_ok(file_write(to, &part, 1, &why), why);
}

static off_t size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) < 0 ? 0 : status.st_size;
}

/* "hot.db" as it would lie there after a kill -9 in the middle of a change: with a journal that is to be rolled back,
 * and pages of the change in it already. One structure, "first", was there before. */
static const char *leave_hot(const char *folder)
{
    const char *path = scratch_path(folder, "s.db"), *hot = scratch_path(folder, "hot.db");
    struct store *store;
    struct reason why;
    char *long_document = malloc(20000);
    off_t before;

    assert_non_null(long_document);
    memset(long_document, 'x', 19999);
    long_document[19999] = 0;
    assert_ok(store_open(path, true, &store, &why), why);
    add(store, "first", "image.classification", 3, 1);
    assert_ok(store_begin(store, &why), why);
    before = size_of(path);
    /* More than the cache holds, so that pages reach the file before the commit. */
    for (unsigned i = 2; size_of(path) == before; i++) {
        struct store_structure structure = make("", "text.classification", 3, i);
        struct store_added added;

        assert_true(i < 10000);
        snprintf(structure.name, sizeof structure.name, "n%u", i);
        structure.document = long_document;
        assert_ok(store_add(store, &structure, &added, &why), why);
    }
    copy_file(path, hot);
    copy_file(scratch_path(folder, "s.db-journal"), scratch_path(folder, "hot.db-journal"));
    store_close(store);
    free(long_document);
    return hot;
}

static void test_a_reader_undoes_what_was_left_half_done(void **state)
{
    const char *folder = scratch_make(), *hot = leave_hot(folder);
    struct store *store;
    struct reason why;

    (void)state;
    assert_true(size_of(scratch_path(folder, "hot.db-journal")) > 512);
    assert_ok(store_open(hot, false, &store, &why), why);
    assert_int_equal(count(store, NULL, 0, 0), 1);
    store_close(store);
    assert_int_equal(size_of(scratch_path(folder, "hot.db-journal")), 0);
    scratch_remove(folder);
}

/* What a user without rights sees; the exit status is 0 when it is refused with that fragment. */
static bool refused_for_others(const char *path, bool write, const char *fragment)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct store_structure structure = make("x", "a.b", 3, 77);
        struct store_added added;
        struct store *store;
        struct reason why = { "" };
        int result;

        if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(2);
        result = store_open(path, write, &store, &why);
        if (!result && write)
            result = store_add(store, &structure, &added, &why);
        if (result && !strstr(why.text, fragment))
            fprintf(stderr, "said \"%s\"\n", why.text);
        _exit(result == -EACCES && strstr(why.text, fragment) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_who_may_not_write_is_told_what_it_is(void **state)
{
    const char *folder = scratch_make(), *hot = leave_hot(folder);
    struct store *store;
    struct reason why;

    (void)state;
    if (getuid() != 0)
        skip(); /* the files must be somebody else's */
    chmod(folder, 0755);
    assert_true(refused_for_others(hot, false, "a process died while it changed"));
    chmod(hot, 0666); /* but nothing may be made or removed beside it */
    chmod(scratch_path(folder, "hot.db-journal"), 0666);
    assert_true(refused_for_others(hot, false, "its folder is not writable for you"));
    assert_ok(store_open(hot, false, &store, &why), why);
    assert_int_equal(count(store, NULL, 0, 0), 1);
    store_close(store);
    assert_true(refused_for_others(hot, true, "the folder of"));
    chmod(hot, 0644);
    assert_true(refused_for_others(hot, true, "is not writable for you"));
    scratch_remove(folder);
}

/* ---- renewal ---- */

static enum store_renewal renew_one(void *argument, const struct store_structure *old, struct store_structure *out)
{
    ++*(unsigned *)argument;
    assert_string_equal(old->document, "layers: []\n");
    if (!strcmp(old->name, "drop"))
        return STORE_DROP;
    if (strcmp(old->name, "change") != 0)
        return STORE_KEEP;
    *out = *old;
    snprintf(out->name, sizeof out->name, "changed");
    snprintf(out->hash, sizeof out->hash, "%032x", 2); /* what "drop" had */
    out->document = strdup("new");
    return STORE_CHANGE;
}

static void test_renewal_of_what_is_old(void **state)
{
    struct store_structure found;
    struct store *store;
    struct reason why;
    const char *folder = fresh(&store);
    cleanup_free char *path = strdup(store_path(store));
    unsigned seen = 0;
    sqlite3 *database;

    (void)state;
    add(store, "keep", "image.classification", 3, 1);
    add(store, "drop", "image.classification", 3, 2);
    add(store, "change", "image.classification", 3, 3);
    assert_false(store_is_old(store));
    store_close(store);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "DROP INDEX structure_place; DROP INDEX structure_depth;"
                                  "ALTER TABLE structure DROP COLUMN kinds;"
                                  "CREATE INDEX structure_place ON structure (processing, depth, name);"
                                  "CREATE INDEX structure_depth ON structure (depth); PRAGMA user_version = 3;",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    assert_ok(store_open(path, false, &store, &why), why);
    assert_int_equal(count(store, NULL, 0, 0), 3);
    store_close(store);
    assert_ok(store_open(path, true, &store, &why), why);
    assert_true(store_is_old(store));
    assert_ok(store_renew(store, renew_one, &seen, &why), why);
    assert_int_equal(seen, 3);
    assert_false(store_is_old(store));
    assert_int_equal(count(store, NULL, 0, 0), 2);
    assert_ok(store_find(store, "changed", &found, &why), why);
    assert_string_equal(found.document, "new");
    store_structure_deinit(&found);
    store_close(store);
    assert_ok(store_open(path, false, &store, &why), why);
    assert_false(store_is_old(store));
    store_close(store);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_structure_is_not_stored_twice),
        cmocka_unit_test(test_an_unknown_type_is_created_once),
        cmocka_unit_test(test_queries_by_type_and_depth),
        cmocka_unit_test(test_replace_and_remove),
        cmocka_unit_test(test_two_writers_lose_nothing),
        cmocka_unit_test(test_sudden_death_during_an_import),
        cmocka_unit_test(test_damage_is_named_and_nothing_is_lost),
        cmocka_unit_test(test_what_is_not_a_database_is_left_alone),
        cmocka_unit_test(test_history_round_trip),
        cmocka_unit_test(test_older_databases),
        cmocka_unit_test(test_a_reader_undoes_what_was_left_half_done),
        cmocka_unit_test(test_who_may_not_write_is_told_what_it_is),
        cmocka_unit_test(test_renewal_of_what_is_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
