/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp-forge: the program that makes models. `wisp VERB` runs it for the verbs below, so messages say `wisp VERB`.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/json/json_memory.h"
#include "base/log.h"
#include "base/outcome.h"
#include "base/output.h"
#include "base/size.h"
#include "base/suggest.h"
#include "forge/ranks/ranks.h"
#include "forge/verbs/verb.h"

static const struct {
    const char *name;
    verb_function *run;
    const char *summary;
} verbs[] = {
    { "structure", verb_structure, "show what a structure and a sparsity make, layer by layer" },
    { "build", verb_build, "sample a sparse network before training, and save it" },
    { "train", verb_train, "train a model's connections on data" },
    { "curves", verb_curves, "show how trainings went, one or several" },
    { "eval", verb_eval, "measure a model's accuracy on a test set" },
    { "quantize", verb_quantize, "round a model's values to bf16 or int8, and measure what that changes" },
    { "show", verb_show, "print what is in a model file, as JSON" },
    { "export", verb_export, "write a model's connections for other programs" },
    { "golden", verb_golden, "give a model an input and its answer, that whoever serves it tries first" },
};

static void print_help(FILE *to)
{
    fputs("usage: wisp-forge VERB [options]      (or: wisp VERB [options])\n\n"
          "Makes sparse neural networks: samples their connections before training and trains only those.\n\n"
          "verbs:\n",
          to);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\n'wisp-forge VERB --help' describes a verb.\n", to);
}

static void print_version(void)
{
    char library[64];

    if (ranks_library(library))
        printf("wisp-forge %s, with %s\n", WISP_VERSION, library);
    else
        puts("wisp-forge " WISP_VERSION);
}

static int unknown_verb(const char *word)
{
    const char *names[ARRAY_SIZE(verbs)], *close;

    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        names[i] = verbs[i].name;
    close = suggest(word, names, ARRAY_SIZE(verbs));
    if (close)
        fprintf(stderr, "wisp-forge: unknown verb '%s'; did you mean '%s'?\n", word, close);
    else
        fprintf(stderr, "wisp-forge: unknown verb '%s'; see 'wisp-forge --help'\n", word);
    return EXIT_USAGE;
}

/* Large arrays are mappings of their own, and gone when they are freed. glibc would learn from the first of them that
 * such are freed soon, and put the next into its heap, where what is freed below others stays. */
#define ARRAY_BYTES (1 << 20)

int main(int argc, char **argv)
{
    mallopt(M_MMAP_THRESHOLD, ARRAY_BYTES);
    json_memory_watch();
    /* A training must not end because nobody reads its progress any more. */
    signal(SIGPIPE, SIG_IGN);
    /* A limit to the size of files is an error like a full disk, after which what was begun is removed. */
    signal(SIGXFSZ, SIG_IGN);
    log_init("wisp", LOG_LEVEL_INFO);
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return output_finish("wisp-forge", EXIT_DONE);
    }
    if (!strcmp(argv[1], "--version")) {
        print_version();
        return output_finish("wisp-forge", EXIT_DONE);
    }
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (!strcmp(argv[1], verbs[i].name))
            return output_finish("wisp-forge", verbs[i].run(argc - 1, argv + 1));
    }
    return unknown_verb(argv[1]);
}
