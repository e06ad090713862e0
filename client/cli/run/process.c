/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp run -o: from a file to a file, by libwisp-media, which cuts large ones into pieces. Of several inputs -o names a
 * folder, and each gets a file of its name there; but for a model that merges so many into one file.
 */
#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wisp/media.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/size.h"
#include "client/cli/run/kinds.h"

enum {
    MERGED_MAX = 8,
    PATIENCE_MS = 1000, /* before a person is told how far it is */
    EVERY_MS = 100,
};

bool process_is_for(const struct run *run, const struct input *input)
{
    return input->path && !run->tensor && !run->writes && (run->output || run->overlay || (run->masks && !run->raw));
}

/* ---- where to ---- */

static bool is_folder(const char *path)
{
    const size_t length = strlen(path);
    struct stat status;

    return (length && path[length - 1] == '/') || (!stat(path, &status) && S_ISDIR(status.st_mode));
}

/* What the model makes of a file of that name, as files are called. */
static const char *ending_of(const struct run *run, const char *name)
{
    const char *ending = path_ending(name);

    if (run->writes)
        return ".txt";
    if (run->sounds)
        return ".wav";
    return run->compresses && !(ending && !strcasecmp(ending, ".wz")) ? ".wz" : ".png";
}

/* "folder/photo.png" of "holidays/photo.jpg", for files in a folder lose nothing. */
char *process_name_output(const struct run *run, const struct input *input)
{
    const char *folder = run->output, *name = input->path ? path_name(input->path) : NULL;
    char *out;

    if (!name || !is_folder(folder))
        return strdup(folder);
    return asprintf(&out, "%s%s%.*s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", (int)path_stem(name),
                    name, ending_of(run, name)) < 0
               ? NULL
               : out;
}

/* "holidays/." of "holidays/photo.jpg", which stands for the folder that holds the file. NULL without memory. */
static char *folder_of(const char *path)
{
    char *folder;

    return asprintf(&folder, "%.*s.", (int)(path_name(path) - path), path) < 0 ? NULL : folder;
}

/* That a file can come into being there: said before all the work, and as what it is, no fault of an input. */
static int check_writing(const char *path, const char *verb)
{
    struct file_replacement tried;
    struct reason why;
    int result;

    if (!strcmp(path, "-") || file_check_target(path, &why))
        return EXIT_DONE; /* what is no file says so itself */
    result = file_replace(path, &tried, &why);
    if (result)
        return fail(verb, exit_for_output(result), "%s", why.text);
    file_replace_drop(&tried);
    return EXIT_DONE;
}

/* That there is a name, and a folder for it. */
static int check_place(const char *option, const char *path, const char *verb)
{
    cleanup_free char *folder = folder_of(path);

    if (!*path)
        return fail(verb, EXIT_USAGE, "%s is empty: give it the name of a file", option);
    if (folder && access(folder, F_OK) && errno == ENOENT)
        return fail(verb, EXIT_USAGE, "%s %s: there is no folder %.*s", option, path, (int)strlen(folder) - 2, folder);
    return check_writing(path, verb);
}

/* Whether what comes of input `number` can be written: it is no input, and no other's output. */
static int check_output(const struct run *run, const struct input *inputs, char **outputs, size_t number,
                        const char *verb)
{
    const struct input *input = &inputs[number];
    const char *out = outputs[number];
    const int status = check_place("-o", out, verb);

    if (status)
        return status;
    if (is_folder(run->output) && (!input->path || !strcmp(input->path, "-")))
        return fail(verb, EXIT_USAGE, "-o %s is a folder, where %s has no name: name a file", run->output, input->name);
    for (size_t i = 0; !access(out, F_OK) && inputs[i].name; i++) {
        if (inputs[i].path && file_is_same(inputs[i].path, out))
            return fail(verb, EXIT_USAGE, "-o %s would be written over the input; give it another name", out);
    }
    if (run->overlay && strcmp(out, "-") != 0 && file_will_be_same(out, run->overlay))
        return fail(verb, EXIT_USAGE, "-o %s and --overlay %s would be one file; give one of them another name", out,
                    run->overlay);
    for (size_t i = 0; i < number; i++) {
        if (!strcmp(out, outputs[i]))
            return fail(verb, EXIT_USAGE, "%s and %s would both become %s", inputs[i].name, input->name, out);
    }
    return EXIT_DONE;
}

static int check_outputs(const struct run *run, const struct input *inputs, size_t count, const char *verb)
{
    char **outputs = calloc(count, sizeof *outputs);
    int status = EXIT_DONE;

    for (size_t i = 0; !status && i < count; i++) {
        if (outputs)
            outputs[i] = process_name_output(run, &inputs[i]);
        status = outputs && outputs[i] ? check_output(run, inputs, outputs, i, verb)
                                       : fail(verb, EXIT_FAILED, "out of memory");
    }
    for (size_t i = 0; outputs && i < count; i++)
        free(outputs[i]);
    free(outputs);
    return status;
}

static int check_overlay(const struct run *run, const struct input *inputs, size_t count, const char *verb)
{
    if (count > 1 || run->lines || run->raw || run->tensor)
        return fail(verb, EXIT_USAGE,
                    "--overlay is the picture of one input: no second one, --lines, --raw or --tensor");
    if (!strcmp(run->overlay, "-"))
        return fail(verb, EXIT_USAGE, "--overlay is a file: give it a name");
    if (inputs[0].path && file_is_same(inputs[0].path, run->overlay))
        return fail(verb, EXIT_USAGE, "--overlay %s would be written over the input; give it another name",
                    run->overlay);
    return check_place("--overlay", run->overlay, verb);
}

int process_check(const struct run *run, const struct input *inputs, size_t count, const char *verb)
{
    const int status = run->overlay ? check_overlay(run, inputs, count, verb) : EXIT_DONE;

    if (status)
        return status;
    if (!run->output)
        return EXIT_DONE;
    if (run->raw)
        return fail(verb, EXIT_USAGE, "-o is a file of what the model makes: no --raw with it");
    if (run->json && !strcmp(run->output, "-"))
        return fail(verb, EXIT_USAGE, "-o - and --json are both for standard output; give -o a file");
    if (!strcmp(run->output, "-") && run->screen.terminal)
        return fail(verb, EXIT_USAGE, "-o - writes a file: send it to a file or a pipe, not a terminal");
    /* Of several inputs one file is the model's business, and so is what files in a folder are called. */
    return is_folder(run->output) ? EXIT_DONE : check_outputs(run, inputs, 1, verb);
}

/* A name that says something else than text, which was meant for another model. */
static int check_text_name(const struct run *run, const char *verb)
{
    if (!kinds_of_media(run->output))
        return EXIT_DONE;
    return fail(verb, EXIT_USAGE, "-o %s: %s answers with text; give it a name in .txt", run->output,
                wisp_model_name(run->model));
}

static int check_name(const struct run *run, const char *option, const char *path, const char *verb)
{
    if (run->writes)
        return check_text_name(run, verb);
    return wisp_check_output(run->model, path) ? fail(verb, EXIT_USAGE, "%s %s", option, wisp_last_error()) : EXIT_DONE;
}

int process_check_model(const struct run *run, const struct input *inputs, size_t count, const char *verb)
{
    const bool folder = run->output && is_folder(run->output);
    size_t files = 0;
    int status = run->overlay ? check_overlay(run, inputs, count, verb) : EXIT_DONE; /* again: folders are files now */

    if (!status && run->overlay)
        status = check_name(run, "--overlay", run->overlay, verb);
    if (!status && run->output && !folder && (run->pictures || run->sounds || run->writes))
        status = check_name(run, "-o", run->output, verb);
    if (status || !run->output)
        return status;
    if (run->lines && !run->writes)
        return fail(verb, EXIT_USAGE, "-o is a file of what %s makes: no --lines with it", wisp_model_name(run->model));
    while (files < count && inputs[files].path)
        files++;
    if (run->merged > 1 && folder)
        return fail(verb, EXIT_USAGE, "%s makes one recording of %u, and -o %s is a folder: name a file",
                    wisp_model_name(run->model), run->merged, run->output);
    if (run->merged > 1 && (run->tensor || files != run->merged || files != count))
        return fail(verb, EXIT_USAGE, "%s makes one recording of %u: name so many files, and -o FILE",
                    wisp_model_name(run->model), run->merged);
    if (run->merged <= 1 && count > 1 && !folder)
        return fail(verb, EXIT_USAGE, "-o %s is one file for %zu inputs: name a folder that is there", run->output,
                    count);
    return check_outputs(run, inputs, folder ? count : 1, verb);
}

/* ---- how far it is ---- */

struct progress {
    uint64_t begun_ns, shown_ns; /* 0: not yet */
};

static void show(void *user, uint64_t done, uint64_t count)
{
    struct progress *progress = user;
    const uint64_t now = clock_ns();

    if (now - progress->begun_ns < PATIENCE_MS * NS_PER_MS || now - progress->shown_ns < EVERY_MS * NS_PER_MS)
        return;
    progress->shown_ns = now;
    fprintf(stderr, "\r  %3.0f %%  %llu of %llu pieces, %.0f s ", 100 * (double)done / (double)count,
            (unsigned long long)done, (unsigned long long)count, (double)(now - progress->begun_ns) / 1e9);
}

static void hide(const struct progress *progress)
{
    if (progress->shown_ns)
        fputs("\r\033[K", stderr);
}

/* ---- what a mask shows ---- */

struct objects {
    json_t *list; /* NULL: not wanted one by one */
    uint64_t count, area, least, most;
};

static void add_object(void *user, const struct wisp_object *object)
{
    struct objects *objects = user;

    objects->least = objects->count ? MIN(objects->least, object->area) : object->area;
    objects->most = MAX(objects->most, object->area);
    objects->area += object->area;
    objects->count++;
    if (objects->list)
        json_array_append_new(objects->list,
                              json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "area", (json_int_t)object->area, "left",
                                        (json_int_t)object->left, "top", (json_int_t)object->top, "width",
                                        (json_int_t)object->width, "height", (json_int_t)object->height, "x", object->x,
                                        "y", object->y));
}

static void print_objects(const struct run *run, const struct answer *answer, const struct objects *objects)
{
    const struct screen *screen = &run->screen;
    char area[32];

    answer_print_heading(run, answer);
    fprintf(screen->file, "  %llu object%s", (unsigned long long)objects->count, objects->count == 1 ? "" : "s");
    if (objects->count)
        fprintf(screen->file, ", %s pixels in all, from %llu to %llu", format_count(objects->area, area),
                (unsigned long long)objects->least, (unsigned long long)objects->most);
    fputc('\n', screen->file);
}

/* ---- how small a compressed picture is ---- */

static void keep_coded(void *user, const struct wisp_coded *coded)
{
    *(struct wisp_coded *)user = *coded;
}

static double bits_a_pixel(const struct wisp_coded *coded)
{
    return 8 * (double)coded->bytes / (double)coded->width / (double)coded->height;
}

static void print_coded(const struct run *run, const struct answer *answer, const struct wisp_coded *coded)
{
    FILE *to = run->output && !strcmp(run->output, "-") ? stderr : run->screen.file;

    fprintf(to, "%s: %u x %u pixels, %llu bytes, %.3f bits a pixel, %.1f ms\n", answer->input->name, coded->width,
            coded->height, (unsigned long long)coded->bytes, bits_a_pixel(coded),
            (double)answer->timings.total_ns / NS_PER_MS);
}

static void coded_json(json_t *object, const struct wisp_coded *coded)
{
    json_object_set_new(object, "width", json_integer(coded->width));
    json_object_set_new(object, "height", json_integer(coded->height));
    json_object_set_new(object, "bytes", json_integer((json_int_t)coded->bytes));
    json_object_set_new(object, "bits_per_pixel", json_real(bits_a_pixel(coded)));
}

struct made {
    const char *out;
    struct objects *objects;
    struct wisp_coded coded; /* 0 bytes: nothing was compressed */
};

static int print(const struct run *run, const struct answer *answer, const struct made *made)
{
    json_t *object;

    if (!run->json) {
        if (run->masks && !run->output)
            print_objects(run, answer, made->objects);
        if (made->coded.bytes)
            print_coded(run, answer, &made->coded);
        answer_print_timings(run, answer);
        return 0;
    }
    object = answer_json(run, answer->input);
    if (made->out)
        json_object_set_new(object, "output", json_string(made->out));
    if (made->objects->list)
        json_object_set_new(object, "objects", steal(&made->objects->list));
    if (made->coded.bytes)
        coded_json(object, &made->coded);
    return answer_print_json(run, answer, object);
}

/* For libwisp 0 is the usual one; for a person it is what the least probability is above. */
static float threshold_of(const struct run *run)
{
    return run->threshold < 0 ? 0 : MAX((float)run->threshold, FLT_MIN);
}

int process_run(struct run *run, const struct input *input, struct reason *why)
{
    struct progress progress = { .begun_ns = clock_ns() };
    struct objects objects = { .list = run->masks && run->json ? json_array() : NULL };
    struct made made = { .objects = &objects };
    const struct wisp_process_options options = { .size = sizeof options,
                                                  .progress = isatty(STDERR_FILENO) ? show : NULL,
                                                  .progress_user = &progress,
                                                  .threshold = threshold_of(run),
                                                  .overlay = run->overlay,
                                                  .min_area = run->min_area,
                                                  .object = run->masks ? add_object : NULL,
                                                  .object_user = &objects,
                                                  .coded = keep_coded,
                                                  .coded_user = &made.coded };
    struct answer answer = { .input = input };
    const char *paths[MERGED_MAX + 1] = { NULL };
    cleanup_free char *out = run->output ? process_name_output(run, input) : NULL;
    int result;

    if (run->output && !out)
        return refuse_errno(why, -ENOMEM, "%s", run->output);
    made.out = out;
    for (uint32_t i = 0; i < MAX(run->merged, 1u); i++)
        paths[i] = input[i].path;
    result = wisp_process_files(run->connection.client, run->target, paths, out, &options, &answer.timings);
    hide(&progress);
    result = result ? refuse(why, result, "%s", wisp_last_error()) : print(run, &answer, &made);
    json_decref(objects.list);
    return result;
}
