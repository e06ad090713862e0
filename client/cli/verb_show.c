/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp show MODEL: everything that the daemon says of one model; or, of a model file, what wisp-forge says of it, which
 * needs no daemon.
 */
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "client/cli/connection.h"
#include "client/cli/external.h"
#include "client/cli/facts.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "show",
    .arguments = "MODEL [options]",
    .summary =
        "Shows a model that the daemon serves: its shapes, its layers with their density and the kernel that was\n"
        "chosen for each on this processor, its labels, and where it comes from. MODEL is a name, a processing\n"
        "type or a modality; or a file: a path with a slash in it, or one that ends in .safetensors. A file needs\n"
        "no daemon.",
};

static const struct table_column layer_columns[] = {
    { "LAYER", false },  { "KIND", false },      { "SHAPE", true },          { "CONNECTIONS", true },
    { "DENSITY", true }, { "ENDS WITH", false }, { "WEIGHT FORMAT", false },
};

/* By the names of classes of batches, as docs/protocol.md has them. */
static const struct table_column time_columns[] = {
    { "LAYER", false }, { "1", true },     { "2-4", true },   { "5-7", true },
    { "8-15", true },   { "16-31", true }, { "32-63", true }, { "64-", true },
};

static void heading(const struct screen *screen, const char *text)
{
    fputc('\n', screen->file);
    screen_text(screen, STYLE_STRONG, text, 0);
    fputc('\n', screen->file);
}

static void print_side(const struct screen *screen, const json_t *model, const char *key)
{
    const json_t *side = json_object_get(model, key);
    char shape[96], count[32];

    fact_print(screen, key, "%s (%s numbers)", format_shape(json_object_get(side, "shape"), shape, sizeof shape),
               format_count(member_count(side, "elements"), count));
}

/* All of them; of one alone its name says nothing. */
static void print_sides(const struct screen *screen, const json_t *model, const char *key, const char *list)
{
    const json_t *tensors = json_object_get(model, list);
    char shape[96], count[32];

    if (json_object_get(model, key)) {
        print_side(screen, model, key);
        return;
    }
    for (size_t i = 0; i < json_array_size(tensors); i++) {
        const json_t *tensor = json_array_get(tensors, i);

        fact_print(screen, key, "%s: %s (%s numbers) of %s", member_text(tensor, "name"),
                   format_shape(json_object_get(tensor, "shape"), shape, sizeof shape),
                   format_count(member_count(tensor, "elements"), count), member_text(tensor, "dtype"));
    }
}

static void print_as_file(const struct screen *screen, const json_t *model)
{
    char text[32];

    if (!json_object_get(model, "file_bytes"))
        return;
    fact_print(screen, "bytes", "%s", format_bytes(member_count(model, "file_bytes"), text));
    if (*member_text(model, "obstacle"))
        fact_print(screen, "not served", "%s", member_text(model, "obstacle"));
}

static void print_as_served(const struct screen *screen, const json_t *model)
{
    char text[32];

    if (!json_object_get(model, "batch_most"))
        return;
    fact_print(screen, "batch", "at most %llu, waits %llu us for more",
               (unsigned long long)member_count(model, "batch_most"),
               (unsigned long long)member_count(model, "wait_us"));
    if (member_count(model, "time_us"))
        fact_print(screen, "batch time", "at most %llu us while others ask",
                   (unsigned long long)member_count(model, "time_us"));
    fact_print(screen, "requests", "%s", format_count(member_count(model, "requests"), text));
    if (member_count(model, "pooled"))
        fact_print(screen, "on threads", "%llu of %llu passes ran on several",
                   (unsigned long long)member_count(model, "pooled"),
                   (unsigned long long)member_count(model, "batches"));
}

/* What the values of layers are kept as, where that is not float32 in all. */
static void print_values(const struct screen *screen, const json_t *layers)
{
    char text[64] = "";
    size_t i;
    json_t *layer;

    json_array_foreach((json_t *)layers, i, layer)
    {
        const char *type = member_text(layer, "values");
        const size_t used = strlen(text);

        if (*type && !strstr(text, type))
            snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", type);
    }
    if (*text && strcmp(text, "float32") != 0)
        fact_print(screen, "values", "%s; sums in float32", text);
}

static void print_general(const struct screen *screen, const json_t *model)
{
    char connections[32], potential[32], text[32];

    screen_text(screen, STYLE_STRONG, member_text(model, "name"), 0);
    fputs("  ", screen->file);
    screen_text(screen, STYLE_FAINT, member_text(model, "processing"), 0);
    if (json_is_true(json_object_get(model, "default")))
        screen_text(screen, STYLE_FAINT, ", the default", 0);
    fputc('\n', screen->file);
    print_sides(screen, model, "input", "inputs");
    print_sides(screen, model, "output", "outputs");
    fact_print(screen, "sparsity", "%.2f %%: %s of %s connections", 100 * member_real(model, "sparsity"),
               format_count(member_count(model, "connections"), connections),
               format_count(member_count(model, "potential"), potential));
    print_values(screen, json_object_get(model, "layers"));
    if (member_count(model, "memory_bytes"))
        fact_print(screen, "memory", "%s", format_bytes(member_count(model, "memory_bytes"), text));
    if (*member_text(model, "kernels"))
        fact_print(screen, "kernels", "%s", member_text(model, "kernels"));
    fact_print(screen, "file", "%s", member_text(model, "file"));
    fact_print(screen, "identity", "%s", member_text(model, "identity"));
    if (json_object_get(model, "golden"))
        fact_print(screen, "golden input", "%s", json_is_true(json_object_get(model, "golden")) ? "yes" : "none");
    print_as_file(screen, model);
    print_as_served(screen, model);
}

/* Classes of batches in a row that run in one format: "2-4" and "5-7" are 2-7; "64-" has no end. */
struct range {
    const char *format, *first, *last;
};

static void range_add(const struct range *range, bool alone, char *text, size_t size)
{
    const size_t used = strlen(text);
    const char *end = strchr(range->last, '-'), *to = end ? end : "";

    if (alone)
        snprintf(text, size, "%s", range->format);
    else if (range->first == range->last)
        snprintf(text + used, size - used, "%s%s: %s", used ? ", " : "", range->first, range->format);
    else
        snprintf(text + used, size - used, "%s%.*s%s: %s", used ? ", " : "", (int)strcspn(range->first, "-"),
                 range->first, to, range->format);
}

/* "sell16", or "1: dense16, 2-63: sell16". */
static const char *format_formats(const json_t *layer, char *text, size_t size)
{
    json_t *object = json_object_get(layer, "formats"), *value;
    struct range range = { .format = NULL };
    bool alone = true;
    const char *key;

    snprintf(text, size, "%s", json_object_size(object) ? "" : "-");
    json_object_foreach(object, key, value)
    {
        const char *format = json_string_value(value) ? json_string_value(value) : "?";

        if (range.format && strcmp(range.format, format) != 0) {
            alone = false;
            range_add(&range, alone, text, size);
            range.format = NULL;
        }
        range = (struct range){ format, range.format ? range.first : key, key };
    }
    if (range.format)
        range_add(&range, alone, text, size);
    return text;
}

/* The layers behind it that it does itself. */
static const char *format_endings(const json_t *layer, char *text, size_t size)
{
    const json_t *endings = json_object_get(layer, "ends_with");
    const size_t count = json_array_size(endings);

    snprintf(text, size, "%s", count ? "" : "-");
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(endings, i));
        const size_t used = strlen(text);

        snprintf(text + used, size - used, "%s%s", i ? ", " : "", name ? name : "?");
    }
    return text;
}

static bool print_layers(const struct screen *screen, const json_t *layers)
{
    struct table table = TABLE_INIT(layer_columns);
    char shape[96], count[32], formats[160], endings[256];
    bool printed;

    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        uint64_t potential = member_count(layer, "potential");

        table_add(&table, "%s", member_text(layer, "name"));
        table_add(&table, "%s", member_text(layer, "kind"));
        table_add(&table, "%s", format_shape(json_object_get(layer, "shape"), shape, sizeof shape));
        if (potential) {
            table_add(&table, "%s", format_count(member_count(layer, "connections"), count));
            table_add(&table, "%.2f %%", 100 * member_real(layer, "density"));
        } else {
            table_add(&table, "-");
            table_add(&table, "-");
        }
        table_add(&table, "%s", format_endings(layer, endings, sizeof endings));
        table_add(&table, "%s", format_formats(layer, formats, sizeof formats));
    }
    heading(screen, "layers");
    printed = table_print(&table, screen, 2);
    table_deinit(&table);
    return printed;
}

static const char *format_us(double us, char text[static 32])
{
    snprintf(text, 32, "%.*f", us < 10 ? 2 : us < 100 ? 1 : 0, us);
    return text;
}

static const char *format_times(const json_t *layer, const char *batch_class, char *text, size_t size)
{
    const json_t *time = json_object_get(json_object_get(layer, "times"), batch_class);
    char took[32], dense[32];

    if (!time)
        snprintf(text, size, "-");
    else if (!json_object_get(time, "dense_us"))
        snprintf(text, size, "%s", format_us(member_real(time, "us"), took));
    else
        snprintf(text, size, "%s / %s", format_us(member_real(time, "us"), took),
                 format_us(member_real(time, "dense_us"), dense));
    return text;
}

/* Of passes of so many samples. */
static bool print_times(const struct screen *screen, const json_t *layers)
{
    struct table table = TABLE_INIT(time_columns);
    char text[80];
    bool printed;

    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);

        table_add(&table, "%s", member_text(layer, "name"));
        for (size_t c = 1; c < ARRAY_SIZE(time_columns); c++)
            table_add(&table, "%s", format_times(layer, time_columns[c].title, text, sizeof text));
    }
    heading(screen, "microseconds by samples of a pass / of the dense layer");
    printed = table_print(&table, screen, 2);
    table_deinit(&table);
    return printed;
}

static void print_section(const struct screen *screen, const json_t *model, const char *key)
{
    const json_t *object = json_object_get(model, key);

    if (!json_object_size(object))
        return;
    heading(screen, key);
    facts_print(screen, object, "");
}

static bool is_timed(const json_t *model)
{
    return json_object_get(json_array_get(json_object_get(model, "layers"), 0), "times");
}

static int print(const json_t *model)
{
    const json_t *labels = json_object_get(model, "labels");
    struct screen screen;

    screen_init(&screen, stdout);
    print_general(&screen, model);
    if (!print_layers(&screen, json_object_get(model, "layers")))
        return fail(usage.verb, EXIT_FAILED, "out of memory");
    if (is_timed(model) && !print_times(&screen, json_object_get(model, "layers")))
        return fail(usage.verb, EXIT_FAILED, "out of memory");
    if (json_array_size(labels)) {
        heading(&screen, "labels");
        words_print(&screen, labels);
    }
    print_section(&screen, model, "media");
    print_section(&screen, model, "lineage");
    return EXIT_DONE;
}

static bool is_named_as_file(const char *word)
{
    size_t length = strlen(word), suffix = strlen(".safetensors");

    return length > suffix && !strcmp(word + length - suffix, ".safetensors");
}

/* No model that is served has a slash in its name. */
static bool is_file(const char *word)
{
    return strchr(word, '/') || (is_named_as_file(word) && !access(word, F_OK));
}

/* The daemon knows nothing of the name: perhaps a file was meant. */
static void tell_of_file(const char *word, int status)
{
    if (!access(word, F_OK))
        fail(usage.verb, status, "a file of that name is here: 'wisp show ./%s' reads it", word);
    else if (is_named_as_file(word))
        fail(usage.verb, status, "nor is there a file %s here", word);
}

static int ask_daemon(struct connection *connection, const char *name, char **text)
{
    cleanup_model wisp_model *model = NULL;
    int status = connection_open(connection), result;

    if (status)
        return status;
    result = wisp_find(connection->client, name, &model);
    if (result)
        return connection_fail(connection, result);
    *text = strdup(wisp_model_json(model));
    return EXIT_DONE; /* connection_parse() sees when there is no memory */
}

static int read_file(const struct connection *connection, const char *path, bool kernels, json_t **description)
{
    cleanup_free char *text = NULL;
    int status = forge_ask(usage.verb, kernels ? "--kernels" : NULL, path, &text);

    if (status)
        return status;
    *description = connection_parse(connection, steal(&text));
    return *description ? EXIT_DONE : EXIT_FAILED;
}

static int read_served(struct connection *connection, const char *name, json_t **description)
{
    cleanup_free char *text = NULL;
    int status = ask_daemon(connection, name, &text);

    if (status == EXIT_DATA || status == EXIT_NO_DAEMON)
        tell_of_file(name, status);
    if (status)
        return status;
    *description = connection_parse(connection, steal(&text));
    return *description ? EXIT_DONE : EXIT_FAILED;
}

int verb_show(int argc, char **argv)
{
    cleanup_connection struct connection connection = { .verb = usage.verb, .questions = true };
    struct option_table table = { .count = 0 };
    struct operands operands = { .min = 1, .max = 1, .what = "MODEL" };
    cleanup_json json_t *description = NULL;
    bool json = false, kernels = false;
    int status;

    option_flag(&table, "json", 'j', &json, "a JSON object, as docs/protocol.md describes it");
    option_flag(&table, "kernels", 'k', &kernels, "time each layer here, and what it would take if it were dense");
    connection_options(&connection, &table);
    if (!options_read(&usage, &table, argc, argv, &operands, &status))
        return status;
    if (is_file(operands.words[0]))
        status = read_file(&connection, operands.words[0], kernels, &description);
    else if (kernels) /* a daemon has other things to do, and does not say where its files are */
        return fail(usage.verb, EXIT_USAGE, "--kernels times a file: give its path, with a slash in it");
    else
        status = read_served(&connection, operands.words[0], &description);
    if (status)
        return status;
    return json ? connection_print(&connection, description) : print(description);
}
