/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "process.h"
#include "support/test.h"

static void split_words(char *command, char *words[static ARGUMENTS_MAX])
{
    static char program[] = "wisp-forge";
    char *rest = command, *word;
    size_t count = 1;

    words[0] = program;
    while ((word = strsep(&rest, " "))) {
        if (count + 1 >= ARGUMENTS_MAX)
            abort();
        words[count++] = word;
    }
    words[count] = NULL;
}

static pid_t start(const char *folder, const char *command, const char *out, const char *err)
{
    char program[PATH_MAX], *words[ARGUMENTS_MAX], *copy = strdup(command);
    pid_t pid;

    snprintf(program, sizeof program, "%s", binary_path("bin/wisp-forge"));
    split_words(copy, words);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int o, e;

        if (chdir(folder) < 0)
            _exit(126);
        o = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        e = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (o < 0 || e < 0 || dup2(o, STDOUT_FILENO) < 0 || dup2(e, STDERR_FILENO) < 0)
            _exit(126);
        execv(program, words);
        _exit(127);
    }
    free(copy);
    return pid;
}

pid_t forge_start(const char *folder, const char *command, const char *out)
{
    return start(folder, command, out, "stderr");
}

void forge_refuses(struct ran *ran, const char *folder, const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct refusal *r = &refusals[i];
        char said[1024];

        snprintf(said, sizeof said, "wisp %.*s: %s\n", (int)strcspn(r->command, " "), r->command, r->said);
        forge_run(ran, folder, r->command);
        if (ran->status != r->status || strcmp(ran->err, said) != 0)
            fail_msg("'%s' ended with %d and said: %s", r->command, ran->status, ran->err);
    }
}

int forge_wait(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

uint64_t forge_peak(const char *folder, const char *command)
{
    pid_t pid = forge_start(folder, command, "events");
    struct rusage usage;
    int status;

    assert_int_equal(wait4(pid, &status, 0, &usage), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return (uint64_t)usage.ru_maxrss * 1024;
}

int forge_stop(const char *folder, const char *command, int epochs, int signal)
{
    pid_t pid = forge_start(folder, command, "events");
    FILE *events = fopen(scratch_path(folder, "events"), "r");
    char line[1024];

    assert_non_null(events);
    assert_true(fcntl(fileno(events), F_SETPIPE_SZ, 4096) >= 0);
    setvbuf(events, NULL, _IONBF, 0); /* what is read ahead lets the program run ahead */
    while (epochs > 0 && fgets(line, sizeof line, events))
        epochs -= strstr(line, "\"event\":\"epoch\"") != NULL;
    assert_int_equal(kill(pid, signal), 0);
    while (fgets(line, sizeof line, events))
        ;
    fclose(events);
    return forge_wait(pid);
}

static void read_into(const char *path, char text[static OUTPUT_MAX])
{
    size_t size;
    char *all = slurp(path, &size);

    snprintf(text, OUTPUT_MAX, "%s", all);
    free(all);
}

void forge_run(struct ran *ran, const char *folder, const char *command)
{
    ran->status = forge_wait(start(folder, command, "stdout", "stderr"));
    read_into(scratch_path(folder, "stdout"), ran->out);
    read_into(scratch_path(folder, "stderr"), ran->err);
}

void forge_run_well(struct ran *ran, const char *folder, const char *command)
{
    forge_run(ran, folder, command);
    if (ran->status)
        fail_msg("'%s' ended with %d: %s", command, ran->status, ran->err);
}

char *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text;
    long length;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    length = ftell(file);
    rewind(file);
    text = malloc((size_t)length + 1);
    assert_non_null(text);
    *size = fread(text, 1, (size_t)length, file);
    text[*size] = 0;
    fclose(file);
    return text;
}

static void put_number(FILE *file, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        putc((int)(number >> shift & 255), file);
}

static FILE *open_idx(const char *folder, const char *prefix, const char *suffix, uint32_t magic, uint32_t count)
{
    char name[64];
    FILE *file;

    snprintf(name, sizeof name, "%s-%s", prefix, suffix);
    file = fopen(scratch_path(folder, name), "wb");
    assert_non_null(file);
    put_number(file, magic);
    put_number(file, count);
    return file;
}

static void write_split(const char *folder, const char *prefix, unsigned count, struct rng *rng)
{
    FILE *images = open_idx(folder, prefix, "images-idx3-ubyte", 0x803, count);
    FILE *labels = open_idx(folder, prefix, "labels-idx1-ubyte", 0x801, count);

    put_number(images, 8);
    put_number(images, 8);
    for (unsigned i = 0; i < count; i++) {
        unsigned class = (unsigned)rng_below(rng, 4);

        putc((int)class, labels);
        for (unsigned pixel = 0; pixel < 64; pixel++) {
            unsigned quadrant = pixel / 32 * 2 + pixel % 8 / 4;

            putc((int)(rng_below(rng, 160) + (quadrant == class ? 70 : 0)), images);
        }
    }
    assert_int_equal(fclose(images), 0);
    assert_int_equal(fclose(labels), 0);
}

void write_quadrants(const char *folder, unsigned train, unsigned test)
{
    struct rng rng = rng_make(42, 0);

    write_split(folder, "train", train, &rng);
    write_split(folder, "t10k", test, &rng);
}

void assert_same_bytes(const char *folder, const char *a, const char *b)
{
    size_t a_size, b_size;
    char *one = slurp(scratch_path(folder, a), &a_size), *two = slurp(scratch_path(folder, b), &b_size);

    if (a_size != b_size || memcmp(one, two, a_size) != 0)
        fail_msg("%s and %s differ", a, b);
    free(one);
    free(two);
}
