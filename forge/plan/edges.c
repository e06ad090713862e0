/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/outcome.h"
#include "base/size.h"
#include "base/suggest.h"
#include "forge/plan/edges.h"
#include "forge/plan/save.h"
#include "sparse/construct/exchange.h"

#define EDGES_BYTES_MAX (16ull << 30)

/* The number of a layer among those with weights; false when there is none of that name. */
static bool find_layer(const struct structure *structure, const char *name, size_t length, uint32_t *out)
{
    *out = 0;
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];

        if (!layer->kind->weighted)
            continue;
        if (strlen(layer->name) == length && !memcmp(layer->name, name, length))
            return true;
        ++*out;
    }
    return false;
}

static void refuse_layer(const char *option, const char *word, size_t length, const struct structure *structure,
                         struct reason *why)
{
    cleanup_free const char **names = malloc(structure->layer_count * sizeof *names);
    const char *close = NULL;
    char name[LAYER_NAME_MAX];
    size_t count = 0;

    snprintf(name, sizeof name, "%.*s", (int)MIN(length, sizeof name - 1), word);
    for (uint32_t i = 0; names && i < structure->layer_count; i++) {
        if (structure->layers[i].kind->weighted)
            names[count++] = structure->layers[i].name;
    }
    if (names)
        close = suggest(name, names, count);
    refuse(why, WISP_E_INVALID, "--%s %s: there is no layer \"%s\" with connections%s%s%s", option, word, name,
           close ? "; did you mean \"" : "", close ? close : "", close ? "\"?" : "");
}

int edges_split(const char *option, const char *word, const struct structure *structure, uint32_t *layer,
                const char **file, struct reason *why)
{
    const char *equals = strchr(word, '=');

    if (!equals || equals == word || !equals[1])
        return refuse(why, WISP_E_INVALID, "--%s %s: give the name of a layer, \"=\", and a value", option, word);
    if (!find_layer(structure, word, (size_t)(equals - word), layer)) {
        refuse_layer(option, word, (size_t)(equals - word), structure, why);
        return WISP_E_INVALID;
    }
    *file = equals + 1;
    return 0;
}

static int split_form(const char *option, const char *word, const struct structure *structure, uint32_t *layer,
                      const char **file, enum exchange_form *form, struct reason *why)
{
    int result = edges_split(option, word, structure, layer, file, why);

    if (!result && !exchange_form_of(*file, form))
        return refuse(why, WISP_E_INVALID,
                      "--%s %s: the file's name has to end in .csv (an edge list) or .mtx (Matrix "
                      "Market)",
                      option, word);
    return result;
}

static const struct layer_plan *plan_of(const struct structure *structure, uint32_t number)
{
    uint32_t at = 0;

    for (uint32_t found = 0; !structure->layers[at].kind->weighted || found++ < number;)
        at++;
    return &structure->layers[at].plan;
}

static int read_list(const char *file, enum exchange_form form, const struct layer_plan *plan, struct edge_list *out,
                     struct reason *why)
{
    cleanup_free void *text = NULL;
    XXH128_hash_t hash;
    size_t length;
    int result = file_read(file, EDGES_BYTES_MAX, &text, &length, why);

    if (!result)
        result = exchange_read(file, text, length, form, (uint32_t)plan->outputs,
                               (uint32_t)(plan->inputs * plan->kernel_height * plan->kernel_width), &out->matrix,
                               &out->info, why);
    if (result)
        return result;
    if (!out->matrix.count)
        return refuse(why, WISP_E_FORMAT, "%s has no connection", file);
    out->file = file;
    hash = XXH3_128bits(text, length);
    snprintf(out->hash, sizeof out->hash, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64, (uint64_t)hash.low64);
    return 0;
}

int edges_read(const struct option_list *words, const struct structure *structure, struct edges *out,
               struct reason *why)
{
    struct edges edges = { .count = structure_weighted(structure) };
    int result = 0;

    edges.lists = calloc(edges.count + 1, sizeof *edges.lists);
    if (!edges.lists)
        return refuse_errno(why, -ENOMEM, "--edges");
    for (size_t i = 0; i < words->count && !result; i++) {
        enum exchange_form form;
        const char *file;
        uint32_t layer;

        result = split_form("edges", words->words[i], structure, &layer, &file, &form, why);
        if (!result && edges.lists[layer].matrix.starts)
            result = refuse(why, WISP_E_INVALID, "--edges %s: the layer has its connections already", words->words[i]);
        if (!result)
            result = read_list(file, form, plan_of(structure, layer), &edges.lists[layer], why);
    }
    if (result)
        edges_deinit(&edges);
    else
        *out = edges;
    return result;
}

void edges_warn(const char *verb, const struct edges *edges)
{
    for (uint32_t i = 0; i < edges->count; i++) {
        const struct edge_list *list = &edges->lists[i];

        if (!list->matrix.starts)
            continue;
        if (list->info.headless)
            warn_user(verb, "%s has no head line: its fields are taken as output,input,weight", list->file);
        if (list->info.vanished)
            warn_user(verb, "%s:%u: too small for a float, and read as 0: %" PRIu64 " weight%s, this one first",
                      list->file, list->info.vanished_line, list->info.vanished, list->info.vanished == 1 ? "" : "s");
    }
}

void edges_deinit(struct edges *edges)
{
    for (uint32_t i = 0; i < edges->count; i++)
        csr_deinit(&edges->lists[i].matrix);
    free(edges->lists);
    *edges = EDGES_NULL;
}

int edges_check(const char *option, const struct option_list *words, const struct structure *structure,
                struct reason *why)
{
    int result = 0;

    for (size_t i = 0; i < words->count && !result; i++) {
        enum exchange_form form;
        const char *file;
        uint32_t layer;

        result = split_form(option, words->words[i], structure, &layer, &file, &form, why);
        if (!result)
            result = save_check(file, why);
    }
    return result;
}

/* Through a stream of its own over the descriptor, which stays open. */
static int write_weights(const struct layer *layer, enum exchange_form form, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), result;
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

    if (!out) {
        result = -errno;
        if (copy >= 0)
            close(copy);
        return result;
    }
    result = exchange_write(&layer->weight, form, out);
    if (fclose(out) && !result)
        result = -errno;
    return result;
}

int edges_write(const struct layer *layer, const char *file, struct reason *why)
{
    struct file_replacement replacement;
    enum exchange_form form;
    int result;

    if (!exchange_form_of(file, &form))
        return refuse(why, WISP_E_INVALID, "%s: the name has to end in .csv or .mtx", file);
    result = file_replace(file, &replacement, why);
    return result ? result : file_replace_end(&replacement, write_weights(layer, form, replacement.fd), why);
}
