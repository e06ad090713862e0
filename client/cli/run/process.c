/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp run -o: from a file to a file, by libwisp-media, which cuts large ones into pieces.
 */
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wisp/media.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/cli/run/run.h"

enum {
    MERGED_MAX = 8,
    PATIENCE_MS = 1000, /* before a person is told how far it is */
    EVERY_MS = 100,
};

bool process_is_for(const struct run *run, const struct input *input)
{
    return input->path && !run->tensor && !run->writes && (run->output || run->overlay || (run->masks && !run->raw));
}

/* ---- how far it is ---- */

struct progress {
    uint64_t begun_ns, shown_ns; /* 0: not yet */
};

static void show(void *user, uint64_t done, uint64_t count)
{
    struct progress *progress = user;
    const uint64_t now = clock_ns();

    insist(count > 0 && done <= count, "%llu of %llu", (unsigned long long)done, (unsigned long long)count);
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
    insist(object->area > 0 && objects->least <= objects->most && objects->most <= objects->area);
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
    insist(coded->bytes && coded->width && coded->height);
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
    struct wisp_extent read, made;
};

/* ---- how large it is ---- */

static void keep_extents(void *user, const struct wisp_extent *read, const struct wisp_extent *what)
{
    struct made *made = user;

    made->read = *read;
    made->made = *what;
}

static void print_extent(const struct screen *screen, const struct wisp_extent *extent)
{
    char bytes[32];

    if (extent->width)
        fprintf(screen->file, ", %u x %u pixels", extent->width, extent->height);
    else
        fprintf(screen->file, ", %.2f s", extent->seconds);
    if (extent->bytes)
        fprintf(screen->file, ", %s bytes", format_count(extent->bytes, bytes));
}

/* What the work came to, as such work is compared. */
static void print_gain(FILE *to, const struct answer *answer, const struct made *made)
{
    const double seconds = (double)answer->timings.total_ns / NS_PER_S;

    if (made->made.seconds > 0)
        fprintf(to, "; %.0f times as fast as it sounds", made->made.seconds / seconds);
    else if (made->coded.bytes && made->made.bytes && made->read.bytes > made->made.bytes)
        fprintf(to, "; %.1f times as small", (double)made->read.bytes / (double)made->made.bytes);
    else
        fprintf(to, "; %.1f megapixels a second", (double)made->made.width * made->made.height / 1e6 / seconds);
    if (made->coded.bytes)
        fprintf(to, ", %.3f bits a pixel", bits_a_pixel(&made->coded));
}

static bool shows_extents(const struct run *run, const struct made *made)
{
    return made->out && (run->verbose || run->screen.terminal);
}

/* As the times it is no data. */
static void print_extents(const struct run *run, const struct answer *answer, const struct made *made)
{
    struct screen screen;

    if (!shows_extents(run, made))
        return;
    fflush(stdout);
    screen_init(&screen, stderr);
    fputs("  ", stderr);
    screen_text(&screen, STYLE_PLAIN, answer->input->name, 0);
    if (run->merged > 1)
        fprintf(stderr, " and %u more", run->merged - 1);
    print_extent(&screen, &made->read);
    fputs(" → ", stderr);
    screen_text(&screen, STYLE_PLAIN, strcmp(made->out, "-") != 0 ? made->out : "standard output", 0);
    print_extent(&screen, &made->made);
    print_gain(stderr, answer, made);
    fputc('\n', stderr);
}

static json_t *extent_json(const struct wisp_extent *extent)
{
    json_t *object = extent->width ? json_pack("{s:I, s:I}", "width", (json_int_t)extent->width, "height",
                                               (json_int_t)extent->height)
                                   : json_pack("{s:f}", "seconds", extent->seconds);

    if (extent->bytes)
        json_object_set_new(object, "bytes", json_integer((json_int_t)extent->bytes));
    return object;
}

static int print(const struct run *run, const struct answer *answer, const struct made *made)
{
    json_t *object;

    if (!run->json) {
        if (run->masks && !run->output)
            print_objects(run, answer, made->objects);
        if (made->coded.bytes && !shows_extents(run, made))
            print_coded(run, answer, &made->coded);
        print_extents(run, answer, made);
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
    json_object_set_new(object, "read", extent_json(&made->read));
    if (made->out)
        json_object_set_new(object, "made", extent_json(&made->made));
    if (run->verbose)
        print_extents(run, answer, made);
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
                                                  .coded_user = &made.coded,
                                                  .made = keep_extents,
                                                  .made_user = &made };
    struct answer answer = { .input = input };
    const char *paths[MERGED_MAX + 1] = { NULL };
    cleanup_free char *out = run->output ? outputs_name(run, input) : NULL;
    int result;

    insist(process_is_for(run, input) && run->merged <= MERGED_MAX && run->target, "%u", run->merged);
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
