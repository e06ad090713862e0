/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents that are large, or make much of little: a list of any length is read in the memory of one of its
 * structures; what repeats make is bounded. Tested by how much memory a child may have, not by time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "forge/catalog/documents/document.h"
#include "forge/catalog/documents/document_layers.h"
#include "support/test.h"

enum { STRUCTURES = 30000, MORE_MEMORY = 24 << 20 };

static int count_one(void *argument, const struct structure *structure)
{
    assert_true(structure->layer_count > 0);
    ++*(unsigned *)argument;
    return 0;
}

/* A sanitizer reserves more address space than there is memory: with one, the texts alone are tested. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    FILE *statm = fopen("/proc/self/statm", "r");
    char line[128] = "";
    rlim_t now;

    if (!statm || !fgets(line, sizeof line, statm))
        _exit(1);
    fclose(statm);
    now = strtoul(line, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
    if (!now || setrlimit(RLIMIT_AS, &(struct rlimit){ now + MORE_MEMORY, now + MORE_MEMORY }) < 0)
        _exit(1);
#endif
}

/* What the reader says, in a process that may have MORE_MEMORY besides what it has now: "N structures" or the reason.
 */
static void said_in_little_memory(const char *text, size_t length, char *out, size_t size)
{
    int ends[2];
    pid_t child;
    ssize_t got;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct reason why = { "" };
        unsigned count = 0;
        int result;

        limit_memory();
        result = document_parse("t", text, length, count_one, &count, NULL, &why);
        if (!result)
            snprintf(why.text, sizeof why.text, "%u structures", count);
        _exit(write(ends[1], why.text, strlen(why.text)) < 0);
    }
    close(ends[1]);
    got = read(ends[0], out, size - 1);
    assert_true(got >= 0);
    out[got] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_a_list_of_any_length(void **state)
{
    cleanup_free char *text = NULL;
    char said[400];
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    fprintf(out, "structures:\n");
    for (unsigned i = 0; i < STRUCTURES; i++)
        fprintf(
            out,
            "  - name: s%u\n    processing: a.b\n    input: [%u]\n    layers:\n      - linear: {name: l, neurons: 3}\n",
            i, i + 1);
    fclose(out);
    said_in_little_memory(text, size, said, sizeof said);
    assert_string_equal(said, "30000 structures");
}

/* A document of so many structures, each of which repeats four layers a thousand times; to be freed. */
static char *repeating(unsigned structures, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);

    fprintf(out, "structures:\n");
    for (unsigned i = 0; i < structures; i++)
        fprintf(
            out,
            "- {name: s%u, processing: a.b, input: %u, layers: [{repeat: 1000, layers: [relu, relu, relu, relu]}]}\n",
            i, i + 1);
    fclose(out);
    return text;
}

static void test_what_repeats_make_is_bounded(void **state)
{
    cleanup_free char *text = NULL;
    char said[400];
    size_t size;

    (void)state;
    text = repeating(500, &size);
    assert_true(size < 60000);
    said_in_little_memory(text, size, said, sizeof said);
    if (!strstr(said, "the repeats of one document make more than 100000 layers"))
        fail_msg("said \"%s\"", said);
}

/* Up to the bound they are good, whichever structures share it. */
static void test_repeats_within_bounds(void **state)
{
    cleanup_free char *text = NULL;
    char said[400];
    size_t size;

    (void)state;
    text = repeating(DOCUMENT_REPEATED_MAX / 4000, &size);
    said_in_little_memory(text, size, said, sizeof said);
    assert_string_equal(said, "25 structures");
}

/* The longest structure there may be, every layer named and referring to layers far back. */
static void test_the_longest_structure(void **state)
{
    cleanup_free char *text = NULL;
    struct reason why = { "" };
    unsigned count = 0;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    fprintf(out, "name: x\nprocessing: a.b\ninput: [4, 4]\nlayers:\n");
    fprintf(out, "- projection: {name: n0, neurons: 4}\n- projection: {name: n1, neurons: 4}\n");
    for (unsigned i = 2; i + 5 < MODEL_LAYERS_MAX; i += 6)
        fprintf(out, "- add: {name: n%u, from: [n0, n%u]}\n- self_attention: {name: n%u, heads: 2}\n", i, i - 1, i + 5);
    fclose(out);
    assert_ok(document_parse("t", text, size, count_one, &count, NULL, &why), why);
    assert_int_equal(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_of_any_length),
        cmocka_unit_test(test_what_repeats_make_is_bounded),
        cmocka_unit_test(test_repeats_within_bounds),
        cmocka_unit_test(test_the_longest_structure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
