/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the structure database takes with many structures in it: storing them, listing them by type and by depth,
 * finding one. JSON lines: bench/README.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "forge/catalog/catalog.h"

enum { STRUCTURES = 10000, QUERIES = 201, LAYERS_MIN = 2, LAYERS_MAX = 21 };

static const char *const types[] = { "image.classification", "image.segmentation", "text.classification",
                                     "text.translation",     "audio.recognition",  "scent.classification" };

static void require(int result, const struct reason *why)
{
    if (!result)
        return;
    fprintf(stderr, "bench_store: %s\n", why->text);
    exit(1);
}

/* Number i: as many layers as i says, of sizes that no other has. */
static void make(unsigned number, struct store_structure *out)
{
    struct structure structure;
    struct reason why;
    char text[1024];
    int used = snprintf(text, sizeof text, "%u", 100 + number);

    for (unsigned l = 0; l < LAYERS_MIN + number % (LAYERS_MAX - LAYERS_MIN); l++)
        used += snprintf(text + used, sizeof text - (size_t)used, "-%u", 10 + (number * 7 + l) % 500);
    require(structure_parse_layers(text, &structure, &why), &why);
    snprintf(structure.name, sizeof structure.name, "net-%05u", number);
    snprintf(structure.processing, sizeof structure.processing, "%s", types[number % ARRAY_SIZE(types)]);
    require(structure_plan(&structure, &why), &why);
    require(catalog_entry(&structure, out, &why), &why);
    structure_deinit(&structure);
}

static void fill(struct store *store)
{
    uint64_t spent_ns = 0;
    struct reason why;

    require(store_begin(store, &why), &why);
    for (unsigned i = 0; i < STRUCTURES; i++) {
        struct store_structure entry;
        struct store_added added;
        uint64_t begin_ns;

        make(i, &entry);
        begin_ns = clock_ns();
        require(store_add(store, &entry, &added, &why), &why);
        spent_ns += clock_ns() - begin_ns;
        store_structure_deinit(&entry);
    }
    spent_ns -= clock_ns();
    require(store_commit(store, &why), &why);
    spent_ns += clock_ns();
    printf("{\"bench\":\"store\",\"case\":\"add\",\"structures\":%d,\"seconds\":%.4f}\n", STRUCTURES,
           (double)spent_ns / (double)NS_PER_S);
}

static int count_one(void *argument, const struct store_structure *entry)
{
    (void)entry;
    ++*(unsigned *)argument;
    return 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Opening the file belongs to it, as for a command; `query` NULL: one structure by its name. */
static void measure(const char *path, const char *name, const struct store_query *query)
{
    static double ms[QUERIES];
    unsigned found = 0;
    struct reason why;

    for (unsigned i = 0; i < QUERIES; i++) {
        uint64_t begin_ns = clock_ns();
        struct store_structure entry;
        struct store *store;

        found = 0;
        require(store_open(path, false, &store, &why), &why);
        if (query) {
            require(store_list(store, query, count_one, &found, &why), &why);
        } else {
            char wanted[32];

            snprintf(wanted, sizeof wanted, "net-%05u", i * 37 % STRUCTURES);
            require(store_find(store, wanted, &entry, &why), &why);
            store_structure_deinit(&entry);
            found = 1;
        }
        store_close(store);
        ms[i] = (double)(clock_ns() - begin_ns) / 1e6;
    }
    qsort(ms, QUERIES, sizeof *ms, compare);
    printf(
        "{\"bench\":\"store\",\"case\":\"%s\",\"structures\":%d,\"found\":%u,\"n\":%d,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
        "\"max_ms\":%.3f}\n",
        name, STRUCTURES, found, QUERIES, ms[QUERIES / 2], ms[QUERIES * 99 / 100], ms[QUERIES - 1]);
}

int main(void)
{
    char folder[] = "/tmp/wisp-bench.XXXXXX", path[64];
    struct store *store;
    struct reason why;

    if (!mkdtemp(folder)) {
        perror("bench_store: a folder in /tmp");
        return 1;
    }
    snprintf(path, sizeof path, "%s/s.db", folder);
    require(store_open(path, true, &store, &why), &why);
    fill(store);
    store_close(store);
    measure(path, "by type", &(struct store_query){ .processing = "image.segmentation" });
    measure(path, "by modality", &(struct store_query){ .processing = "image" });
    measure(path, "by depth", &(struct store_query){ .depth_min = 8, .depth_max = 8 });
    measure(path, "by both", &(struct store_query){ .processing = "text", .depth_min = 5, .depth_max = 9 });
    measure(path, "by name", NULL);
    measure(path, "all", &(struct store_query){ 0 });
    unlink(path);
    rmdir(folder);
    return 0;
}
