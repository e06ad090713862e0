/* SPDX-License-Identifier: Apache-2.0
 *
 * SciPy's and PyTorch's products with a CSR matrix, in a process of Python beside this one on the same core:
 * products.py, which says how the two talk. It measures itself, so what is counted is calls from Python, and not the
 * way there.
 */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libraries.h"

static char products[] = BENCH_PRODUCTS;

static struct {
    FILE *to, *from; /* NULL: there is no Python */
    char names[128]; /* of the rivals that it has */
} python;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "bench_kernels: %s: %s\n", products, what);
    exit(1);
}

static void read_all(void *into, size_t size)
{
    if (fread(into, 1, size, python.from) != size)
        give_up("it ended");
}

static void write_all(const void *from, size_t size)
{
    if (fwrite(from, 1, size, python.to) != size)
        give_up("it does not listen");
}

static void read_line(char *line, size_t size)
{
    if (fflush(python.to) || !fgets(line, (int)size, python.from))
        give_up("it ended");
}

/* With its input and output at the ends of two pipes; without Python there is nobody there. */
static bool start(void)
{
    const char *interpreter = getenv("WISP_PYTHON");
    char *words[] = { (char *)(uintptr_t)(interpreter ? interpreter : "python3"), products, NULL };
    posix_spawn_file_actions_t actions;
    int to[2], from[2], result;
    pid_t child;

    if (pipe(to) || pipe(from))
        abort();
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, to[1]);
    posix_spawn_file_actions_addclose(&actions, from[0]);
    result = posix_spawnp(&child, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    python.to = fdopen(to[1], "w");
    python.from = fdopen(from[0], "r");
    if (!python.to || !python.from)
        abort();
    return !result;
}

bool python_begin(void)
{
    signal(SIGPIPE, SIG_IGN); /* where it has ended, writing says so */
    if (!start())
        return false;
    fprintf(python.to, "which\n");
    if (fflush(python.to) || !fgets(python.names, sizeof python.names, python.from))
        python.names[0] = '\0';
    return strstr(python.names, rival_scipy.name) && strstr(python.names, rival_torch.name);
}

static void *csr_open(const struct rival *rival, const struct rival_operands *o)
{
    const struct csr *w = o->w;

    fprintf(python.to, "open %s %u %u %zu %llu\n", rival->name, w->rows, w->columns, o->n,
            (unsigned long long)w->count);
    for (uint32_t r = 0; r <= w->rows; r++)
        write_all(&(int){ (int)w->starts[r] }, sizeof(int));
    for (uint64_t k = 0; k < w->count; k++)
        write_all(&(int){ (int)csr_column(w, k) }, sizeof(int));
    write_all(w->values, w->count * sizeof *w->values);
    write_all(o->x, w->columns * o->n * sizeof *o->x);
    fflush(python.to);
    read_all(o->y, w->rows * o->n * sizeof *o->y);
    return (void *)(uintptr_t)rival->name;
}

static void *scipy_open(const struct rival_operands *o)
{
    return strstr(python.names, rival_scipy.name) ? csr_open(&rival_scipy, o) : NULL;
}

static void *torch_open(const struct rival_operands *o)
{
    return strstr(python.names, rival_torch.name) ? csr_open(&rival_torch, o) : NULL;
}

static uint64_t csr_time(void *opened, unsigned calls)
{
    char line[32];

    fprintf(python.to, "time %s %u\n", (const char *)opened, calls);
    read_line(line, sizeof line);
    return strtoull(line, NULL, 10);
}

static void csr_close(void *opened)
{
    fprintf(python.to, "close %s\n", (const char *)opened);
    fflush(python.to);
}

const struct rival rival_scipy = { "scipy_csr", RIVAL_SPARSE, scipy_open, NULL, csr_close, csr_time };
const struct rival rival_torch = { "torch_csr", RIVAL_SPARSE, torch_open, NULL, csr_close, csr_time };
